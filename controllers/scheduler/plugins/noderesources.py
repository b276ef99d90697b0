"""NodeResourcesFit and NodeResourcesBalancedAllocation: room for what the pod asks for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from controllers.scheduler.framework import MAX_SCORE, Filter, Plugin, Rejection, Snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controllers.scheduler.cache import NodeInfo, PodInfo

_SCORED: Final = ("cpu", "memory")


class NodeResourcesFit(Plugin):
    """Requests against allocatable; scores by LeastAllocated."""

    name = "NodeResourcesFit"

    def filter_for(self, pod: PodInfo, snapshot: Snapshot) -> Filter | None:
        """All that does not fit is named."""
        wanted = {name: amount for name, amount in pod.requests.items() if amount}

        def check(node: NodeInfo) -> Rejection | None:
            short = []
            impossible = False
            if len(node.pods) + 1 > node.allocatable.get("pods", 0):
                short.append("Too many pods")
            for name, amount in wanted.items():
                have = node.allocatable.get(name, 0)
                if amount > have - node.requested.get(name, 0):
                    short.append(f"Insufficient {name}")
                    impossible = impossible or amount > have
            return Rejection(tuple(short), resolvable=not impossible) if short else None

        return check

    def scores_for(self, pod: PodInfo, snapshot: Snapshot,
                   nodes: Sequence[NodeInfo]) -> Sequence[float] | None:
        """The more is left, the better."""
        return [sum(_left(pod, node, name) for name in _SCORED) // len(_SCORED) for node in nodes]


class NodeResourcesBalancedAllocation(Plugin):
    """Nodes where the pod uses cpu and memory in like parts."""

    name = "NodeResourcesBalancedAllocation"

    def scores_for(self, pod: PodInfo, snapshot: Snapshot,
                   nodes: Sequence[NodeInfo]) -> Sequence[float] | None:
        """100 less the standard deviation of the parts in use; no say for pods that ask nothing."""
        if not any(pod.requests.get(name) for name in _SCORED):
            return None
        return [_balance(pod, node) for node in nodes]


def _left(pod: PodInfo, node: NodeInfo, name: str) -> int:
    have = node.allocatable.get(name, 0)
    used = node.assumed.get(name, 0) + pod.assumed_requests.get(name, 0)
    return (have - used) * MAX_SCORE // have if 0 < used <= have else 0


def _balance(pod: PodInfo, node: NodeInfo) -> float:
    parts = [min(1.0, (node.requested.get(name, 0) + pod.requests.get(name, 0)) / have)
             for name in _SCORED if (have := node.allocatable.get(name, 0))]
    if len(parts) < 2:
        return MAX_SCORE
    mean = sum(parts) / len(parts)
    deviation = math.sqrt(sum((part - mean) ** 2 for part in parts) / len(parts))
    return (1 - deviation) * MAX_SCORE
