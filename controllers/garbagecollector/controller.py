"""What is done about objects without owners. Models garbagecollector/garbagecollector.go."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from apiserver.machinery import meta
from apiserver.machinery.errors import ApiError, NotFound, UnsupportedMediaType
from apiserver.machinery.gvk import GVR, parse_api_version
from controllers.controller import Controller, ControllerContext, KeysOf, Result
from controllers.garbagecollector.graph import FOREGROUND, ORPHAN, Graph, Node

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apiserver.machinery.types import Object
    from controllers.client import Propagation
    from controllers.controller import DiscoveredResource
    from controllers.informer import Informer

CRDS: Final = GVR("apiextensions.k8s.io", "v1", "customresourcedefinitions")
IGNORED: Final = frozenset({("", "events"), ("events.k8s.io", "events")})
ABSENT_OWNERS: Final = 500
SYNC: Final = "sync"
_VERBS: Final = frozenset({"list", "watch", "delete"})


class UnknownKind(ApiError):
    """An ownerReference names a kind that the server does not serve."""


class Verdict(NamedTuple):
    """An object's references, sorted by what became of their owners."""

    solid: list[Object]
    dangling: list[Object]
    waiting: list[Object]
    """The owner is in foreground deletion."""


class GarbageCollector(Controller):
    """Keys: `delete/UID`, `orphan/UID` of the graph, and `sync` (follow what the server serves)."""

    name: ClassVar[str] = "garbage-collector-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._discovery = ctx.discovery
        self._informers = ctx.informers
        self._graph = Graph(lambda uid: self.queue.add(f"delete/{uid}"),
                            lambda uid: self.queue.add(f"orphan/{uid}"))
        self._followed: dict[GVR, Informer] = {}
        self._kinds: dict[tuple[str, str], DiscoveredResource] = {}
        self._absent: OrderedDict[str, None] = OrderedDict()

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {}

    async def start(self) -> None:
        await self._sync()

    async def reconcile(self, key: str) -> Result | None:
        action, _, uid = key.partition("/")
        if action == SYNC:
            await self._sync()
            return None
        node = self._graph.nodes.get(uid)
        if node is not None:
            await (self._orphan(node) if action == "orphan" else self._attempt(node))
        return None

    # Following all resources ---------------------------------------------------------------------

    async def _sync(self) -> None:
        """Watch everything that can be deleted."""
        found = _one_version(await self._discovery())
        self._kinds = {(one.resource.group, one.kind): one for one in found}
        wanted = {one.resource for one in found if set(one.verbs) >= _VERBS
                  and (one.resource.group, one.resource.resource) not in IGNORED}
        for resource in [one for one in self._followed if one not in wanted]:
            self._informers.remove(self._followed.pop(resource))
            self._graph.forget(resource)
        for one in found:
            if one.resource in wanted and one.resource not in self._followed:
                self._follow(one.resource)

    def _follow(self, resource: GVR) -> None:
        informer = self._followed[resource] = self._informers.get(resource)
        informer.add_handler(lambda old, new: self._graph.observe(resource, old, new))
        if resource == CRDS:
            informer.add_handler(lambda old, new: self.queue.add(SYNC))

    def _resource_of(self, api_version: str, kind: str) -> DiscoveredResource:
        group, _ = parse_api_version(api_version)
        found = self._kinds.get((group, kind))
        if found is None:
            raise UnknownKind(f'unable to get REST mapping for {api_version}/{kind}: '
                              f'no matches for kind "{kind}" in version "{api_version}"')
        return found

    # Background and foreground -------------------------------------------------------------------

    async def _attempt(self, node: Node) -> None:
        """Delete the object, if its owners are gone or going (`attemptToDeleteItem`)."""
        if node.being_deleted and not node.deleting_dependents:
            return
        latest = await self._look_up(node)
        if latest is None:
            self._graph.remove(node.uid)
        elif node.deleting_dependents:
            await self._finish_foreground(node, latest)
        elif meta.owner_references(latest):
            await self._judge(node, latest)

    async def _judge(self, node: Node, latest: Object) -> None:
        verdict = await self._classify(node, meta.owner_references(latest))
        if verdict.solid:
            gone = [ref["uid"] for ref in (*verdict.dangling, *verdict.waiting)]
            if gone:
                await self._drop_owners(node, latest, gone)
            return
        if not verdict.dangling and not verdict.waiting:
            return
        if verdict.waiting and node.dependents:
            if any(one.deleting_dependents for one in node.dependents.values()):
                await self._unblock(node, latest)
            await self._delete(node, latest, "Foreground")
        else:
            await self._delete(node, latest, _propagation(latest))

    async def _classify(self, node: Node, refs: Sequence[Object]) -> Verdict:
        verdict = Verdict([], [], [])
        for ref in refs:
            found = self._resource_of(ref["apiVersion"], ref["kind"])
            if found.namespaced and not node.namespace:
                verdict.solid.append(ref)
                continue
            owner = await self._owner(ref, found, node.namespace)
            if owner is None:
                verdict.dangling.append(ref)
            elif meta.is_terminating(owner) and FOREGROUND in meta.finalizers(owner):
                verdict.waiting.append(ref)
            else:
                verdict.solid.append(ref)
        return verdict

    async def _owner(self, ref: Object, found: DiscoveredResource, place: str) -> Object | None:
        """The owner that a reference means, from the server; None when there is none."""
        if ref["uid"] in self._absent:
            self._absent.move_to_end(ref["uid"])
            return None
        try:
            owner = await self._client.get(
                found.resource, ref["name"], place if found.namespaced else None)
        except NotFound:
            owner = None
        if owner is not None and meta.uid(owner) == ref["uid"]:
            return owner
        self._absent[ref["uid"]] = None
        if len(self._absent) > ABSENT_OWNERS:
            self._absent.popitem(last=False)
        return None

    async def _finish_foreground(self, node: Node, latest: Object) -> None:
        blocking = node.blocking_dependents()
        if not blocking:
            await self._remove_finalizer(node, latest, FOREGROUND)
        for dependent in blocking:
            if not dependent.deleting_dependents:
                self.queue.add(f"delete/{dependent.uid}")

    # Orphaning -----------------------------------------------------------------------------------

    async def _orphan(self, node: Node) -> None:
        """Let all dependents go, then let the owner go (`attemptToOrphanWorker`)."""
        for dependent in list(node.dependents.values()):
            latest = await self._look_up(dependent)
            if latest is not None:
                await self._drop_owners(dependent, latest, [node.uid])
        owner = await self._look_up(node)
        if owner is not None:
            await self._remove_finalizer(node, owner, ORPHAN)

    # Requests ------------------------------------------------------------------------------------

    async def _look_up(self, node: Node) -> Object | None:
        """The object as the server has it now; None when it is gone or another has its name."""
        found = self._resource_of(node.api_version, node.kind)
        place = node.namespace if found.namespaced else None
        try:
            latest = await self._client.get(found.resource, node.name, place)
        except NotFound:
            return None
        return latest if meta.uid(latest) == node.uid else None

    async def _delete(self, node: Node, latest: Object, propagation: Propagation) -> None:
        preconditions = {"uid": node.uid, "resourceVersion": meta.resource_version(latest)}
        try:
            await self._client.delete(
                self._resource_of(node.api_version, node.kind).resource, node.name,
                node.namespace or None, propagation=propagation, preconditions=preconditions)
        except NotFound:
            self._graph.remove(node.uid)

    async def _drop_owners(self, node: Node, latest: Object, uids: Sequence[str]) -> None:
        gone = [{"$patch": "delete", "uid": uid} for uid in uids]
        kept = [ref for ref in meta.owner_references(latest) if ref["uid"] not in uids]
        await self._patch_owners(node, latest, gone, kept)

    async def _unblock(self, node: Node, latest: Object) -> None:
        """Break a circle of foreground deletions that wait for each other."""
        refs = meta.owner_references(latest)
        changed = [{"uid": ref["uid"], "blockOwnerDeletion": False} for ref in refs]
        await self._patch_owners(node, latest, changed,
                                 [{**ref, "blockOwnerDeletion": False} for ref in refs])

    async def _patch_owners(self, node: Node, latest: Object, strategic: Sequence[Object],
                            merged: Sequence[Object]) -> None:
        """Change ownerReferences; kinds that know no strategic merge get the whole list."""
        resource = self._resource_of(node.api_version, node.kind).resource
        place = node.namespace or None
        try:
            await self._client.patch(
                resource, node.name, place,
                {"metadata": {"uid": node.uid, "ownerReferences": list(strategic)}},
                type="strategic")
        except UnsupportedMediaType:
            await self._client.patch(resource, node.name, place, {"metadata": {
                "uid": node.uid, "resourceVersion": meta.resource_version(latest),
                "ownerReferences": list(merged) or None}}, type="merge")
        except NotFound:
            self._graph.remove(node.uid)

    async def _remove_finalizer(self, node: Node, latest: Object, finalizer: str) -> None:
        if finalizer not in meta.finalizers(latest):
            return
        left = [one for one in meta.finalizers(latest) if one != finalizer]
        try:
            await self._client.patch(
                self._resource_of(node.api_version, node.kind).resource, node.name,
                node.namespace or None, {"metadata": {
                    "resourceVersion": meta.resource_version(latest), "finalizers": left}},
                type="merge")
        except NotFound:
            return


def _one_version(found: Sequence[DiscoveredResource]) -> list[DiscoveredResource]:
    """Each resource once, in the version that discovery names first."""
    first: dict[tuple[str, str], DiscoveredResource] = {}
    for one in found:
        first.setdefault((one.resource.group, one.resource.resource), one)
    return list(first.values())


def _propagation(obj: Object) -> Propagation:
    """How the object itself asks to be deleted, by its finalizers."""
    if ORPHAN in meta.finalizers(obj):
        return "Orphan"
    return "Foreground" if FOREGROUND in meta.finalizers(obj) else "Background"
