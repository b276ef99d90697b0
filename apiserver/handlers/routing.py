"""From what a request names to who handles it, or why nobody does.

Models apiserver/pkg/endpoints/installer.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.handlers import deleting, patching, reading, writing
from apiserver.handlers.watching import watch
from apiserver.machinery.errors import MethodNotAllowed, NotFound
from apiserver.subresources import CREATORS, SUBRESOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.handlers.answer import Answer
    from apiserver.handlers.call import Call, Handler
    from apiserver.registry.catalog import Catalog
    from apiserver.request_info import RequestInfo
    from apiserver.resource import Resource
    from apiserver.subresources.subresource import Subresource

VERBS: Final[Mapping[str, Handler]] = {
    "get": reading.get,
    "list": reading.list_collection,
    "watch": watch,
    "create": writing.create,
    "update": writing.update,
    "patch": patching.patch,
    "delete": deleting.delete,
    "deletecollection": deleting.delete_collection,
}
_ON_COLLECTIONS: Final = frozenset({"list", "create", "deletecollection"})
_STREAM_VERBS: Final = ("get", "create")
_CONNECT_VERBS: Final = ("get", "create", "update", "patch", "delete", "")
STATUS: Final[Mapping[str, Handler]] = {
    "get": reading.get, "update": writing.update, "patch": patching.patch}
SCALE: Final[Mapping[str, Handler]] = {
    "get": reading.get_scale, "update": writing.update_scale, "patch": patching.patch_scale}


def find_resource(catalog: Catalog, info: RequestInfo) -> Resource:
    """The resource that a path names. Raises NotFound."""
    resource = catalog.find(info.group, info.version, info.resource)
    if resource is None or (info.namespaced and not resource.namespaced):
        raise not_served()
    if info.name and resource.namespaced and not info.namespaced:
        raise not_served()
    return resource


def find_handler(resource: Resource, info: RequestInfo) -> Handler:
    """Who handles the verb on the resource or subresource. Raises NotFound, MethodNotAllowed."""
    if info.subresource:
        handler = _of_subresource(resource, info).get(info.verb)
    elif info.verb not in resource.verbs:
        handler = None
    elif info.verb in ("create", "deletecollection") and _needs_namespace(resource, info):
        handler = VERBS[info.verb] if info.verb == "deletecollection" else None
    elif (own := CREATORS.get((resource.group, resource.plural))) is not None:
        handler = writing.creator(own)
    else:
        handler = VERBS.get(info.verb)
    if handler is None or not (info.subresource or _suits(info)):
        raise not_allowed()
    return handler


def _suits(info: RequestInfo) -> bool:
    """Whether the verb goes with what the path names: one object, or a collection."""
    if info.verb == "watch":
        return True
    return (info.verb in _ON_COLLECTIONS) is not bool(info.name)


def _needs_namespace(resource: Resource, info: RequestInfo) -> bool:
    return resource.namespaced and not info.namespaced


def _of_subresource(resource: Resource, info: RequestInfo) -> Mapping[str, Handler]:
    """The handlers of a subresource by verb. Raises NotFound."""
    name = info.subresource
    if name == "status" and resource.status:
        return STATUS
    if name == "scale" and resource.scale is not None:
        return SCALE
    if resource.custom:
        raise NotFound.object(resource.group, resource.plural, info.name)
    if name not in resource.subresources or name not in SUBRESOURCES:
        raise not_served()
    subresource = SUBRESOURCES[name]
    handlers: dict[str, Handler] = {}
    if subresource.connect is not None:
        verbs = _STREAM_VERBS if subresource.streams else _CONNECT_VERBS
        return dict.fromkeys(verbs, _connector(subresource, subresource.connect))
    if subresource.parent:
        handlers |= STATUS
    if subresource.create is not None:
        handlers["create"] = writing.creator(subresource)
    if subresource.update is not None:
        handlers["update"] = writing.updater(subresource)
    if subresource.read is not None:
        handlers["get"] = subresource.read
    return handlers


def _connector(subresource: Subresource, connect: Handler) -> Handler:
    """CONNECT: admission sees the options, and may refuse."""
    async def handle(call: Call) -> Answer | None:
        if subresource.options is not None:
            call.ctx.connecting = True
            await call.registry.admission.pass_body("CONNECT", call.ctx, subresource.options(call))
        return await connect(call)

    return handle


def not_served() -> NotFound:
    """The Status for a path below a known group that names nothing."""
    return NotFound("the server could not find the requested resource", details={})


def not_allowed() -> MethodNotAllowed:
    """The Status for a path that has no such method."""
    return MethodNotAllowed("the server does not allow this method on the requested resource",
                            details={})
