"""CREATE. Models registry/generic/registry/store.go Create and rest/create.go BeforeCreate.

    namespace · admit · name, uid, time · allocate · prepare · validate · admission validate · store
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery import meta
from apiserver.machinery.errors import AlreadyExists, BadRequest, Invalid, Unknown
from apiserver.registry import managed
from apiserver.registry.metadata import (
    dedup_owners,
    ensure_namespace,
    fill_system_fields,
    metadata_of,
)
from apiserver.resources.metadata import validate_object_meta
from apiserver.storage.keys import object_key
from apiserver.storage.store import RevisionMismatch, Version

if TYPE_CHECKING:
    from apiserver.allocation import Allocation
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

_NAME_ATTEMPTS: Final = 8
"""How often a generated name is tried anew (maxNameGenerationCreateAttempts)."""


async def create(registry: Registry, ctx: RequestContext, obj: Object, *,
                 tracked: bool = False) -> Version:
    """Store a new object. Raises Invalid, AlreadyExists, and what admission raises.

    `tracked`: its managedFields are up to date already.
    """
    ensure_namespace(ctx, obj)
    ctx.name = meta.name(obj)
    if not tracked:
        dedup_owners(ctx, obj, admitted=False)
        obj = managed.track(registry, ctx, obj, None)
    await registry.admission.admit("CREATE", ctx, obj, None)
    dedup_owners(ctx, obj, admitted=True)
    prefix = meta.metadata(obj).get("generateName") or ""
    if ctx.name or not prefix:
        return await _create_named(registry, ctx, obj)
    return await _create_generated(registry, ctx, obj, prefix)


async def _create_generated(registry: Registry, ctx: RequestContext, obj: Object,
                            prefix: str) -> Version:
    for attempt in range(1, _NAME_ATTEMPTS + 1):
        obj["metadata"]["name"] = ctx.name = meta.generate_name(prefix, registry.chance)
        key = object_key(ctx.resource, ctx.namespace, ctx.name)
        if await registry.stored(ctx.resource).get(key) is None or attempt == _NAME_ATTEMPTS:
            break
    try:
        return await _create_named(registry, ctx, obj)
    except AlreadyExists as error:
        error.message += (", the server was not able to generate a unique name for the object")
        error.details = {**(error.details or {}), "retryAfterSeconds": 1}
        raise


async def _create_named(registry: Registry, ctx: RequestContext, obj: Object) -> Version:
    resource_version = metadata_of(obj).pop("resourceVersion", "")
    fill_system_fields(obj, registry.clock.now(), registry.chance)
    allocation = _allocate(registry, ctx, obj)
    try:
        _prepare(ctx, obj)
        _validate(ctx, obj)
        await registry.admission.validate("CREATE", ctx, obj, None)
        if resource_version not in ("", "0"):
            raise Unknown("resourceVersion should not be set on objects to be created")
        version = await _store(registry, ctx, obj)
    except BaseException:
        if allocation is not None:
            allocation.rollback()
        raise
    if allocation is not None:
        (allocation.rollback if ctx.dry_run else allocation.commit)()
    return version


def _allocate(registry: Registry, ctx: RequestContext, obj: Object) -> Allocation | None:
    allocator = registry.allocators.get(ctx.resource.gvr)
    if allocator is None:
        return None
    allocation = allocator.begin(obj, None, dry_run=ctx.dry_run)
    if allocation.errors:
        allocation.rollback()
        raise Invalid.object(ctx.resource.group, ctx.resource.kind, meta.name(obj),
                             allocation.errors)
    return allocation


def _prepare(ctx: RequestContext, obj: Object) -> None:
    resource = ctx.resource
    if resource.status and not resource.strategy.keeps_status_on_create:
        obj.pop("status", None)
    first = resource.strategy.first_generation
    if resource.strategy.has_generation and first:
        metadata_of(obj)["generation"] = first
    resource.strategy.prepare_create(ctx, obj)


def _validate(ctx: RequestContext, obj: Object) -> None:
    resource = ctx.resource
    errors = validate_object_meta(obj, resource)
    errors += resource.strategy.validate(ctx, obj)
    if errors:
        raise Invalid.object(resource.group, resource.kind, meta.name(obj), errors)
    for text in resource.strategy.warnings(ctx, obj, None):
        ctx.warn(text)


async def _store(registry: Registry, ctx: RequestContext, obj: Object) -> Version:
    key = object_key(ctx.resource, ctx.namespace, meta.name(obj))
    if ctx.dry_run:
        if (existing := await registry.stored(ctx.resource).get(key)) is not None:
            raise already_exists(ctx, existing)
        return Version(key, obj, 0, 0)
    registry.sharing.share(obj)
    try:
        return await registry.stored(ctx.resource).put(key, obj, expected=0)
    except RevisionMismatch as error:
        raise already_exists(ctx, error.current) from None


def already_exists(ctx: RequestContext, existing: Version | None) -> AlreadyExists:
    """`configmaps "a" already exists`, and whether it is about to go."""
    error = AlreadyExists.object(ctx.resource.group, ctx.resource.plural, ctx.name)
    if existing is not None and meta.is_terminating(existing.object):
        error.message = f"object is being deleted: {error.message}"
    return error


def check_name(name: str, url_name: str) -> None:
    """The name in a body is the name in the URL. Raises BadRequest."""
    if not name:
        raise BadRequest(f"the name of the object ({url_name} based on URL) was undeterminable:"
                         " name must be provided")
    if name != url_name:
        raise BadRequest(f"the name of the object ({name}) does not match the name on the URL"
                         f" ({url_name})")


