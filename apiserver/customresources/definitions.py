"""CustomResourceDefinitions and the kinds that they make the server serve. Models apiextensions'
customresource_handler and its controllers: status, establish, finalizer.

`changed` brings one CRD up to date: names and conditions, then the served kinds, or its end. It is
called after every write of a CRD, so a client that reads its CRD back finds it established.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from apiserver.admission.webhooks.caller import WebhookCaller
from apiserver.context import RequestContext
from apiserver.customresources.names import (
    ESTABLISHED,
    TERMINATING,
    is_true,
    status_of,
    with_condition,
)
from apiserver.customresources.serving import resources_of, storage_version
from apiserver.customresources.store import CustomStore, ObservedStore
from apiserver.customresources.structural import root_type
from apiserver.customresources.webhook import ConversionWebhook
from apiserver.machinery import meta
from apiserver.machinery.gvk import GVR
from apiserver.registry.options import DeleteOptions, ListOptions
from apiserver.resources.apiextensions.customresourcedefinitions import CLEANUP
from apiserver.storage.keys import collection_prefix, object_key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry
    from apiserver.resource import Resource

CRDS: Final = GVR("apiextensions.k8s.io", "v1", "customresourcedefinitions")
_OBJECT_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_MANAGER: Final = "kube-apiserver"


class Definitions:
    """The CRDs of one registry."""

    def __init__(self, registry: Registry, caller: WebhookCaller | None = None) -> None:
        """`caller`: the way to conversion webhooks; None is one without a way to Services."""
        self._registry = registry
        self._resource = registry.catalog.resource(CRDS)
        self._caller = caller or WebhookCaller()
        self._serving: dict[str, tuple[Object, list[Resource]]] = {}
        self._views: dict[GVR, CustomStore] = {}
        self._busy: set[str] = set()
        self._dirty: set[str] = set()
        self.served_changed: Callable[[], Awaitable[None]] = _nobody_hears
        """Called when kinds came or went."""
        registry.keep_in(CRDS, ObservedStore(registry.store, self.changed))

    async def load(self) -> None:
        """Serve what the store has: once, when the server starts."""
        prefix = collection_prefix(self._resource)
        for version in (await self._registry.store.list(prefix)).versions:
            await self.changed(meta.name(version.object))

    async def changed(self, name: str) -> None:
        """Bring one CRD up to date; again when it changed meanwhile (by our own writes, too)."""
        self._dirty.add(name)
        if name in self._busy:
            return
        self._busy.add(name)
        served = self._registry.catalog.generation
        try:
            while name in self._dirty:
                self._dirty.discard(name)
                await self._once(name)
        finally:
            self._busy.discard(name)
        if served != self._registry.catalog.generation:
            await self.served_changed()

    async def _once(self, name: str) -> None:
        crd = await self._get(name)
        if crd is None:
            await self._forget(name)
        else:
            await self._bring_up(name, crd)

    async def _bring_up(self, name: str, crd: Object) -> None:
        if not meta.is_terminating(crd):
            crd = await self._set_status(name, status_of(crd, await self._others(crd),
                                                         self._registry.clock.now()))
        if is_true(crd, ESTABLISHED):
            self._serve(name, crd)
        if meta.is_terminating(crd):
            await self._clean_up(name, crd)

    async def _get(self, name: str) -> Object | None:
        version = await self._registry.store.get(object_key(self._resource, "", name))
        return version.object if version is not None else None

    async def _others(self, crd: Object) -> list[Object]:
        """The other CRDs of the group."""
        page = await self._registry.store.list(collection_prefix(self._resource))
        return [each.object for each in page.versions
                if each.object["spec"]["group"] == crd["spec"]["group"]
                and meta.name(each.object) != meta.name(crd)]

    # --- writing back ----------------------------------------------------------------------------

    async def _set_status(self, name: str, status: Object) -> Object:
        def change(old: Object) -> Object:
            new: Object = orjson.loads(orjson.dumps(old))
            new["status"] = {**new.get("status", {}), **orjson.loads(orjson.dumps(status)),
                             "storedVersions": (old.get("status") or {}).get("storedVersions")}
            return new

        return await self._modify(name, change)

    async def _modify(self, name: str, change: Callable[[Object], Object]) -> Object:
        ctx = RequestContext(
            resource=self._resource, verb="update", name=name, subresource="status",
            field_manager=_MANAGER, now=self._registry.clock.now())
        return (await self._registry.modify(ctx, change)).object

    # --- serving ---------------------------------------------------------------------------------

    def _serve(self, name: str, crd: Object) -> None:
        key = {"spec": crd["spec"], "names": crd["status"]["acceptedNames"],
               "terminating": meta.is_terminating(crd)}
        before, old = self._serving.get(name, ({}, []))
        if before == key:
            return
        new = resources_of(crd)
        for gone in {each.gvr for each in old} - {each.gvr for each in new}:
            self._withdraw(gone)
        self._add(name, crd, new)
        self._serving[name] = (key, new)

    def _add(self, name: str, crd: Object, resources: list[Resource]) -> None:
        registry = self._registry
        object_meta = registry.schema.named(_OBJECT_META)
        views = []
        for resource in resources:
            type_ = root_type(resource.strategy.schema,  # type: ignore[attr-defined]
                              resource.kind, object_meta)
            view = CustomStore(registry.store, resource, type_, storage_version(crd),
                               self._webhook(crd))
            view.after_delete = lambda: self._one_less(name)
            views.append(view)
            registry.catalog.add(resource, type_)
            registry.keep_in(resource.gvr, view)
            if (before := self._views.get(resource.gvr)) is not None:
                before.retire()
            self._views[resource.gvr] = view
        for view in views:
            view.family = views

    def _webhook(self, crd: Object) -> ConversionWebhook | None:
        conversion = crd["spec"].get("conversion") or {}
        if conversion.get("strategy") != "Webhook":
            return None
        return ConversionWebhook(conversion["webhook"], self._registry.chance, self._caller)

    def _withdraw(self, gvr: GVR) -> None:
        self._registry.catalog.remove(gvr)
        self._registry.keep_in(gvr, None)
        if (view := self._views.pop(gvr, None)) is not None:
            view.retire()

    async def _forget(self, name: str) -> None:
        """The CRD is gone: its kinds too, and its names are free for others."""
        _, resources = self._serving.pop(name, ({}, []))
        for resource in resources:
            self._withdraw(resource.gvr)
        page = await self._registry.store.list(collection_prefix(self._resource))
        for version in page.versions:
            await self.changed(meta.name(version.object))

    # --- the end ---------------------------------------------------------------------------------

    async def _clean_up(self, name: str, crd: Object) -> None:
        """Delete all objects; when the last one has gone, let the CRD go."""
        if CLEANUP not in meta.finalizers(crd):
            return
        _, resources = self._serving.get(name, ({}, []))
        if resources and await self._has_objects(resources[0]):
            await self._tell(name, "True", "InstanceDeletionInProgress",
                             "CustomResource deletion is in progress")
            ctx = RequestContext(resource=resources[0], verb="deletecollection",
                                 now=self._registry.clock.now())
            await self._registry.delete_collection(ctx, ListOptions(), DeleteOptions())
            if await self._has_objects(resources[0]):
                return
        await self._tell(name, "False", "InstanceDeletionCompleted", "removed all instances")
        await self._modify(name, _without_finalizer)

    async def _has_objects(self, resource: Resource) -> bool:
        page = await self._registry.store.list(collection_prefix(resource), limit=1)
        return bool(page.versions)

    async def _one_less(self, name: str) -> None:
        """An object went; when that was the last one, a CRD that waits may go."""
        crd = await self._get(name)
        if crd is not None and meta.is_terminating(crd):
            await self.changed(name)

    async def _tell(self, name: str, status: str, reason: str, message: str) -> None:
        now = self._registry.clock.now()
        new = {"type": TERMINATING, "status": status, "reason": reason, "message": message}

        def change(old: Object) -> Object:
            obj: Object = orjson.loads(orjson.dumps(old))
            conditions = obj["status"].get("conditions") or ()
            obj["status"]["conditions"] = with_condition(conditions, new, now)
            return obj

        await self._modify(name, change)


async def _nobody_hears() -> None:
    """Nothing follows what is served."""


def _without_finalizer(old: Object) -> Object:
    new: Object = orjson.loads(orjson.dumps(old))
    left = [each for each in new["metadata"].get("finalizers") or () if each != CLEANUP]
    new["metadata"].pop("finalizers", None)
    if left:
        new["metadata"]["finalizers"] = left
    return new


