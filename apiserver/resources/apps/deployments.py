"""Deployments. Models pkg/registry/apps/deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from apiserver.machinery.validation import (
    FieldError,
    Path,
    forbidden,
    internal_struct,
    invalid,
    non_negative,
    not_supported,
    required,
)
from apiserver.resource import Resource, Scale
from apiserver.resources.printing import (
    AGE,
    NAME,
    dig,
    field,
    named,
    pod_columns,
    selector,
    selector_text,
)
from apiserver.resources.workloads import (
    SPEC,
    decremented_errors,
    default_workload,
    int_or_percent,
    int_or_percent_errors,
    name_warnings,
    numbers_errors,
    percent_limit_errors,
    selector_and_template_errors,
    selector_immutable,
    status_counts_errors,
    template_warnings,
)
from apiserver.strategy import RESETS, Strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object


class DeploymentStrategy(Strategy):
    """ReplicaSets that take over from each other."""

    resets: ClassVar = {**RESETS, "status": ("spec", "metadata.labels")}

    def default(self, obj: Object) -> None:
        spec = default_workload(obj)
        strategy = spec.setdefault("strategy", {})
        if not strategy.get("type"):
            strategy["type"] = "RollingUpdate"
        if strategy["type"] == "RollingUpdate":
            default_rolling_update(strategy, (("maxUnavailable", "25%"), ("maxSurge", "25%")))
        if spec.get("revisionHistoryLimit") is None:
            spec["revisionHistoryLimit"] = 10
        if spec.get("progressDeadlineSeconds") is None:
            spec["progressDeadlineSeconds"] = 600

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        spec = obj["spec"]
        errors = numbers_errors(spec, ("replicas",), SPEC) + selector_and_template_errors(spec)
        errors += _strategy_errors(spec.get("strategy") or {}, SPEC.child("strategy"))
        errors += numbers_errors(spec, ("minReadySeconds", "revisionHistoryLimit"), SPEC)
        deadline, path = spec.get("progressDeadlineSeconds"), SPEC.child("progressDeadlineSeconds")
        if deadline is None:
            return errors
        errors += non_negative(path, deadline)
        if deadline <= (spec.get("minReadySeconds") or 0):
            errors.append(invalid(path, deadline, "must be greater than minReadySeconds"))
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return self.validate(ctx, obj) + selector_immutable(obj, old)

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        status, path = obj.get("status") or {}, Path("status")
        errors = numbers_errors(status, _COUNTS, path)
        counts = ("updatedReplicas", "readyReplicas", "availableReplicas")
        return (errors + status_counts_errors(status, counts, path)
                + decremented_errors(obj, old))

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        return name_warnings(obj, old) + template_warnings(obj, old)

    def generation_changed(self, obj: Object, old: Object) -> bool:
        """Also when annotations change, since a rollout copies them."""
        return (obj.get("spec") != old.get("spec") or (obj["metadata"].get("annotations") or {})
                != (old["metadata"].get("annotations") or {}))

    def scale_selector(self, obj: Object) -> str:
        return selector_text(obj["spec"].get("selector"))


_COUNTS: Final = ("observedGeneration", "replicas", "updatedReplicas", "readyReplicas",
                  "availableReplicas", "unavailableReplicas", "terminatingReplicas",
                  "collisionCount")


def default_rolling_update(strategy: Object, defaults: Sequence[tuple[str, Any]]) -> None:
    """Fill in the parameters of a rolling update."""
    rolling = strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
    for name, value in defaults:
        if rolling.get(name) is None:
            rolling[name] = value


def _strategy_errors(strategy: Object, path: Path) -> list[FieldError]:
    kind, rolling, own = strategy.get("type"), strategy.get("rollingUpdate"), path.child(
        "rollingUpdate")
    if kind == "Recreate":
        return [] if rolling is None else [
            forbidden(own, "may not be specified when strategy `type` is 'Recreate'")]
    if kind != "RollingUpdate":
        shown = internal_struct(strategy, ("Type", ""), "RollingUpdate")
        return [not_supported(path, shown, ["Recreate", "RollingUpdate"])]
    if rolling is None:
        return [required(own, "this should be defaulted and never be nil")]
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    errors = int_or_percent_errors(unavailable, own.child("maxUnavailable"))
    errors += int_or_percent_errors(surge, own.child("maxSurge"))
    if not int_or_percent(unavailable) and not int_or_percent(surge):
        errors.append(invalid(own.child("maxUnavailable"), unavailable,
                              "may not be 0 when `maxSurge` is 0"))
    return errors + percent_limit_errors(unavailable, own.child("maxUnavailable"))


def ready_of_desired(obj: Object, now: float) -> str:
    """`1/3`: ready and wanted pods."""
    ready = dig(obj, "status", "readyReplicas") or 0
    return f"{ready}/{dig(obj, 'spec', 'replicas') or 0}"


DEPLOYMENTS = Resource(
    group="apps", version="v1", kind="Deployment", plural="deployments", short_names=("deploy",),
    categories=("all",), strategy=DeploymentStrategy(), status=True, scale=Scale(),
    columns=(
        NAME,
        named("Ready", ready_of_desired, "Ready pods of those wanted."),
        named("Up-to-date", field("status", "updatedReplicas", default=0),
              "How many pods have the newest template."),
        named("Available", field("status", "availableReplicas", default=0),
              "How many pods have been ready for long enough."),
        AGE,
        *pod_columns("spec", "template", "spec", selector_cell=selector("spec", "selector"))))
