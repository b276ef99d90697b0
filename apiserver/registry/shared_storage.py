"""Kinds that are kept as another kind: autoscaling/v1 as v2, events.k8s.io Events as core Events.

A `SharedStore` is the store in the eyes of such a kind: what it reads it converts from the stored
form, once a version, and what it writes it converts back. Models the conversions between the
versions of a group that share a storage version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from apiserver.storage.keys import collection_prefix
from apiserver.storage.store import Change, Page, Version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry
    from apiserver.resource import Resource, SharedStorage
    from apiserver.storage.store import Store, StoreWatch


class StoreView(Protocol):
    """What the registry's verbs ask of the store of a kind."""

    @property
    def revision(self) -> int:
        """The newest revision."""

    async def get(self, key: str, revision: int = 0) -> Version | None:
        """What `key` holds."""

    async def list(self, prefix: str, *, revision: int = 0, start: str = "",
                   limit: int = 0) -> Page:
        """Keys below `prefix`."""

    async def put(self, key: str, value: Object, *, expected: int) -> Version:
        """Write."""

    async def delete(self, key: str, *, expected: int) -> Change:
        """Delete."""

    def watch(self, prefix: str, revision: int, *, limit: int = 0) -> StoreWatch:
        """Changes."""


class SharedStore:
    """A store as one of the kinds sees it that share a place in it."""

    def __init__(self, store: Store, resource: Resource, shared: SharedStorage) -> None:
        self._store = store
        self._resource = resource
        self._shared = shared

    @property
    def revision(self) -> int:
        """The newest revision."""
        return self._store.revision

    async def get(self, key: str, revision: int = 0) -> Version | None:
        """What `key` holds, converted. Raises as the store."""
        version = await self._store.get(key, revision)
        return self._view(version) if version is not None else None

    async def list(self, prefix: str, *, revision: int = 0, start: str = "",
                   limit: int = 0) -> Page:
        """Keys below `prefix`, converted. Raises as the store."""
        page = await self._store.list(prefix, revision=revision, start=start, limit=limit)
        versions = [self._view(version) for version in page.versions]
        return Page(versions, page.revision, page.remaining)

    async def put(self, key: str, value: Object, *, expected: int) -> Version:
        """Write the stored form. Raises as the store."""
        stored = self._in_form(self._shared.stored, self._shared.to_stored(value))
        return self._view(await self._store.put(key, stored, expected=expected))

    async def delete(self, key: str, *, expected: int) -> Change:
        """Delete. Raises as the store."""
        return self._change(await self._store.delete(key, expected=expected))

    def watch(self, prefix: str, revision: int, *, limit: int = 0) -> StoreWatch:
        """Changes, converted. Raises as the store."""
        return _SharedWatch(self._store.watch(prefix, revision, limit=limit), self._change)

    def _view(self, version: Version) -> Version:
        """A version in this kind's form, made once."""
        views: dict[object, Version] = version.cache or {}
        view = views.get(self._resource.gvk)
        if view is None:
            value = self._in_form(self._resource, self._shared.from_stored(version.object))
            view = Version(version.key, value, version.revision, version.created)
            version.cache = {**views, self._resource.gvk: view}
        return view

    def _change(self, change: Change) -> Change:
        view: Change | None = change.cache.get(self._resource.gvk)
        if view is None:
            version = change.version
            previous = self._view(change.previous) if change.previous is not None else None
            seen = self._view(version) if version.value is not None else version
            view = change.cache[self._resource.gvk] = Change(seen, previous)
        return view

    @staticmethod
    def _in_form(resource: Resource, value: Object) -> Object:
        form: Object = {"kind": resource.kind, "apiVersion": resource.api_version}
        form.update(value)
        form["kind"], form["apiVersion"] = resource.kind, resource.api_version
        form["metadata"] = dict(form["metadata"])
        return form


class _SharedWatch:
    """A watch whose changes are converted."""

    def __init__(self, source: StoreWatch, convert: Callable[[Change], Change]) -> None:
        self._source = source
        self._convert = convert

    @property
    def overflowed(self) -> bool:
        """Whether it was closed because nobody polled."""
        return self._source.overflowed

    def poll(self) -> Sequence[Change]:
        """What has arrived since the last poll."""
        return [self._convert(change) for change in self._source.poll()]

    def on_event(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever something has arrived."""
        self._source.on_event(callback)

    def close(self) -> None:
        """End it; harmless twice."""
        self._source.close()


def equivalents(registry: Registry, resource: Resource) -> list[Resource]:
    """All served versions of a kind, itself first: what is kept under the same keys."""
    place = collection_prefix(resource)
    return [resource, *(each for each in registry.catalog
                        if each is not resource and collection_prefix(each) == place)]


def converted(obj: Object, *, source: Resource, target: Resource) -> Object:
    """An object in another version of its kind, by way of the stored one."""
    if source is target:
        return obj
    if source.shared is not None:
        obj = source.shared.to_stored(obj)
    if target.shared is not None:
        obj = target.shared.from_stored(obj)
    return {**obj, "apiVersion": target.api_version, "kind": target.kind}
