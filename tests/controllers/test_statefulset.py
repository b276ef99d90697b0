"""StatefulSets."""

from typing import Any

from apiserver.machinery.gvk import (
    CONTROLLERREVISIONS,
    EVENTS,
    PERSISTENTVOLUMECLAIMS,
    PODS,
    STATEFULSETS,
)
from apiserver.machinery.meta import labels, name
from apiserver.machinery.types import Object
from tests.controllers.world import World, obj, template

STS = "statefulset-controller"


def web(replicas: int = 2, **spec: Any) -> Object:
    return obj("apps/v1", "StatefulSet", "web", spec={
        "replicas": replicas, "serviceName": "s", "selector": {"matchLabels": {"app": "r"}},
        "template": template(), **spec})


def running(replicas: int = 2, **spec: Any) -> World:
    world = World(STS)
    world.create(STATEFULSETS, web(replicas, **spec))
    for number in range(replicas):
        world.make_ready(f"web-{number}")
    return world


def images(world: World) -> dict[str, str]:
    return {name(pod): pod["spec"]["containers"][0]["image"] for pod in world.all(PODS)}


def roll(world: World) -> None:
    world.patch(STATEFULSETS, "web", {"spec": {"template": {"spec": {"containers": [
        {"name": "c", "image": "nginx:2"}]}}}}, type="strategic")


def test_pods_come_one_by_one_each_when_the_one_before_is_ready() -> None:
    world = World(STS)
    world.create(STATEFULSETS, web(3))
    assert world.names(PODS) == ["web-0"]
    world.make_ready("web-0")
    assert world.names(PODS) == ["web-0", "web-1"]
    world.make_ready("web-1")
    assert world.names(PODS) == ["web-0", "web-1", "web-2"]


def test_parallel_pods_come_at_once() -> None:
    world = World(STS)
    world.create(STATEFULSETS, web(3, podManagementPolicy="Parallel"))
    assert world.names(PODS) == ["web-0", "web-1", "web-2"]


def test_a_pod_knows_its_name_number_and_domain() -> None:
    world = running(1)
    pod = world.get(PODS, "web-0")
    revision = world.names(CONTROLLERREVISIONS)[0]
    assert labels(pod) == {
        "app": "r", "statefulset.kubernetes.io/pod-name": "web-0",
        "apps.kubernetes.io/pod-index": "0", "controller-revision-hash": revision}
    assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("web-0", "s")


def test_each_pod_has_claims_that_outlive_it() -> None:
    world = running(2, volumeClaimTemplates=[{"metadata": {"name": "data"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}])
    assert world.names(PERSISTENTVOLUMECLAIMS) == ["data-web-0", "data-web-1"]
    volume = world.get(PODS, "web-1")["spec"]["volumes"][0]
    assert volume == {"name": "data", "persistentVolumeClaim": {"claimName": "data-web-1"}}
    world.patch(STATEFULSETS, "web", {"spec": {"replicas": 0}})
    assert world.names(PODS) == []
    assert len(world.names(PERSISTENTVOLUMECLAIMS)) == 2


def test_a_rolling_update_goes_from_the_highest_down_and_waits_for_each() -> None:
    world = running(3)
    roll(world)
    assert images(world) == {"web-0": "nginx:1", "web-1": "nginx:1", "web-2": "nginx:2"}
    world.make_ready("web-2")
    assert images(world)["web-1"] == "nginx:2"
    world.make_ready("web-1")
    world.make_ready("web-0")
    status = world.get(STATEFULSETS, "web")["status"]
    assert set(images(world).values()) == {"nginx:2"}
    assert status["currentRevision"] == status["updateRevision"]
    assert (status["updatedReplicas"], status["currentReplicas"]) == (3, 3)


def test_pods_below_the_partition_keep_their_revision() -> None:
    world = running(2, updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 1}})
    roll(world)
    world.make_ready("web-1")
    assert images(world) == {"web-0": "nginx:1", "web-1": "nginx:2"}
    world.delete(PODS, "web-0")
    assert images(world)["web-0"] == "nginx:1"


def test_on_delete_nothing_moves_by_itself() -> None:
    world = running(1, updateStrategy={"type": "OnDelete"})
    roll(world)
    assert images(world) == {"web-0": "nginx:1"}


def test_a_deleted_pod_comes_back_under_its_name() -> None:
    world = running(2)
    before = world.get(PODS, "web-0")
    world.delete(PODS, "web-0")
    assert world.get(PODS, "web-0")["metadata"]["uid"] != before["metadata"]["uid"]


def test_a_failed_pod_is_replaced() -> None:
    world = running(1)
    world.patch(PODS, "web-0", {"status": {"phase": "Failed"}}, subresource="status")
    assert world.get(PODS, "web-0")["status"]["phase"] == "Pending"


def test_ordinals_may_start_elsewhere() -> None:
    world = World(STS)
    world.create(STATEFULSETS, web(2, ordinals={"start": 5}, podManagementPolicy="Parallel"))
    assert world.names(PODS) == ["web-5", "web-6"]


def test_events_name_pod_and_set() -> None:
    world = running(1)
    assert [one["message"] for one in world.all(EVENTS)] == [
        "create Pod web-0 in StatefulSet web successful"]
