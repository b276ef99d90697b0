"""Node selectors and node affinity. Models component-helpers/scheduling/corev1/nodeaffinity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _compare(value: str | None, wanted: list[str], *, greater: bool) -> bool:
    try:
        have, limit = int(value or ""), int(wanted[0])
    except (ValueError, IndexError):
        return False
    return have > limit if greater else have < limit


_OPERATORS: Final[dict[str, Callable[[str | None, list[str]], bool]]] = {
    "In": lambda value, wanted: value in wanted,
    "NotIn": lambda value, wanted: value not in wanted,
    "Exists": lambda value, wanted: value is not None,
    "DoesNotExist": lambda value, wanted: value is None,
    "Gt": lambda value, wanted: _compare(value, wanted, greater=True),
    "Lt": lambda value, wanted: _compare(value, wanted, greater=False),
}


def term_matches(term: Mapping[str, Any], name: str, labels: Mapping[str, str]) -> bool:
    """Whether a NodeSelectorTerm selects a node; an empty term selects none."""
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    return (all(_holds(one, labels.get(one["key"])) for one in expressions)
            and all(_holds(one, name if one["key"] == "metadata.name" else None)
                    for one in fields))


def required_affinity_matches(spec: Mapping[str, Any], name: str,
                              labels: Mapping[str, str]) -> bool:
    """Whether a node meets a pod's nodeSelector and required node affinity."""
    for key, value in (spec.get("nodeSelector") or {}).items():
        if labels.get(key) != value:
            return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    return any(term_matches(term, name, labels)
               for term in required.get("nodeSelectorTerms") or ())


def has_required_affinity(spec: Mapping[str, Any]) -> bool:
    """Whether the pod says anything about its node."""
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    return bool(spec.get("nodeSelector")
                or affinity.get("requiredDuringSchedulingIgnoredDuringExecution"))


def _holds(expression: Mapping[str, Any], value: str | None) -> bool:
    operator = _OPERATORS.get(expression.get("operator", ""))
    return operator is not None and operator(value, list(expression.get("values") or ()))
