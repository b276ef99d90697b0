"""DaemonSets. Models pkg/registry/apps/daemonset and ValidateDaemonSet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.validation import (
    FieldError,
    Path,
    internal_struct,
    invalid,
    not_supported,
    required,
    shown_selector,
)
from apiserver.resource import Resource
from apiserver.resources.apps.deployments import default_rolling_update
from apiserver.resources.core.pod_validation import template_errors
from apiserver.resources.printing import (
    AGE,
    NAME,
    dig,
    field,
    labels,
    named,
    number,
    pod_columns,
    selector,
)
from apiserver.resources.workloads import (
    SPEC,
    TEMPLATE,
    always_restart_errors,
    decremented_errors,
    default_workload,
    int_or_percent,
    int_or_percent_errors,
    mismatch_errors,
    numbers_errors,
    percent_limit_errors,
    selected_errors,
    selector_immutable,
    template_warnings,
)
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_GENERATION: Final = "deprecated.daemonset.template.generation"
_TYPES: Final = ("RollingUpdate", "OnDelete")
_COUNTS: Final = ("currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled",
                  "numberReady")
_MORE_COUNTS: Final = ("observedGeneration", "updatedNumberScheduled", "numberAvailable",
                       "numberUnavailable")


class DaemonSetStrategy(Strategy):
    """A pod on every node that fits."""

    def default(self, obj: Object) -> None:
        spec = default_workload(obj, replicas=False)
        strategy = spec.setdefault("updateStrategy", {})
        if not strategy.get("type"):
            strategy["type"] = "RollingUpdate"
        if strategy["type"] == "RollingUpdate":
            default_rolling_update(strategy, (("maxUnavailable", 1), ("maxSurge", 0)))
        if spec.get("revisionHistoryLimit") is None:
            spec["revisionHistoryLimit"] = 10

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = dict.fromkeys(_COUNTS, 0)
        obj["metadata"].setdefault("annotations", {})[_GENERATION] = "1"

    def prepare_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        before = dig(old, "metadata", "annotations", _GENERATION) or "0"
        number_of = int(before) if before.isdigit() else 0
        if obj["spec"].get("template") != old["spec"].get("template"):
            number_of += 1
        annotations = dict(obj["metadata"].get("annotations") or {})
        if number_of:
            annotations[_GENERATION] = str(number_of)
        if annotations:
            obj["metadata"]["annotations"] = annotations

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        spec = obj["spec"]
        own, template = spec.get("selector"), spec.get("template") or {}
        path = SPEC.child("selector")
        errors = [] if own is None else selected_errors(own, path, "daemonset")
        errors += mismatch_errors(own, template, TEMPLATE)
        if own is not None and not (own.get("matchLabels") or own.get("matchExpressions")):
            errors = [invalid(path, shown_selector(own), "empty selector is invalid for daemonset")]
        errors += template_errors(template, TEMPLATE)
        errors += always_restart_errors(template, TEMPLATE, "DaemonSet")
        errors += numbers_errors(spec, ("minReadySeconds",), SPEC)
        errors += _update_errors(spec.get("updateStrategy") or {}, SPEC.child("updateStrategy"))
        return errors + numbers_errors(spec, ("revisionHistoryLimit",), SPEC)

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return self.validate(ctx, obj) + selector_immutable(obj, old)

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        status, path = obj.get("status") or {}, Path("status")
        return (numbers_errors(status, (*_COUNTS, *_MORE_COUNTS, "collisionCount"), path)
                + decremented_errors(obj, old))

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        return template_warnings(obj, old)


def _update_errors(strategy: Object, path: Path) -> list[FieldError]:
    kind = strategy.get("type") or ""
    if kind == "OnDelete":
        return []
    if kind != "RollingUpdate":
        return [not_supported(path, internal_struct(strategy, ("Type", ""), "RollingUpdate"),
                              _TYPES)]
    if strategy.get("rollingUpdate") is None:
        return [required(path.child("rollingUpdate"))]
    return _rolling_errors(strategy["rollingUpdate"], path.child("rollingUpdate"))


def _rolling_errors(rolling: Object, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    for name in ("maxUnavailable", "maxSurge"):
        errors += int_or_percent_errors(rolling.get(name), path.child(name))
    for name in ("maxUnavailable", "maxSurge"):
        errors += percent_limit_errors(rolling.get(name), path.child(name))
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    both = int_or_percent(unavailable), int_or_percent(surge)
    if all(both):
        errors.append(invalid(path.child("maxSurge"), surge,
                              "may not be set when maxUnavailable is non-zero"))
    if not any(both):
        errors.append(required(path.child("maxUnavailable"), "cannot be 0 when maxSurge is 0"))
    return errors


DAEMONSETS = Resource(
    group="apps", version="v1", kind="DaemonSet", plural="daemonsets", short_names=("ds",),
    categories=("all",), strategy=DaemonSetStrategy(), status=True,
    columns=(
        NAME,
        number("Desired", field("status", "desiredNumberScheduled", default=0),
               "How many nodes should have a pod."),
        number("Current", field("status", "currentNumberScheduled", default=0),
               "How many of them have one."),
        number("Ready", field("status", "numberReady", default=0), "How many are ready."),
        number("Up-to-date", field("status", "updatedNumberScheduled", default=0),
               "How many are of the newest template."),
        number("Available", field("status", "numberAvailable", default=0),
               "How many are available."),
        named("Node Selector", labels("spec", "template", "spec", "nodeSelector"),
              "Which nodes it is for."),
        AGE,
        *pod_columns("spec", "template", "spec", selector_cell=selector("spec", "selector"))))
