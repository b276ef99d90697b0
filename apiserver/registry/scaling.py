"""The subresource `scale`: replicas of any kind that has them, as autoscaling/v1 Scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from apiserver.machinery import meta
from apiserver.machinery.errors import InternalError, Invalid
from apiserver.machinery.validation import go_quote, invalid
from apiserver.registry import creating, updating

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry
    from apiserver.resource import Resource

_SHOWN = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(resource: Resource, obj: Object) -> Object:
    """What `GET .../scale` answers."""
    scale = resource.scale
    assert scale is not None, f"{resource.plural} have no scale"
    replicas = read_path(obj, scale.replicas)
    if replicas is None and resource.custom:
        raise InternalError("Internal error occurred: the spec replicas field "
                            f"{go_quote('.' + scale.replicas)} does not exist")
    replicas = replicas or 0
    status: dict[str, Any] = {"replicas": read_path(obj, scale.status_replicas) or 0}
    selector = resource.strategy.scale_selector(obj) or read_path(obj, scale.selector)
    if selector:
        status["selector"] = selector
    metadata = obj["metadata"]
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: metadata[field] for field in _SHOWN if field in metadata},
        "spec": {"replicas": replicas} if replicas else {},
        "status": status,
    }


async def update_scale(registry: Registry, ctx: RequestContext, scale: Object) -> Object:
    """Set the replicas of the object that `ctx` names; the new Scale. Raises Invalid, Conflict."""
    resource = ctx.resource
    assert resource.scale is not None, f"{resource.plural} have no scale"
    path = resource.scale.replicas
    creating.check_name(meta.name(scale), ctx.name)
    replicas = (scale.get("spec") or {}).get("replicas") or 0
    if replicas < 0 and not resource.custom:  # a CRD's own validation says it of the path
        error = invalid("spec.replicas", replicas, "must be greater than or equal to 0")
        raise Invalid.object("autoscaling", "Scale", ctx.name, (error,))

    def change(old: Object) -> Object:
        changed: Object = orjson.loads(orjson.dumps(old))
        write_path(changed, path, replicas)
        changed["metadata"]["resourceVersion"] = meta.resource_version(scale)
        if meta.uid(scale):
            changed["metadata"]["uid"] = meta.uid(scale)
        return changed

    return scale_of(resource, (await updating.modify(registry, ctx, change)).object)


def read_path(obj: Object, path: str) -> Any:
    """The value at `spec.replicas`; None when something on the way is missing."""
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def write_path(obj: Object, path: str, value: Any) -> None:
    """Set the value at `spec.replicas` of a private object."""
    *way, last = path.split(".")
    for part in way:
        obj = obj.setdefault(part, {})
    obj[last] = value
