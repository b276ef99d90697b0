"""PodTopologySpread: pods even out over zones, hosts or other domains."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.selectors import Selector, from_label_selector
from controllers.scheduler.framework import MAX_SCORE, Filter, Plugin, Rejection, Snapshot
from controllers.scheduler.nodeselection import required_affinity_matches
from controllers.scheduler.plugins.tainttoleration import tolerates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from controllers.scheduler.cache import Group, NodeInfo, PodInfo

_SKEWED: Final = Rejection(("node(s) didn't match pod topology spread constraints",),
                           resolvable=True)
_NO_LABEL: Final = Rejection(
    ("node(s) didn't match pod topology spread constraints (missing required label)",))
_SYSTEM: Final = (
    {"maxSkew": 3, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"},
    {"maxSkew": 5, "topologyKey": "topology.kubernetes.io/zone",
     "whenUnsatisfiable": "ScheduleAnyway"})


class _Constraint:
    """One constraint with the number of matching pods in each domain."""

    def __init__(self, spec: Mapping[str, Any], pod: PodInfo, snapshot: Snapshot) -> None:
        self.key: str = spec["topologyKey"]
        self.max_skew: int = spec["maxSkew"]
        self.selector = _selector(spec, pod)
        self._known: dict[Group, bool] = {}
        self.counts: Counter[str] = Counter()
        for node in snapshot.nodes:
            if self.key in node.labels and _counts(spec, pod, node):
                self.counts[node.labels[self.key]] += self._matching(pod, node)
        domains = len(self.counts)
        self.least = min(self.counts.values(), default=0)
        if spec.get("minDomains") and domains < spec["minDomains"]:
            self.least = 0
        self.own = int(self.selector.matches(pod.labels))

    def _matching(self, pod: PodInfo, node: NodeInfo) -> int:
        return sum(count for group, count in node.groups.items()
                   if group.namespace == pod.namespace and self._matches(group))

    def _matches(self, group: Group) -> bool:
        if group not in self._known:
            self._known[group] = not group.terminating and self.selector.matches(group.labels)
        return self._known[group]

    def check(self, node: NodeInfo) -> Rejection | None:
        """Whether one more pod on the node keeps the skew."""
        domain = node.labels.get(self.key)
        if domain is None:
            return _NO_LABEL
        skew = self.counts[domain] + self.own - self.least
        return _SKEWED if skew > self.max_skew else None


class PodTopologySpread(Plugin):
    """spec.topologySpreadConstraints, and even spread over hosts and zones where there are none."""

    name = "PodTopologySpread"
    weight = 2

    def filter_for(self, pod: PodInfo, snapshot: Snapshot) -> Filter | None:
        """The constraints with DoNotSchedule."""
        hard = [_Constraint(spec, pod, snapshot) for spec in _constraints(pod, "DoNotSchedule")]
        if not hard:
            return None

        def check(node: NodeInfo) -> Rejection | None:
            found = (one.check(node) for one in hard)
            return next((rejection for rejection in found if rejection is not None), None)

        return check

    def scores_for(self, pod: PodInfo, snapshot: Snapshot,
                   nodes: Sequence[NodeInfo]) -> Sequence[float] | None:
        """The constraints with ScheduleAnyway: fewer matching pods in the domain are better."""
        specs = _constraints(pod, "ScheduleAnyway")
        if not specs and not pod.spec.get("topologySpreadConstraints"):
            specs = _defaults(pod, snapshot)
        soft = [_Constraint(spec, pod, snapshot) for spec in specs]
        if not soft:
            return None
        costs = [sum(one.counts[node.labels.get(one.key, "")] + one.max_skew - 1 for one in soft)
                 for node in nodes]
        high, low = max(costs), min(costs)
        return [MAX_SCORE * (high + low - cost) / high if high else MAX_SCORE for cost in costs]


def _constraints(pod: PodInfo, mode: str) -> list[Mapping[str, Any]]:
    return [one for one in pod.spec.get("topologySpreadConstraints") or ()
            if one.get("whenUnsatisfiable") == mode]


def _defaults(pod: PodInfo, snapshot: Snapshot) -> list[Mapping[str, Any]]:
    """The system's defaulting, for pods of some controller."""
    if not pod.labels or not pod.pod["metadata"].get("ownerReferences"):
        return []
    wanted = {"matchLabels": dict(pod.labels)}
    return [{**one, "labelSelector": wanted} for one in _SYSTEM
            if any(one["topologyKey"] in node.labels for node in snapshot.nodes)]


def _selector(spec: Mapping[str, Any], pod: PodInfo) -> Selector:
    chosen = dict(spec.get("labelSelector") or {})
    keys = [key for key in spec.get("matchLabelKeys") or () if key in pod.labels]
    if keys:
        chosen["matchLabels"] = {**(chosen.get("matchLabels") or {}),
                                 **{key: pod.labels[key] for key in keys}}
    return from_label_selector(chosen if spec.get("labelSelector") or keys else None)


def _counts(spec: Mapping[str, Any], pod: PodInfo, node: NodeInfo) -> bool:
    """Whether the node's pods count, by nodeAffinityPolicy and nodeTaintsPolicy."""
    if spec.get("nodeAffinityPolicy", "Honor") == "Honor" and not required_affinity_matches(
            pod.spec, node.name, node.labels):
        return False
    if spec.get("nodeTaintsPolicy") != "Honor":
        return True
    taints = (node.node.get("spec") or {}).get("taints") or ()
    return all(tolerates(pod.spec.get("tolerations") or (), taint) for taint in taints
               if taint.get("effect") in ("NoSchedule", "NoExecute"))
