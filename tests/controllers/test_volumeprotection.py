"""Claims and volumes go when nothing uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from apiserver.machinery.errors import NotFound
from apiserver.machinery.gvk import PODS
from controllers.drive import drive
from controllers.volumeprotection import CLAIMS, VOLUMES
from tests.controllers.world import World, obj

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

CLAIM_SPEC = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


@pytest.fixture
def world() -> World:
    return World("persistentvolumeclaim-protection-controller",
                 "persistentvolume-protection-controller")


def user(*, node: str) -> Object:
    spec = {"nodeName": node, "containers": [{"name": "c", "image": "x"}],
            "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}
    return obj("v1", "Pod", "p", spec=spec)


def gone(world: World) -> bool:
    world.settle()
    try:
        world.get(CLAIMS, "data")
    except NotFound:
        return True
    return False


def test_unused_claim_goes_at_once(world: World) -> None:
    made = world.create(CLAIMS, obj("v1", "PersistentVolumeClaim", "data", spec=CLAIM_SPEC))
    assert made["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    drive(world.client.delete(CLAIMS, "data", "default"))
    assert gone(world)


def test_claim_of_a_running_pod_waits_for_it(world: World) -> None:
    world.create(CLAIMS, obj("v1", "PersistentVolumeClaim", "data", spec=CLAIM_SPEC))
    world.create(PODS, user(node="n"))
    drive(world.client.delete(CLAIMS, "data", "default"))
    assert not gone(world)
    drive(world.client.delete(PODS, "p", "default", grace_period_seconds=0))
    assert gone(world)


def test_pod_without_a_node_does_not_hold_a_claim(world: World) -> None:
    world.create(CLAIMS, obj("v1", "PersistentVolumeClaim", "data", spec=CLAIM_SPEC))
    world.create(PODS, user(node=""))
    drive(world.client.delete(CLAIMS, "data", "default"))
    assert gone(world)


def test_unbound_volume_goes_and_a_bound_one_stays(world: World) -> None:
    for name, phase in (("free", "Available"), ("used", "Bound")):
        volume = obj("v1", "PersistentVolume", name, None, spec={
            "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"},
            "hostPath": {"path": "/x"}})
        made = world.create(VOLUMES, volume)
        drive(world.client.update(VOLUMES, {**made, "status": {"phase": phase}},
                                  subresource="status"))
        drive(world.client.delete(VOLUMES, name))
    world.settle()
    left = drive(world.client.list(VOLUMES))["items"]
    assert [each["metadata"]["name"] for each in left] == ["used"]
