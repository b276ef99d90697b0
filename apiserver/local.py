"""LocalClient: the API for those who live in the server's process. No HTTP, no JSON, no waiting.

Satisfies `controllers.client.Client` structurally. Objects that come back are the store's own,
shared with everybody: never change them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from apiserver.context import SYSTEM, RequestContext, User
from apiserver.machinery.errors import ApiError, MethodNotAllowed
from apiserver.registry.options import (
    DeleteOptions,
    ListOptions,
    Patch,
    PatchType,
    Propagation,
    WatchOptions,
)
from apiserver.storage.keys import object_key
from apiserver.subresources import CREATORS, find_subresource
from apiserver.subresources.subresource import post

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from apiserver.machinery.gvk import GVR
    from apiserver.machinery.types import JSON, Object
    from apiserver.registry.listing import Listing
    from apiserver.registry.registry import Registry
    from apiserver.registry.watching import RegistryWatch
    from apiserver.resource import Resource


class WatchEvent(NamedTuple):
    """One change, as `controllers.client.WatchEvent`."""

    type: str
    object: Object


class LocalWatch:
    """A registry's watch as `controllers.client.Watch`: failures are ERROR events."""

    def __init__(self, source: RegistryWatch) -> None:
        self._source = source
        self._closed = False

    def poll(self) -> list[WatchEvent]:
        """What has arrived since the last poll; after an ERROR it is closed."""
        if self._closed:
            return []
        try:
            return [WatchEvent(event.type, event.version.object) for event in self._source.poll()]
        except ApiError as error:
            self.close()
            return [WatchEvent("ERROR", error.status())]

    def on_event(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever something has arrived."""
        self._source.on_event(callback)

    def close(self) -> None:
        """End it; harmless twice."""
        self._closed = True
        self._source.close()


class LocalClient:
    """The Client protocol straight into a registry, as one user."""

    def __init__(self, registry: Registry, *, user: User = SYSTEM, field_manager: str = "",
                 reads_later: bool = False) -> None:
        """`reads_later`: its user takes a `Later` for a text that is costly to make."""
        self._reads_later = reads_later
        self._registry = registry
        self._user = user
        self._field_manager = field_manager

    async def get(self, resource: GVR, name: str, namespace: str | None = None, *,
                  subresource: str = "") -> Object:
        """One object. Raises NotFound."""
        ctx = self._context(resource, "get", namespace, name, subresource)
        if subresource == "scale":
            return await self._registry.get_scale(ctx)
        return (await self._registry.get(ctx)).object

    async def list(self, resource: GVR, namespace: str | None = None, *, label_selector: str = "",
                   field_selector: str = "", limit: int = 0, continue_token: str = "",
                   resource_version: str = "") -> Object:
        """A List object. Raises BadRequest, Expired."""
        ctx = self._context(resource, "list", namespace)
        listing = await self._registry.list(ctx, ListOptions(
            label_selector=label_selector, field_selector=field_selector, limit=limit,
            continue_token=continue_token, resource_version=resource_version))
        return list_object(ctx.resource, listing)

    async def watch(self, resource: GVR, namespace: str | None = None, *,
                    resource_version: str = "", label_selector: str = "",
                    field_selector: str = "") -> LocalWatch:
        """Changes after `resource_version`. Raises Expired behind the kept history."""
        ctx = self._context(resource, "watch", namespace)
        return LocalWatch(await self._registry.watch(ctx, WatchOptions(
            resource_version=resource_version, label_selector=label_selector,
            field_selector=field_selector)))

    async def create(self, resource: GVR, obj: Object, namespace: str | None = None, *,
                     name: str = "", subresource: str = "", dry_run: bool = False) -> Object:
        """Create an object, ask a review, or POST to a subresource.

        Raises Invalid, AlreadyExists, ...
        """
        if namespace is None:
            namespace = (obj.get("metadata") or {}).get("namespace")
        ctx = self._context(resource, "create", namespace, name, subresource, dry_run=dry_run)
        if subresource:
            own = find_subresource(ctx.resource, subresource)
            if own.create is None:
                raise _not_allowed()
            return await post(own, self._registry, ctx, dict(obj))
        stores_nothing = CREATORS.get((resource.group, resource.resource))
        if stores_nothing is not None and stores_nothing.create is not None:
            return await post(stores_nothing, self._registry, ctx, dict(obj))
        private = self._registry.decode_trusted(ctx.resource, obj)
        return (await self._registry.create(ctx, private)).object

    async def update(self, resource: GVR, obj: Object, *, subresource: str = "",
                     dry_run: bool = False) -> Object:
        """Replace; a stale metadata.resourceVersion raises Conflict."""
        metadata = obj["metadata"]
        ctx = self._context(resource, "update", metadata.get("namespace"), metadata["name"],
                            subresource, dry_run=dry_run)
        if subresource == "scale":
            return await self._registry.update_scale(ctx, obj)
        if subresource not in ("", "status"):
            found = find_subresource(ctx.resource, subresource)
            if found.update is not None:
                return await found.update(self._registry, ctx, obj)
            if not found.parent:
                raise _not_allowed()
        stored = await self._registry.stored(ctx.resource).get(
            object_key(ctx.resource, ctx.namespace, ctx.name))
        changed = self._registry.decode_trusted(ctx.resource, obj,
                                                stored.object if stored is not None else None)
        return (await self._registry.update(ctx, changed))[0].object

    async def patch(self, resource: GVR, name: str, namespace: str | None, patch: JSON, *,
                    type: PatchType = "merge", subresource: str = "", field_manager: str = "",
                    force: bool = False, dry_run: bool = False) -> Object:
        """Change parts of an object. Raises Conflict, Invalid, NotFound."""
        ctx = self._context(resource, "patch", namespace, name, subresource, dry_run=dry_run)
        ctx.field_manager = field_manager or self._field_manager
        document = Patch(type=type, body=patch, force=force)
        if subresource == "scale":
            return await self._registry.patch_scale(ctx, document)
        version, _ = await self._registry.patch(ctx, document)
        return version.object

    async def delete(self, resource: GVR, name: str, namespace: str | None = None, *,
                     propagation: Propagation | None = None,
                     grace_period_seconds: int | None = None,
                     preconditions: Mapping[str, str] | None = None) -> Object:
        """Delete; answers the object or a Status. Raises NotFound, Conflict."""
        ctx = self._context(resource, "delete", namespace, name)
        deleted = await self._registry.delete(ctx, DeleteOptions(
            propagation=propagation, grace_period_seconds=grace_period_seconds,
            preconditions=preconditions or {}))
        return deleted.version.object if deleted.answer_object else deleted.status(ctx)

    async def delete_collection(self, resource: GVR, namespace: str | None = None, *,
                                label_selector: str = "", field_selector: str = "",
                                propagation: Propagation | None = None) -> Object:
        """Delete all that match; the list of them."""
        ctx = self._context(resource, "deletecollection", namespace)
        select = ListOptions(label_selector=label_selector, field_selector=field_selector)
        listing = await self._registry.delete_collection(
            ctx, select, DeleteOptions(propagation=propagation))
        return list_object(ctx.resource, listing)

    def _context(self, gvr: GVR, verb: str, namespace: str | None, name: str = "",
                 subresource: str = "", *, dry_run: bool = False) -> RequestContext:
        return RequestContext(
            resource=self._registry.catalog.resource(gvr), verb=verb, user=self._user,
            namespace=namespace or "", name=name, subresource=subresource, dry_run=dry_run,
            field_manager=self._field_manager, reads_later=self._reads_later,
            now=self._registry.clock.now())


def list_object(resource: Resource, listing: Listing) -> Object:
    """A List of whole objects (as kube clients see it, but items keep apiVersion and kind)."""
    metadata: dict[str, Any] = {"resourceVersion": str(listing.revision)}
    if listing.continue_token:
        metadata["continue"] = listing.continue_token
    if listing.remaining is not None:
        metadata["remainingItemCount"] = listing.remaining
    return {"kind": resource.list_kind, "apiVersion": resource.api_version, "metadata": metadata,
            "items": [version.object for version in listing.versions]}


def _not_allowed() -> MethodNotAllowed:
    return MethodNotAllowed("the server does not allow this method on the requested resource",
                            details={})


