"""The garbage collector: background, foreground, orphan."""

from typing import Any

import pytest

from apiserver.machinery.gvk import CONFIGMAPS, NODES, PODS, REPLICASETS
from apiserver.machinery.meta import finalizers, is_terminating, owner_references, uid
from apiserver.machinery.types import Object
from controllers import CONTROLLERS
from tests.controllers.world import World, obj, replicaset

GC = "garbage-collector-controller"


def config(own: str, *owners: Object, **metadata: Any) -> Object:
    refs = [{"apiVersion": "v1", "kind": one["kind"], "name": one["metadata"]["name"],
             "uid": uid(one), "blockOwnerDeletion": True} for one in owners]
    return obj("v1", "ConfigMap", own, ownerReferences=refs or None, **metadata)


def family() -> tuple[World, Object]:
    world = World(GC)
    return world, world.create(CONFIGMAPS, config("a"))


@pytest.mark.verified("truth/api/delete_gc background")
def test_in_the_background_dependents_follow_their_owner() -> None:
    world, owner = family()
    world.create(CONFIGMAPS, config("child", owner))
    world.delete(CONFIGMAPS, "a", propagation="Background")
    assert world.names(CONFIGMAPS) == []


@pytest.mark.verified("truth/api/delete_gc foreground")
def test_in_the_foreground_the_owner_waits_for_its_dependents() -> None:
    world, owner = family()
    world.create(CONFIGMAPS, config("child", owner, finalizers=["x.io/hold"]))
    world.delete(CONFIGMAPS, "a", propagation="Foreground")
    assert is_terminating(world.get(CONFIGMAPS, "child"))
    assert finalizers(world.get(CONFIGMAPS, "a")) == ["foregroundDeletion"]
    world.patch(CONFIGMAPS, "child", {"metadata": {"finalizers": None}})
    assert world.names(CONFIGMAPS) == []


def test_a_dependent_that_does_not_block_is_not_waited_for() -> None:
    world, owner = family()
    body = config("child", owner, finalizers=["x.io/hold"])
    del body["metadata"]["ownerReferences"][0]["blockOwnerDeletion"]
    world.create(CONFIGMAPS, body)
    world.delete(CONFIGMAPS, "a", propagation="Foreground")
    assert world.names(CONFIGMAPS) == ["child"]


def test_foreground_deletion_goes_down_the_generations() -> None:
    world, owner = family()
    child = world.create(CONFIGMAPS, config("child", owner))
    world.create(CONFIGMAPS, config("grandchild", child, finalizers=["x.io/hold"]))
    world.delete(CONFIGMAPS, "a", propagation="Foreground")
    assert world.names(CONFIGMAPS) == ["a", "child", "grandchild"]
    world.patch(CONFIGMAPS, "grandchild", {"metadata": {"finalizers": None}})
    assert world.names(CONFIGMAPS) == []


def test_a_circle_of_foreground_deletions_is_broken() -> None:
    world, a = family()
    b = world.create(CONFIGMAPS, config("b", a))
    world.patch(CONFIGMAPS, "a", {"metadata": {
        "ownerReferences": config("x", b)["metadata"]["ownerReferences"]}})
    world.delete(CONFIGMAPS, "a", propagation="Foreground")
    world.advance(1)
    assert world.names(CONFIGMAPS) == []


@pytest.mark.verified("truth/api/delete_gc orphan")
def test_orphans_are_let_go() -> None:
    world, owner = family()
    world.create(CONFIGMAPS, config("child", owner))
    world.delete(CONFIGMAPS, "a", propagation="Orphan")
    assert world.names(CONFIGMAPS) == ["child"]
    assert owner_references(world.get(CONFIGMAPS, "child")) == ()


@pytest.mark.verified("truth/api/delete_gc two-owners")
def test_an_object_lives_as_long_as_one_of_its_owners() -> None:
    world, a = family()
    b = world.create(CONFIGMAPS, config("b"))
    world.create(CONFIGMAPS, config("child", a, b))
    world.delete(CONFIGMAPS, "a")
    assert [ref["name"] for ref in owner_references(world.get(CONFIGMAPS, "child"))] == ["b"]
    world.delete(CONFIGMAPS, "b")
    assert world.names(CONFIGMAPS) == []


@pytest.mark.verified("truth/api/delete_gc dangling-owner-is-collected")
def test_an_object_whose_owner_never_was_is_collected() -> None:
    world, owner = family()
    ghost = {**owner, "metadata": {"name": "never", "uid": "11111111-2222"}}
    world.create(CONFIGMAPS, config("b", ghost))
    assert world.names(CONFIGMAPS) == ["a"]


def test_an_owner_of_the_right_name_and_another_uid_is_no_owner() -> None:
    world, owner = family()
    ghost = {**owner, "metadata": {"name": "a", "uid": "11111111-2222"}}
    world.create(CONFIGMAPS, config("b", ghost))
    assert world.names(CONFIGMAPS) == ["a"]


def test_an_owner_of_an_unknown_kind_keeps_the_object() -> None:
    world, owner = family()
    ghost = {**owner, "kind": "Widget", "metadata": {"name": "w", "uid": "11111111-2222"}}
    world.create(CONFIGMAPS, config("b", ghost))
    world.advance(60)
    assert world.names(CONFIGMAPS) == ["a", "b"]


def test_a_cluster_scoped_owner_is_found() -> None:
    world = World(GC)
    node = world.add_node("n1")
    world.create(CONFIGMAPS, config("a", node))
    assert world.names(CONFIGMAPS) == ["a"]
    world.delete(NODES, "n1", place=None)
    assert world.names(CONFIGMAPS) == []


def test_a_namespaced_owner_of_a_cluster_scoped_object_is_left_alone() -> None:
    world, owner = family()
    refs = config("x", owner)["metadata"]["ownerReferences"]
    world.create(NODES, obj("v1", "Node", "n1", None, ownerReferences=refs))
    world.delete(CONFIGMAPS, "a")
    assert world.names(NODES) == ["n1"]


def test_a_reference_added_later_counts() -> None:
    world, owner = family()
    world.create(CONFIGMAPS, config("child"))
    refs = config("x", owner)["metadata"]["ownerReferences"]
    world.patch(CONFIGMAPS, "child", {"metadata": {"ownerReferences": refs}})
    world.delete(CONFIGMAPS, "a")
    assert world.names(CONFIGMAPS) == []


@pytest.mark.parametrize("replicas", [3])
def test_the_pods_of_a_replica_set_go_with_it(replicas: int) -> None:
    world = World(GC, "replicaset-controller")
    world.create(REPLICASETS, replicaset(replicas=replicas))
    assert len(world.names(PODS)) == replicas
    world.delete(REPLICASETS, "r")
    assert world.names(PODS) == []


@pytest.mark.verified("truth/api/delete_gc replicaset-orphan")
def test_orphaned_pods_are_adopted_by_the_next_replica_set() -> None:
    world = World(GC, "replicaset-controller")
    world.create(REPLICASETS, replicaset(replicas=2))
    before = world.names(PODS)
    world.delete(REPLICASETS, "r", propagation="Orphan")
    world.create(REPLICASETS, replicaset("adopter", replicas=2))
    assert world.names(PODS) == before


def test_owners_that_exist_when_the_collector_starts_are_known() -> None:
    world = World()
    owner = world.create(CONFIGMAPS, config("a"))
    world.create(CONFIGMAPS, config("child", owner))
    world.manager.add(CONTROLLERS[GC](world.context))
    world.delete(CONFIGMAPS, "a")
    assert world.names(CONFIGMAPS) == []
