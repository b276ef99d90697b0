"""PATCH: from a patch document to an update. Models endpoints/handlers/patch.go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery import meta
from apiserver.machinery.gvk import GVK
from apiserver.patch.patcher import Patch as Document
from apiserver.registry import creating, scaling, updating

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
    type_ = registry.type_of(ctx.resource)

    def change(old: Object) -> Object:
        obj = registry.complete(ctx.resource, _patched(ctx, patch, old, type_))
        creating.check_name(meta.name(obj), ctx.name)
        return obj

    return await updating.modify(registry, ctx, change), False


async def patch_scale(registry: Registry, ctx: RequestContext, patch: Patch) -> Object:
    """Change parts of the object's Scale. Raises ApiError."""
    type_ = registry.schema.struct(SCALE)
    scale = scaling.scale_of(ctx.resource, (await registry.get(ctx)).object)
    return await scaling.update_scale(registry, ctx, _patched(ctx, patch, scale, type_))


def _patched(ctx: RequestContext, patch: Patch, old: Object, type_: Type) -> Object:
    assert patch.type != "apply"
    strict = ctx.field_validation == "Strict"
    decoded = Document(patch.type, patch.body).apply(old, type_, strict=strict)
    if ctx.field_validation == "Warn":
        for problem in decoded.problems:
            ctx.warn(problem)
    return decoded.object
