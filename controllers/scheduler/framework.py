"""The scheduling framework. Models pkg/scheduler/framework and schedule_one.go.

A plugin prepares once per pod: `filter_for` gives a function of a node that says why not,
`scores_for` gives a score from 0 to 100 for each node that is left. None means: no say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from controllers.scheduler import preemption

if TYPE_CHECKING:
    from controllers.informer import Informers
    from controllers.scheduler.cache import Cache, NodeInfo, PodInfo
    from controllers.scheduler.preemption import Preemption

MAX_SCORE: Final = 100
MIN_FEASIBLE: Final = 100
"""Below this many nodes all are looked at (minFeasibleNodesToFind)."""
NOT_HELPFUL: Final = "Preemption is not helpful for scheduling"
NO_VICTIMS: Final = "No preemption victims found for incoming pod"
UNTOLERATED: Final = "node(s) had untolerated taint"
NO_NODES: Final = "no nodes available to schedule pods"


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a node does not do; whether removing pods from it could change that."""

    reasons: tuple[str, ...]
    resolvable: bool = False


Filter = Callable[["NodeInfo"], "Rejection | None"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What plugins see beside the pod."""

    nodes: Cache
    informers: Informers


class Plugin:
    """One aspect of the decision."""

    name: ClassVar[str]
    weight: ClassVar[int] = 1

    def filter_for(self, pod: PodInfo, snapshot: Snapshot) -> Filter | None:
        """What to ask of each node; None: nothing."""
        return None

    def scores_for(self, pod: PodInfo, snapshot: Snapshot,
                   nodes: Sequence[NodeInfo]) -> Sequence[float] | None:
        """A score for each of the nodes, 0 to MAX_SCORE; None: all the same."""
        return None


@dataclass(frozen=True, slots=True)
class Unschedulable:
    """No node does (FitError)."""

    total: int
    rejections: tuple[Rejection, ...]
    preemption: Preemption | None = None
    """How room could be made."""

    def message(self, minor: int) -> str:
        """What kube-scheduler of version 1.`minor` says."""
        if not self.total:
            return NO_NODES
        counts = Counter(_reason(reason, minor) for one in self.rejections
                         for reason in one.reasons)
        why = ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items()))
        claims = "no new claims to deallocate, " if 34 <= minor <= 36 else ""
        return (f"0/{self.total} nodes are available: {why}. {claims}"
                f"preemption: 0/{self.total} nodes are available: {self._preemption()}.")

    def _preemption(self) -> str:
        counts = Counter(NO_VICTIMS if one.resolvable else NOT_HELPFUL for one in self.rejections)
        return ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items()))


def _reason(reason: str, minor: int) -> str:
    """From v1.35 on the message names no taint."""
    if minor >= 35 and reason.startswith(UNTOLERATED):
        return f"{UNTOLERATED}(s)"
    return reason


class Framework:
    """Decides by an ordered tuple of plugins."""

    def __init__(self, plugins: Sequence[Plugin]) -> None:
        self._plugins = plugins
        self._start = 0

    def choose(self, pod: PodInfo, snapshot: Snapshot) -> str | Unschedulable:
        """The name of the best node, the first by name of equals; or why there is none."""
        filters = [found for plugin in self._plugins
                   if (found := plugin.filter_for(pod, snapshot)) is not None]
        feasible, rejected = self._filter(filters, snapshot)
        if not feasible:
            hopeful = [node for node, rejection in rejected if rejection.resolvable]
            return Unschedulable(len(snapshot.nodes), tuple(why for _, why in rejected),
                                 preemption.find(pod, hopeful, filters))
        if len(feasible) == 1:
            return feasible[0].name
        totals = [0.0] * len(feasible)
        for plugin in self._plugins:
            scores = plugin.scores_for(pod, snapshot, feasible)
            if scores is not None:
                totals = [total + plugin.weight * int(score)
                          for total, score in zip(totals, scores, strict=True)]
        best = max(totals)
        return min(node.name for node, total in zip(feasible, totals, strict=True) if total == best)

    def _filter(self, filters: Sequence[Filter], snapshot: Snapshot,
                ) -> tuple[list[NodeInfo], list[tuple[NodeInfo, Rejection]]]:
        """Nodes that do, enough of them, and why the others do not."""
        nodes = list(snapshot.nodes)
        wanted = nodes_to_find(len(nodes))
        start = self._start % len(nodes) if wanted < len(nodes) else 0
        feasible: list[NodeInfo] = []
        rejected: list[tuple[NodeInfo, Rejection]] = []
        for node in nodes[start:] + nodes[:start]:
            self._start += 1
            rejection = _first(filters, node)
            if rejection is not None:
                rejected.append((node, rejection))
                continue
            feasible.append(node)
            if len(feasible) == wanted:
                break
        return feasible, rejected


def nodes_to_find(count: int) -> int:
    """How many feasible nodes are enough (numFeasibleNodesToFind)."""
    if count < MIN_FEASIBLE:
        return count
    percentage = max(50 - count // 125, 5)
    return max(count * percentage // 100, MIN_FEASIBLE)


def normalized(scores: Sequence[float], *, reverse: bool = False) -> list[float]:
    """Scores stretched so that the highest is MAX_SCORE (DefaultNormalizeScore)."""
    highest = max(scores, default=0)
    if not highest:
        return [MAX_SCORE if reverse else 0.0] * len(scores)
    stretched = [MAX_SCORE * score // highest for score in scores]
    return [MAX_SCORE - score for score in stretched] if reverse else stretched


def _first(filters: Iterable[Filter], node: NodeInfo) -> Rejection | None:
    for one in filters:
        found = one(node)
        if found is not None:
            return found
    return None
