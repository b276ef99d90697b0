"""HorizontalPodAutoscalers, stored as v2. Models pkg/registry/autoscaling."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

import orjson

from apiserver.machinery.validation import FieldError, Path, invalid
from apiserver.resource import Column, Resource, SharedStorage
from apiserver.resources.autoscaling.metric_validation import (
    metrics_errors,
    reference_errors,
    rules_errors,
    target_group_errors,
)
from apiserver.resources.printing import AGE, NAME, NONE, UNKNOWN, UNSET, dig, field, named
from apiserver.resources.workloads import numbers_errors
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.resource import Cell

_SPEC: Final = Path("spec")
_MOST_SHOWN: Final = 2
_DEFAULT_METRIC: Final = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
_DOWN: Final = {"selectPolicy": "Max",
                "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}
_UP: Final = {"selectPolicy": "Max", "stabilizationWindowSeconds": 0,
              "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15},
                           {"type": "Percent", "value": 100, "periodSeconds": 15}]}
_ANNOTATIONS: Final = {"metrics": "autoscaling.alpha.kubernetes.io/metrics",
                       "behavior": "autoscaling.alpha.kubernetes.io/behavior",
                       "currentMetrics": "autoscaling.alpha.kubernetes.io/current-metrics",
                       "conditions": "autoscaling.alpha.kubernetes.io/conditions"}
_STATUS: Final = ("observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas")


class HorizontalPodAutoscalerStrategy(Strategy):
    """Replicas by load (v2)."""

    has_generation = False

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        if spec.get("minReplicas") is None:
            spec["minReplicas"] = 1
        if not spec.get("metrics"):
            spec["metrics"] = [copy.deepcopy(_DEFAULT_METRIC)]
        behavior = spec.get("behavior")
        if behavior is not None:
            for name, defaults in (("scaleUp", _UP), ("scaleDown", _DOWN)):
                behavior[name] = copy.deepcopy(defaults) | {
                    key: value for key, value in (behavior.get(name) or {}).items()
                    if value is not None}

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {"currentMetrics": None, "desiredReplicas": 0}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return self.validate_update(ctx, obj, {})

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """A target's group must be named, unless it was not before either."""
        spec = obj.get("spec") or {}
        least, most = spec.get("minReplicas"), spec.get("maxReplicas") or 0
        errors: list[FieldError] = []
        if least is not None and least < 1:
            errors.append(invalid(_SPEC.child("minReplicas"), least,
                                  "must be greater than or equal to 1"))
        if most < 1:
            errors.append(invalid(_SPEC.child("maxReplicas"), most, "must be greater than 0"))
        if least is not None and most < least:
            errors.append(invalid(_SPEC.child("maxReplicas"), most,
                                  "must be greater than or equal to `minReplicas`"))
        target, before = (dig(o, "spec", "scaleTargetRef") or {} for o in (obj, old))
        path = _SPEC.child("scaleTargetRef")
        errors += reference_errors(target, path)
        if not before or not target_group_errors(before, path):
            errors += target_group_errors(target, path)
        errors += metrics_errors(spec.get("metrics") or (), _SPEC.child("metrics"), least)
        for name in ("scaleUp", "scaleDown"):
            rules = dig(spec, "behavior", name)
            if rules is not None:
                errors += rules_errors(rules, _SPEC.child("behavior", name))
        return errors

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        return numbers_errors(obj.get("status") or {}, ("currentReplicas", "desiredReplicas"),
                              Path("status"))


class OldStrategy(HorizontalPodAutoscalerStrategy):
    """The same in the form of v1, which defaults less before it is converted."""

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        if spec.get("minReplicas") is None:
            spec["minReplicas"] = 1


# --- v1 and v2 ---------------------------------------------------------------------------------


def to_v2(obj: Object) -> Object:
    """The v2 form of a v1 object: what v1 has no field for is in annotations."""
    annotations = dict(dig(obj, "metadata", "annotations") or {})
    kept = {name: orjson.loads(annotations.pop(key)) for name, key in _ANNOTATIONS.items()
            if key in annotations}
    spec, status = dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    metrics = kept.get("metrics") or []
    percent = spec.pop("targetCPUUtilizationPercentage", None)
    if percent is not None:
        metrics = [*metrics, _cpu_metric(percent)]
    if metrics:
        spec["metrics"] = metrics
    if kept.get("behavior"):
        spec["behavior"] = kept["behavior"]
    current = status.pop("currentCPUUtilizationPercentage", None)
    status["currentMetrics"] = kept.get("currentMetrics") or ([_cpu_status(current)]
                                                              if current is not None else None)
    if kept.get("conditions"):
        status["conditions"] = kept["conditions"]
    status.setdefault("desiredReplicas", 0)
    if not status.get("currentReplicas"):
        status.pop("currentReplicas", None)
    return _converted(obj, "autoscaling/v2", annotations, spec, status)


def to_v1(obj: Object) -> Object:
    """The v1 form of a v2 object."""
    annotations = dict(dig(obj, "metadata", "annotations") or {})
    spec, status = dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    metrics = list(spec.pop("metrics", None) or ())
    for i, metric in enumerate(metrics):
        percent = dig(metric, "resource", "target", "averageUtilization")
        if dig(metric, "resource", "name") == "cpu" and percent is not None:
            spec["targetCPUUtilizationPercentage"] = percent
            del metrics[i]
            break
    behavior = spec.pop("behavior", None)
    current = status.pop("currentMetrics", None) or []
    for metric in current:
        percent = dig(metric, "resource", "current", "averageUtilization")
        if dig(metric, "resource", "name") == "cpu" and percent is not None:
            status["currentCPUUtilizationPercentage"] = percent
    conditions = status.pop("conditions", None)
    for name, value in (("metrics", metrics), ("behavior", behavior),
                        ("currentMetrics", current), ("conditions", conditions)):
        if value:
            annotations[_ANNOTATIONS[name]] = orjson.dumps(value).decode()
    status.setdefault("currentReplicas", 0)
    status = {name: status[name] for name in (*_STATUS, "currentCPUUtilizationPercentage")
              if name in status}
    return _converted(obj, "autoscaling/v1", annotations, spec, status)


def _cpu_metric(percent: int) -> Object:
    return {"type": "Resource", "resource": {
        "name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}}}


def _cpu_status(percent: int) -> Object:
    return {"type": "Resource", "resource": {
        "name": "cpu", "current": {"averageUtilization": percent, "averageValue": "0"}}}


def _converted(obj: Object, api_version: str, annotations: dict[str, str], spec: Object,
               status: Object) -> Object:
    meta = {key: value for key, value in obj["metadata"].items() if key != "annotations"}
    if annotations:
        meta["annotations"] = annotations
    return obj | {"apiVersion": api_version, "metadata": meta, "spec": spec, "status": status}


# --- columns -----------------------------------------------------------------------------------


def _reference(obj: Object, now: float) -> str:
    target = dig(obj, "spec", "scaleTargetRef") or {}
    return f"{target.get('kind', '')}/{target.get('name', '')}"


def _targets(obj: Object, now: float) -> str:
    metrics = dig(obj, "spec", "metrics") or ()
    current = dig(obj, "status", "currentMetrics") or ()
    if not metrics:
        return NONE
    texts = [_target(metric, current[i] if i < len(current) else {})
             for i, metric in enumerate(metrics)]
    shown = ", ".join(texts[:_MOST_SHOWN])
    more = len(texts) - _MOST_SHOWN
    return f"{shown} + {more} more..." if more > 0 else shown


def _target(metric: Object, status: Object) -> str:
    kind = metric.get("type", "")
    name = kind[:1].lower() + kind[1:]
    source, current = metric.get(name) or {}, dig(status, name, "current") or {}
    target = source.get("target") or {}
    if name in ("resource", "containerResource"):
        prefix = source.get("name", "")
        if target.get("averageValue") is not None:
            return f"{prefix}: {_or_unknown(current.get('averageValue'))}/{target['averageValue']}"
        percent = current.get("averageUtilization")
        now_text = UNKNOWN if percent is None else f"{percent}%"
        wanted = target.get("averageUtilization")
        return f"{prefix}: {now_text}/{'<auto>' if wanted is None else f'{wanted}%'}"
    if target.get("averageValue") is not None:
        suffix = "" if name == "pods" else " (avg)"
        return f"{_or_unknown(current.get('averageValue'))}/{target['averageValue']}{suffix}"
    if name in ("object", "external"):
        return f"{_or_unknown(current.get('value'))}/{target.get('value')}"
    return "<unknown type>"


def _or_unknown(value: Any) -> str:
    return UNKNOWN if value is None else str(value)


def _least(obj: Object, now: float) -> str:
    value = dig(obj, "spec", "minReplicas")
    return UNSET if value is None else str(value)


_COLUMNS: Final = (
    NAME,
    named("Reference", _reference, "What it scales."),
    named("Targets", _targets, "Load now and wanted."),
    named("MinPods", _least, "The fewest pods."),
    named("MaxPods", field("spec", "maxReplicas", default=0), "The most pods."),
    named("Replicas", field("status", "currentReplicas", default=0), "How many there are."),
    AGE)


def _of_v1(columns: Sequence[Column]) -> tuple[Column, ...]:
    def after(cell: Cell) -> Cell:
        return lambda obj, now: cell(to_v2(obj), now)
    return tuple(Column(c.name, after(c.cell), c.type, c.format, c.description, c.priority)
                 for c in columns)


HORIZONTALPODAUTOSCALERS = Resource(
    group="autoscaling", version="v2", kind="HorizontalPodAutoscaler",
    plural="horizontalpodautoscalers", short_names=("hpa",), categories=("all",),
    strategy=HorizontalPodAutoscalerStrategy(), status=True, columns=_COLUMNS)

OLD_HORIZONTALPODAUTOSCALERS = Resource(
    group="autoscaling", version="v1", kind="HorizontalPodAutoscaler",
    plural="horizontalpodautoscalers", short_names=("hpa",), categories=("all",),
    strategy=OldStrategy(), status=True, columns=_of_v1(_COLUMNS),
    shared=SharedStorage(HORIZONTALPODAUTOSCALERS, to_v2, to_v1))
