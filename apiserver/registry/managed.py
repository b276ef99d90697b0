"""Who owns which field: the registry's side of `metadata.managedFields`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry


def before_create(registry: Registry, ctx: RequestContext, obj: Object) -> None:
    """Note that the request's manager owns the fields of a new object."""


def before_update(registry: Registry, ctx: RequestContext, obj: Object, old: Object) -> None:
    """Note that the request's manager owns the fields that it changed."""
