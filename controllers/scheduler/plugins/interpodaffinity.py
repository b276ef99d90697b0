"""InterPodAffinity: near these pods, away from those."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.gvk import NAMESPACES
from apiserver.machinery.meta import labels
from apiserver.machinery.selectors import from_label_selector
from controllers.scheduler.framework import MAX_SCORE, Filter, Plugin, Rejection, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from controllers.scheduler.cache import Group, NodeInfo, PodInfo

_AFFINITY: Final = Rejection(("node(s) didn't match pod affinity rules",))
_ANTI: Final = Rejection(("node(s) didn't match pod anti-affinity rules",), resolvable=True)
_EXISTING: Final = Rejection(("node(s) didn't satisfy existing pods anti-affinity rules",),
                             resolvable=True)
_HARD_WEIGHT: Final = 1
"""What a required affinity of a pod that is there counts in scores (hardPodAffinityWeight)."""

Domain = tuple[str, str]
"""(topology key, value)."""


class Term:
    """A PodAffinityTerm of a pod, ready to be matched."""

    def __init__(self, term: Mapping[str, Any], owner: PodInfo, snapshot: Snapshot) -> None:
        self.key: str = term["topologyKey"]
        selector = term.get("labelSelector")
        wanted = dict(selector or {})
        for field, negate in (("matchLabelKeys", False), ("mismatchLabelKeys", True)):
            expressions = [{"key": key, "operator": "NotIn" if negate else "In",
                            "values": [owner.labels[key]]}
                           for key in term.get(field) or () if key in owner.labels]
            if expressions:
                wanted["matchExpressions"] = [*(wanted.get("matchExpressions") or ()), *expressions]
        self._selector = from_label_selector(wanted if selector is not None else None)
        self._namespaces = set(term.get("namespaces") or ())
        chosen = term.get("namespaceSelector")
        if chosen is not None:
            match = from_label_selector(chosen)
            self._namespaces |= {one["metadata"]["name"]
                                 for one in snapshot.informers.get(NAMESPACES)
                                 if match.matches(labels(one))}
        elif not self._namespaces:
            self._namespaces = {owner.namespace}

    def matches(self, group: Group) -> bool:
        """Whether it speaks of such pods."""
        return group.namespace in self._namespaces and self._selector.matches(group.labels)


class InterPodAffinity(Plugin):
    """spec.affinity.podAffinity and podAntiAffinity, of the pod and of those that are there."""

    name = "InterPodAffinity"
    weight = 2

    def filter_for(self, pod: PodInfo, snapshot: Snapshot) -> Filter | None:
        """The required terms."""
        near = _terms(pod, pod.affinity("podAffinity", "required"), snapshot)
        away = _terms(pod, pod.affinity("podAntiAffinity", "required"), snapshot)
        unwelcome = _unwelcome(pod, snapshot)
        if not near and not away and not unwelcome:
            return None
        near_counts = _domains([near] if near else [], snapshot)
        away_counts = _domains([[term] for term in away], snapshot)
        first_of_its_kind = not near_counts and all(term.matches(pod.group) for term in near)

        def check(node: NodeInfo) -> Rejection | None:
            alone = first_of_its_kind and all(term.key in node.labels for term in near)
            if not alone and any((term.key, node.labels.get(term.key)) not in near_counts
                                 for term in near):
                return _AFFINITY
            if any((term.key, node.labels.get(term.key)) in away_counts for term in away):
                return _ANTI
            bad = any((key, node.labels.get(key)) in unwelcome for key, _ in unwelcome)
            return _EXISTING if bad else None

        return check

    def scores_for(self, pod: PodInfo, snapshot: Snapshot,
                   nodes: Sequence[NodeInfo]) -> Sequence[float] | None:
        """The sum of weights of terms that match, those of the pods that are there too."""
        weights = _weights(pod, snapshot)
        if not weights:
            return None
        sums = [sum(weight for (key, value), weight in weights.items()
                    if node.labels.get(key) == value) for node in nodes]
        high, low = max(sums), min(sums)
        return [MAX_SCORE * (total - low) / (high - low) if high > low else 0 for total in sums]


def _terms(pod: PodInfo, terms: Sequence[Mapping[str, Any]], snapshot: Snapshot) -> list[Term]:
    return [Term(term, pod, snapshot) for term in terms]


def _domains(sets: Sequence[Sequence[Term]], snapshot: Snapshot) -> set[Domain]:
    """The domains that have a pod which matches all terms of one of the sets."""
    return {(term.key, node.labels[term.key])
            for terms in sets for node in snapshot.nodes
            if any(all(term.matches(group) for term in terms) for group in node.groups)
            for term in terms if term.key in node.labels}


def _unwelcome(pod: PodInfo, snapshot: Snapshot) -> set[Domain]:
    """The domains where a pod is that must not have this one near."""
    return {(term.key, node.labels[term.key]) for node, other in _with_affinity(snapshot)
            for term in _terms(other, other.affinity("podAntiAffinity", "required"), snapshot)
            if term.key in node.labels and term.matches(pod.group)}


def _with_affinity(snapshot: Snapshot) -> Iterator[tuple[NodeInfo, PodInfo]]:
    """The pods that are there and have affinity of their own."""
    for node in snapshot.nodes:
        for other in node.with_affinity.values():
            yield node, other


def _weights(pod: PodInfo, snapshot: Snapshot) -> Counter[Domain]:
    weights: Counter[Domain] = Counter()
    for kind, sign in (("podAffinity", 1), ("podAntiAffinity", -1)):
        for entry in pod.affinity(kind, "preferred"):
            term = Term(entry["podAffinityTerm"], pod, snapshot)
            for node in snapshot.nodes:
                if term.key in node.labels:
                    count = sum(n for group, n in node.groups.items() if term.matches(group))
                    weights[term.key, node.labels[term.key]] += sign * entry["weight"] * count
        for node, other in _with_affinity(snapshot):
            _add_existing(weights, (kind, sign), (node, other, pod), snapshot)
    return weights


def _add_existing(weights: Counter[Domain], kind: tuple[str, int],
                  who: tuple[NodeInfo, PodInfo, PodInfo], snapshot: Snapshot) -> None:
    """What a pod that is there says of the new one."""
    node, other, pod = who
    wishes = [(entry["podAffinityTerm"], entry["weight"])
              for entry in other.affinity(kind[0], "preferred")]
    if kind[0] == "podAffinity":
        wishes += [(term, _HARD_WEIGHT) for term in other.affinity(kind[0], "required")]
    for entry, weight in wishes:
        term = Term(entry, other, snapshot)
        if term.key in node.labels and term.matches(pod.group):
            weights[term.key, node.labels[term.key]] += kind[1] * weight
