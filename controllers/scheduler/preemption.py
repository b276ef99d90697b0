"""Room for a pod by removing others of lower priority. Models pkg/scheduler/framework/preemption
and plugins/defaultpreemption: of the nodes where it helps, the one whose victims matter least.

Disruption budgets are not asked; affinity and spread are judged as if the victims were still there.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controllers.scheduler.cache import NodeInfo, PodInfo
    from controllers.scheduler.framework import Filter


@dataclass(frozen=True, slots=True)
class Preemption:
    """A node, and the pods that have to go from it."""

    node: str
    victims: tuple[PodInfo, ...]

    def cost(self) -> tuple[int, int, int, str]:
        """What matters, in order: the highest priority, their sum, how many, the node's name."""
        priorities = [victim.priority for victim in self.victims]
        return max(priorities), sum(priorities), len(priorities), self.node


def find(pod: PodInfo, nodes: Sequence[NodeInfo], filters: Sequence[Filter]) -> Preemption | None:
    """The cheapest way to make room for the pod on one of the nodes; None when there is none."""
    if pod.spec.get("preemptionPolicy") == "Never":
        return None
    options = [Preemption(node.name, victims) for node in nodes
               if (victims := _victims(pod, node, filters))]
    return min(options, key=Preemption.cost, default=None)


def _victims(pod: PodInfo, node: NodeInfo, filters: Sequence[Filter]) -> tuple[PodInfo, ...]:
    """All pods of lower priority, less those that may stay after all, the most important first."""
    lower = sorted((one for one in node.pods.values() if one.priority < pod.priority),
                   key=lambda one: (-one.priority, one.key))
    trial = _copy(node)
    for one in lower:
        trial.remove(one.key)
    if not lower or not _fits(trial, filters):
        return ()
    victims = []
    for one in lower:
        trial.add(one)
        if not _fits(trial, filters):
            trial.remove(one.key)
            victims.append(one)
    return tuple(victims)


def _fits(node: NodeInfo, filters: Sequence[Filter]) -> bool:
    return all(one(node) is None for one in filters)


def _copy(node: NodeInfo) -> NodeInfo:
    """A node to try things on."""
    trial = copy.copy(node)
    for field in ("pods", "requested", "assumed", "ports", "groups", "with_affinity"):
        setattr(trial, field, dict(getattr(node, field)))
    return trial
