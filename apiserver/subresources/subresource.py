"""What a subresource is to the verbs: which of them it has, and what body it reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.handlers.call import Call, Handler
    from apiserver.machinery.gvk import GVK
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

Verb = Callable[["Registry", "RequestContext", "Object"], Awaitable["Object"]]
"""Acts on the object that the context names, with a body; gives the answer's body."""


async def post(subresource: Subresource, registry: Registry, ctx: RequestContext,
               body: Object) -> Object:
    """POST to a subresource, after admission. `body` is private. Raises ApiError."""
    assert subresource.create is not None
    await registry.admission.pass_body("CREATE", ctx, body)
    ctx.admitted = True
    return await subresource.create(registry, ctx, body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subresource:
    """One subresource."""

    name: str
    kind: GVK | None
    """The type of its bodies; None: the type of its parent."""
    create: Verb | None = None
    update: Verb | None = None
    read: Handler | None = None
    """GET, answered in its own way (a log is text)."""
    connect: Handler | None = None
    """Every verb, answered in its own way: streams and proxies."""
    streams: bool = False
    """A `connect` of GET and POST only."""
    options: Callable[[Call], Object] | None = None
    """What admission sees of a `connect`: the kind's options, as the query has them."""
    parent: bool = False
    """GET, PUT and PATCH of the parent itself, of which the strategy lets only a part change."""
