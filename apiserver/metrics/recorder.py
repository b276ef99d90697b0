"""What is counted while requests pass: in plain dicts, since every request does it.

Models apiserver/pkg/endpoints/metrics: its labels, verbs and buckets. `page.py` gives them their
names.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from apiserver.machinery.histogram import Histogram

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apiserver.handlers.request import Request
    from apiserver.machinery.gvk import GVR
    from apiserver.request_info import RequestInfo
    from apiserver.resource import Resource

SECONDS: Final = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10,
                  15, 20, 30, 45, 60)
"""Buckets of apiserver_request_duration_seconds."""
BYTES: Final = tuple(1000.0 * 10**power for power in range(7))
"""Buckets of apiserver_response_sizes."""
EVENT_BYTES: Final = tuple(1024.0 * 2**power for power in range(8))
"""Buckets of apiserver_watch_events_sizes."""
RECORDER: Final = "apiserver.recorder"
"""Where a request's scope has the recorder."""
_METHODS: Final = {"get": "GET", "list": "LIST", "watch": "WATCH", "create": "POST",
                   "update": "PUT", "patch": "PATCH", "delete": "DELETE",
                   "deletecollection": "DELETECOLLECTION"}
_CONNECTS: Final = frozenset({"exec", "attach", "portforward", "proxy", "log"})
_SIZED: Final = frozenset({"GET", "LIST"})
_KNOWN_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


class Labels(NamedTuple):
    """What requests are told apart by."""

    verb: str
    group: str
    version: str
    resource: str
    subresource: str
    scope: str
    component: str = "apiserver"


class Record:
    """What is known of the requests of one sort."""

    __slots__ = ("codes", "dry_run", "durations", "labels", "sizes")

    def __init__(self, labels: Labels, dry_run: str) -> None:
        self.labels = labels
        self.dry_run = dry_run
        self.codes: Counter[int] = Counter()
        self.durations = Histogram(SECONDS)
        self.sizes = Histogram(BYTES) if labels.verb in _SIZED else None


class WatchEvents(NamedTuple):
    """What was sent of one kind."""

    gvr: GVR
    kind: str
    sizes: Histogram


class Recorder:
    """The counts of one server."""

    def __init__(self) -> None:
        self._records: dict[tuple[object, ...], Record] = {}
        self.long_running: Counter[Labels] = Counter()
        self.authentications: Counter[str] = Counter()
        """By result: success, failure."""
        self.authorizations: Counter[str] = Counter()
        """By result: allowed, denied."""
        self.deprecated: set[tuple[str, str, str, str]] = set()
        """Group, version, resource and subresource of deprecated APIs that were asked for."""
        self._events: dict[GVR, WatchEvents] = {}

    def events_of(self, resource: Resource) -> Histogram:
        """The sizes of the watch events of a kind that were sent, in bytes."""
        return self._events.setdefault(resource.gvr, WatchEvents(
            resource.gvr, resource.kind, Histogram(EVENT_BYTES))).sizes

    def watched(self) -> list[WatchEvents]:
        """The events of all kinds that were watched."""
        return [self._events[gvr] for gvr in sorted(self._events)]

    def records(self) -> list[Record]:
        """All of them, in the order of their labels."""
        return sorted(self._records.values(), key=lambda each: (each.labels, each.dry_run))

    def record_of(self, info: RequestInfo, request: Request) -> Record:
        """The record of requests like this one for a resource: found without making labels."""
        dry_run = "dryRun" in request.query
        applies = info.verb == "patch" and _applies(request)
        key = (info.verb, info.group, info.version, info.resource, info.subresource,
               not info.name, not info.namespace, dry_run, applies)
        record = self._records.get(key)
        if record is None:
            record = self._records[key] = Record(labels_of(info, request),
                                                 "All" if dry_run else "")
        return record

    def record_of_path(self, path: str, method: str) -> Record:
        """The record of a health check."""
        labels = labels_of_path(path, method)
        return self._records.setdefault(labels, Record(labels, ""))

    @staticmethod
    def answered(record: Record, code: int, seconds: float, size: int) -> None:
        """One request, with its answer's code, duration and length."""
        record.codes[code] += 1
        record.durations.observe(seconds)
        if record.sizes is not None:
            record.sizes.observe(size)

    @contextmanager
    def running(self, labels: Labels) -> Iterator[None]:
        """A request that lasts."""
        self.long_running[labels] += 1
        try:
            yield
        finally:
            self.long_running[labels] -= 1


def labels_of(info: RequestInfo, request: Request) -> Labels:
    """How a resource request is counted (cleanVerb, CleanScope)."""
    return Labels(_verb(info, request), info.group, info.version, info.resource, info.subresource,
                  _scope(info))


def labels_of_path(path: str, method: str) -> Labels:
    """How a health check is counted."""
    verb = method if method in _KNOWN_METHODS else "other"
    return Labels(verb, "", "", "", path, "", "")


def _verb(info: RequestInfo, request: Request) -> str:
    if info.subresource in _CONNECTS and info.subresource != "log":
        return "CONNECT"
    verb = _METHODS.get(info.verb, "other")
    return "APPLY" if verb == "PATCH" and _applies(request) else verb


def _applies(request: Request) -> bool:
    return b"apply" in request.headers.get(b"content-type", b"")


def _scope(info: RequestInfo) -> str:
    if info.name or info.verb == "create":
        return "resource"
    return "namespace" if info.namespace else "cluster"
