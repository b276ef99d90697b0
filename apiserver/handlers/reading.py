"""GET of one object, its scale, or a collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.handlers.answer import json_answer
from apiserver.handlers.options import list_options
from apiserver.handlers.rendering import include_object, list_answer, object_answer
from apiserver.table import scale_table

if TYPE_CHECKING:
    from apiserver.handlers.answer import Answer
    from apiserver.handlers.call import Call


async def get(call: Call) -> Answer:
    """One object."""
    version = await call.registry.get(call.ctx, call.request.parameter("resourceVersion"))
    return object_answer(call.request, call.ctx, version, call.accepted)


async def get_scale(call: Call) -> Answer:
    """The Scale of one object."""
    scale = await call.registry.get_scale(call.ctx)
    revision = int(scale["metadata"]["resourceVersion"])
    if call.accepted.form == "Table":
        include = include_object(call.request)
        scale = scale_table(scale, call.ctx.now, include, call.accepted.version)
    return json_answer(scale, revision=revision)


async def list_collection(call: Call) -> Answer:
    """A page of a collection."""
    listing = await call.registry.list(call.ctx, list_options(call.request))
    return list_answer(call.request, call.ctx, listing, call.accepted)
