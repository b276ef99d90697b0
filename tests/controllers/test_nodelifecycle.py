"""Nodes that stop reporting, their taints, and the Pods that must leave."""

from typing import Any

import pytest

from apiserver.machinery.clock import rfc3339_micro
from apiserver.machinery.gvk import LEASES, NAMESPACES, NODES, PODS
from apiserver.machinery.types import Object
from controllers.nodelifecycle import LEASE_NAMESPACE, NOT_READY, UNREACHABLE
from controllers.tainteviction import seconds_tolerated, tolerates
from tests.controllers.world import World, obj, pod

LIFECYCLE = "node-lifecycle-controller"
EVICTION = "taint-eviction-controller"
FOREVER = {"operator": "Exists", "effect": "NoExecute"}


def with_nodes(*names: str) -> World:
    world = World(LIFECYCLE, EVICTION)
    world.create(NAMESPACES, obj("v1", "Namespace", LEASE_NAMESPACE, None))
    for own in names:
        world.add_node(own)
        report(world, own)
        world.create(LEASES, obj("coordination.k8s.io/v1", "Lease", own, LEASE_NAMESPACE, spec={
            "holderIdentity": own, "renewTime": rfc3339_micro(world.clock.now())}))
    return world


def report(world: World, own: str, status: str = "True") -> None:
    world.patch(NODES, own, {"status": {"conditions": [
        {"type": "Ready", "status": status, "lastHeartbeatTime": "2026-01-01T00:00:00Z"}]}},
        place=None, type="strategic", subresource="status")


def renew(world: World, *names: str) -> None:
    for own in names:
        world.patch(LEASES, own, {"spec": {"renewTime": rfc3339_micro(world.clock.now())}},
                    place=LEASE_NAMESPACE)


def live(world: World, seconds: int, *names: str) -> None:
    """Let time pass while these nodes renew their leases."""
    for _ in range(seconds // 10):
        world.advance(10)
        renew(world, *names)


def taints(world: World, own: str) -> set[tuple[str, str]]:
    found = world.get(NODES, own, None).get("spec", {}).get("taints") or ()
    return {(one["key"], one["effect"]) for one in found}


def ready(world: World, own: str) -> tuple[str, str]:
    conditions = world.get(NODES, own, None)["status"]["conditions"]
    (found,) = [one for one in conditions if one["type"] == "Ready"]
    return found["status"], found.get("reason", "")


def test_a_node_that_renews_its_lease_lives() -> None:
    world = with_nodes("n1")
    live(world, 300, "n1")
    assert ready(world, "n1")[0] == "True"
    assert taints(world, "n1") == set()


def test_a_node_that_falls_silent_is_unknown_after_the_grace_and_its_pods_are_not_ready() -> None:
    world = with_nodes("n1", "n2")
    world.create(PODS, pod("p", nodeName="n2", tolerations=[FOREVER]))
    world.make_ready("p")
    live(world, 60, "n1")
    assert ready(world, "n2") == ("Unknown", "NodeStatusUnknown")
    assert taints(world, "n2") == {(UNREACHABLE, "NoSchedule"), (UNREACHABLE, "NoExecute")}
    assert world.get(PODS, "p")["status"]["conditions"][0]["status"] == "False"
    assert taints(world, "n1") == set()


def test_a_node_that_reports_again_loses_its_taints() -> None:
    world = with_nodes("n1", "n2")
    live(world, 60, "n1")
    report(world, "n2")
    assert taints(world, "n2") == set()


def test_a_node_that_never_reported_is_told_so_after_a_minute() -> None:
    world = World(LIFECYCLE)
    world.add_node("n1")
    assert taints(world, "n1") == {(NOT_READY, "NoSchedule")}
    world.advance(61)
    assert ready(world, "n1") == ("Unknown", "NodeStatusNeverUpdated")


def test_when_all_nodes_are_ill_no_pod_is_evicted() -> None:
    world = with_nodes("n1")
    world.create(PODS, pod("p", nodeName="n1"))
    world.advance(1000)
    assert taints(world, "n1") == {(UNREACHABLE, "NoSchedule")}
    assert world.names(PODS) == ["p"]


def test_nodes_are_given_up_one_in_ten_seconds() -> None:
    world = with_nodes("n1", "n2", "n3")
    report(world, "n2", "False")
    report(world, "n3", "False")
    evicting = (NOT_READY, "NoExecute")
    assert [evicting in taints(world, own) for own in ("n2", "n3")] == [True, False]
    live(world, 20, "n1", "n2", "n3")
    assert evicting in taints(world, "n3")


def test_a_cordoned_node_is_tainted() -> None:
    world = with_nodes("n1")
    world.patch(NODES, "n1", {"spec": {"unschedulable": True}}, place=None)
    assert taints(world, "n1") == {("node.kubernetes.io/unschedulable", "NoSchedule")}
    world.patch(NODES, "n1", {"spec": {"unschedulable": None}}, place=None)
    assert taints(world, "n1") == set()


def test_taints_of_others_stay() -> None:
    world = with_nodes("n1")
    world.patch(NODES, "n1", {"spec": {"taints": [{"key": "gpu", "effect": "NoSchedule"}],
                                       "unschedulable": True}}, place=None)
    world.patch(NODES, "n1", {"spec": {"unschedulable": False}}, place=None)
    assert taints(world, "n1") == {("gpu", "NoSchedule")}


def taint(world: World, *keys: str) -> None:
    world.patch(NODES, "n1", {"spec": {"taints": [
        {"key": key, "effect": "NoExecute", "value": "v"} for key in keys] or None}}, place=None)


@pytest.mark.parametrize(("tolerations", "stays_for"), [
    ([], 0),
    ([{"key": "k", "operator": "Equal", "value": "v", "effect": "NoExecute"}], None),
    ([{"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30}], 30),
])
def test_a_pod_stays_as_long_as_it_tolerates(tolerations: list[Object],
                                             stays_for: int | None) -> None:
    world = with_nodes("n1")
    world.create(PODS, pod("p", nodeName="n1", tolerations=tolerations))
    taint(world, "k")
    live(world, 20, "n1")
    assert ("deletionTimestamp" in world.get(PODS, "p")["metadata"]) == (stays_for == 0)
    live(world, 20, "n1")
    gone = "deletionTimestamp" in world.get(PODS, "p")["metadata"]
    assert gone == (stays_for is not None)


def test_a_taint_that_goes_in_time_saves_the_pod() -> None:
    world = with_nodes("n1")
    world.create(PODS, pod("p", nodeName="n1", tolerations=[
        {"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30}]))
    taint(world, "k")
    live(world, 20, "n1")
    taint(world)
    live(world, 60, "n1")
    assert "deletionTimestamp" not in world.get(PODS, "p")["metadata"]


@pytest.mark.parametrize(("toleration", "expected"), [
    ({"operator": "Exists"}, True),
    ({"key": "k", "operator": "Exists"}, True),
    ({"key": "k", "value": "v"}, True),
    ({"key": "k", "value": "w"}, False),
    ({"key": "other", "operator": "Exists"}, False),
    ({"operator": "Exists", "effect": "NoSchedule"}, False),
])
def test_tolerates(toleration: dict[str, Any], expected: bool) -> None:
    assert tolerates(toleration, {"key": "k", "value": "v", "effect": "NoExecute"}) is expected


def test_the_shortest_toleration_counts() -> None:
    taints = [{"key": "a", "effect": "NoExecute"}, {"key": "b", "effect": "NoExecute"}]
    tolerations = [{"key": "a", "operator": "Exists", "tolerationSeconds": 9},
                   {"key": "b", "operator": "Exists", "tolerationSeconds": 3}]
    assert seconds_tolerated(taints, tolerations) == 3
    assert seconds_tolerated(taints, tolerations[:1]) == 0


def test_a_healthy_node_costs_a_look_per_grace_period() -> None:
    world = with_nodes("n1")
    before = world.reconciled
    live(world, 1000, "n1")
    assert world.reconciled - before <= 1000 / 40 + 1
