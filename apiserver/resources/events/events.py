"""Events of events.k8s.io, kept as core Events. Models pkg/apis/events and its conversion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.validation import (
    IMMUTABLE,
    internal_struct,
    invalid,
    required,
    same,
)
from apiserver.resource import Column, Resource, SharedStorage
from apiserver.resources.core.events import EVENT_COLUMNS, EVENTS, EventStrategy, event_errors
from apiserver.resources.printing import dig

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.machinery.validation import FieldError
    from apiserver.resource import Cell

_TO_CORE: Final = {
    "regarding": "involvedObject", "note": "message",
    "reportingController": "reportingComponent", "deprecatedCount": "count",
    "deprecatedFirstTimestamp": "firstTimestamp", "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedSource": "source"}
_FROM_CORE: Final = {core: new for new, core in _TO_CORE.items()}
_EMPTY_IN_CORE: Final[tuple[tuple[str, object], ...]] = (
    ("reportingComponent", ""), ("reportingInstance", ""), ("involvedObject", {}), ("source", {}),
    ("firstTimestamp", None), ("lastTimestamp", None))
"""Fields of core Events that are shown even when empty."""
_IMMUTABLE: Final[tuple[tuple[str, Any], ...]] = (
    ("involvedObject", {}), ("reason", ""), ("message", ""), ("source", {}),
    ("firstTimestamp", None), ("lastTimestamp", None), ("count", 0), ("reason", ""), ("type", ""),
    ("eventTime", None), ("action", ""), ("related", None), ("reportingComponent", ""),
    ("reportingInstance", ""))
"""With their zero values, in the order in which they are compared."""
_REFERENCE: Final = (("Kind", ""), ("Namespace", ""), ("Name", ""), ("UID:uid", ""),
                     ("APIVersion:apiVersion", ""), ("ResourceVersion", ""), ("FieldPath", ""))
_SHOWN: Final = {"involvedObject": _REFERENCE, "related": _REFERENCE,
                 "source": (("Component", ""), ("Host", ""))}
_SERIES: Final = 2


class NewEventStrategy(EventStrategy):
    """The same as a core Event, by other names."""

    name_rule = "dns1123subdomain"

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        core = to_core(obj)
        errors = event_errors(core, "reportingController") + _series_errors(core)
        if not core.get("eventTime"):
            errors.append(required("eventTime"))
        if core.get("type") not in ("Normal", "Warning"):
            errors.append(invalid("type", "", f"has invalid value: {core.get('type', '')}"))
        return errors + [invalid(name, "", "needs to be unset")
                         for name in ("firstTimestamp", "lastTimestamp", "count", "source")
                         if core.get(name)]

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        new, before = to_core(obj), to_core(old)
        errors = event_errors(new, "reportingController")
        if not same(new.get("series"), before.get("series")):
            errors += _series_errors(new)
        return errors + [error for name, zero in _IMMUTABLE
                         for error in _immutable_errors(name, new, before, zero)]

    def fields(self, obj: Object) -> dict[str, str]:
        old = super().fields(to_core(obj))
        regarding = obj.get("regarding") or {}
        return old | {f"regarding.{name}": regarding.get(name, "") for name in (
            "kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")} | {
            "reportingController": obj.get("reportingController", "")}


def _immutable_errors(name: str, new: Object, before: Object, zero: Any) -> list[FieldError]:
    """What has been reported stays, but for its series."""
    given, had = (event.get(name) or zero for event in (new, before))
    if same(given, had):
        return []
    shown = internal_struct(given, *_SHOWN[name]) if name in _SHOWN and given else given
    return [invalid(_FROM_CORE.get(name, name) if name == "reportingComponent" else name,
                    shown, IMMUTABLE)]


def _series_errors(event: Object) -> list[FieldError]:
    series = event.get("series")
    if series is None:
        return []
    errors = [] if (series.get("count") or 0) >= _SERIES else [
        invalid("series.count", "", f"should be at least {_SERIES}")]
    return errors if series.get("lastObservedTime") else [
        *errors, required("series.lastObservedTime")]


def to_core(obj: Object) -> Object:
    """The core form of an Event."""
    core = {_TO_CORE.get(key, key): value for key, value in obj.items()}
    for name, empty in _EMPTY_IN_CORE:
        core.setdefault(name, empty)
    core["apiVersion"] = "v1"
    return core


def from_core(obj: Object) -> Object:
    """The events.k8s.io form of a core Event."""
    new = {_FROM_CORE.get(key, key): value for key, value in obj.items()}
    for name in ("reportingController", "reportingInstance"):
        if not new.get(name):
            new.pop(name, None)
    new["apiVersion"] = "events.k8s.io/v1"
    new.setdefault("eventTime", None)
    new["regarding"] = dig(new, "regarding") or {}
    return new


def _in_core(column: Column) -> Column:
    def after(cell: Cell) -> Cell:
        return lambda obj, now: cell(to_core(obj), now)
    return Column(column.name, after(column.cell), column.type, column.format,
                  column.description, column.priority)


NEW_EVENTS = Resource(
    group="events.k8s.io", version="v1", kind="Event", plural="events", short_names=("ev",),
    strategy=NewEventStrategy(), columns=tuple(map(_in_core, EVENT_COLUMNS)),
    shared=SharedStorage(EVENTS, to_core, from_core))
