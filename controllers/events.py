"""Events about objects, for people to read. Models client-go/tools/record: recorder, correlator,
sink.

Recording never waits: events queue up (at most 1,000 a component, more are dropped, as upstream)
and are written when the controllers have nothing better to do. Before that they are correlated:

* spam filter: 25 events about one object from one component, then one in 5 minutes;
* aggregation: more than 10 events within 10 minutes that differ only in their message become one;
* counting: an event that repeats is patched (`count`, `lastTimestamp`), not created.
"""

from __future__ import annotations

import logging
from collections import OrderedDict, deque
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from apiserver.machinery.clock import rfc3339, rfc3339_micro
from apiserver.machinery.errors import ApiError, NotFound
from apiserver.machinery.gvk import EVENTS
from apiserver.machinery.meta import metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apiserver.machinery.clock import Clock
    from apiserver.machinery.types import Object
    from controllers.client import Client

log = logging.getLogger(__name__)

NORMAL: Final = "Normal"
WARNING: Final = "Warning"

MAX_QUEUED: Final = 1000
CACHE_ENTRIES: Final = 4096
SPAM_BURST: Final = 25
SPAM_QPS: Final = 1 / 300
AGGREGATE_EVENTS: Final = 10
AGGREGATE_SECONDS: Final = 600.0

K = TypeVar("K")
V = TypeVar("V")


class _LRU(Generic[K, V]):
    """The most recently used entries."""

    def __init__(self) -> None:
        self._entries: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def copy(self, copy: Callable[[V], V]) -> _LRU[K, V]:
        made: _LRU[K, V] = _LRU()
        made._entries = OrderedDict((key, copy(value)) for key, value in self._entries.items())
        return made

    def put(self, key: K, value: V) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > CACHE_ENTRIES:
            self._entries.popitem(last=False)


def reference(obj: Object, field_path: str = "") -> Object:
    """The ObjectReference of an object (`reference.GetReference`)."""
    meta = metadata(obj)
    ref = {
        "kind": obj.get("kind", ""),
        "namespace": meta.get("namespace", ""),
        "name": meta.get("name", ""),
        "uid": meta.get("uid", ""),
        "apiVersion": obj.get("apiVersion", ""),
        "resourceVersion": meta.get("resourceVersion", ""),
        "fieldPath": field_path,
    }
    return {name: value for name, value in ref.items() if value}


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened, before it is an Event object."""

    involved: Object
    type: str
    reason: str
    message: str
    component: str
    host: str
    when: float
    action: str = ""
    """Set by components that use the events.k8s.io API (the scheduler): `Binding`."""
    related: Object | None = None
    instance: str = ""
    """Which of the component's processes says it: `default-scheduler-minikube`."""

    def about(self) -> tuple[str, ...]:
        """Who says it of what: the key of the spam filter."""
        ref = self.involved
        return (self.component, self.host, ref.get("kind", ""), ref.get("namespace", ""),
                ref.get("name", ""), ref.get("uid", ""), ref.get("apiVersion", ""))


class EventRecorder:
    """How one component records events."""

    def __init__(self, broadcaster: EventBroadcaster, component: str, host: str,
                 instance: str) -> None:
        self._broadcaster = broadcaster
        self._component = component
        self._host = host
        self._instance = instance

    def event(self, obj: Object, type: str, reason: str, message: str, *, field_path: str = "",
              action: str = "", related: Object | None = None) -> None:
        """Record that something happened to `obj`; `type` is Normal or Warning.

        With an `action` the event has the form of the events.k8s.io API (`eventTime`, `series`).
        """
        self._broadcaster.add(Occurrence(
            reference(obj, field_path), type, reason, message, self._component, self._host,
            self._broadcaster.clock.now(), action, reference(related) if related else None,
            self._instance))


class EventBroadcaster:
    """Queues, correlates and writes the events of all components of a process."""

    def __init__(self, client: Client, clock: Clock, hostname: str = "minikube") -> None:
        """`hostname`: of the machine that the process runs on (os.Hostname upstream)."""
        self.clock = clock
        self._hostname = hostname
        self.on_add: Callable[[], None] = lambda: None
        self._muted = False
        self._client = client
        self._queue: deque[Occurrence] = deque()
        self._queued: dict[str, int] = {}
        self.correlator = Correlator(clock)

    def recorder(self, component: str, host: str = "") -> EventRecorder:
        """The recorder of a component (`source.component`, `reportingComponent`)."""
        return EventRecorder(self, component, host, f"{component}-{host or self._hostname}")

    @contextmanager
    def muted(self) -> Iterator[None]:
        """Drop what is recorded meanwhile: it has been told before."""
        self._muted = True
        try:
            yield
        finally:
            self._muted = False

    def add(self, occurrence: Occurrence) -> None:
        """Queue an event, or drop it when its component has a thousand queued."""
        waiting = self._queued.get(occurrence.component, 0)
        if self._muted or waiting >= MAX_QUEUED:
            return
        self._queued[occurrence.component] = waiting + 1
        self._queue.append(occurrence)
        self.on_add()

    def __bool__(self) -> bool:
        return bool(self._queue)

    async def flush_one(self) -> None:
        """Write the oldest queued event; what the server refuses is dropped, as upstream."""
        occurrence = self._queue.popleft()
        self._queued[occurrence.component] -= 1
        record = self.correlator.correlate(occurrence)
        if record is None:
            return
        try:
            await self._write(record)
        except ApiError as error:
            log.debug("event refused: %s", error)

    async def _write(self, record: Record) -> None:
        if record.count > 1 and await self._patch(record):
            return
        event = record.event(self._new_name(record))
        created = await self._client.create(EVENTS, event, event["metadata"]["namespace"])
        record.name = created["metadata"]["name"]
        record.first = record.occurrence.when

    async def _patch(self, record: Record) -> bool:
        place = record.namespace
        try:
            await self._client.patch(EVENTS, record.name, place, record.patch(), type="strategic")
        except NotFound:
            return False
        return True

    def _new_name(self, record: Record) -> str:
        """`web.18a5f...`: the object's name and the time in nanoseconds, never the same twice."""
        told = self.correlator.told
        told.last_name = max(int(record.occurrence.when * 1_000_000) * 1000, told.last_name + 1)
        return f"{record.occurrence.involved.get('name', '')}.{told.last_name:x}"


@dataclass(slots=True)
class Record:
    """An event that may repeat: what the server has of it."""

    occurrence: Occurrence
    message: str
    count: int = 0
    name: str = ""
    first: float = 0.0

    @property
    def namespace(self) -> str:
        """Where its Event lives: the object's namespace, or default."""
        place: str = self.occurrence.involved.get("namespace") or "default"
        return place

    def event(self, name: str) -> Object:
        """The Event to create."""
        said = self.occurrence
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": self.namespace},
            "involvedObject": said.involved,
            "reason": said.reason,
            "message": self.message,
            "type": said.type,
            **(self._series_form() if said.action else self._count_form()),
        }

    def patch(self) -> Object:
        """The change to the Event that exists."""
        if self.occurrence.action:
            return {"series": {"count": self.count,
                               "lastObservedTime": rfc3339_micro(self.occurrence.when)}}
        return {"count": self.count, "lastTimestamp": rfc3339(self.occurrence.when),
                "message": self.message}

    def _count_form(self) -> dict[str, Any]:
        said, when = self.occurrence, rfc3339(self.occurrence.when)
        source = {"component": said.component, **({"host": said.host} if said.host else {})}
        return {
            "source": source,
            "firstTimestamp": rfc3339(self.first) if self.first else when,
            "lastTimestamp": when,
            "count": self.count,
            "eventTime": None,
            "reportingComponent": said.component,
            "reportingInstance": said.host,
        }

    def _series_form(self) -> dict[str, Any]:
        said = self.occurrence
        return {
            "source": {},
            "firstTimestamp": None,
            "lastTimestamp": None,
            "eventTime": rfc3339_micro(said.when),
            "action": said.action,
            "reportingComponent": said.component,
            "reportingInstance": said.instance,
            **({"related": said.related} if said.related else {}),
        }


@dataclass(slots=True)
class _Similar:
    """The messages of events that differ in nothing else."""

    last: float
    messages: set[str] = field(default_factory=set)

    def copy(self) -> _Similar:
        return _Similar(self.last, set(self.messages))


@dataclass(slots=True)
class _Bucket:
    tokens: float
    last: float


@dataclass(slots=True)
class Told:
    """What a broadcaster remembers of what it has written."""

    buckets: _LRU[tuple[str, ...], _Bucket] = field(default_factory=_LRU)
    similar: _LRU[tuple[str, ...], _Similar] = field(default_factory=_LRU)
    records: _LRU[tuple[str, ...], Record] = field(default_factory=_LRU)
    last_name: int = 0
    """In the name of the newest event: nanoseconds."""

    def copy(self) -> Told:
        """The same, for another cluster to go on with."""
        return Told(self.buckets.copy(replace), self.similar.copy(_Similar.copy),
                    self.records.copy(replace), self.last_name)


class Correlator:
    """Decides what becomes of an occurrence: dropped, aggregated, counted or new."""

    def __init__(self, clock: Clock) -> None:
        self.told = Told()
        self._clock = clock

    def correlate(self, occurrence: Occurrence) -> Record | None:
        """The record to write (`count` > 1: to patch); None for spam."""
        if occurrence.action:
            return self._count(occurrence, occurrence.message, self._key(occurrence))
        message, key = self._aggregate(occurrence)
        if not self._accept(occurrence.about()):
            return None
        return self._count(occurrence, message, key)

    def _key(self, occurrence: Occurrence) -> tuple[str, ...]:
        return (*occurrence.about(), occurrence.involved.get("fieldPath", ""),
                occurrence.type, occurrence.reason, occurrence.message)

    def _aggregate(self, occurrence: Occurrence) -> tuple[str, tuple[str, ...]]:
        """(message, key), both those of the group once there are too many similar ones."""
        group = (*occurrence.about(), occurrence.type, occurrence.reason)
        now = self._clock.now()
        similar = self.told.similar.get(group)
        if similar is None or now - similar.last > AGGREGATE_SECONDS:
            similar = _Similar(now)
        similar.last = now
        similar.messages.add(occurrence.message)
        self.told.similar.put(group, similar)
        if len(similar.messages) < AGGREGATE_EVENTS:
            return occurrence.message, self._key(occurrence)
        similar.messages.remove(min(similar.messages))
        return f"(combined from similar events): {occurrence.message}", group

    def _accept(self, about: tuple[str, ...]) -> bool:
        now = self._clock.now()
        bucket = self.told.buckets.get(about) or _Bucket(SPAM_BURST, now)
        bucket.tokens = min(SPAM_BURST, bucket.tokens + (now - bucket.last) * SPAM_QPS)
        bucket.last = now
        self.told.buckets.put(about, bucket)
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def _count(self, occurrence: Occurrence, message: str, key: tuple[str, ...]) -> Record:
        record = self.told.records.get(key) or Record(occurrence, message, first=occurrence.when)
        record.occurrence, record.message = occurrence, message
        record.count += 1
        self.told.records.put(key, record)
        return record
