"""The objects that no one may change, since without them a server would not work."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from apiserver.defaults.flowcontrol import flow_control
from apiserver.machinery.validation import FieldError, Path, internal_struct, invalid, same

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.machinery.types import Object

_SPEC: Final = Path("spec")
_EXEMPT: Final = "exempt"
_FIXED: Final = (_EXEMPT, "catch-all")


@cache
def _fixed() -> Mapping[tuple[str, str], Object]:
    return {(each.object["kind"], each.object["metadata"]["name"]): each.object["spec"]
            for each in flow_control() if each.object["metadata"]["name"] in _FIXED}


def fixed_errors(obj: Object, kind: str) -> list[FieldError]:
    """A mandatory object's spec is what it always was; but `exempt` may share what it has."""
    spec, name = obj.get("spec") or {}, obj["metadata"].get("name", "")
    fixed = _fixed().get((kind, name))
    if fixed is None:
        return []
    free = kind == "PriorityLevelConfiguration" and name == _EXEMPT
    if same({**spec, "exempt": None}, {**fixed, "exempt": None}) if free else same(spec, fixed):
        return []
    but = " except the 'spec.exempt' field" if free else ""
    shown = _shown_level(spec) if kind == "PriorityLevelConfiguration" else _shown_flow(spec)
    return [invalid(_SPEC, shown, f"spec of '{name}'{but} must equal the fixed value")]


# --- as Kubernetes' internal types -------------------------------------------------------------


def _shown_flow(spec: Object) -> Any:
    return internal_struct(
        {**spec,
         "priorityLevelConfiguration": internal_struct(
             spec.get("priorityLevelConfiguration") or {}, ("Name", "")),
         "distinguisherMethod": internal_struct(spec.get("distinguisherMethod"), ("Type", "")),
         "rules": [_shown_rule(rule) for rule in spec.get("rules") or ()] or None},
        "PriorityLevelConfiguration", ("MatchingPrecedence", 0), "DistinguisherMethod", "Rules")


def _shown_rule(rule: Object) -> Any:
    resources = [internal_struct(each, "Verbs", "APIGroups:apiGroups", "Resources",
                                 ("ClusterScope", False), "Namespaces")
                 for each in rule.get("resourceRules") or ()]
    urls = [internal_struct(each, "Verbs", "NonResourceURLs")
            for each in rule.get("nonResourceRules") or ()]
    return {"Subjects": [_shown_subject(each) for each in rule.get("subjects") or ()] or None,
            "ResourceRules": resources or None, "NonResourceRules": urls or None}


def _shown_subject(subject: Object) -> Any:
    return {"Kind": subject.get("kind") or "",
            "User": internal_struct(subject.get("user"), ("Name", "")),
            "Group": internal_struct(subject.get("group"), ("Name", "")),
            "ServiceAccount": internal_struct(subject.get("serviceAccount"), ("Namespace", ""),
                                              ("Name", ""))}


def _shown_level(spec: Object) -> Any:
    limited = spec.get("limited")
    if limited is not None:
        response = limited.get("limitResponse") or {}
        queuing = internal_struct(response.get("queuing"), ("Queues", 0), ("HandSize", 0),
                                  ("QueueLengthLimit", 0))
        limited = internal_struct(
            {**limited, "limitResponse": {"Type": response.get("type") or "", "Queuing": queuing}},
            ("NominalConcurrencyShares", 0), "LimitResponse", "LendablePercent",
            "BorrowingLimitPercent")
    return {"Type": spec.get("type") or "", "Limited": limited, "Exempt": internal_struct(
        spec.get("exempt"), "NominalConcurrencyShares", "LendablePercent")}
