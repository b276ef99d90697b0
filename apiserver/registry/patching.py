"""PATCH: from a patch document to an update. Models endpoints/handlers/patch.go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.registry import updating

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import JSON, Object
    from apiserver.registry.options import Patch
    from apiserver.registry.registry import Registry
    from apiserver.storage.store import Version


async def patch(registry: Registry, ctx: RequestContext, patch: Patch) -> tuple[Version, bool]:
    """Change parts of the object that `ctx` names; whether apply created it. Raises ApiError."""

    def change(old: Object) -> Object:
        return registry.decode_trusted(ctx.resource, merge(old, patch.body))

    return await updating.modify(registry, ctx, change), False


def merge(target: JSON, patch: JSON) -> JSON:
    if not isinstance(patch, dict):
        return patch
    out = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merge(out.get(key), value)
    return out
