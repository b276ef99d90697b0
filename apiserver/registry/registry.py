"""The registry: every verb on every kind, over one store. Knows no kind; kinds bring a Strategy.

The verbs are one file each beside this one; this class holds what they share. Objects that go in
are taken over (pass private copies, as `decode` gives); objects that come out are shared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.authentication.service_accounts import ServiceAccountTokens
from apiserver.authorization.attributes import Decision
from apiserver.machinery.errors import BadRequest, NotFound
from apiserver.registry import creating, deleting, listing, patching, scaling, updating, watching
from apiserver.registry.catalog import Catalog
from apiserver.registry.shared_storage import SharedStore, StoreView
from apiserver.registry.sharing import Sharing
from apiserver.registry.versions import check_not_future, parse_revision
from apiserver.schema.schema import Decoded, decode
from apiserver.schema.state import DecodeError
from apiserver.storage.keys import object_key

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence

    from apiserver.admission.chain import AdmissionChain
    from apiserver.allocation import Allocator
    from apiserver.authorization.attributes import Attributes
    from apiserver.context import RequestContext, User
    from apiserver.machinery.clock import Clock
    from apiserver.machinery.gvk import GVK, GVR
    from apiserver.machinery.types import JSON, Object
    from apiserver.registry.deleting import Deleted
    from apiserver.registry.listing import Listing
    from apiserver.registry.options import DeleteOptions, ListOptions, Patch, WatchOptions
    from apiserver.registry.watching import RegistryWatch
    from apiserver.resource import Resource
    from apiserver.schema.schema import Schema
    from apiserver.schema.types import Type
    from apiserver.storage.store import Store, Version


EVERYTHING: Final[Sequence[Object]] = (
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
)
"""The rules of a server without an authorizer."""


class Registry:
    """All verbs, given a store, the kinds and what they need."""

    def __init__(self, *, store: Store, resources: Sequence[Resource], schema: Schema,
                 clock: Clock, chance: random.Random, admission: AdmissionChain,
                 allocators: Mapping[GVR, Allocator] | None = None) -> None:
        self.store = store
        self.catalog = Catalog([each for each in resources if schema.knows(each.gvk)])
        self.schema = schema
        self.clock = clock
        self.chance = chance
        self.admission = admission
        self.allocators = dict(allocators or {})
        self.decide: Callable[[Attributes], Decision] = lambda asked: Decision(True)
        """What the authorizer says of a question; access reviews ask it."""
        self.rules: Callable[[User, str], Sequence[Object]] = lambda user, namespace: EVERYTHING
        """The RBAC rules that a user has in a namespace."""
        self.rules_problem: Callable[[User, str], str] = lambda user, namespace: ""
        """Why there may be more of them: which roles are bound and not there."""
        self.tokens = ServiceAccountTokens(self)
        """Issues the tokens of service accounts, and knows them again."""
        self.sharing = Sharing()
        """Equal parts of stored objects, kept once."""
        self._views: dict[GVK, SharedStore] = {}
        self._own: dict[GVR, StoreView] = {}
        self._with_own: frozenset[str] = frozenset()
        admission.connect(self)

    def keep_in(self, gvr: GVR, store: StoreView | None) -> None:
        """Let a kind be kept in a store of its own making; None: as others again."""
        self._own.pop(gvr, None)
        if store is not None:
            self._own[gvr] = store
        self._with_own = frozenset(name.resource for name in self._own)

    def stored(self, resource: Resource) -> Store | StoreView:
        """The store as a kind sees it."""
        if resource.plural in self._with_own and (own := self._own.get(resource.gvr)) is not None:
            return own
        if resource.shared is None:
            return self.store
        view = self._views.get(resource.gvk)
        if view is None:
            view = self._views[resource.gvk] = SharedStore(self.store, resource, resource.shared)
        return view

    # --- bodies ----------------------------------------------------------------------------------

    def decode(self, resource: Resource, body: JSON) -> Decoded:
        """A private, canonical, defaulted object from a parsed body. Raises DecodeError."""
        decoded = decode(self.type_of(resource), body)
        return Decoded(self.complete(resource, decoded.object), decoded.problems)

    def complete(self, resource: Resource, decoded: Object, old: Object | None = None) -> Object:
        """A decoded object with its type in front and its defaults filled in.

        A spec that it shares with `old`, the stored object, has its defaults.
        """
        obj: Object = {"kind": resource.kind, "apiVersion": resource.api_version}
        obj.update(decoded)
        obj["kind"], obj["apiVersion"] = resource.kind, resource.api_version
        if old is not None and "spec" in obj and obj["spec"] is old.get("spec"):
            resource.strategy.default_status(obj)
        else:
            resource.strategy.default(obj)
        return obj

    def type_of(self, resource: Resource) -> Type:
        """The type of a resource's objects, as patches and decoding walk it."""
        return self.catalog.custom_type(resource) or self.schema.struct(resource.gvk)

    def decode_trusted(self, resource: Resource, body: Object,
                       old: Object | None = None) -> Object:
        """The same for a caller in the process, who is told of a mistake. Raises BadRequest.

        Parts that are those of `old`, the stored object, are right as they are, and shared.
        """
        known = old or {}
        changed = {name: value for name, value in body.items() if value is not known.get(name)}
        try:
            decoded = decode(self.type_of(resource), changed).object
        except DecodeError as error:
            raise BadRequest(f'{resource.kind} in version "{resource.version}" cannot be handled'
                             f" as a {resource.kind}: {error}") from None
        whole = {name: decoded[name] if name in changed else value for name, value in body.items()
                 if name in decoded or name not in changed}
        return self.complete(resource, {**whole, **{
            name: value for name, value in decoded.items() if name not in whole}}, old)

    # --- verbs -----------------------------------------------------------------------------------

    async def get(self, ctx: RequestContext, resource_version: str = "") -> Version:
        """The object that `ctx` names. Raises NotFound."""
        if resource_version not in ("", "0"):
            check_not_future(self.store, parse_revision(resource_version))
        key = object_key(ctx.resource, ctx.namespace, ctx.name)
        version = await self.stored(ctx.resource).get(key)
        if version is None:
            raise NotFound.object(ctx.resource.group, ctx.resource.plural, ctx.name)
        return version

    async def list(self, ctx: RequestContext, options: ListOptions) -> Listing:
        """A page of a collection. Raises BadRequest, Expired."""
        return await listing.list_page(self, ctx, options)

    async def watch(self, ctx: RequestContext, options: WatchOptions) -> RegistryWatch:
        """Changes of a collection. Raises BadRequest, Expired."""
        return await watching.open_watch(self, ctx, options)

    async def create(self, ctx: RequestContext, obj: Object) -> Version:
        """Store a new object. Raises Invalid, AlreadyExists and what admission raises."""
        return await creating.create(self, ctx, obj)

    async def update(self, ctx: RequestContext, obj: Object) -> tuple[Version, bool]:
        """Replace the object; whether it was created. Raises Conflict, Invalid, NotFound."""
        return await updating.replace(self, ctx, obj)

    async def modify(self, ctx: RequestContext, change: Callable[[Object], Object]) -> Version:
        """Let `change` make the new object from the stored one, again if somebody was faster."""
        return await updating.modify(self, ctx, change)

    async def patch(self, ctx: RequestContext, patch: Patch) -> tuple[Version, bool]:
        """Change parts of the object; whether it was created (apply)."""
        return await patching.patch(self, ctx, patch)

    async def delete(self, ctx: RequestContext, options: DeleteOptions) -> Deleted:
        """Delete the object, or begin to. Raises NotFound, Conflict."""
        return await deleting.delete(self, ctx, options)

    async def delete_collection(self, ctx: RequestContext, select: ListOptions,
                                options: DeleteOptions) -> Listing:
        """Delete all that match; what was listed."""
        return await deleting.delete_collection(self, ctx, select, options)

    async def get_scale(self, ctx: RequestContext) -> Object:
        """The autoscaling/v1 Scale of the object."""
        return scaling.scale_of(ctx.resource, (await self.get(ctx)).object)

    async def patch_scale(self, ctx: RequestContext, patch: Patch) -> Object:
        """Change parts of the object's Scale."""
        return await patching.patch_scale(self, ctx, patch)

    async def update_scale(self, ctx: RequestContext, scale: Object) -> Object:
        """Set the replicas from a Scale."""
        return await scaling.update_scale(self, ctx, scale)
