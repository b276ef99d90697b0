"""LimitRanges. Models pkg/registry/core/limitrange and ValidateLimitRange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_qualified_name
from apiserver.machinery.quantity import parse_quantity
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    forbidden,
    invalid,
    required,
)
from apiserver.resource import Resource
from apiserver.resources.core.pod_defaults import round_amounts
from apiserver.resources.core.resource_validation import (
    container_resource_errors,
    overcommit_allowed,
    resource_name_errors,
)
from apiserver.resources.printing import CREATED_AT, NAME, dig
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apiserver.context import RequestContext
    from apiserver.machinery.quantity import Quantity
    from apiserver.machinery.types import Object

_TYPES: Final = ("Pod", "Container", "PersistentVolumeClaim")
_AMOUNTS: Final = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")
_POD: Final = "may not be specified when `type` is 'Pod'"
_STORAGE: Final = ("either minimum or maximum storage value is required, "
                   "but neither was provided")


class LimitRangeStrategy(Strategy):
    """How much one pod, container or claim may have, and what it gets unasked."""

    has_generation = False
    create_on_update = True
    revalidates_metadata = True

    def default(self, obj: Object) -> None:
        for limit in dig(obj, "spec", "limits") or ():
            for name in _AMOUNTS:
                round_amounts(limit.get(name))
            if limit.get("type") == "Container":
                _default_container(limit)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        seen: set[str] = set()
        for i, limit in enumerate(dig(obj, "spec", "limits") or ()):
            errors += _limit_errors(limit, seen, Path("spec.limits").at(i))
        return errors


def _default_container(limit: Object) -> None:
    """Limits default to the maximum, requests to the limit, then to the minimum."""
    default = {**(limit.get("max") or {}), **(limit.get("default") or {})}
    request = {**(limit.get("min") or {}), **default, **(limit.get("defaultRequest") or {})}
    if default:
        limit["default"] = default
    if request:
        limit["defaultRequest"] = request


def _limit_errors(limit: Object, seen: set[str], path: Path) -> list[FieldError]:
    kind = limit.get("type") or ""
    own = path.child("type")
    errors = all_invalid(own, kind, is_qualified_name(kind))
    if not errors and "/" not in kind and kind not in _TYPES:
        errors.append(invalid(own, kind, "must be a standard limit type or fully qualified"))
    if kind in seen:
        errors.append(duplicate(own, kind))
    seen.add(kind)
    names: dict[str, None] = {}
    for part in _AMOUNTS:
        amounts = limit.get(part) or {}
        if kind == "Pod" and part.startswith("default"):
            if amounts:
                errors.append(forbidden(path.child(part), _POD))
            continue
        for name in amounts:
            errors += _name_errors(kind, name, path.child(part).key(name))
            names[name] = None
        if part == "defaultRequest":
            errors += _claim_errors(limit, path)
    for name in names:
        errors += _order_errors(limit, name, path)
    return errors


def _claim_errors(limit: Object, path: Path) -> list[FieldError]:
    if limit.get("type") != "PersistentVolumeClaim":
        return []
    if "storage" in (limit.get("min") or {}) or "storage" in (limit.get("max") or {}):
        return []
    return [required(path.child("limits"), _STORAGE)]


def _name_errors(kind: str, name: str, path: Path) -> list[FieldError]:
    check = container_resource_errors if kind in ("Pod", "Container") else resource_name_errors
    return check(name, path)


def _order_errors(limit: Object, name: str, path: Path) -> list[FieldError]:
    amounts = {part: _amount(limit, part, name) for part in _AMOUNTS}
    errors: list[FieldError] = []
    for less, more, at, text in _ORDER:
        a, b = amounts[less], amounts[more]
        if a is not None and b is not None and a > b:
            blamed = b if at == "defaultRequest" and less == "min" else a
            errors.append(invalid(path.child(at).key(name), str(blamed), text.format(a, b)))
    ratio, default, request = (
        amounts[part] for part in ("maxLimitRequestRatio", "default", "defaultRequest"))
    if ratio is not None:
        own = path.child("maxLimitRequestRatio").key(name)
        errors += _ratio_errors(ratio, amounts["min"], amounts["max"], own)
    unequal = default is not None and request is not None and default != request
    if unequal and not overcommit_allowed(name):
        errors.append(invalid(
            path.child("defaultRequest").key(name), str(request),
            f"default value {default} must equal to defaultRequest value {request} in {name}"))
    return errors


_ORDER: Final = (
    ("min", "max", "min", "min value {} is greater than max value {}"),
    ("min", "defaultRequest", "defaultRequest",
     "min value {} is greater than default request value {}"),
    ("defaultRequest", "max", "defaultRequest",
     "default request value {} is greater than max value {}"),
    ("defaultRequest", "default", "defaultRequest",
     "default request value {} is greater than default limit value {}"),
    ("min", "default", "default", "min value {} is greater than default value {}"),
    ("default", "max", "default", "default value {} is greater than max value {}"),
)
"""(the one that must not be more, than which, where it is reported, how)"""


def _amount(limit: Object, part: str, name: str) -> Quantity | None:
    text = (limit.get(part) or {}).get(name)
    return None if text is None else parse_quantity(text)


def _ratio_errors(ratio: Quantity, low: Quantity | None, high: Quantity | None,
                  path: Path) -> Iterator[FieldError]:
    if ratio < parse_quantity("1"):
        yield invalid(path, str(ratio), f"ratio {ratio} is less than 1")
    if low is not None and high is not None and low.nano:
        most = high.milli / low.milli if max(high.value, low.value) < 2**53 else (
            high.value / low.value)
        if ratio.nano / 1e9 > most:
            yield invalid(path, str(ratio), f"ratio {ratio} is greater than max/min = {most:f}")


LIMITRANGES = Resource(
    group="", version="v1", kind="LimitRange", plural="limitranges", short_names=("limits",),
    strategy=LimitRangeStrategy(), columns=(NAME, CREATED_AT))
