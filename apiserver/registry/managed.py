"""Who owns which field: the registry's side of `metadata.managedFields`.

Writes without a field manager are not tracked: the controllers in the server's process have none,
since owning every field of every Pod would cost more than the Pods.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from apiserver.patch import fieldset
from apiserver.patch.fieldset import EMPTY, FieldSet
from apiserver.patch.managed_fields import (
    View,
    Write,
    keep_times,
    track_update,
)
from apiserver.registry.shared_storage import converted, equivalents
from apiserver.schema.request_body import RETIRED
from apiserver.schema.types import Struct

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry
    from apiserver.resource import Resource

__all__ = ["keep_times", "track", "write_of"]


def track(registry: Registry, ctx: RequestContext, obj: Object, old: Object | None) -> Object:
    """`obj` with the request's manager as owner of what it sets or changes."""
    type_ = registry.type_of(ctx.resource)
    if not ctx.field_manager or not isinstance(type_, Struct):
        return obj
    if ctx.resource.custom and obj["metadata"].get("managedFields") == []:
        del obj["metadata"]["managedFields"]  # custom resources' metadata drops it on decoding
    return track_update(type_, old, obj, write_of(registry, ctx))


def write_of(registry: Registry, ctx: RequestContext) -> Write:
    """The request as managedFields sees it."""
    strategy, subresource = ctx.resource.strategy, ctx.subresource
    paths = strategy.resets.get(subresource, ()) if ctx.resource.status or subresource else ()
    return Write(manager=ctx.field_manager, api_version=ctx.resource.api_version, now=ctx.now,
                 subresource=subresource, reset=_field_set(tuple(paths)),
                 only=strategy.writes_only.get(subresource, ()),
                 view=lambda version: _view(registry, ctx.resource, version),
                 schema_changes=ctx.resource.custom)


def _view(registry: Registry, resource: Resource, api_version: str) -> View | None:
    """A kind in another version: one that is served, or one that no longer is but still converts.
    """
    other = next((each for each in equivalents(registry, resource)
                  if each.api_version == api_version), None)
    if other is None:
        if resource.kind not in RETIRED.get(api_version, "").split():
            return None
        other = resource
    type_ = registry.type_of(other)
    assert isinstance(type_, Struct), "every kind is a struct"
    return View(type_, partial(converted, source=resource, target=other),
                partial(converted, source=other, target=resource))


@cache
def _field_set(paths: tuple[str, ...]) -> FieldSet:
    return fieldset.of(*paths) if paths else EMPTY
