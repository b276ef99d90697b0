"""Follows FlowSchemas and priority levels, and gives requests their place.

    classify: the first FlowSchema that matches · enter: a place of its level, or the queue

It tells each FlowSchema whether its level is there, as upstream's config consumer does.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from apiserver.context import RequestContext
from apiserver.customresources.store import ObservedStore
from apiserver.defaults.flowcontrol import CONSUMER, FLOWSCHEMAS, PRIORITYLEVELS, found, lost
from apiserver.flowcontrol.levels import Level, configure, has_room
from apiserver.flowcontrol.matching import in_order, matches
from apiserver.limits import is_long_running
from apiserver.machinery import meta
from apiserver.machinery.clock import rfc3339
from apiserver.storage.keys import collection_prefix, object_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from apiserver.authorization.attributes import Attributes
    from apiserver.machinery.gvk import GVR
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry
    from apiserver.request_info import RequestInfo

_REMEMBERED: Final = 2000
SCOPE: Final = "apiserver.flow"
"""Where the app keeps a request's Flow."""


class Flow(NamedTuple):
    """What a request was found to be."""

    schema: str
    level: Level
    headers: tuple[tuple[bytes, bytes], ...]
    """What the answer says of it."""


class FlowControl:
    """The priorities of one server. Without any object in the store nothing is limited."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._schemas: list[Object] = []
        self.levels: dict[str, Level] = {}
        self._known: dict[tuple[object, ...], Flow | None] = {}

    async def start(self) -> None:
        """Read what there is, and hear of every change from then on."""
        await self.sync("")
        for gvr in (FLOWSCHEMAS, PRIORITYLEVELS):
            if self._registry.catalog.find(*gvr) is not None:
                self._registry.keep_in(gvr, ObservedStore(self._registry.store, self.sync))

    async def sync(self, _: str) -> None:
        """Take over what the store has."""
        levels = {meta.name(each): each for each in await self._objects(PRIORITYLEVELS)}
        schemas = await self._objects(FLOWSCHEMAS)
        self._known.clear()
        configure(self.levels, levels)
        self._schemas = in_order(each for each in schemas if _level_of(each) in levels)
        for schema in schemas:
            await self._tell(schema, _level_of(schema) in levels)

    async def _objects(self, gvr: GVR) -> list[Object]:
        resource = self._registry.catalog.find(*gvr)
        if resource is None:
            return []
        page = await self._registry.store.list(collection_prefix(resource))
        return [version.object for version in page.versions]

    async def _tell(self, schema: Object, there: bool) -> None:
        wanted = (found if there else lost)(_level_of(schema))["conditions"][0]
        said = [each for each in (schema.get("status") or {}).get("conditions") or ()
                if each.get("type") == wanted["type"]]
        if said and all(said[0].get(key) == value for key, value in wanted.items()):
            return
        now = self._registry.clock.now()
        condition = {**wanted, "lastTransitionTime": rfc3339(now)}
        resource = self._registry.catalog.resource(FLOWSCHEMAS)
        name = meta.name(schema)
        if await self._registry.store.get(object_key(resource, "", name)) is None:
            return
        ctx = RequestContext(resource=resource, verb="update", name=name, subresource="status",
                             field_manager=CONSUMER, now=now)
        await self._registry.modify(ctx, lambda old: {
            **old, "metadata": dict(old["metadata"]), "status": {"conditions": [condition]}})

    # --- requests --------------------------------------------------------------------------------

    def classify(self, asked: Attributes) -> Flow | None:
        """The first schema that is about a request, and its level; None when there is none."""
        user = asked.user
        key = (user.name, user.groups, asked.verb, asked.group, asked.resource, asked.subresource,
               asked.namespace, asked.path)
        if key not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = self._find(asked)
        return self._known[key]

    def _find(self, asked: Attributes) -> Flow | None:
        for schema in self._schemas:
            if matches(schema, asked):
                level = self.levels[_level_of(schema)]
                return Flow(meta.name(schema), level, (
                    (b"x-kubernetes-pf-flowschema-uid", meta.uid(schema).encode()),
                    (b"x-kubernetes-pf-prioritylevel-uid", level.uid.encode())))
        return None

    async def enter(self, flow: Flow, info: RequestInfo | None) -> AbstractContextManager[object]:
        """A place of the flow's level, to be held while the request runs. Raises TooMany.

        Streams hold none, and watches none once they have begun.
        """
        level = flow.level
        if not is_long_running(info):
            if not level.exempt and not has_room(level, self.levels.values()):
                await level.wait(flow.schema)
            level.dispatched[flow.schema] += 1
            return level
        return nullcontext()


def _level_of(schema: Object) -> str:
    return str(schema["spec"]["priorityLevelConfiguration"]["name"])


def flow_headers(scope: Mapping[str, Any]) -> Sequence[tuple[bytes, bytes]]:
    """What an answer says of its request's flow."""
    flow: Flow | None = scope.get(SCOPE)
    return flow.headers if flow is not None else ()
