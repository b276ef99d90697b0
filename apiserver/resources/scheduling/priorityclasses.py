"""PriorityClasses. Models pkg/registry/scheduling/priorityclass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.validation import (
    FieldError,
    forbidden,
    immutable,
    not_supported,
    required,
)
from apiserver.resource import Column, Resource
from apiserver.resources.printing import AGE, NAME, field, named, number
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

SYSTEM_CLASSES: Final = {"system-node-critical": 2000001000,
                         "system-cluster-critical": 2000000000}
_HIGHEST: Final = 1000000000
_POLICIES: Final = ("PreemptLowerPriority", "Never")


class PriorityClassStrategy(Strategy):
    """A name for a priority of pods."""

    def default(self, obj: Object) -> None:
        if obj.get("preemptionPolicy") is None:
            obj["preemptionPolicy"] = "PreemptLowerPriority"

    def generation_changed(self, obj: Object, old: Object) -> bool:
        return False

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        name, value = obj["metadata"].get("name", ""), obj.get("value") or 0
        errors: list[FieldError] = []
        if name.startswith("system-"):
            error = _system_error(obj, name, value)
            if error:
                errors.append(forbidden(
                    "metadata.name", "priority class names with 'system-' prefix are reserved "
                    f"for system use only. error: {error}"))
        elif value > _HIGHEST:
            errors.append(forbidden("value", "maximum allowed value of a user defined priority "
                                    f"is {_HIGHEST}"))
        policy = obj.get("preemptionPolicy")
        if policy == "":
            errors.append(required("preemptionPolicy"))
        elif policy is not None and policy not in _POLICIES:
            errors.append(not_supported("preemptionPolicy", policy, _POLICIES))
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        if (obj.get("value") or 0) != (old.get("value") or 0):
            errors.append(forbidden("value", "may not be changed in an update."))
        return errors + immutable("preemptionPolicy", obj.get("preemptionPolicy"),
                                  old.get("preemptionPolicy"))


def _system_error(obj: Object, name: str, value: int) -> str:
    if name not in SYSTEM_CLASSES:
        return f"{name} is not a known system priority class"
    if SYSTEM_CLASSES[name] != value:
        return f"value of {name} PriorityClass must be {SYSTEM_CLASSES[name]}"
    if obj.get("globalDefault"):
        return f"globalDefault of {name} PriorityClass must be false"
    return ""


PRIORITYCLASSES = Resource(
    group="scheduling.k8s.io", version="v1", kind="PriorityClass", plural="priorityclasses",
    short_names=("pc",), namespaced=False, strategy=PriorityClassStrategy(),
    columns=(
        NAME,
        number("Value", field("value", default=0), "The priority."),
        Column("Global-Default", lambda obj, now: bool(obj.get("globalDefault")), type="boolean",
               description="Whether pods get it unasked."),
        AGE,
        named("PreemptionPolicy", field("preemptionPolicy"), "Whether it drives others out.")))
