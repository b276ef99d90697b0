"""A kind's strategy, driven as the registry drives it, without a registry."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from apiserver.context import RequestContext
from apiserver.resources.metadata import validate_object_meta, validate_object_meta_update
from apiserver.schema.schema import decode, schema_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from apiserver.resource import Resource

NOW = 1767225600.0
CREATED = "2026-01-01T00:00:00Z"


def made(resource: Resource, **body: Any) -> dict[str, Any]:
    """A new object after decoding, defaulting and preparation."""
    ctx, obj = context(resource), decoded(resource, body)
    obj["metadata"].setdefault("name", "a")
    obj["metadata"] |= {"uid": "u1", "creationTimestamp": CREATED}
    if resource.namespaced:
        obj["metadata"].setdefault("namespace", "default")
    resource.strategy.prepare_create(ctx, obj)
    return obj


def decoded(resource: Resource, body: dict[str, Any]) -> dict[str, Any]:
    """What the decoder makes of a body, with defaults."""
    obj = decode(schema_for(version_of(resource)).struct(resource.gvk), copy.deepcopy(body)).object
    obj |= {"kind": resource.kind, "apiVersion": resource.api_version}
    obj.setdefault("metadata", {})
    resource.strategy.default(obj)
    return obj


def version_of(resource: Resource) -> str:
    """The version that most is recorded of, or the newest for what came later."""
    return "1.36" if schema_for("1.36").knows(resource.gvk) else "1.37"


def create_errors(resource: Resource, **body: Any) -> list[str]:
    """What is wrong with a new object."""
    obj = made(resource, **body)
    errors = validate_object_meta(obj, resource)
    return [str(e) for e in errors + resource.strategy.validate(context(resource), obj)]


def update_errors(resource: Resource, old: dict[str, Any],
                  change: Callable[[dict[str, Any]], object]) -> list[str]:
    """What is wrong with a change of an object that `made` has made."""
    ctx, obj = context(resource, "update"), copy.deepcopy(old)
    change(obj)
    resource.strategy.default(obj)
    resource.strategy.prepare_update(ctx, obj, old)
    errors = validate_object_meta_update(obj, old, resource)
    return [str(e) for e in errors + resource.strategy.validate_update(ctx, obj, old)]


def warnings(resource: Resource, **body: Any) -> list[str]:
    """What a client is warned about when it creates the object."""
    return resource.strategy.warnings(context(resource), made(resource, **body), None)


def cells(resource: Resource, obj: dict[str, Any], now: float = NOW) -> dict[str, Any]:
    """The object's row, by the names of columns."""
    return {column.name: column.cell(obj, now) for column in resource.columns}


def context(resource: Resource, verb: str = "create") -> RequestContext:
    """A request for the object `a`."""
    return RequestContext(resource=resource, verb=verb, namespace="default", name="a", now=NOW)
