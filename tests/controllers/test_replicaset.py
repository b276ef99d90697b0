"""ReplicaSets."""

import pytest

from apiserver.admission.chain import AdmissionChain, AdmissionStep, refuse
from apiserver.context import RequestContext
from apiserver.machinery.gvk import EVENTS, GVR, NAMESPACES, PODS, REPLICASETS
from apiserver.machinery.meta import controller_ref, uid
from apiserver.machinery.types import Object
from tests.controllers.world import World, obj, pod, replicaset, template

RS = "replicaset-controller"


def test_it_creates_pods_from_the_template_that_it_controls() -> None:
    world = World(RS)
    made = world.create(REPLICASETS, replicaset(replicas=2))
    pods = world.all(PODS)
    assert len(pods) == 2
    for one in pods:
        assert one["metadata"]["generateName"] == "r-"
        assert one["metadata"]["labels"] == {"app": "r"}
        assert one["metadata"]["ownerReferences"] == [{
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": uid(made),
            "controller": True, "blockOwnerDeletion": True}]


@pytest.mark.verified("truth/api/replicasets status-and-pods")
def test_status_counts_pods_as_they_become_ready() -> None:
    world = World(RS)
    world.create(REPLICASETS, replicaset(replicas=2))
    assert world.get(REPLICASETS, "r")["status"] == {
        "replicas": 2, "fullyLabeledReplicas": 2, "observedGeneration": 1}
    world.make_ready(world.names(PODS)[0])
    status = world.get(REPLICASETS, "r")["status"]
    assert (status["readyReplicas"], status["availableReplicas"]) == (1, 1)


def test_scaling_down_keeps_the_ready_pod() -> None:
    world = World(RS)
    world.create(REPLICASETS, replicaset(replicas=3))
    keep = world.names(PODS)[1]
    world.make_ready(keep)
    world.patch(REPLICASETS, "r", {"spec": {"replicas": 1}})
    assert world.names(PODS) == [keep]


def test_a_deleted_pod_is_replaced() -> None:
    world = World(RS)
    world.create(REPLICASETS, replicaset(replicas=1))
    gone = world.names(PODS)[0]
    world.delete(PODS, gone)
    assert len(world.names(PODS)) == 1
    assert world.names(PODS) != [gone]


def test_a_failed_pod_stays_and_does_not_count() -> None:
    world = World(RS)
    world.create(REPLICASETS, replicaset(replicas=1))
    world.patch(PODS, world.names(PODS)[0], {"status": {"phase": "Failed"}}, subresource="status")
    assert len(world.names(PODS)) == 2
    assert world.get(REPLICASETS, "r")["status"]["replicas"] == 1


def test_a_matching_orphan_is_adopted() -> None:
    world = World(RS)
    world.create(PODS, pod("stray"))
    made = world.create(REPLICASETS, replicaset(replicas=1))
    assert world.names(PODS) == ["stray"]
    ref = controller_ref(world.get(PODS, "stray"))
    assert ref is not None
    assert ref["uid"] == uid(made)
    assert world.get(REPLICASETS, "r")["status"] == {
        "replicas": 1, "fullyLabeledReplicas": 1, "observedGeneration": 1}


def test_an_orphan_that_appears_later_is_adopted_and_deleted_as_surplus() -> None:
    world = World(RS)
    world.create(REPLICASETS, replicaset(replicas=0))
    world.create(PODS, pod("stray"))
    assert world.names(PODS) == []


def test_a_pod_of_another_controller_is_left_alone() -> None:
    world = World(RS)
    owner = {"apiVersion": "v1", "kind": "X", "name": "x", "uid": "1", "controller": True}
    body = pod("theirs")
    body["metadata"]["ownerReferences"] = [owner]
    world.create(PODS, body)
    world.create(REPLICASETS, replicaset(replicas=1))
    assert len(world.names(PODS)) == 2


def test_a_pod_that_no_longer_matches_is_released_and_replaced() -> None:
    world = World(RS)
    world.create(REPLICASETS, replicaset(replicas=1))
    own = world.names(PODS)[0]
    world.patch(PODS, own, {"metadata": {"labels": {"app": "released"}}})
    assert controller_ref(world.get(PODS, own)) is None
    assert len(world.names(PODS)) == 2


def test_available_waits_for_min_ready_seconds() -> None:
    world = World(RS)
    world.create(REPLICASETS, replicaset(replicas=1, minReadySeconds=10))
    world.make_ready(*world.names(PODS))
    assert "availableReplicas" not in world.get(REPLICASETS, "r")["status"]
    world.advance(11)
    assert world.get(REPLICASETS, "r")["status"]["availableReplicas"] == 1


@pytest.mark.verified("truth/api/replicasets quota-failure-condition")
def test_a_refused_pod_is_a_condition_and_an_event_and_is_tried_again() -> None:
    class NoPods(AdmissionStep):
        allowed = False

        async def validate(self, ctx: RequestContext, obj: Object | None,
                           old: Object | None) -> None:
            if ctx.resource.kind == "Pod" and not self.allowed:
                raise refuse(ctx, "", "exceeded quota: q")

    world, gate = World(RS), NoPods()
    world.registry.admission = AdmissionChain((gate,))
    world.create(REPLICASETS, replicaset(replicas=4))
    status = world.get(REPLICASETS, "r")["status"]
    assert (status["replicas"], status["observedGeneration"]) == (0, 1)
    assert [(one["type"], one["status"], one["reason"]) for one in status["conditions"]] == [
        ("ReplicaFailure", "True", "FailedCreate")]
    assert [one["reason"] for one in world.all(EVENTS)] == ["FailedCreate"]
    gate.allowed = True
    world.advance(1)
    assert len(world.names(PODS)) == 4
    assert "conditions" not in world.get(REPLICASETS, "r")["status"]


def test_it_creates_at_most_five_hundred_in_one_sync_and_all_in_the_end() -> None:
    world = World(RS)
    world.create(REPLICASETS, replicaset(replicas=501))
    assert len(world.names(PODS)) == 501


def test_events_tell_what_it_did() -> None:
    world = World(RS)
    world.create(REPLICASETS, replicaset(replicas=1))
    own = world.names(PODS)[0]
    event = world.all(EVENTS)[0]
    assert event["message"] == f"Created pod: {own}"
    assert event["reason"] == "SuccessfulCreate"
    assert event["source"] == {"component": "replicaset-controller"}
    assert event["involvedObject"]["name"] == "r"
    world.patch(REPLICASETS, "r", {"spec": {"replicas": 0}})
    assert [one["message"] for one in world.all(EVENTS)][-1] == f"Deleted pod: {own}"


def test_once_settled_there_is_nothing_to_do() -> None:
    world = World(RS)
    world.create(REPLICASETS, replicaset(replicas=2))
    before = world.store.revision
    world.manager.controllers[RS].queue.add("default/r")
    world.settle()
    assert world.store.revision == before


def test_a_terminating_set_makes_no_more_pods() -> None:
    world = World(RS)
    world.create(REPLICASETS, {**replicaset(replicas=1), "metadata": {
        "name": "r", "namespace": "default", "finalizers": ["x.io/hold"]}})
    world.delete(REPLICASETS, "r")
    world.delete(PODS, world.names(PODS)[0])
    assert world.names(PODS) == []


def test_the_same_seed_gives_the_same_names() -> None:
    def run() -> list[str]:
        world = World(RS, seed=5)
        world.create(REPLICASETS, replicaset(replicas=5))
        return world.names(PODS)

    assert run() == run()


def test_sets_of_the_same_selector_in_another_namespace_do_not_meet() -> None:
    world = World(RS)
    world.create(NAMESPACES, obj("v1", "Namespace", "other", None))
    world.add_account("other")
    world.create(REPLICASETS, replicaset(replicas=1))
    body = pod("stray")
    body["metadata"]["namespace"] = "other"
    world.create(PODS, body)
    assert controller_ref(world.get(PODS, "stray", "other")) is None


def test_a_replication_controller_does_the_same_with_plain_labels() -> None:
    world = World("replicationcontroller-controller")
    resource = GVR("", "v1", "replicationcontrollers")
    world.create(PODS, pod("stray"))
    world.create(resource, obj("v1", "ReplicationController", "rc", spec={
        "replicas": 2, "selector": {"app": "r"}, "template": template()}))
    refs = [controller_ref(one) for one in world.all(PODS)]
    assert [(ref["kind"], ref["name"]) for ref in refs if ref] == [
        ("ReplicationController", "rc")] * 2
    assert world.get(resource, "rc")["status"]["replicas"] == 2
    assert world.all(EVENTS)[0]["source"] == {"component": "replication-controller"}
