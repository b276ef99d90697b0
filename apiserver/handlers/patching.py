"""PATCH in its four forms. Models handlers/patch.go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.handlers.options import boolean, write_options
from apiserver.handlers.rendering import object_answer
from apiserver.handlers.writing import scale_answer
from apiserver.machinery.errors import Invalid, UnsupportedMediaType
from apiserver.machinery.validation import forbidden, required
from apiserver.patch.patcher import parse_patch
from apiserver.registry.options import Patch, PatchType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.handlers.answer import Answer
    from apiserver.handlers.call import Call

PATCH_TYPES: Final[Mapping[str, PatchType]] = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    "application/apply-patch+yaml": "apply",
}
_FOR_CUSTOM: Final = ("application/json-patch+json", "application/merge-patch+json",
                      "application/apply-patch+yaml")


async def patch(call: Call) -> Answer:
    """Parts of an object, or of its status."""
    document = await _read_patch(call)
    version, created = await call.registry.patch(call.ctx, document)
    status = 201 if created else 200
    return object_answer(call.request, call.ctx, version, call.accepted, status=status)


async def patch_scale(call: Call) -> Answer:
    """Parts of an object's Scale."""
    return scale_answer(await call.registry.patch_scale(call.ctx, await _read_patch(call)))


async def _read_patch(call: Call) -> Patch:
    """Raises UnsupportedMediaType, BadRequest, Invalid."""
    kind = _patch_type(call)
    write_options(call.request, call.ctx, "PatchOptions")
    _check_options(call, kind)
    body = await call.request.body()
    call.request.audit(body)
    content = body if kind == "apply" else parse_patch(kind, body).content
    return Patch(type=kind, body=content, force=boolean(call.request, "force"))


def _check_options(call: Call, kind: PatchType) -> None:
    """Apply needs a field manager; `force` is only for apply. Raises Invalid."""
    errors = []
    if kind == "apply" and not call.request.parameter("fieldManager"):
        errors.append(required("fieldManager", "is required for apply patch"))
    if kind != "apply" and "force" in call.request.query:
        errors.append(forbidden("force", "may not be specified for non-apply patch"))
    if errors:
        raise Invalid.object("meta.k8s.io", "PatchOptions", "", errors)


def _patch_type(call: Call) -> PatchType:
    media_type = call.request.header(b"content-type").partition(";")[0].strip().lower()
    kind = PATCH_TYPES.get(media_type)
    if kind is None:
        raise UnsupportedMediaType("415: Unsupported Media Type", details={})
    if call.ctx.resource.custom and kind == "strategic":
        raise UnsupportedMediaType("the body of the request was in an unknown format - accepted"
                                   f" media types include: {', '.join(_FOR_CUSTOM)}")
    return kind
