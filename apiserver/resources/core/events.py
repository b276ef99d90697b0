"""Events of the core group. Models pkg/registry/core/event."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.machinery.names import is_dns1123_subdomain, is_qualified_name
from apiserver.machinery.validation import FieldError, all_invalid, invalid, required
from apiserver.resource import Column, Resource
from apiserver.resources.printing import field, named, since
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.strategy import NameRule

_MAX_WORD: Final = 128
_MAX_NOTE: Final = 1024


class EventStrategy(Strategy):
    """Something that happened to an object."""

    name_rule: ClassVar[NameRule] = "pathsegment"
    create_on_update = True
    has_generation = False

    def default(self, obj: Object) -> None:
        """Nothing: an Event is as it was reported."""

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return event_errors(obj, "reportingComponent")

    def fields(self, obj: Object) -> dict[str, str]:
        involved, source = obj.get("involvedObject") or {}, obj.get("source") or {}
        names = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
        fields = {f"involvedObject.{name}": involved.get(name, "") for name in names}
        component = source.get("component") or obj.get("reportingComponent", "")
        return fields | {
            "reason": obj.get("reason", ""),
            "reportingComponent": obj.get("reportingComponent", ""),
            "source": component,
            "type": obj.get("type", ""),
        }


def event_errors(event: Object, reporter: str) -> list[FieldError]:
    """What is wrong with an Event in the core form (legacyValidateEvent)."""
    namespace = event["metadata"].get("namespace", "")
    involved = (event.get("involvedObject") or {}).get("namespace") or ""
    errors = [] if _agree(namespace, involved, new=bool(event.get("eventTime"))) else [
        invalid("involvedObject.namespace", involved, "does not match event.namespace")]
    if event.get("eventTime"):
        errors += _new_style_errors(event, reporter)
    return errors + all_invalid("namespace", namespace, is_dns1123_subdomain(namespace))


def _agree(namespace: str, involved: str, *, new: bool) -> bool:
    """Events about what has no namespace are in few; new ones about the rest may be anywhere."""
    if not involved:
        return namespace in (("default", "kube-system") if new else ("", "default"))
    return new or namespace == involved


def _new_style_errors(event: Object, reporter: str) -> list[FieldError]:
    controller = event.get("reportingComponent") or ""
    errors = [] if controller else [required(reporter)]
    errors += all_invalid(reporter, controller, is_qualified_name(controller))
    for name in ("reportingInstance", "action", "reason"):
        value = event.get(name) or ""
        if not value:
            errors.append(required(name))
        elif len(value) > _MAX_WORD:
            errors.append(invalid(name, "", f"can have at most {_MAX_WORD} characters"))
    if len(event.get("message") or "") > _MAX_NOTE:
        errors.append(invalid("message", "", f"can have at most {_MAX_NOTE} characters"))
    return errors


def _first_seen(obj: Object, now: float) -> str:
    return since(obj.get("firstTimestamp") or obj.get("eventTime"), now)


def _last_seen(obj: Object, now: float) -> str:
    if obj.get("series"):
        return since(obj["series"].get("lastObservedTime"), now)
    if obj.get("lastTimestamp"):
        return since(obj["lastTimestamp"], now)
    return _first_seen(obj, now)


def _count(obj: Object, now: float) -> int:
    if obj.get("series"):
        return int(obj["series"].get("count") or 0)
    return int(obj.get("count") or 1)


def _target(obj: Object, now: float) -> str:
    involved = obj.get("involvedObject") or {}
    kind = involved.get("kind", "").lower()
    return f"{kind}/{involved['name']}" if involved.get("name") else kind


def _source(obj: Object, now: float) -> str:
    source = obj.get("source") or {}
    component = source.get("component") or obj.get("reportingComponent") or ""
    host = source.get("host") or obj.get("reportingInstance") or ""
    return f"{component}, {host}" if host else component


EVENT_COLUMNS = (
    named("Last Seen", _last_seen, "How long ago it happened last."),
    named("Type", field("type"), "Normal or Warning."),
    named("Reason", field("reason"), "Why, in one word."),
    named("Object", _target, "What it happened to."),
    named("Subobject", field("involvedObject", "fieldPath"), "Which part of it.", priority=1),
    named("Source", _source, "Who reports it.", priority=1),
    named("Message", lambda obj, now: (obj.get("message") or "").strip(), "What happened."),
    named("First Seen", _first_seen, "How long ago it happened first.", priority=1),
    named("Count", _count, "How often it happened.", priority=1),
    Column("Name", field("metadata", "name"), format="name", description="The event's name.",
           priority=1))

EVENTS = Resource(
    group="", version="v1", kind="Event", plural="events", short_names=("ev",),
    strategy=EventStrategy(), columns=EVENT_COLUMNS)
