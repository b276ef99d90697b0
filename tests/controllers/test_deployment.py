"""Deployments."""

from typing import Any

import pytest

from apiserver.machinery.gvk import DEPLOYMENTS, EVENTS, PODS, REPLICASETS
from apiserver.machinery.meta import annotations, controller_ref, name, uid
from apiserver.machinery.types import Object
from controllers.deployment.replicasets import REVISION, fnv32a, safe_encode
from tests.controllers.world import World, deployment, obj, template

BOTH = ("deployment-controller", "replicaset-controller")


def conditions(world: World) -> dict[str, tuple[str, str]]:
    status = world.get(DEPLOYMENTS, "d")["status"]
    return {one["type"]: (one["status"], one["reason"]) for one in status["conditions"]}


def ready(world: World) -> None:
    """Make all Pods ready until nothing is left to become so."""
    while waiting := [one for one in world.all(PODS) if one["status"]["phase"] == "Pending"]:
        world.make_ready(*waiting)


def image(world: World, tag: str) -> None:
    world.patch(DEPLOYMENTS, "d", {"spec": {"template": {"spec": {"containers": [
        {"name": "c", "image": f"nginx:{tag}"}]}}}}, type="strategic")


def by_image(world: World) -> dict[str, Object]:
    return {one["spec"]["template"]["spec"]["containers"][0]["image"]: one
            for one in world.all(REPLICASETS)}


def sizes(world: World) -> dict[str, int]:
    return {tag: one["spec"]["replicas"] for tag, one in by_image(world).items()}


@pytest.mark.verified("truth/api/deployments first-rollout")
def test_a_first_rollout_makes_one_replica_set_and_says_how_far_it_is() -> None:
    world = World(*BOTH)
    made = world.create(DEPLOYMENTS, deployment(replicas=2))
    (rs,) = world.all(REPLICASETS)
    digest = rs["metadata"]["labels"]["pod-template-hash"]
    assert name(rs) == f"d-{digest}"
    assert rs["spec"]["selector"] == {"matchLabels": {"app": "d", "pod-template-hash": digest}}
    assert annotations(rs) == {
        "deployment.kubernetes.io/desired-replicas": "2",
        "deployment.kubernetes.io/max-replicas": "3", REVISION: "1"}
    ref = controller_ref(rs)
    assert ref is not None
    assert ref["uid"] == uid(made)
    status = world.get(DEPLOYMENTS, "d")["status"]
    assert {k: v for k, v in status.items() if k != "conditions"} == {
        "observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "unavailableReplicas": 2}
    assert conditions(world) == {"Available": ("False", "MinimumReplicasUnavailable"),
                                 "Progressing": ("True", "ReplicaSetUpdated")}
    ready(world)
    assert conditions(world) == {"Available": ("True", "MinimumReplicasAvailable"),
                                 "Progressing": ("True", "NewReplicaSetAvailable")}
    assert world.get(DEPLOYMENTS, "d")["metadata"]["generation"] == 1


def test_the_hash_is_written_in_letters_that_spell_no_words() -> None:
    assert fnv32a(b"") == 2166136261
    assert fnv32a(b"a") == 0xE40C292C
    assert safe_encode("0123456789") == "456789bcdf"


def test_a_rolling_update_moves_within_surge_and_unavailable() -> None:
    world = World(*BOTH)
    world.create(DEPLOYMENTS, deployment(replicas=4))
    ready(world)
    image(world, "2")
    assert sizes(world) == {"nginx:1": 3, "nginx:2": 2}
    ready(world)
    assert sizes(world) == {"nginx:1": 0, "nginx:2": 4}
    assert conditions(world)["Progressing"] == ("True", "NewReplicaSetAvailable")


def test_a_rollback_takes_the_old_replica_set_and_gives_it_a_new_revision() -> None:
    world = World(*BOTH)
    world.create(DEPLOYMENTS, deployment(replicas=1))
    ready(world)
    image(world, "2")
    ready(world)
    image(world, "1")
    ready(world)
    first = by_image(world)["nginx:1"]
    assert annotations(first)[REVISION] == "3"
    assert annotations(first)["deployment.kubernetes.io/revision-history"] == "1"
    assert annotations(world.get(DEPLOYMENTS, "d"))[REVISION] == "3"
    assert sizes(world) == {"nginx:1": 1, "nginx:2": 0}


def test_annotations_of_the_deployment_are_copied_but_for_its_own() -> None:
    world = World(*BOTH)
    body = deployment(replicas=0)
    body["metadata"]["annotations"] = {
        "kubernetes.io/change-cause": "why",
        "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    world.create(DEPLOYMENTS, body)
    (rs,) = world.all(REPLICASETS)
    assert annotations(rs)["kubernetes.io/change-cause"] == "why"
    assert "kubectl.kubernetes.io/last-applied-configuration" not in annotations(rs)


def test_recreate_waits_until_the_old_pods_are_gone() -> None:
    world = World(*BOTH)
    world.add_node("n1")
    body = deployment(replicas=1, strategy={"type": "Recreate"})
    body["spec"]["template"]["spec"]["nodeName"] = "n1"
    world.create(DEPLOYMENTS, body)
    ready(world)
    (old,) = world.names(PODS)
    image(world, "2")
    assert world.names(PODS) == [old]
    world.delete(PODS, old, grace_period_seconds=0)
    (fresh,) = world.all(PODS)
    assert fresh["spec"]["containers"][0]["image"] == "nginx:2"


def test_a_paused_deployment_is_scaled_but_not_rolled_out() -> None:
    world = World(*BOTH)
    world.create(DEPLOYMENTS, deployment(replicas=1))
    ready(world)
    world.patch(DEPLOYMENTS, "d", {"spec": {"paused": True}})
    assert conditions(world)["Progressing"] == ("Unknown", "DeploymentPaused")
    image(world, "2")
    world.patch(DEPLOYMENTS, "d", {"spec": {"replicas": 2}})
    assert sizes(world) == {"nginx:1": 2}
    world.patch(DEPLOYMENTS, "d", {"spec": {"paused": False}})
    ready(world)
    assert sizes(world) == {"nginx:1": 0, "nginx:2": 2}


@pytest.mark.verified("truth/api/deployments scale-and-pause")
def test_a_deployment_created_paused_has_no_replica_set() -> None:
    world = World(*BOTH)
    world.create(DEPLOYMENTS, deployment(replicas=1, paused=True))
    assert world.all(REPLICASETS) == []
    assert conditions(world) == {"Available": ("False", "MinimumReplicasUnavailable"),
                                 "Progressing": ("Unknown", "DeploymentPaused")}


def test_scaling_in_the_middle_of_a_rollout_is_shared_out() -> None:
    world = World(*BOTH)
    world.create(DEPLOYMENTS, deployment(replicas=10, strategy={
        "type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}}))
    ready(world)
    image(world, "2")
    assert sizes(world) == {"nginx:1": 8, "nginx:2": 5}
    world.patch(DEPLOYMENTS, "d", {"spec": {"replicas": 15}})
    assert sizes(world) == {"nginx:1": 11, "nginx:2": 7}


def test_the_progress_deadline_is_noticed_without_any_event() -> None:
    world = World(*BOTH)
    world.create(DEPLOYMENTS, deployment(replicas=1, progressDeadlineSeconds=30))
    world.advance(29)
    assert conditions(world)["Progressing"] == ("True", "ReplicaSetUpdated")
    world.advance(3)
    assert conditions(world)["Progressing"] == ("False", "ProgressDeadlineExceeded")
    ready(world)
    assert conditions(world)["Progressing"] == ("True", "NewReplicaSetAvailable")


def test_old_replica_sets_beyond_the_history_limit_are_deleted() -> None:
    world = World(*BOTH)
    world.create(DEPLOYMENTS, deployment(replicas=0, revisionHistoryLimit=1))
    for tag in "234":
        image(world, tag)
    assert sorted(sizes(world)) == ["nginx:3", "nginx:4"]


@pytest.mark.verified("truth/api/deployments adopts-matching-replicaset")
def test_a_matching_orphan_is_adopted_and_used() -> None:
    world = World(*BOTH, "garbage-collector-controller")
    world.create(DEPLOYMENTS, deployment(replicas=1))
    (before,) = world.all(REPLICASETS)
    world.delete(DEPLOYMENTS, "d", propagation="Orphan")
    assert controller_ref(world.all(REPLICASETS)[0]) is None
    made = world.create(DEPLOYMENTS, deployment(replicas=1))
    (after,) = world.all(REPLICASETS)
    ref = controller_ref(after)
    assert uid(before) == uid(after)
    assert ref is not None
    assert ref["uid"] == uid(made)


def test_a_foreign_replica_set_of_the_same_name_is_a_collision() -> None:
    first = World(*BOTH)
    first.create(DEPLOYMENTS, deployment(replicas=1))
    taken = first.names(REPLICASETS)[0]
    world = World(*BOTH)
    world.create(REPLICASETS, obj("apps/v1", "ReplicaSet", taken, spec={
        "replicas": 0, "selector": {"matchLabels": {"app": "other"}},
        "template": template("other")}))
    world.create(DEPLOYMENTS, deployment(replicas=1))
    world.advance(1)
    assert world.get(DEPLOYMENTS, "d")["status"]["collisionCount"] == 1
    assert len(world.names(REPLICASETS)) == 2


def test_events_tell_of_scaling() -> None:
    world = World("deployment-controller")
    world.create(DEPLOYMENTS, deployment(replicas=3))
    (event,) = world.all(EVENTS)
    own = world.names(REPLICASETS)[0]
    assert event["reason"] == "ScalingReplicaSet"
    assert event["message"] == f"Scaled up replica set {own} from 0 to 3"
    assert event["source"] == {"component": "deployment-controller"}


@pytest.mark.parametrize("replicas", [0, 1, 7])
def test_once_settled_there_is_nothing_to_do(replicas: int) -> None:
    world = World(*BOTH)
    world.create(DEPLOYMENTS, deployment(replicas=replicas))
    ready(world)
    before = world.store.revision
    world.manager.controllers["deployment-controller"].queue.add("default/d")
    world.settle()
    assert world.store.revision == before


def test_the_same_seed_gives_the_same_trace() -> None:
    def run() -> list[Any]:
        world = World(*BOTH, seed=3)
        world.create(DEPLOYMENTS, deployment(replicas=3))
        ready(world)
        image(world, "2")
        ready(world)
        return [world.all(PODS), world.all(REPLICASETS), world.all(EVENTS)]

    assert run() == run()
