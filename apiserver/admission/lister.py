"""What admission reads: a kind's objects, kept up to date by a watch of the store.

A step asks at every request, and mostly there is nothing: then the answer costs one poll of an
empty list. Models the shared informers of kube-apiserver, without their lag.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery import meta
from apiserver.storage.keys import collection_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry
    from apiserver.resource import Resource
    from apiserver.storage.store import StoreWatch

_LIMIT: Final = 4096
"""So many changes may wait to be polled; after more, everything is listed anew."""
_NONE: Final[Mapping[str, Object]] = {}


class Lister:
    """The objects of one kind, by namespace and name; empty while the kind is not served."""

    def __init__(self, registry: Registry, group: str, plural: str) -> None:
        self._registry = registry
        self._group = group
        self._plural = plural
        self._watch: StoreWatch | None = None
        self._namespaces: dict[str, dict[str, Object]] = {}
        self.changes = 0
        """Rises whenever anything has changed, so that what is derived can be kept."""
        self._catalog = -1
        self._resource: Resource | None = None

    async def refresh(self) -> None:
        """Take in what has changed. The readers below show the state as of the last refresh."""
        watch = self._watch
        if watch is None or watch.overflowed:
            await self._list()
            return
        for change in watch.poll():
            self._take(change.version.key, change.version.value)

    @property
    def empty(self) -> bool:
        """Whether there is none at all."""
        return not self._namespaces

    @property
    def revision(self) -> str:
        """Names the state: two equal ones hold the same objects."""
        return f"{self._plural}@{self.changes}"

    def all(self) -> Sequence[Object]:
        """All objects, in order of namespace and name."""
        return [obj for place in sorted(self._namespaces)
                for obj in self.in_namespace(place)]

    def in_namespace(self, namespace: str) -> Sequence[Object]:
        """The objects of a namespace ('' for cluster-scoped ones), by name."""
        found = self._namespaces.get(namespace)
        return [found[name] for name in sorted(found)] if found else ()

    def get(self, namespace: str, name: str) -> Object | None:
        """One object."""
        return self._namespaces.get(namespace, _NONE).get(name)

    async def _list(self) -> None:
        resource = self._find()
        if resource is None:
            return
        store, prefix = self._registry.store, collection_prefix(resource)
        page = await store.list(prefix)
        if self._watch is not None:
            self._watch.close()
        self._watch = store.watch(prefix, page.revision, limit=_LIMIT)
        self._namespaces = {}
        self.changes += 1
        for version in page.versions:
            self._take(version.key, version.value)

    def _take(self, key: str, value: Object | None) -> None:
        self.changes += 1
        if value is not None:
            self._namespaces.setdefault(meta.namespace(value), {})[meta.name(value)] = value
            return
        place, name = self._place(key)
        found = self._namespaces.get(place)
        if found is not None:
            found.pop(name, None)
            if not found:
                del self._namespaces[place]

    def _place(self, key: str) -> tuple[str, str]:
        """Namespace and name of a key (RESOURCE/NAMESPACE/NAME or RESOURCE/NAME)."""
        assert self._resource is not None
        parts = key.removeprefix(collection_prefix(self._resource)).split("/")
        return (parts[0], parts[1]) if len(parts) > 1 else ("", parts[0])

    def _find(self) -> Resource | None:
        """The kind in any served version; looked for again when the catalog has changed."""
        catalog = self._registry.catalog
        if self._catalog != catalog.generation:
            self._catalog = catalog.generation
            self._resource = next((each for each in catalog if each.group == self._group
                                   and each.plural == self._plural), None)
        return self._resource
