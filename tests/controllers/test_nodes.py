"""Node ranges and Pods that nobody else cleans up."""

import ipaddress

from apiserver.machinery.gvk import NODES, PODS
from apiserver.machinery.meta import name
from apiserver.machinery.types import Object
from controllers.controller import Options
from controllers.nodeipam import CIDRSet
from tests.controllers.world import World, obj, pod

IPAM = "node-ipam-controller"
PODGC = "pod-garbage-collector-controller"


def ranges(world: World) -> dict[str, str]:
    return {name(one): one.get("spec", {}).get("podCIDR", "") for one in world.all(NODES)}


def test_each_node_gets_a_range_of_its_own() -> None:
    world = World(IPAM)
    world.add_node("n1")
    world.add_node("n2")
    assert ranges(world) == {"n1": "172.17.0.0/24", "n2": "172.17.1.0/24"}
    assert world.get(NODES, "n1", None)["spec"]["podCIDRs"] == ["172.17.0.0/24"]


def test_a_range_that_a_node_brings_along_is_taken() -> None:
    world = World(IPAM)
    world.create(NODES, obj("v1", "Node", "n1", None, spec={
        "podCIDR": "172.17.0.0/24", "podCIDRs": ["172.17.0.0/24"]}))
    world.add_node("n2")
    assert ranges(world)["n2"] == "172.17.1.0/24"


def test_a_freed_range_is_used_again_when_the_others_have_been() -> None:
    free = CIDRSet(ipaddress.ip_network("10.0.0.0/22"), 24)
    first = free.allocate()
    free.release(str(first))
    assert [str(free.allocate()) for _ in range(4)] == [
        "10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24", "10.0.0.0/24"]
    assert free.allocate() is None


def test_a_wider_range_occupies_all_its_parts_and_a_foreign_one_none() -> None:
    free = CIDRSet(ipaddress.ip_network("10.0.0.0/22"), 24)
    free.occupy("10.0.0.0/23")
    free.occupy("192.168.0.0/16")
    assert str(free.allocate()) == "10.0.2.0/24"


def bound(own: str, phase: str = "Running") -> Object:
    return {**pod(own, nodeName="gone"), "status": {"phase": phase}}


def test_pods_of_a_node_that_is_gone_are_deleted_after_the_quarantine() -> None:
    world = World(PODGC)
    world.create(PODS, bound("p"))
    world.advance(39)
    assert world.names(PODS) == ["p"]
    world.advance(2)
    assert world.names(PODS) == []


def test_pods_whose_node_appears_in_time_stay() -> None:
    world = World(PODGC)
    world.create(PODS, bound("p"))
    world.advance(30)
    world.add_node("gone")
    world.advance(60)
    assert world.names(PODS) == ["p"]


def test_a_node_that_is_deleted_takes_its_pods_along() -> None:
    world = World(PODGC)
    world.add_node("gone")
    world.create(PODS, bound("p"))
    world.advance(100)
    world.delete(NODES, "gone", place=None)
    world.advance(41)
    assert world.names(PODS) == []


def test_finished_pods_beyond_the_threshold_go_oldest_first() -> None:
    world = World(PODGC, options=Options(terminated_pod_gc_threshold=2))
    world.add_node("gone")
    for own in ("a", "b", "c"):
        world.create(PODS, bound(own))
        world.patch(PODS, own, {"status": {"phase": "Succeeded"}}, subresource="status")
        world.advance(2)
    world.advance(30)
    assert world.names(PODS) == ["b", "c"]
