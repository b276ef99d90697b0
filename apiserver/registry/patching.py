"""PATCH: from a patch document to an update. Models endpoints/handlers/patch.go."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from apiserver.machinery import meta
from apiserver.machinery.errors import BadRequest, Conflict, Unknown
from apiserver.machinery.gvk import GVK
from apiserver.patch import apply
from apiserver.patch.managed_fields import managers_of, with_managed
from apiserver.patch.patcher import Patch as Document
from apiserver.patch.scale_fields import to_parent, to_scale
from apiserver.registry import creating, managed, scaling, status_patches, updating
from apiserver.schema.schema import decode
from apiserver.schema.state import DecodeError
from apiserver.schema.types import Struct
from apiserver.schema.yaml_body import repeated_keys, yaml_lines
from apiserver.storage.keys import object_key

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.options import Patch
    from apiserver.registry.registry import Registry
    from apiserver.schema.schema import Schema
    from apiserver.schema.types import Type
    from apiserver.storage.store import Version

SCALE: Final = GVK("autoscaling", "v1", "Scale")


async def patch(registry: Registry, ctx: RequestContext, patch: Patch) -> tuple[Version, bool]:
    """Change parts of the object that `ctx` names; whether apply created it. Raises ApiError."""
    if patch.type == "apply":
        return await _apply(registry, ctx, patch)
    type_ = registry.type_of(ctx.resource)

    def change(old: Object) -> Object:
        patched = _patched(registry.schema, ctx, patch, old, type_)
        obj = registry.complete(ctx.resource, patched, old)
        creating.check_name(meta.name(obj), ctx.name)
        return _writable(obj, old)

    return await updating.modify(registry, ctx, change), False


def _writable(obj: Object, old: Object | None) -> Object:
    """What is stored can be written. Raises BadRequest for what patches nested too deeply."""
    before = old or {}
    try:
        orjson.dumps({field: part for field, part in obj.items() if part is not before.get(field)})
    except orjson.JSONEncodeError:
        raise BadRequest("exceeded max depth") from None
    return obj


async def _apply(registry: Registry, ctx: RequestContext, patch: Patch) -> tuple[Version, bool]:
    """Server-side apply: over what is there, or a new object."""
    config = apply.parse(patch.body) if isinstance(patch.body, bytes) else patch.body

    def change(old: Object | None) -> Object:
        applied = _applied(registry, ctx, config, old, force=patch.force)
        _report_repeated(ctx, patch.body)
        return applied

    key = object_key(ctx.resource, ctx.namespace, ctx.name)
    if ctx.subresource or await registry.stored(ctx.resource).get(key) is not None:
        return await updating.modify(registry, ctx, change, tracked=True), False
    new = change(None)
    if uid := meta.uid(new):
        raise Conflict.object(ctx.resource.group, ctx.resource.plural, ctx.name,
                              f"uid mismatch: the provided object specified uid {uid}, and no"
                              " existing object was found")
    new["metadata"].pop("resourceVersion", None)
    return await creating.create(registry, ctx, new, tracked=True), True


def _applied(registry: Registry, ctx: RequestContext, config: Object, old: Object | None, *,
             force: bool) -> Object:
    type_ = registry.type_of(ctx.resource)
    assert isinstance(type_, Struct), "every kind is a struct"
    result = apply.apply(type_, ctx.resource.gvk, old, config, managed.write_of(registry, ctx),
                         force=force)
    try:
        obj = registry.complete(ctx.resource, decode(type_, result).object)
    except DecodeError as error:
        raise Unknown(str(error)) from None
    creating.check_name(meta.name(obj), ctx.name)
    return _writable(obj, old)


def _report_repeated(ctx: RequestContext, body: Any) -> None:
    """Keys that are given twice, once the apply has succeeded. Raises BadRequest when strict."""
    if not isinstance(body, bytes) or ctx.field_validation not in ("Strict", "Warn"):
        return
    repeated = repeated_keys(body)
    if repeated and ctx.field_validation == "Strict":
        raise BadRequest("error strict decoding YAML: error converting YAML to JSON: " + repeated)
    for line in yaml_lines(repeated) if repeated else ():
        ctx.warn(line)


async def patch_scale(registry: Registry, ctx: RequestContext, patch: Patch) -> Object:
    """Change parts of the object's Scale. Raises ApiError."""
    if patch.type == "apply":
        return await _apply_scale(registry, ctx, patch)
    type_ = registry.schema.struct(SCALE)
    scale = scaling.scale_of(ctx.resource, (await registry.get(ctx)).object)
    patched = _patched(registry.schema, ctx, patch, scale, type_)
    return await scaling.update_scale(registry, ctx, patched)


async def _apply_scale(registry: Registry, ctx: RequestContext, patch: Patch) -> Object:
    """Server-side apply of a Scale: who owns the object's replicas counts."""
    resource, type_ = ctx.resource, registry.schema.struct(SCALE)
    assert resource.scale is not None, f"{resource.plural} have no scale"
    path = resource.scale.replicas
    config = apply.parse(patch.body) if isinstance(patch.body, bytes) else patch.body
    write = replace(managed.write_of(registry, ctx), api_version=SCALE.api_version, view=None,
                    schema_changes=False)

    def change(old: Object) -> Object:
        managers = managers_of(old)
        scale = with_managed(scaling.scale_of(resource, old), to_scale(managers, path))
        result = apply.apply(type_, SCALE, scale, config, write, force=patch.force)
        creating.check_name(meta.name(result), ctx.name)
        new: Object = orjson.loads(orjson.dumps(old))
        scaling.write_path(new, path, decode(type_, result).object["spec"].get("replicas", 0))
        owners = to_parent(managers, managers_of(result), path, resource.api_version)
        return with_managed(new, owners)

    version = await updating.modify(registry, ctx, change, tracked=True)
    return scaling.scale_of(resource, version.object)


def _patched(schema: Schema, ctx: RequestContext, patch: Patch, old: Object,
             type_: Type) -> Object:
    assert patch.type != "apply"
    partial = status_patches.is_partial(ctx, patch)
    touched = status_patches.reached(old, patch.body) if partial else old
    decoded = Document(patch.type, patch.body).apply(
        touched, type_, strict=ctx.field_validation == "Strict",
        heeded=ctx.field_validation != "Ignore", schema=schema)
    if ctx.field_validation == "Warn":
        for problem in decoded.problems:
            ctx.warn(problem)
    new = decoded.object
    if partial:
        return status_patches.joined(old, new, patch.body)
    return {field: new[field] for field in {**old, **new} if field in new}
