"""NodeAffinity: nodeSelector and node affinity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from controllers.scheduler.framework import Filter, Plugin, Rejection, Snapshot, normalized
from controllers.scheduler.nodeselection import (
    has_required_affinity,
    required_affinity_matches,
    term_matches,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controllers.scheduler.cache import NodeInfo, PodInfo

_MISMATCH: Final = Rejection(("node(s) didn't match Pod's node affinity/selector",))


class NodeAffinity(Plugin):
    """spec.nodeSelector and spec.affinity.nodeAffinity."""

    name = "NodeAffinity"
    weight = 2

    def filter_for(self, pod: PodInfo, snapshot: Snapshot) -> Filter | None:
        """The required part."""
        if not has_required_affinity(pod.spec):
            return None
        return lambda node: None if required_affinity_matches(
            pod.spec, node.name, node.labels) else _MISMATCH

    def scores_for(self, pod: PodInfo, snapshot: Snapshot,
                   nodes: Sequence[NodeInfo]) -> Sequence[float] | None:
        """The sum of the weights of the preferred terms that match."""
        affinity = (pod.spec.get("affinity") or {}).get("nodeAffinity") or {}
        terms = affinity.get("preferredDuringSchedulingIgnoredDuringExecution")
        if not terms:
            return None
        return normalized([sum(term["weight"] for term in terms if term_matches(
            term.get("preference") or {}, node.name, node.labels)) for node in nodes])
