"""WATCH: a collection's changes through a selector's eyes. Models apiserver/pkg/storage/cacher.

    object before   object after    the watcher sees
    ────────────────────────────────────────────────────────────────────────────
    not selected    selected        ADDED     the object
    selected        selected        MODIFIED  the object
    selected        not selected    DELETED   the state before, with the new resourceVersion
    selected        deleted         DELETED   the state before, with the new resourceVersion
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from apiserver.machinery.errors import Expired
from apiserver.registry.selection import select
from apiserver.registry.versions import parse_revision
from apiserver.storage.keys import collection_prefix, object_key
from apiserver.storage.store import Change, Compacted, Version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.options import WatchOptions
    from apiserver.registry.registry import Registry
    from apiserver.registry.selection import Selection
    from apiserver.registry.shared_storage import StoreView
    from apiserver.resource import Resource
    from apiserver.storage.store import Store, StoreWatch

EventType = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]
INITIAL_EVENTS_END: Final = "k8s.io/initial-events-end"
MAX_PENDING: Final = 10_000
"""A watcher that leaves more changes than this unread is closed and must list again."""


class WatchEnded(Expired):
    """The kind is no longer served as it was: streams end, caches list again."""


class Event(NamedTuple):
    """One event of a watch."""

    type: EventType
    version: Version
    """The object; shared by all watchers, so its encoding is made once."""


class RegistryWatch:
    """Selected changes, pulled without waiting."""

    def __init__(self, source: StoreWatch, selection: Selection, resource: Resource,
                 initial: list[Event], start: int, newest: Callable[[], int]) -> None:
        self._source = source
        self._selection = selection
        self._resource = resource
        self._initial = initial
        self._newest = newest
        self.revision = start
        """Everything up to here has been seen: what a bookmark says."""

    def poll(self) -> list[Event]:
        """What has arrived since the last poll. Raises Expired when nobody polled for too long."""
        events, self._initial = self._initial, []
        everything = self._selection.everything
        for change in self._source.poll():
            if change.revision <= self.revision:
                continue
            self.revision = change.revision
            event = _unselected(change) if everything else _selected(change, self._selection)
            if event is not None:
                events.append(event)
        if self._source.overflowed and not events:
            raise Expired("too many changes were not read in time")
        return events

    def on_event(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever something has arrived."""
        self._source.on_event(callback)
        if self._initial:
            callback()

    @property
    def overflowed(self) -> bool:
        """Whether more has come than somebody may leave unread."""
        return self._source.overflowed

    def close(self) -> None:
        """End it; harmless twice."""
        self._source.close()

    def bookmark(self, annotations: Object | None = None) -> Event:
        """A BOOKMARK after a poll: all changes up to the store's newest revision were seen."""
        self.revision = max(self.revision, self._newest())
        return bookmark(self._resource, self.revision, annotations)


def bookmark(resource: Resource, revision: int, annotations: Object | None = None) -> Event:
    """An object of the kind with nothing but a resourceVersion."""
    metadata: Object = {"resourceVersion": str(revision)}
    if annotations:
        metadata["annotations"] = annotations
    value = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
    return Event("BOOKMARK", Version("", value, revision, revision))


async def open_watch(registry: Registry, ctx: RequestContext,
                     options: WatchOptions) -> RegistryWatch:
    """Watch the collection, or the object, that `ctx` names. Raises BadRequest, Expired."""
    selection = select(ctx, options.label_selector, options.field_selector)
    prefix = collection_prefix(ctx.resource, ctx.namespace)
    if ctx.name:
        prefix = object_key(ctx.resource, ctx.namespace, ctx.name)
    store = registry.stored(ctx.resource)
    fresh = options.resource_version in ("", "0")
    start = 0 if fresh else parse_revision(options.resource_version)
    if fresh or options.send_initial_events:
        start = max(start, store.revision)
    initial: list[Event] = []
    if fresh or options.send_initial_events:
        initial = [Event("ADDED", version) for version in await _present(store, prefix)
                   if selection.matches(version.object)]
    if options.send_initial_events and options.allow_bookmarks:
        initial.append(bookmark(ctx.resource, start, {INITIAL_EVENTS_END: "true"}))
    try:
        source = store.watch(prefix, min(start, store.revision), limit=MAX_PENDING)
    except Compacted as error:
        raise Expired(f"too old resource version: {start} ({error.compacted})") from None
    return RegistryWatch(source, selection, ctx.resource, initial, start,
                         lambda: store.revision)


async def _present(store: Store | StoreView, prefix: str) -> Sequence[Version]:
    if prefix.endswith("/"):
        return (await store.list(prefix)).versions
    version = await store.get(prefix)
    return [version] if version is not None else []


def _unselected(change: Change) -> Event:
    if change.version.value is None:
        return Event("DELETED", change.gone())
    return Event("ADDED" if change.previous is None else "MODIFIED", change.version)


def _selected(change: Change, selection: Selection) -> Event | None:
    was = change.previous is not None and selection.matches(change.previous.object)
    now = change.version.value is not None and selection.matches(change.version.object)
    if now:
        return Event("MODIFIED" if was else "ADDED", change.version)
    return Event("DELETED", change.gone()) if was else None
