"""PATCH: from a patch document to an update. Models endpoints/handlers/patch.go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery import meta
from apiserver.machinery.errors import Unknown, UnsupportedMediaType
from apiserver.machinery.gvk import GVK
from apiserver.patch import apply
from apiserver.patch.patcher import Patch as Document
from apiserver.registry import creating, managed, scaling, updating
from apiserver.schema.schema import decode
from apiserver.schema.state import DecodeError
from apiserver.schema.types import Struct
from apiserver.storage.keys import object_key

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.options import Patch
    from apiserver.registry.registry import Registry
    from apiserver.schema.types import Type
    from apiserver.storage.store import Version

SCALE: Final = GVK("autoscaling", "v1", "Scale")


async def patch(registry: Registry, ctx: RequestContext, patch: Patch) -> tuple[Version, bool]:
    """Change parts of the object that `ctx` names; whether apply created it. Raises ApiError."""
    if patch.type == "apply":
        return await _apply(registry, ctx, patch)
    type_ = registry.type_of(ctx.resource)

    def change(old: Object) -> Object:
        obj = registry.complete(ctx.resource, _patched(ctx, patch, old, type_))
        creating.check_name(meta.name(obj), ctx.name)
        return obj

    return await updating.modify(registry, ctx, change), False


async def _apply(registry: Registry, ctx: RequestContext, patch: Patch) -> tuple[Version, bool]:
    """Server-side apply: over what is there, or a new object."""
    config = apply.parse(patch.body) if isinstance(patch.body, bytes) else patch.body

    def change(old: Object | None) -> Object:
        return _applied(registry, ctx, config, old, force=patch.force)

    key = object_key(ctx.resource, ctx.namespace, ctx.name)
    if ctx.subresource or await registry.store.get(key) is not None:
        return await updating.modify(registry, ctx, change, tracked=True), False
    return await creating.create(registry, ctx, change(None), tracked=True), True


def _applied(registry: Registry, ctx: RequestContext, config: Object, old: Object | None, *,
             force: bool) -> Object:
    type_ = registry.type_of(ctx.resource)
    assert isinstance(type_, Struct), "every kind is a struct"
    result = apply.apply(type_, ctx.resource.gvk, old, config, managed.write_of(ctx), force=force)
    try:
        obj = registry.complete(ctx.resource, decode(type_, result).object)
    except DecodeError as error:
        raise Unknown(str(error)) from None
    creating.check_name(meta.name(obj), ctx.name)
    return obj


async def patch_scale(registry: Registry, ctx: RequestContext, patch: Patch) -> Object:
    """Change parts of the object's Scale. Raises ApiError."""
    type_ = registry.schema.struct(SCALE)
    scale = scaling.scale_of(ctx.resource, (await registry.get(ctx)).object)
    return await scaling.update_scale(registry, ctx, _patched(ctx, patch, scale, type_))


def _patched(ctx: RequestContext, patch: Patch, old: Object, type_: Type) -> Object:
    if patch.type == "apply":
        raise UnsupportedMediaType("server-side apply of a Scale is not supported")
    strict = ctx.field_validation == "Strict"
    decoded = Document(patch.type, patch.body).apply(old, type_, strict=strict)
    if ctx.field_validation == "Warn":
        for problem in decoded.problems:
            ctx.warn(problem)
    return decoded.object
