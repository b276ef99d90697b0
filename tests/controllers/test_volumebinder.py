"""Claims and the volumes that they are bound to."""

from typing import Any

import pytest

from apiserver.machinery.gvk import EVENTS, PERSISTENTVOLUMECLAIMS
from apiserver.machinery.meta import annotations, uid
from apiserver.machinery.types import Object
from controllers.volumebinder import BIND_COMPLETED, BOUND_BY_CONTROLLER, VOLUMES
from tests.controllers.world import World, obj

BINDER = "persistentvolume-binder-controller"


def volume(own: str, size: str = "1Gi", **spec: Any) -> Object:
    return obj("v1", "PersistentVolume", own, None, spec={
        "capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"],
        "storageClassName": "manual", "hostPath": {"path": "/tmp/x"}, **spec})


def claim(own: str = "c", size: str = "500Mi", **spec: Any) -> Object:
    return obj("v1", "PersistentVolumeClaim", own, spec={
        "accessModes": ["ReadWriteOnce"], "storageClassName": "manual",
        "resources": {"requests": {"storage": size}}, **spec})


def bound_to(world: World, own: str = "c") -> str:
    found: str = world.get(PERSISTENTVOLUMECLAIMS, own)["spec"].get("volumeName", "")
    return found


def phase(world: World, own: str) -> str:
    found: str = world.get(VOLUMES, own, None)["status"]["phase"]
    return found


@pytest.mark.verified("truth/api/crud_others storage")
def test_a_claim_and_a_volume_that_fit_point_at_each_other() -> None:
    world = World(BINDER)
    world.create(VOLUMES, volume("pv"))
    assert phase(world, "pv") == "Available"
    made = world.create(PERSISTENTVOLUMECLAIMS, claim())
    found = world.get(PERSISTENTVOLUMECLAIMS, "c")
    assert found["status"] == {"phase": "Bound", "accessModes": ["ReadWriteOnce"],
                               "capacity": {"storage": "1Gi"}}
    assert annotations(found) == {BIND_COMPLETED: "yes", BOUND_BY_CONTROLLER: "yes"}
    assert bound_to(world) == "pv"
    bound = world.get(VOLUMES, "pv", None)
    assert bound["spec"]["claimRef"]["uid"] == uid(made)
    assert bound["status"]["phase"] == "Bound"


def test_the_smallest_volume_that_is_big_enough_is_taken() -> None:
    world = World(BINDER)
    for own, size in (("huge", "9Gi"), ("right", "2Gi"), ("small", "1Gi")):
        world.create(VOLUMES, volume(own, size))
    world.create(PERSISTENTVOLUMECLAIMS, claim(size="1.5Gi"))
    assert bound_to(world) == "right"


@pytest.mark.parametrize("offer", [
    {"storageClassName": "other"}, {"accessModes": ["ReadOnlyMany"]}, {"volumeMode": "Block"},
    {"capacity": {"storage": "1Mi"}}, {"claimRef": {"namespace": "default", "name": "another"}}])
def test_what_does_not_fit_is_not_taken(offer: dict[str, Any]) -> None:
    world = World(BINDER)
    world.create(VOLUMES, volume("pv", **offer))
    world.create(PERSISTENTVOLUMECLAIMS, claim())
    assert bound_to(world) == ""
    assert [one["reason"] for one in world.all(EVENTS)] == ["ProvisioningFailed"]


def test_a_claim_waits_for_a_volume() -> None:
    world = World(BINDER)
    world.create(PERSISTENTVOLUMECLAIMS, claim())
    world.create(VOLUMES, volume("pv"))
    assert bound_to(world) == "pv"


def test_a_volume_kept_for_a_claim_goes_to_it() -> None:
    world = World(BINDER)
    world.create(VOLUMES, volume("a"))
    world.create(VOLUMES, volume("kept", "5Gi", claimRef={"namespace": "default", "name": "c"}))
    world.create(PERSISTENTVOLUMECLAIMS, claim())
    assert bound_to(world) == "kept"


@pytest.mark.parametrize(("policy", "left"), [("Retain", ["pv"]), ("Delete", [])])
def test_what_becomes_of_a_volume_whose_claim_is_gone(policy: str, left: list[str]) -> None:
    world = World(BINDER, "persistentvolumeclaim-protection-controller",
                  "persistentvolume-protection-controller")
    world.create(VOLUMES, volume("pv", persistentVolumeReclaimPolicy=policy))
    world.create(PERSISTENTVOLUMECLAIMS, claim())
    world.delete(PERSISTENTVOLUMECLAIMS, "c")
    assert world.names(PERSISTENTVOLUMECLAIMS) == []
    assert world.names(VOLUMES) == left
    assert [phase(world, own) for own in left] == ["Released"] * len(left)
