"""POST and PUT of objects, status and scale; of subresources with behaviour of their own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from apiserver.handlers.answer import json_answer
from apiserver.handlers.bodies import read_kind, read_object
from apiserver.handlers.options import write_options
from apiserver.handlers.rendering import object_answer
from apiserver.machinery import meta
from apiserver.registry.patching import SCALE
from apiserver.subresources.subresource import post

if TYPE_CHECKING:
    from apiserver.handlers.answer import Answer
    from apiserver.handlers.call import Call, Handler
    from apiserver.machinery.types import Object
    from apiserver.subresources.subresource import Subresource, Verb


async def create(call: Call) -> Answer:
    """A new object."""
    write_options(call.request, call.ctx, "CreateOptions")
    obj = await read_object(call.registry, call.request, call.ctx)
    version = await call.registry.create(call.ctx, obj)
    return object_answer(call.request, call.ctx, version, call.accepted, status=201)


async def update(call: Call) -> Answer:
    """The whole object, or its status."""
    write_options(call.request, call.ctx, "UpdateOptions")
    obj = await read_object(call.registry, call.request, call.ctx)
    version, created = await call.registry.update(call.ctx, obj)
    status = 201 if created else 200
    return object_answer(call.request, call.ctx, version, call.accepted, status=status)


async def update_scale(call: Call) -> Answer:
    """The replicas of an object, as a Scale."""
    write_options(call.request, call.ctx, "UpdateOptions")
    scale = await read_kind(call.registry, call.request, call.ctx, SCALE)
    return scale_answer(await call.registry.update_scale(call.ctx, scale))


def scale_answer(scale: Object) -> Answer:
    """A Scale, and what must be durable before it is seen."""
    return json_answer(scale, revision=int(meta.resource_version(scale) or 0))


def creator(subresource: Subresource) -> Handler:
    """POST to a subresource."""
    assert subresource.create is not None
    return _acting(subresource, partial(post, subresource), "CreateOptions")


def updater(subresource: Subresource) -> Handler:
    """PUT of a subresource."""
    assert subresource.update is not None
    return _acting(subresource, subresource.update, "UpdateOptions")


def _acting(subresource: Subresource, act: Verb, options: str) -> Handler:
    async def handle(call: Call) -> Answer:
        write_options(call.request, call.ctx, options)
        kind = subresource.kind or call.ctx.resource.gvk
        body = await read_kind(call.registry, call.request, call.ctx, kind)
        result = await act(call.registry, call.ctx, body)
        status = 201 if options == "CreateOptions" else 200
        return json_answer(result, status=status, revision=call.registry.store.revision)

    return handle
