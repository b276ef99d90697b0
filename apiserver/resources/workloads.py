"""What workloads have in common: replicas, selectors, pod templates, rolling updates, status.
Models pkg/apis/apps/validation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.names import is_dns1123_label, is_valid_percent
from apiserver.machinery.selectors import from_label_selector, selector_errors
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    forbidden,
    invalid,
    non_negative,
    not_supported,
    required,
    same,
    shown_selector,
)
from apiserver.resources.core.pod_defaults import default_template
from apiserver.resources.core.pod_validation import template_errors
from apiserver.resources.core.pod_warnings import pod_warnings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object

SPEC: Final = Path("spec")
TEMPLATE: Final = Path("spec.template")
_MISMATCH: Final = "`selector` does not match template `labels`"
_NAME_TEXT: Final = ("metadata.name: this is used in Pod names and hostnames, which can result in "
                     "surprising behavior; a DNS label is recommended: ")
_OVER: Final = "cannot be greater than status.replicas"


def default_workload(obj: Object, *, replicas: bool = True) -> Object:
    """Template defaults and one replica; gives the spec."""
    spec: Object = obj.setdefault("spec", {})
    default_template(spec.setdefault("template", {}))
    if replicas and spec.get("replicas") is None:
        spec["replicas"] = 1
    return spec


def template_changed(obj: Object, old: Object | None) -> bool:
    """Whether warnings about the template are due."""
    return old is None or (obj.get("spec") or {}).get("template") != (
        old.get("spec") or {}).get("template")


def template_warnings(obj: Object, old: Object | None) -> list[str]:
    """Warnings about a workload's pod template."""
    if not template_changed(obj, old):
        return []
    template = obj["spec"].get("template") or {}
    return pod_warnings(template.get("spec") or {}, template.get("metadata") or {}, TEMPLATE)


def name_warnings(obj: Object, old: Object | None) -> list[str]:
    """A warning about a new workload's name that makes no good hostnames of pods."""
    wrong = is_dns1123_label(obj["metadata"].get("name") or "") if old is None else []
    return [f"{_NAME_TEXT}[{' '.join(wrong)}]"] if wrong else []


def selector_and_template_errors(spec: Object, what: str = "ReplicaSet") -> list[FieldError]:
    """A selector that is given, not empty, right, and matches the template's labels."""
    path, selector = SPEC.child("selector"), spec.get("selector")
    errors = selected_errors(selector, path)
    if selector is not None and selector_errors(selector, path):
        return [*errors, invalid(path, shown_selector(selector), "invalid label selector")]
    return errors + _template_errors(spec, what)


def selected_errors(selector: Object | None, path: Path,
                    what: str = "deployment") -> list[FieldError]:
    """What is wrong with a required selector."""
    if selector is None:
        return [required(path)]
    errors = selector_errors(selector, path)
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        errors.append(invalid(path, shown_selector(selector),
                              f"empty selector is invalid for {what}"))
    return errors


def _template_errors(spec: Object, what: str) -> list[FieldError]:
    template = spec.get("template") or {}
    errors = mismatch_errors(spec.get("selector"), template, TEMPLATE)
    errors += template_errors(template, TEMPLATE)
    return errors + always_restart_errors(template, TEMPLATE, what)


def mismatch_errors(selector: Object | None, template: Object, path: Path) -> list[FieldError]:
    """The template's pods must be selected."""
    labels = (template.get("metadata") or {}).get("labels")
    if selector_errors(selector, path):
        return []  # said already, of the selector itself
    parsed = from_label_selector(selector)
    if parsed.empty or parsed.matches(labels or {}):
        return []
    return [invalid(path.child("metadata", "labels"), labels or None, _MISMATCH)]


def always_restart_errors(template: Object, path: Path, what: str) -> list[FieldError]:
    """Pods of a workload that runs for ever."""
    spec = template.get("spec") or {}
    errors = []
    if spec.get("restartPolicy") != "Always":
        errors.append(not_supported(path.child("spec", "restartPolicy"),
                                    spec.get("restartPolicy") or "", ["Always"]))
    if spec.get("activeDeadlineSeconds") is not None:
        errors.append(forbidden(path.child("spec", "activeDeadlineSeconds"),
                                f"activeDeadlineSeconds in {what} is not Supported"))
    return errors


def selector_immutable(obj: Object, old: Object) -> list[FieldError]:
    """The selector never changes."""
    new, before = obj["spec"].get("selector"), old["spec"].get("selector")
    if same(new, before):
        return []
    return [invalid("spec.selector", shown_selector(new), "field is immutable")]


def numbers_errors(holder: Object, names: Sequence[str], path: Path) -> list[FieldError]:
    """Numbers that are not negative."""
    return [error for name in names for error in non_negative(path.child(name),
                                                              holder.get(name) or 0)]


def int_or_percent_errors(value: Any, path: Path) -> list[FieldError]:
    """A number that is not negative, or `25%` (ValidatePositiveIntOrPercent)."""
    if isinstance(value, str):
        return all_invalid(path, value, is_valid_percent(value))
    return non_negative(path, value or 0)


def int_or_percent(value: Any) -> int:
    """The number in `3` or `25%`; 0 for what is neither."""
    if isinstance(value, int):
        return value
    text = (value or "").removesuffix("%")
    return int(text) if text.isascii() and text.isdigit() else 0


def percent_limit_errors(value: Any, path: Path) -> list[FieldError]:
    """At most `100%`."""
    if not isinstance(value, str) or is_valid_percent(value) or int_or_percent(value) <= 100:
        return []
    return [invalid(path, value, "must not be greater than 100%")]


def status_counts_errors(status: Object, names: Sequence[str], path: Path) -> list[FieldError]:
    """Counts that cannot exceed `replicas`, and availability that needs readiness."""
    replicas = status.get("replicas") or 0
    errors = [invalid(path.child(name), status.get(name) or 0, _OVER)
              for name in names if (status.get(name) or 0) > replicas]
    available, ready = (status.get(n) or 0 for n in ("availableReplicas", "readyReplicas"))
    if available > ready:
        errors.append(invalid(path.child("availableReplicas"), available,
                              "cannot be greater than readyReplicas"))
    return errors


def decremented_errors(obj: Object, old: Object) -> list[FieldError]:
    """A collision count never falls."""
    new, before = ((o.get("status") or {}).get("collisionCount") for o in (obj, old))
    if before is None or (new is not None and new >= before):
        return []
    return [invalid("status.collisionCount", new or 0, "cannot be decremented")]
