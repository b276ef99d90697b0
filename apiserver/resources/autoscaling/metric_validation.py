"""What is wrong with what a HorizontalPodAutoscaler looks at. Models pkg/apis/autoscaling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_dns1123_label, is_path_segment
from apiserver.machinery.quantity import parse_quantity
from apiserver.machinery.selectors import selector_errors
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    forbidden,
    invalid,
    not_supported,
    required,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object

_FIELDS: Final = {"ContainerResource": "containerResource", "External": "external",
                  "Object": "object", "Pods": "pods", "Resource": "resource"}
_TARGETS: Final = ("Utilization", "Value", "AverageValue")
_SELECTIONS: Final = ("Disabled", "Max", "Min")
_POLICIES: Final = ("Percent", "Pods")
_EITHER: Final = {
    "object": "must set either a target value or averageValue",
    "external": "must set either a target value for metric or a per-pod target"}
_LONGEST_WINDOW: Final = 3600
_LONGEST_PERIOD: Final = 1800


def reference_errors(reference: Object, path: Path) -> list[FieldError]:
    """A CrossVersionObjectReference."""
    errors: list[FieldError] = []
    for name in ("kind", "name"):
        value = reference.get(name) or ""
        errors += (all_invalid(path.child(name), value, is_path_segment(value)) if value
                   else [required(path.child(name))])
    return errors


def target_group_errors(reference: Object, path: Path) -> list[FieldError]:
    """Everything that scales is in a named group, but for ReplicationControllers."""
    version, own = reference.get("apiVersion") or "", path.child("apiVersion")
    wrong = _version_error(version)
    if wrong:
        return [invalid(own, version, wrong)]
    if version.strip("/").count("/") or reference.get("kind") == "ReplicationController":
        return []
    return [invalid(own, version, "apiVersion must specify API group")]


def _version_error(version: str) -> str:
    return f"unexpected GroupVersion string: {version}" if version.count("/") > 1 else ""


def metrics_errors(metrics: Sequence[Object], path: Path,
                   least: int | None = None) -> list[FieldError]:
    """All the metrics, for a target with at least so many replicas."""
    errors = [error for i, metric in enumerate(metrics)
              for error in _metric_errors(metric, path.at(i))]
    if least == 0 and not any(m.get("type") in ("Object", "External") for m in metrics):
        errors.append(forbidden(path, "must specify at least one Object or External metric to "
                                "support scaling to zero replicas"))
    return errors


def _metric_errors(metric: Object, path: Path) -> list[FieldError]:
    kind = metric.get("type") or ""
    errors: list[FieldError] = []
    if not kind:
        errors.append(required(path.child("type"), "must specify a metric source type"))
    if kind not in _FIELDS:
        errors.append(not_supported(path.child("type"), kind, list(_FIELDS)))
    given = [name for name in ("object", "external", "pods", "resource", "containerResource")
             if metric.get(name) is not None]
    if given:
        errors += _source_errors(given[0], metric[given[0]], path.child(given[0]))
    wanted = _FIELDS.get(kind, "")
    if wanted and wanted not in given:
        errors.append(required(path.child(wanted),
                               "must populate information for the given metric source"))
    if len(given) != 1:
        errors += [forbidden(path.child(name), "must populate the given metric source only")
                   for name in given if name != wanted]
    return errors


def _source_errors(name: str, source: Object, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    target, own = source.get("target") or {}, path.child("target")
    if name == "object":
        described, own_object = source.get("describedObject") or {}, path.child("describedObject")
        errors += reference_errors(described, own_object)
        version = described.get("apiVersion") or ""
        errors += all_invalid(own_object.child("apiVersion"), version,
                              [wrong] if (wrong := _version_error(version)) else [])
    if name in ("resource", "containerResource"):
        if not source.get("name"):
            errors.append(required(path.child("name"), "must specify a resource name"))
        if name == "containerResource":
            container, own_name = source.get("container") or "", path.child("container")
            errors += (all_invalid(own_name, container, is_dns1123_label(container)) if container
                       else [required(own_name, "must specify a container")])
    else:
        errors += _identifier_errors(source.get("metric") or {}, path.child("metric"))
    return errors + _target_errors(target, own) + _needed_errors(name, target, own)


def _identifier_errors(metric: Object, path: Path) -> list[FieldError]:
    name = metric.get("name") or ""
    if not name:
        return [required(path.child("name"), "must specify a metric name")]
    errors = all_invalid(path.child("name"), name, is_path_segment(name))
    return errors + selector_errors(metric.get("selector"), path.child("selector"))


def _target_errors(target: Object, path: Path) -> list[FieldError]:
    kind = target.get("type") or ""
    errors: list[FieldError] = []
    if not kind:
        errors.append(required(path.child("type"), "must specify a metric target type"))
    if kind not in _TARGETS:
        errors.append(invalid(path.child("type"), kind,
                              "must be either Utilization, Value, or AverageValue"))
    for name in ("value", "averageValue"):
        amount = target.get(name)
        if amount is not None and parse_quantity(amount).nano <= 0:
            errors.append(invalid(path.child(name), amount, "must be positive"))
    utilization = target.get("averageUtilization")
    if utilization is not None and utilization < 1:
        errors.append(invalid(path.child("averageUtilization"), utilization,
                              "must be greater than 0"))
    return errors


def _needed_errors(name: str, target: Object, path: Path) -> list[FieldError]:
    value, average, utilization = (target.get(n) for n in (
        "value", "averageValue", "averageUtilization"))
    if name == "pods":
        if average is None:
            return [required(path.child("averageValue"),
                             "must specify a positive target averageValue")]
        return []
    if name in ("object", "external"):
        if value is None and average is None:
            return [required(path.child("averageValue"), _EITHER[name])]
        if name == "external" and value is not None and average is not None:
            return [forbidden(path.child("value"), "may not set both a target value for metric "
                              "and a per-pod target")]
        return []
    if utilization is None and average is None:
        return [required(path.child("averageUtilization"),
                         "must set either a target raw value or a target utilization")]
    if utilization is not None and average is not None:
        return [forbidden(path.child("averageValue"),
                          "may not set both a target raw value and a target utilization")]
    return []


def rules_errors(rules: Object, path: Path) -> list[FieldError]:
    """How fast it scales in one direction (HPAScalingRules)."""
    window, own = rules.get("stabilizationWindowSeconds"), path.child("stabilizationWindowSeconds")
    errors: list[FieldError] = []
    if window is not None and window < 0:
        errors.append(invalid(own, window, "must be greater than or equal to zero"))
    if window is not None and window > _LONGEST_WINDOW:
        errors.append(invalid(own, window, f"must be less than or equal to {_LONGEST_WINDOW}"))
    selection = rules.get("selectPolicy")
    if selection is not None and selection not in _SELECTIONS:
        errors.append(not_supported(path.child("selectPolicy"), selection, _SELECTIONS))
    policies = rules.get("policies") or ()
    if not policies:
        errors.append(required(path.child("policies"), "must specify at least one Policy"))
    for i, policy in enumerate(policies):
        errors += _policy_errors(policy, path.child("policies").at(i))
    tolerance = rules.get("tolerance")
    if tolerance is not None and parse_quantity(tolerance).nano < 0:
        errors.append(invalid(path.child("tolerance"), tolerance,
                              "must be greater than or equal to 0"))
    return errors


def _policy_errors(policy: Object, path: Path) -> list[FieldError]:
    kind, period = policy.get("type") or "", policy.get("periodSeconds") or 0
    errors: list[FieldError] = []
    if kind not in _POLICIES:
        errors.append(not_supported(path.child("type"), kind, _POLICIES))
    for name in ("value", "periodSeconds"):
        if (policy.get(name) or 0) <= 0:
            errors.append(invalid(path.child(name), policy.get(name) or 0,
                                  "must be greater than zero"))
    if period > _LONGEST_PERIOD:
        errors.append(invalid(path.child("periodSeconds"), period,
                              f"must be less than or equal to {_LONGEST_PERIOD}"))
    return errors
