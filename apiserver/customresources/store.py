"""The store in the eyes of one version of a custom resource. Models apiextensions' conversion,
defaulting and pruning on the way out of and into etcd.

Objects are kept in the CRD's storage version. What is read is converted, pruned and defaulted by
the schema of the version that asks, once a stored version; what is written is converted back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from apiserver.registry.watching import WatchEnded
from apiserver.schema.schema import decode
from apiserver.storage.store import Change, Page, Version

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from apiserver.customresources.webhook import ConversionWebhook
    from apiserver.machinery.types import Object
    from apiserver.resource import Resource
    from apiserver.schema.types import Type
    from apiserver.storage.store import Store, StoreWatch

    Versions: TypeAlias = list[Version]
    Objects: TypeAlias = list[Object]


class CustomStore:
    """One version's view; `family` are the views of all served versions of the CRD."""

    def __init__(self, store: Store, resource: Resource, type_: Type, storage_version: str,
                 webhook: ConversionWebhook | None) -> None:
        self._store = store
        self._resource = resource
        self._type = type_
        self._stored_as = f"{resource.group}/{storage_version}"
        self._webhook = webhook
        self._watches: set[_CustomWatch] = set()
        self.family: Sequence[CustomStore] = ()
        self.after_delete: Callable[[], Awaitable[None]] | None = None
        """Called when an object went: a CRD may wait for the last one."""

    @property
    def revision(self) -> int:
        """The newest revision."""
        return self._store.revision

    async def get(self, key: str, revision: int = 0) -> Version | None:
        """What `key` holds, in this version. Raises as the store, and Unknown."""
        version = await self._store.get(key, revision)
        return (await self._views([version]))[0] if version is not None else None

    async def list(self, prefix: str, *, revision: int = 0, start: str = "",
                   limit: int = 0) -> Page:
        """Keys below `prefix`, in this version. Raises as the store, and Unknown."""
        page = await self._store.list(prefix, revision=revision, start=start, limit=limit)
        return Page(await self._views(page.versions), page.revision, page.remaining)

    async def put(self, key: str, value: Object, *, expected: int) -> Version:
        """Write in the storage version. Raises as the store, and Unknown."""
        stored = (await self._to([value], self._stored_as))[0]
        ahead = [(view, (await view._to([stored], view._resource.api_version))[0])
                 for view in self.family if view is not self and view._watches and self._webhook]
        version = await self._store.put(key, stored, expected=expected)
        for view, converted in ahead:
            view._keep(version, converted)
        if stored is value:
            self._remember(version, None)
            return version
        return self._keep(version, value)

    async def delete(self, key: str, *, expected: int) -> Change:
        """Delete. Raises as the store."""
        change = await self._store.delete(key, expected=expected)
        seen = self._change(change)
        if self.after_delete is not None:
            await self.after_delete()
        return seen

    def watch(self, prefix: str, revision: int, *, limit: int = 0) -> StoreWatch:
        """Changes, in this version. Raises as the store."""
        watch = _CustomWatch(self._store.watch(prefix, revision, limit=limit), self)
        self._watches.add(watch)
        return watch

    def unwatched(self, watch: _CustomWatch) -> None:
        """A watch ended."""
        self._watches.discard(watch)

    def retire(self) -> None:
        """End the watches: the kind has changed or is no longer served."""
        for watch in tuple(self._watches):
            watch.retire()

    # --- conversion ------------------------------------------------------------------------------

    async def _views(self, versions: Sequence[Version]) -> Versions:
        found = [self._known(version) for version in versions]
        missing = [version for version, view in zip(versions, found, strict=True) if view is None]
        if missing:
            converted = await self._to([version.object for version in missing],
                                       self._resource.api_version)
            for version, value in zip(missing, converted, strict=True):
                self._settle(version, value)
        return [self._view(version) for version in versions]

    async def _to(self, values: Objects, api_version: str) -> Objects:
        if all(value["apiVersion"] == api_version for value in values):
            return values
        if self._webhook is None:
            return [_renamed(value, api_version) for value in values]
        return await self._webhook.convert(values, api_version)

    def _view(self, version: Version) -> Version:
        known = self._known(version)
        return known if known is not None else self._settle(version, self._now(version.object))

    def _now(self, value: Object) -> Object:
        """Converted without waiting: for watches whose events nobody converted before."""
        wanted = self._resource.api_version
        if value["apiVersion"] == wanted:
            return value
        if self._webhook is None:
            return _renamed(value, wanted)
        return self._webhook.convert_now([value], wanted)[0]

    def _settle(self, version: Version, value: Object) -> Version:
        """A converted value pruned and defaulted, and remembered with its version."""
        form: Object = {"kind": self._resource.kind, "apiVersion": self._resource.api_version}
        form.update(decode(self._type, value).object)
        self._resource.strategy.default(form)
        if form == version.value:
            self._remember(version, None)
            return version
        return self._keep(version, form)

    def _keep(self, version: Version, value: Object) -> Version:
        metadata = {**value["metadata"], "resourceVersion": str(version.revision)}
        view = Version(version.key, {**value, "metadata": metadata}, version.revision,
                       version.created)
        self._remember(version, view)
        return view

    def _remember(self, version: Version, view: Version | None) -> None:
        """`view` None: the stored form is this version's (no cycle, so no work for the collector).
        """
        views: dict[object, Any] = version.cache or {}
        version.cache = {**views, self._resource.gvk: (self, view)}

    def _known(self, version: Version) -> Version | None:
        """The view that was made before, by this very schema."""
        entry = (version.cache or {}).get(self._resource.gvk)
        if entry is None or entry[0] is not self:
            return None
        return version if entry[1] is None else entry[1]

    def _change(self, change: Change) -> Change:
        entry = change.cache.get(self._resource.gvk)
        if entry is not None and entry[0] is self:
            return entry[1]  # type: ignore[no-any-return]
        version = change.version
        previous = self._view(change.previous) if change.previous is not None else None
        seen = Change(self._view(version) if version.value is not None else version, previous)
        change.cache[self._resource.gvk] = (self, seen)
        return seen


def _renamed(value: Object, api_version: str) -> Object:
    """Conversion strategy None: another apiVersion, nothing else."""
    return {**value, "apiVersion": api_version}


class _CustomWatch:
    """A watch whose changes are converted."""

    def __init__(self, source: StoreWatch, view: CustomStore) -> None:
        self._source = source
        self._view = view
        self._callback: Callable[[], None] | None = None
        self._retired = False

    @property
    def overflowed(self) -> bool:
        """Whether it was closed because nobody polled."""
        return self._source.overflowed

    def poll(self) -> Sequence[Change]:
        """What has arrived since the last poll. Raises WatchEnded after that, when retired."""
        changes = self._source.poll()
        if self._retired and not changes:
            raise WatchEnded("the kind is no longer served as it was")
        return [self._view._change(change) for change in changes]

    def on_event(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever something has arrived."""
        self._callback = callback
        self._source.on_event(callback)

    def retire(self) -> None:
        """Its kind has changed or gone: whoever watches must list again."""
        self._retired = True
        if self._callback is not None:
            self._callback()

    def close(self) -> None:
        """End it; harmless twice."""
        self._view.unwatched(self)
        self._source.close()


class ObservedStore:
    """The store of CustomResourceDefinitions: somebody hears of every write."""

    def __init__(self, store: Store, written: Callable[[str], Awaitable[None]]) -> None:
        self._store = store
        self._written = written

    @property
    def revision(self) -> int:
        """The newest revision."""
        return self._store.revision

    async def get(self, key: str, revision: int = 0) -> Version | None:
        """As the store."""
        return await self._store.get(key, revision)

    async def list(self, prefix: str, *, revision: int = 0, start: str = "",
                   limit: int = 0) -> Page:
        """As the store."""
        return await self._store.list(prefix, revision=revision, start=start, limit=limit)

    async def put(self, key: str, value: Object, *, expected: int) -> Version:
        """Write, and say so."""
        version = await self._store.put(key, value, expected=expected)
        await self._written(key.rpartition("/")[2])
        return version

    async def delete(self, key: str, *, expected: int) -> Change:
        """Delete, and say so."""
        change = await self._store.delete(key, expected=expected)
        await self._written(key.rpartition("/")[2])
        return change

    def watch(self, prefix: str, revision: int, *, limit: int = 0) -> StoreWatch:
        """As the store."""
        return self._store.watch(prefix, revision, limit=limit)
