"""What is wrong with the devices of a ResourceSlice. Models validateDevice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.names import is_dns1123_subdomain
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    invalid,
    required,
    same,
    too_long,
)
from apiserver.resources.core.scheduling_validation import node_selector_errors
from apiserver.resources.resource.capacity_validation import shared_errors, whole_errors
from apiserver.resources.resource.parts import (
    binding_errors,
    each,
    each_value,
    label_errors,
    name_of,
    qualified_errors,
    taint_errors,
)

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

_MOST_FACTS: Final = 32
_MOST_TAINTS: Final = 16
_MOST_SETS: Final = 8
_MOST_CONSUMED: Final = 2
_MOST_COUNTERS: Final = 32
_LONGEST_VALUE: Final = 64
_PLACES: Final = ("nodeName", "nodeSelector", "allNodes")
_PLACED: Final = "if `perDeviceNodeSelection` is set to true in the ResourceSlice spec"
_ONE_PLACE: Final = ("exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when "
                     "`perDeviceNodeSelection` is set to true in the ResourceSlice spec")
_NUMBER: Final = r"(0|[1-9]\d*)"
_BEFORE: Final = r"(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_VERSION: Final = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_BEFORE}(\.{_BEFORE})*)?"
    r"(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?", re.ASCII)


def device_errors(device: Object, old: Object | None, path: Path, *,
                  placed: bool) -> list[FieldError]:
    """A device; `old` is what it was, `placed` that each says on its own which nodes have it."""
    errors = label_errors(name_of(device), path.child("name"))
    facts, capacities = device.get("attributes") or {}, device.get("capacity") or {}
    number = len(facts) + len(capacities)
    if number > _MOST_FACTS:
        errors.append(invalid(path, number, "the total number of attributes and capacities must "
                              f"not exceed {_MOST_FACTS}"))
    errors += each_value(facts, None, path.child("attributes"), qualified_errors,
                         _attribute_errors)
    if old is None or not same(old.get("capacity"), capacities):
        check = shared_errors if device.get("allowMultipleAllocations") else whole_errors
        errors += each_value(capacities, None, path.child("capacity"), qualified_errors, check)
    if old is None or not same(old.get("taints"), device.get("taints")):
        errors += each(device.get("taints") or (), _MOST_TAINTS, path.child("taints"),
                       taint_errors)
    errors += each(device.get("consumesCounters") or (), _MOST_CONSUMED,
                   path.child("consumesCounters"),
                   lambda used, at: _counters_errors(used, "counterSet", at),
                   lambda used: used.get("counterSet") or "")
    return errors + _place_errors(device, path, placed=placed) + binding_errors(device, path)


def counter_sets_errors(sets: list[Object], path: Path) -> list[FieldError]:
    """What is wrong with the counters that devices share."""
    return each(sets, _MOST_SETS, path, lambda own, at: _counters_errors(own, "name", at), name_of)


def _counters_errors(holder: Object, key: str, path: Path) -> list[FieldError]:
    name, counters = holder.get(key) or "", holder.get("counters") or {}
    errors = label_errors(name, path.child(key)) if name else [required(path.child(key))]
    own = path.child("counters")
    return errors + (each_value(counters, _MOST_COUNTERS, own, label_errors, lambda _, at: [])
                     if counters else [required(own)])


# --- attributes --------------------------------------------------------------------------------


def _attribute_errors(attribute: Object, path: Path) -> list[FieldError]:
    given = {kind: attribute[kind] for kind in _VALUES if attribute.get(kind) is not None}
    errors = [error for kind, value in given.items()
              for error in _value_errors(kind, value, path.child(kind))]
    if len(given) == 1:
        return errors
    return [*errors, invalid(path, given or "", "exactly one value must be specified")]


_VALUES: Final = ("bool", "int", "string", "version", "bools", "ints", "strings", "versions")


def _value_errors(kind: str, value: Any, path: Path) -> list[FieldError]:
    if isinstance(value, list):
        if not value:
            return [invalid(path, value, "must not be empty if specified")]
        return [error for i, item in enumerate(value)
                for error in _value_errors(kind.removesuffix("s"), item, path.at(i))]
    errors: list[FieldError] = []
    if kind == "version" and not _VERSION.fullmatch(value):
        errors.append(invalid(path, value,
                              "must be a string compatible with semver.org spec 2.0.0"))
    if kind in ("string", "version") and len(value.encode()) > _LONGEST_VALUE:
        errors.append(too_long(path, _LONGEST_VALUE))
    return errors


# --- places ------------------------------------------------------------------------------------


def _place_errors(device: Object, path: Path, *, placed: bool) -> list[FieldError]:
    if not placed:
        if all(device.get(name) is None for name in _PLACES):
            return []
        return [invalid(path, None, "`nodeName`, `nodeSelector` and `allNodes` can only be set "
                        f"{_PLACED}")]
    node, chosen = device.get("nodeName"), device.get("nodeSelector")
    errors: list[FieldError] = []
    if node == "":
        errors.append(invalid(path.child("nodeName"), node, "must not be empty"))
    elif node is not None:
        errors += all_invalid(path.child("nodeName"), node, is_dns1123_subdomain(node))
    if chosen is not None:
        errors += node_selector_errors(chosen, path.child("nodeSelector"))
    if device.get("allNodes") is False:
        errors.append(invalid(path.child("allNodes"), False,
                              "must be either unset or set to true"))
    where = [f"`{name}`" for name in _PLACES if device.get(name) not in (None, "", False)]
    if not where:
        errors.append(required(path, _ONE_PLACE))
    elif len(where) > 1:
        errors.append(invalid(path, f"{{{', '.join(where)}}}", _ONE_PLACE))
    return errors
