"""DaemonSets."""

from typing import Any

import pytest

from apiserver.machinery.gvk import CONTROLLERREVISIONS, DAEMONSETS, NODES, PODS
from apiserver.machinery.meta import labels
from apiserver.machinery.types import Object
from controllers.daemonset import should_run, target_node
from tests.controllers.world import World, obj, template

DS = "daemonset-controller"


def daemon(**pod_spec: Any) -> Object:
    body = template()
    body["spec"] |= pod_spec
    return obj("apps/v1", "DaemonSet", "ds", spec={
        "selector": {"matchLabels": {"app": "r"}}, "template": body})


def with_nodes(*names: str, **pod_spec: Any) -> World:
    world = World(DS)
    for own in names:
        add_node(world, own)
    world.create(DAEMONSETS, daemon(**pod_spec))
    return world


def add_node(world: World, own: str, **more: str) -> None:
    """A node that is ready: without the taint that every new one has."""
    world.add_node(own, **more)
    world.patch(NODES, own, {"spec": {"taints": None}}, place=None)


def nodes(world: World) -> list[str]:
    return sorted(target_node(pod) for pod in world.all(PODS))


def status(world: World) -> Any:
    return world.get(DAEMONSETS, "ds")["status"]


def test_every_node_gets_a_pod_new_ones_too() -> None:
    world = with_nodes("n1", "n2")
    assert nodes(world) == ["n1", "n2"]
    add_node(world, "n3")
    assert nodes(world) == ["n1", "n2", "n3"]
    assert (status(world)["desiredNumberScheduled"], status(world)["numberUnavailable"]) == (3, 3)
    world.make_ready(*world.names(PODS))
    assert (status(world)["numberReady"], status(world)["numberAvailable"]) == (3, 3)


def test_a_pod_of_a_node_that_is_gone_goes_too() -> None:
    world = with_nodes("n1", "n2")
    world.delete(NODES, "n2", place=None)
    assert nodes(world) == ["n1"]


def test_only_nodes_that_fit_get_one() -> None:
    world = with_nodes("n1", nodeSelector={"disk": "ssd"})
    assert nodes(world) == []
    world.patch(NODES, "n1", {"metadata": {"labels": {"disk": "ssd"}}}, place=None)
    assert nodes(world) == ["n1"]


def test_a_tainted_node_gets_none_and_loses_its_own_only_by_no_execute() -> None:
    world = with_nodes("n1")
    taint = {"key": "k", "effect": "NoSchedule"}
    world.patch(NODES, "n1", {"spec": {"taints": [taint]}}, place=None)
    assert nodes(world) == ["n1"]
    assert status(world)["numberMisscheduled"] == 1
    world.patch(NODES, "n1", {"spec": {"taints": [{**taint, "effect": "NoExecute"}]}}, place=None)
    assert nodes(world) == []


def test_an_update_replaces_one_pod_at_a_time() -> None:
    world = with_nodes("n1", "n2")
    world.make_ready(*world.names(PODS))
    world.patch(DAEMONSETS, "ds", {"spec": {"template": {"spec": {"containers": [
        {"name": "c", "image": "nginx:2"}]}}}}, type="strategic")
    images = [pod["spec"]["containers"][0]["image"] for pod in world.all(PODS)]
    assert sorted(images) == ["nginx:1", "nginx:2"]
    world.make_ready(*world.names(PODS))
    world.make_ready(*world.names(PODS))
    assert status(world)["updatedNumberScheduled"] == 2
    assert len(world.names(CONTROLLERREVISIONS)) == 2


def test_a_failed_pod_is_replaced() -> None:
    world = with_nodes("n1")
    before = world.names(PODS)
    world.patch(PODS, before[0], {"status": {"phase": "Failed"}}, subresource="status")
    assert nodes(world) == ["n1"]
    assert world.names(PODS) != before


def test_pods_tolerate_the_troubles_of_nodes_and_carry_the_revision() -> None:
    world = with_nodes("n1")
    (pod,) = world.all(PODS)
    tolerated = {(one["key"], one["effect"]) for one in pod["spec"]["tolerations"]}
    assert ("node.kubernetes.io/unschedulable", "NoSchedule") in tolerated
    assert ("node.kubernetes.io/not-ready", "NoExecute") in tolerated
    (revision,) = world.all(CONTROLLERREVISIONS)
    assert labels(pod)["controller-revision-hash"] == labels(revision)["controller-revision-hash"]


@pytest.mark.parametrize(("term", "fits"), [
    ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
    ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
    ({"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["0"]}]}, True),
    ({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}, True),
    ({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n2"]}]}, False),
    ({}, False),
])
def test_node_affinity(term: Object, fits: bool) -> None:
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [term]}}}
    node = obj("v1", "Node", "n1", None, labels={"a": "1"})
    assert should_run(daemon(affinity=affinity), node) == (fits, fits)
