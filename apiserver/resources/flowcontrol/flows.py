"""FlowSchemas and PriorityLevelConfigurations. Models pkg/apis/flowcontrol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.validation import (
    FieldError,
    Path,
    forbidden,
    invalid,
    not_supported,
    required,
)
from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME, NONE, dig, field, named
from apiserver.strategy import RESETS_WITH_METADATA, Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.resource import Cell

_GROUP: Final = "flowcontrol.apiserver.k8s.io"
_SPEC: Final = Path("spec")
_PRECEDENCE: Final = 1000
_HIGHEST: Final = 10000
_QUEUING: Final = (("queues", 64), ("handSize", 8), ("queueLengthLimit", 50))
_SUBJECTS: Final = {"User": "user", "Group": "group", "ServiceAccount": "serviceAccount"}


class FlowSchemaStrategy(Strategy):
    """Which requests have which priority."""

    resets = RESETS_WITH_METADATA

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        if not spec.get("matchingPrecedence"):
            spec["matchingPrecedence"] = _PRECEDENCE

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        spec = obj.get("spec") or {}
        precedence, path = spec.get("matchingPrecedence") or 0, _SPEC.child("matchingPrecedence")
        errors: list[FieldError] = []
        if precedence <= 0:
            errors.append(invalid(path, precedence, "must be a positive value"))
        if precedence > _HIGHEST:
            errors.append(invalid(path, precedence,
                                  f"must not be greater than {_HIGHEST}"))
        if precedence == 1 and obj["metadata"].get("name") != "exempt":
            errors.append(invalid(path, precedence,
                                  "only the schema named 'exempt' may have matchingPrecedence 1"))
        if not dig(spec, "priorityLevelConfiguration", "name"):
            errors.append(required(_SPEC.child("priorityLevelConfiguration", "name"),
                                   "must reference a priority level"))
        method = dig(spec, "distinguisherMethod", "type")
        if method is not None and method not in ("ByNamespace", "ByUser"):
            errors.append(not_supported(_SPEC.child("distinguisherMethod", "type"), method,
                                        ["ByNamespace", "ByUser"]))
        for i, rule in enumerate(spec.get("rules") or ()):
            errors += _rule_errors(rule, _SPEC.child("rules").at(i))
        return errors


def _rule_errors(rule: Object, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    if not rule.get("subjects"):
        errors.append(required(path.child("subjects"),
                               "subjects must contain at least one value"))
    for i, subject in enumerate(rule.get("subjects") or ()):
        own, kind = path.child("subjects").at(i), subject.get("kind") or ""
        if kind not in _SUBJECTS:
            errors.append(not_supported(own.child("kind"), kind, sorted(_SUBJECTS)))
        elif subject.get(_SUBJECTS[kind]) is None:
            errors.append(required(own.child(_SUBJECTS[kind]), f"{_SUBJECTS[kind]} is required "
                                   f"when subject kind is '{kind}'"))
    if not rule.get("resourceRules") and not rule.get("nonResourceRules"):
        errors.append(required(path, "at least one of resourceRules and nonResourceRules has to "
                               "be non-empty"))
    return errors


class PriorityLevelConfigurationStrategy(Strategy):
    """How many requests of a priority run at once."""

    resets = RESETS_WITH_METADATA

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        exempt, limited = spec.get("exempt"), spec.get("limited")
        if exempt is not None:
            _fill(exempt, (("nominalConcurrencyShares", 0), ("lendablePercent", 0)))
        if limited is not None:
            _fill(limited, (("nominalConcurrencyShares", 30), ("lendablePercent", 0)))
            queuing = dig(limited, "limitResponse", "queuing")
            if queuing is not None:
                _fill(queuing, _QUEUING, zero=True)

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        spec = obj.get("spec") or {}
        kind, limited = spec.get("type") or "", spec.get("limited")
        errors: list[FieldError] = []
        if kind == "Exempt":
            if limited is not None:
                errors.append(forbidden(_SPEC.child("limited"), "must be nil if the type is "
                                        "not Limited"))
        elif kind == "Limited":
            if limited is None:
                errors.append(required(_SPEC.child("limited"),
                                       "must not be empty when type is Limited"))
        else:
            errors.append(not_supported(_SPEC.child("type"), kind, ["Exempt", "Limited"]))
        return errors + (_limited_errors(limited) if limited is not None else [])


def _limited_errors(limited: Object) -> list[FieldError]:
    path, errors = _SPEC.child("limited"), []
    shares = limited.get("nominalConcurrencyShares")
    if shares is not None and shares < 0:
        errors.append(invalid(path.child("nominalConcurrencyShares"), shares,
                              "must be a non-negative integer"))
    kind, own = dig(limited, "limitResponse", "type") or "", path.child("limitResponse")
    queuing = dig(limited, "limitResponse", "queuing")
    if kind == "Reject":
        if queuing is not None:
            errors.append(forbidden(own.child("queuing"), "must be nil if limited.limitResponse."
                                    "type is not Limited"))
    elif kind == "Queue":
        if queuing is None:
            errors.append(required(own.child("queuing"), "must not be empty if limited."
                                   "limitResponse.type is Limited"))
    else:
        errors.append(not_supported(own.child("type"), kind, ["Queue", "Reject"]))
    return errors


def _fill(part: Object, defaults: tuple[tuple[str, int], ...], *, zero: bool = False) -> None:
    for name, value in defaults:
        if part.get(name) is None or (zero and part[name] == 0):
            part[name] = value


def _missing_level(obj: Object, now: float) -> str:
    for condition in dig(obj, "status", "conditions") or ():
        if condition.get("type") == "Dangling":
            return str(condition.get("status", "?"))
    return "?"


def _queuing(name: str) -> Cell:
    def cell(obj: Object, now: float) -> Any:
        value = dig(obj, "spec", "limited", "limitResponse", "queuing", name)
        return NONE if value is None else value
    return cell


def _shares(obj: Object, now: float) -> Any:
    value = dig(obj, "spec", "limited", "nominalConcurrencyShares")
    return NONE if value is None else value


def _precedence(obj: Object) -> tuple[int, str]:
    return dig(obj, "spec", "matchingPrecedence") or 0, obj["metadata"]["name"]


FLOWSCHEMAS = Resource(
    group=_GROUP, version="v1", kind="FlowSchema", plural="flowschemas", namespaced=False,
    strategy=FlowSchemaStrategy(), status=True, row_order=_precedence,
    columns=(
        NAME,
        named("PriorityLevel", field("spec", "priorityLevelConfiguration", "name"),
              "Which priority."),
        named("MatchingPrecedence", field("spec", "matchingPrecedence", default=0),
              "Which schema goes first."),
        named("DistinguisherMethod", field("spec", "distinguisherMethod", "type", default=NONE),
              "What makes flows."),
        AGE,
        named("MissingPL", _missing_level, "Whether there is no such priority.")))

PRIORITYLEVELCONFIGURATIONS = Resource(
    group=_GROUP, version="v1", kind="PriorityLevelConfiguration",
    plural="prioritylevelconfigurations", namespaced=False,
    strategy=PriorityLevelConfigurationStrategy(), status=True,
    columns=(
        NAME,
        named("Type", field("spec", "type"), "Whether it limits."),
        named("NominalConcurrencyShares", _shares, "Its share of all requests at once."),
        named("Queues", _queuing("queues"), "How many queues."),
        named("HandSize", _queuing("handSize"), "How many of them a flow uses."),
        named("QueueLengthLimit", _queuing("queueLengthLimit"), "How long they get."),
        AGE))
