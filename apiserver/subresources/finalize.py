"""namespaces/finalize: who still holds a Namespace. Models FinalizeREST of core/namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.subresources.subresource import Subresource

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry


async def finalize(registry: Registry, ctx: RequestContext, namespace: Object) -> Object:
    """Set `spec.finalizers`; a terminating Namespace without any goes. Raises Conflict."""
    private = registry.decode_trusted(ctx.resource, namespace)
    version, _ = await registry.update(ctx, private)
    return version.object


FINALIZE = Subresource(name="finalize", kind=None, update=finalize)
