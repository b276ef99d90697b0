"""Whatever happens to pods: once they are gone, nothing of them is left on the node."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apiserver.machinery.errors import ApiError, NotFound
from apiserver.machinery.gvk import PODS
from controllers.drive import drive
from tests.controllers.node.world import NodeWorld
from tests.controllers.world import obj

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

KINDS: dict[str, Object] = {
    "web": {"containers": [{"name": "c", "image": "nginx"}]},
    "sleeper": {"terminationGracePeriodSeconds": 3, "containers": [
        {"name": "c", "image": "busybox", "command": ["sleep", "100"]}]},
    "crasher": {"containers": [{"name": "c", "image": "busybox", "command": ["false"]}]},
    "job": {"restartPolicy": "Never", "containers": [
        {"name": "c", "image": "busybox", "command": ["sh", "-c", "sleep 2"]}]},
    "probed": {"containers": [{"name": "c", "image": "nginx", "livenessProbe": {
        "httpGet": {"port": 81}, "periodSeconds": 1, "failureThreshold": 1}}]},
    "hooked": {"containers": [{"name": "c", "image": "nginx", "lifecycle": {
        "preStop": {"sleep": {"seconds": 2}}}}]},
    "missing": {"containers": [{"name": "c", "image": "nope"}]},
    "unmounted": {"containers": [{"name": "c", "image": "nginx"}],
                  "volumes": [{"name": "v", "configMap": {"name": "nope"}}]},
    "staged": {"containers": [{"name": "c", "image": "nginx"}], "initContainers": [
        {"name": "i", "image": "busybox", "command": ["sleep", "2"]},
        {"name": "s", "image": "nginx", "restartPolicy": "Always"}]},
}
steps = st.lists(st.one_of(
    st.tuples(st.just("create"), st.sampled_from(sorted(KINDS))),
    st.tuples(st.sampled_from(["delete", "kill"]), st.sampled_from(sorted(KINDS))),
    st.tuples(st.just("wait"), st.sampled_from(["0.5", "2", "12"])),
    st.tuples(st.just("settle"), st.just("")),
), max_size=14)


def perform(world: NodeWorld, action: str, what: str) -> None:
    if action == "create":
        made = obj("v1", "Pod", what, spec={"nodeName": "minikube", **KINDS[what]})
        drive(world.client.create(PODS, made, "default"))
    elif action in ("delete", "kill"):
        grace = 0 if action == "kill" else None
        drive(world.client.delete(PODS, what, "default", grace_period_seconds=grace))
    elif action == "wait":
        world.advance(float(what))
    else:
        world.settle()


@given(steps)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_nothing_is_left(sequence: list[tuple[str, str]]) -> None:
    world = NodeWorld()
    for action, what in sequence:
        try:
            perform(world, action, what)
        except ApiError:
            continue  # created twice, or deleted without being there
    for own in world.names(PODS):
        with suppress(NotFound):  # another's end may have let it go meanwhile
            world.delete(PODS, own)
    world.advance(60)
    assert world.names(PODS) == []
    kubelet = world.kubelets[0]
    assert (kubelet._records, kubelet._runs, kubelet._early) == ({}, {}, {})
    assert not world.fabric.nodes["minikube"].pods
    assert not any(one._used for one in kubelet.host.cni._ranges)
    assert not world.runtime._containers
    assert not kubelet.host.restarts._entries
    assert all(not amount for amount in kubelet._admission._used.values())
