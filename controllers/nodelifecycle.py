"""Notices nodes that no longer report, and taints them. Models pkg/controller/nodelifecycle.

A node lives as long as its Lease is renewed or its status changes. After the grace period its
conditions become Unknown; taints follow the conditions. NoExecute taints, which evict Pods, are
given to one node in ten seconds at most, and to none when all nodes are ill: then the fault is
more likely here.

Upstream looks at all nodes every five seconds; here each node has one timer, so that a healthy
cluster costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from apiserver.machinery import meta
from apiserver.machinery.clock import parse_time, rfc3339
from apiserver.machinery.errors import NotFound
from apiserver.machinery.gvk import GVR, LEASES, NODES, PODS
from controllers import pods
from controllers.conditions import get_condition
from controllers.controller import Controller, ControllerContext, KeysOf, Result
from controllers.events import NORMAL, WARNING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.machinery.types import Object

LEASE_NAMESPACE: Final = "kube-node-lease"
STARTUP_GRACE: Final = 60.0
EVICTION_INTERVAL: Final = 10.0
"""Seconds between two nodes whose Pods are evicted (--node-eviction-rate 0.1)."""
NOT_READY: Final = "node.kubernetes.io/not-ready"
UNREACHABLE: Final = "node.kubernetes.io/unreachable"
UNSCHEDULABLE: Final = "node.kubernetes.io/unschedulable"

_WATCHED: Final = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
_TAINTS: Final[Mapping[tuple[str, str], str]] = {
    ("Ready", "False"): NOT_READY,
    ("Ready", "Unknown"): UNREACHABLE,
    ("MemoryPressure", "True"): "node.kubernetes.io/memory-pressure",
    ("DiskPressure", "True"): "node.kubernetes.io/disk-pressure",
    ("NetworkUnavailable", "True"): "node.kubernetes.io/network-unavailable",
    ("PIDPressure", "True"): "node.kubernetes.io/pid-pressure",
}
"""(condition, status) and the NoSchedule taint that follows from it."""
_OWN_TAINTS: Final = frozenset({*_TAINTS.values(), UNSCHEDULABLE})
_BY_NODE: Final = "node"


def node_values(pod: Object) -> tuple[str, ...]:
    """Index function: the node of a Pod."""
    node = pods.spec(pod).get("nodeName")
    return (node,) if node else ()


class NodeLifecycleController(Controller):
    """Key: a Node."""

    name: ClassVar[str] = "node-lifecycle-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._clock = ctx.clock
        self._grace = ctx.options.node_monitor_grace_period
        self._events = ctx.events.recorder("node-controller")
        self._nodes = ctx.informers.get(NODES)
        self._leases = ctx.informers.get(LEASES)
        self._pods = ctx.informers.get(PODS)
        self._pods.add_index(_BY_NODE, node_values)
        self._seen: dict[str, float] = {}
        self._next_eviction = 0.0

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {NODES: self._node_changed, LEASES: self._lease_changed, PODS: lambda old, new: ()}

    def _node_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        if new is None:
            assert old is not None
            self._seen.pop(meta.name(old), None)
            self._events.event(old, NORMAL, "RemovingNode", f"Node {meta.name(old)} event: "
                               f"Removing Node {meta.name(old)} from Controller")
            return ()
        own = meta.name(new)
        if old is None:
            self._seen[own] = parse_time(new["metadata"]["creationTimestamp"])
            self._events.event(new, NORMAL, "RegisteredNode", f"Node {own} event: "
                               f"Registered Node {own} in Controller")
        if _heartbeat(old) != _heartbeat(new):
            self._seen[own] = self._clock.now()
        if old is not None and _shown(old) == _shown(new):
            return ()
        if old is None or _is_ready(old) == _is_ready(new):
            return (own,)
        return [meta.name(one) for one in self._nodes]

    def _lease_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        """A renewal only moves the time of death; the node's timer will find that out."""
        if new is not None and meta.namespace(new) == LEASE_NAMESPACE and (
                old is None or _renewed(old) != _renewed(new)):
            self._seen[meta.name(new)] = self._clock.now()
        return ()

    async def reconcile(self, key: str) -> Result | None:
        node = self._nodes.get(key)
        if node is None:
            return None
        left = self._seconds_left(node)
        if left <= 0:
            node = await self._give_up(node)
        evicting = self._may_evict(node)
        await self._taint(node, evict=evicting)
        if not _is_ready(node):
            await self._mark_pods(node)
        waits = [left] if left > 0 else []
        if not evicting and _evicting_taint(node) and self._somebody_is_well():
            waits.append(max(1.0, self._next_eviction - self._clock.now()))
        return Result(requeue_after=min(waits, default=None))

    # Health --------------------------------------------------------------------------------------

    def _seconds_left(self, node: Object) -> float:
        ready = pods.condition(node, "Ready")
        grace = self._grace if ready is not None else STARTUP_GRACE
        seen = self._seen.get(meta.name(node), self._clock.now())
        return seen + grace - self._clock.now()

    async def _give_up(self, node: Object) -> Object:
        """Say that nothing is known of the node any more."""
        status = pods.status(node)
        fresh = _unknown(status.get("conditions") or [], node, self._clock.now())
        if fresh == (status.get("conditions") or []):
            return node
        if _is_ready(node):
            own = meta.name(node)
            self._events.event(node, NORMAL, "NodeNotReady",
                               f"Node {own} status is now: NodeNotReady")
        return await self._client.update(
            NODES, {**node, "status": {**status, "conditions": fresh}}, subresource="status")

    async def _mark_pods(self, node: Object) -> None:
        """Pods of a node that is not ready are not ready either, whatever they last said."""
        for pod in list(self._pods.by(_BY_NODE, meta.name(node))):
            if not pods.is_ready(pod):
                continue
            condition = {"type": "Ready", "status": "False",
                         "lastTransitionTime": rfc3339(self._clock.now())}
            try:
                await self._client.patch(
                    PODS, meta.name(pod), meta.namespace(pod),
                    {"status": {"conditions": [condition]}}, type="strategic",
                    subresource="status")
            except NotFound:
                continue
            self._events.event(pod, WARNING, "NodeNotReady", "Node is not ready")

    # Taints --------------------------------------------------------------------------------------

    def _may_evict(self, node: Object) -> bool:
        """Whether a node may have its NoExecute taint now: not too often, not if all are ill."""
        effect = _evicting_taint(node)
        if not effect or not self._somebody_is_well():
            return False
        if any((one["key"], one["effect"]) == (effect, "NoExecute") for one in _taints(node)):
            return True
        if self._clock.now() < self._next_eviction:
            return False
        self._next_eviction = self._clock.now() + EVICTION_INTERVAL
        return True

    def _somebody_is_well(self) -> bool:
        return any(_is_ready(one) for one in self._nodes)

    async def _taint(self, node: Object, *, evict: bool) -> None:
        current = _taints(node)
        wanted = _wanted_taints(node, evict=evict)
        kept = [taint for taint in current if taint["key"] not in _OWN_TAINTS
                or (taint["key"], taint["effect"]) in wanted]
        have = {(taint["key"], taint["effect"]) for taint in kept}
        stamp = rfc3339(self._clock.now())
        fresh = [{"key": key, "effect": effect, "timeAdded": stamp}
                 for key, effect in wanted if (key, effect) not in have]
        if kept == current and not fresh:
            return
        patch = {"metadata": {"resourceVersion": meta.resource_version(node)},
                 "spec": {"taints": [*kept, *fresh] or None}}
        await self._client.patch(NODES, meta.name(node), None, patch, type="merge")


def _is_ready(node: Object) -> bool:
    ready = pods.condition(node, "Ready")
    return ready is not None and ready.get("status") == "True"


def _taints(node: Object) -> list[Object]:
    return list(pods.spec(node).get("taints") or ())


def _heartbeat(node: Object | None) -> Any:
    """What a kubelet's report changes."""
    if node is None:
        return None
    return [one.get("lastHeartbeatTime") for one in pods.status(node).get("conditions") or ()]


def _shown(node: Object) -> Any:
    """What the node's taints depend on."""
    conditions = [(one["type"], one["status"]) for one in pods.status(node).get("conditions") or ()]
    return conditions, _taints(node), pods.spec(node).get("unschedulable")


def _renewed(lease: Object) -> Any:
    return pods.spec(lease).get("renewTime")


def _evicting_taint(node: Object) -> str:
    """The key of the NoExecute taint that the node should have, '' for none."""
    ready = pods.condition(node, "Ready")
    return _TAINTS.get(("Ready", ready["status"]), "") if ready is not None else ""


def _wanted_taints(node: Object, *, evict: bool) -> dict[tuple[str, str], None]:
    """(key, effect) of the taints that follow from the node's state."""
    conditions = pods.status(node).get("conditions") or ()
    keys = [_TAINTS[one["type"], one["status"]] for one in conditions
            if (one["type"], one["status"]) in _TAINTS]
    if pods.condition(node, "Ready") is None:
        keys.append(NOT_READY)
    if pods.spec(node).get("unschedulable"):
        keys.append(UNSCHEDULABLE)
    wanted = dict.fromkeys((key, "NoSchedule") for key in keys)
    if evict:
        wanted[_evicting_taint(node), "NoExecute"] = None
    return wanted


def _unknown(conditions: list[Object], node: Object, now: float) -> list[Object]:
    """The conditions of a node that has stopped reporting, or never did."""
    fresh = list(conditions)
    for type in _WATCHED:
        current = get_condition(conditions, type)
        if current is None:
            fresh.append({
                "type": type, "status": "Unknown", "reason": "NodeStatusNeverUpdated",
                "message": "Kubelet never posted node status.",
                "lastHeartbeatTime": node["metadata"]["creationTimestamp"],
                "lastTransitionTime": rfc3339(now)})
        elif current["status"] != "Unknown":
            fresh[fresh.index(current)] = {
                **current, "status": "Unknown", "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.",
                "lastTransitionTime": rfc3339(now)}
    return fresh
