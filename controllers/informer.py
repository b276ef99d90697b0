"""A cache of one resource that follows its watch. Models client-go/tools/cache (Reflector, Indexer,
SharedInformer).

Handlers get (old, new): old is None when an object appears, new is None when it is gone. Order of
events is the store's; a relist after 410 Expired gives the difference to what was known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from apiserver.machinery.errors import Expired, ServiceUnavailable
from apiserver.machinery.meta import controller_ref, metadata, namespace, namespaced_name, uid
from apiserver.machinery.meta import resource_version as version_of

if TYPE_CHECKING:
    from apiserver.machinery.gvk import GVR
    from apiserver.machinery.types import Object
    from controllers.client import Client, Watch, WatchEvent

Handler = Callable[["Object | None", "Object | None"], None]
IndexFunction = Callable[["Object"], Iterable[str]]

BY_NAMESPACE: Final = "namespace"
BY_CONTROLLER: Final = "controller"
"""Index by the uid of the controlling owner; objects without one are under
`orphan_key(namespace)`."""


def orphan_key(place: str) -> str:
    """Where BY_CONTROLLER keeps the objects of a namespace that nobody controls."""
    return f"orphan:{place}"


def _namespace_values(obj: Object) -> tuple[str, ...]:
    return (namespace(obj),)


def _controller_values(obj: Object) -> tuple[str, ...]:
    ref = controller_ref(obj)
    return (ref["uid"] if ref else orphan_key(namespace(obj)),)


_COMMON_INDEXES: Final[dict[str, IndexFunction]] = {
    BY_NAMESPACE: _namespace_values,
    BY_CONTROLLER: _controller_values,
}


class Index:
    """Objects by a derived value, kept up to date; iteration is in order of arrival."""

    def __init__(self, function: IndexFunction) -> None:
        self.values_of = function
        self._sets: dict[str, dict[str, Object]] = {}

    def get(self, value: str) -> Iterable[Object]:
        """The objects of a value (a live view: do not add or remove while iterating)."""
        found = self._sets.get(value)
        return found.values() if found else ()

    def count(self, value: str) -> int:
        """How many objects a value has."""
        return len(self._sets.get(value) or ())

    def replace(self, key: str, old: Object | None, new: Object | None) -> None:
        """`key` was `old` and is now `new`."""
        before = tuple(self.values_of(old)) if old is not None else ()
        after = tuple(self.values_of(new)) if new is not None else ()
        if before != after:
            for value in before:
                if value not in after:
                    self._remove(value, key)
        if new is not None:
            for value in after:
                self._sets.setdefault(value, {})[key] = new

    def _remove(self, value: str, key: str) -> None:
        members = self._sets[value]
        del members[key]
        if not members:
            del self._sets[value]


class Informer:
    """What one list and watch know: a cache, indexes, handlers."""

    def __init__(self, client: Client, resource: GVR, *, label_selector: str = "",
                 field_selector: str = "") -> None:
        self.resource = resource
        self.synced = False
        self.changes = 0
        """How many changes it has taken in: what is derived from the cache holds until the next."""
        self.on_event: Callable[[], None] = lambda: None
        self._client = client
        self._label_selector = label_selector
        self._field_selector = field_selector
        self._objects: dict[str, Object] = {}
        self._indexes: dict[str, Index] = {}
        self._handlers: list[Handler] = []
        self._watch: Watch | None = None
        self._version = ""

    # What controllers read ---------------------------------------------------------------------

    def get(self, key: str) -> Object | None:
        """The object of a key (`namespace/name` or `name`), shared: never change it."""
        return self._objects.get(key)

    def __iter__(self) -> Iterator[Object]:
        return iter(self._objects.values())

    def __len__(self) -> int:
        return len(self._objects)

    def in_namespace(self, place: str) -> Iterable[Object]:
        """The objects of a namespace."""
        return self.by(BY_NAMESPACE, place)

    def controlled_by(self, owner_uid: str) -> Iterable[Object]:
        """The objects whose controllerRef has this uid."""
        return self.by(BY_CONTROLLER, owner_uid)

    def by(self, index: str, value: str) -> Iterable[Object]:
        """The objects that an index has for a value. Raises KeyError for an unknown index."""
        return self._indexes[index].get(value)

    def count(self, index: str, value: str) -> int:
        """How many objects an index has for a value. Raises KeyError for an unknown index."""
        return self._indexes[index].count(value)

    # Wiring --------------------------------------------------------------------------------------

    def add_index(self, name: str, function: IndexFunction | None = None) -> None:
        """Keep an index (BY_NAMESPACE and BY_CONTROLLER need no function); harmless twice."""
        if name in self._indexes:
            return
        index = Index(function or _COMMON_INDEXES[name])
        for key, obj in self._objects.items():
            index.replace(key, None, obj)
        self._indexes[name] = index

    def add_handler(self, handler: Handler) -> None:
        """Tell `handler` of every change, and now of what is known already."""
        self._handlers.append(handler)
        for obj in list(self._objects.values()):
            handler(None, obj)

    # Following the server ------------------------------------------------------------------------

    async def step(self) -> None:
        """Take in what has happened; list and watch first where there is no watch.

        Raises ApiError when the server cannot list or watch; call again later.
        """
        if self._watch is None:
            await self._start()
        assert self._watch is not None
        while events := self._watch.poll():
            for event in events:
                if event.type == "ERROR":
                    self._fail(event.object)
                    return
                self._apply(event)

    def close(self) -> None:
        """End the watch; the cache stays."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    async def _start(self) -> None:
        if not self._version:
            await self._relist()
        try:
            await self._open_watch()
        except Expired:
            await self._relist()
            await self._open_watch()

    async def _open_watch(self) -> None:
        self._watch = await self._client.watch(
            self.resource, resource_version=self._version, label_selector=self._label_selector,
            field_selector=self._field_selector)
        self._watch.on_event(self.on_event)

    async def _relist(self) -> None:
        answer = await self._client.list(
            self.resource, label_selector=self._label_selector, field_selector=self._field_selector)
        fresh = {namespaced_name(obj): obj for obj in answer["items"]}
        for key in [key for key in self._objects if key not in fresh]:
            self._set(key, None)
        for key, obj in fresh.items():
            known = self._objects.get(key)
            if known is not None and uid(known) != uid(obj):
                self._set(key, None)
            if known is None or version_of(known) != version_of(obj):
                self._set(key, obj)
        self._version = version_of(answer)
        self.synced = True

    def _fail(self, status: Object) -> None:
        """The watch has ended: list anew when the history is gone, else go on there, a little
        later."""
        self.close()
        if status.get("code") != Expired.code:
            raise ServiceUnavailable(str(status.get("message", "the watch has ended")))
        self._version = ""
        self.on_event()

    def _apply(self, event: WatchEvent) -> None:
        obj = event.object
        self._version = metadata(obj)["resourceVersion"]
        if event.type != "BOOKMARK":
            self._set(namespaced_name(obj), None if event.type == "DELETED" else obj)

    def _set(self, key: str, obj: Object | None) -> None:
        old = self._objects.get(key)
        if obj is not None:
            self._objects[key] = obj
        elif old is None:
            return
        else:
            del self._objects[key]
        self.changes += 1
        for index in self._indexes.values():
            index.replace(key, old, obj)
        for handler in self._handlers:
            handler(old, obj)


class Informers:
    """One shared informer for each resource (and selector)."""

    def __init__(self, client: Client) -> None:
        self.on_dirty: Callable[[Informer], None] = lambda informer: None
        self._client = client
        self._known: dict[tuple[GVR, str, str], Informer] = {}

    def __iter__(self) -> Iterator[Informer]:
        return iter(self._known.values())

    def get(self, resource: GVR, *indexes: str, label_selector: str = "",
            field_selector: str = "") -> Informer:
        """The informer of a resource, with these common indexes, made at the first call."""
        name = (resource, label_selector, field_selector)
        informer = self._known.get(name)
        if informer is None:
            informer = self._make(name)
        for index in indexes:
            informer.add_index(index)
        return informer

    def remove(self, informer: Informer) -> None:
        """Stop following a resource (of a deleted CRD)."""
        informer.close()
        self._known = {name: one for name, one in self._known.items() if one is not informer}

    def _make(self, name: tuple[GVR, str, str]) -> Informer:
        resource, labels, fields = name
        informer = Informer(self._client, resource, label_selector=labels, field_selector=fields)
        informer.on_event = lambda: self.on_dirty(informer)
        self._known[name] = informer
        self.on_dirty(informer)
        return informer


