"""FlowSchemas and PriorityLevelConfigurations. Models pkg/apis/flowcontrol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.resource import Resource
from apiserver.resources.flowcontrol.fixed_specs import fixed_errors
from apiserver.resources.flowcontrol.flow_validation import (
    conditions_errors,
    flow_errors,
    level_errors,
)
from apiserver.resources.printing import AGE, NAME, NONE, dig, field, named
from apiserver.strategy import RESETS_WITH_METADATA, Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.machinery.validation import FieldError
    from apiserver.resource import Cell

_GROUP: Final = "flowcontrol.apiserver.k8s.io"
_PRECEDENCE: Final = 1000
_QUEUING: Final = (("queues", 64), ("handSize", 8), ("queueLengthLimit", 50))


class FlowSchemaStrategy(Strategy):
    """Which requests have which priority."""

    resets = RESETS_WITH_METADATA
    revalidates_metadata = True

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        if not spec.get("matchingPrecedence"):
            spec["matchingPrecedence"] = _PRECEDENCE

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        errors = flow_errors(obj.get("spec") or {}, obj["metadata"].get("name", ""))
        return errors + fixed_errors(obj, "FlowSchema")

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        return conditions_errors(obj.get("status") or {})


class PriorityLevelConfigurationStrategy(Strategy):
    """How many requests of a priority run at once."""

    resets = RESETS_WITH_METADATA
    revalidates_metadata = True

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
        errors = level_errors(obj.get("spec") or {}, obj["metadata"].get("name", ""))
        return errors + fixed_errors(obj, "PriorityLevelConfiguration")

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        return conditions_errors(obj.get("status") or {})


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
