"""Request bodies into objects that the registry takes. Models handlers/{create,update}.go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.customresources.body import decode_custom
from apiserver.machinery.errors import BadRequest, UnsupportedMediaType
from apiserver.negotiation import JSON, PROTOBUF, YAML
from apiserver.schema.request_body import cannot_be_handled, decode_body
from apiserver.schema.yaml_body import yaml_lines

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.handlers.request import Request
    from apiserver.machinery.gvk import GVK
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry
    from apiserver.schema.schema import Decoded

_MEDIA_TYPES: Final = (JSON, YAML, PROTOBUF)


def media_type_of(request: Request) -> str:
    """The body's media type. Raises UnsupportedMediaType."""
    header = request.headers.get(b"content-type")
    if header is None:
        return JSON
    media_type = header.partition(b";")[0].strip().decode("latin-1").lower()
    if media_type not in _MEDIA_TYPES:
        raise UnsupportedMediaType("the body of the request was in an unknown format - accepted"
                                   f" media types include: {', '.join(_MEDIA_TYPES)}")
    return media_type


async def read_object(registry: Registry, request: Request, ctx: RequestContext) -> Object:
    """A private, canonical, defaulted object of the context's kind. Raises BadRequest."""
    media_type = media_type_of(request)
    body = await request.body()
    gvk = ctx.resource.gvk
    if ctx.resource.custom:
        decoded = decode_custom(registry.type_of(ctx.resource), gvk, body, media_type)
    else:
        decoded = decode_body(registry.schema, gvk, body, media_type)
    report_problems(ctx, decoded, gvk)
    obj = registry.complete(ctx.resource, decoded.object)
    request.audit(obj)
    return obj


async def read_kind(registry: Registry, request: Request, ctx: RequestContext,
                    gvk: GVK) -> Object:
    """A body of another kind than the resource's: Scale, Binding, Eviction. Raises BadRequest."""
    media_type = media_type_of(request)
    decoded = decode_body(registry.schema, gvk, await request.body(), media_type)
    report_problems(ctx, decoded, gvk)
    request.audit(decoded.object)
    return decoded.object


def report_problems(ctx: RequestContext, decoded: Decoded, gvk: GVK) -> None:
    """Unknown and duplicate fields, as fieldValidation wants it. Raises BadRequest when strict."""
    if not decoded.problems or ctx.field_validation == "Ignore":
        return
    if ctx.field_validation == "Strict":
        error: BadRequest = cannot_be_handled(gvk, gvk, decoded.strict_error())
        raise error
    for problem in decoded.problems:
        for line in yaml_lines(problem):
            ctx.warn(line)
