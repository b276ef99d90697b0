"""PodDisruptionBudgets. Models pkg/registry/policy/poddisruptionbudget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.conditions import conditions_errors
from apiserver.machinery.selectors import selector_errors
from apiserver.machinery.validation import (
    FieldError,
    Path,
    internal_struct,
    invalid,
    not_supported,
    shown_selector,
)
from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME, field, named, number
from apiserver.resources.workloads import (
    int_or_percent_errors,
    numbers_errors,
    percent_limit_errors,
)
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_SPEC: Final = Path("spec")
_POLICIES: Final = ("AlwaysAllow", "IfHealthyBudget")
_COUNTS: Final = ("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods")
_CHECKED: Final = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
_FIELDS: Final = ("MinAvailable", "Selector", "MaxUnavailable", "UnhealthyPodEvictionPolicy")


class PodDisruptionBudgetStrategy(Strategy):
    """How many pods may be evicted."""

    unconditional_update = False
    name_rule = "pathsegment"

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = dict.fromkeys(_COUNTS, 0)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        spec = obj.get("spec") or {}
        errors: list[FieldError] = []
        limits = ("minAvailable", "maxUnavailable")
        if all(spec.get(name) is not None for name in limits):
            shown = internal_struct({**spec, "selector": shown_selector(spec.get("selector"))},
                                    *_FIELDS)
            errors.append(invalid(_SPEC, shown,
                                  "minAvailable and maxUnavailable cannot be both set"))
        for name in limits:
            if spec.get(name) is not None:
                path = _SPEC.child(name)
                errors += int_or_percent_errors(spec[name], path)
                errors += percent_limit_errors(spec[name], path)
        errors += selector_errors(spec.get("selector"), _SPEC.child("selector"))
        policy = spec.get("unhealthyPodEvictionPolicy")
        if policy is not None and policy not in _POLICIES:
            errors.append(not_supported(_SPEC.child("unhealthyPodEvictionPolicy"), policy,
                                        _POLICIES))
        return errors

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        status, path = obj.get("status") or {}, Path("status")
        errors = conditions_errors(status.get("conditions") or (), path.child("conditions"))
        return errors + numbers_errors(status, _CHECKED, path)


PODDISRUPTIONBUDGETS = Resource(
    group="policy", version="v1", kind="PodDisruptionBudget", plural="poddisruptionbudgets",
    short_names=("pdb",), strategy=PodDisruptionBudgetStrategy(), status=True,
    columns=(
        NAME,
        named("Min Available", lambda obj, now: str(field("spec", "minAvailable",
                                                          default="N/A")(obj, now)),
              "How many pods must stay."),
        named("Max Unavailable", lambda obj, now: str(field("spec", "maxUnavailable",
                                                            default="N/A")(obj, now)),
              "How many pods may be missing."),
        number("Allowed Disruptions", field("status", "disruptionsAllowed", default=0),
               "How many pods may be evicted now."),
        AGE))
