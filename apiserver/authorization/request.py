"""What a request asks of the authorizer. Models filters/authorization.go (GetAuthorizerAttributes)
and request/requestinfo.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.authorization.attributes import Attributes
from apiserver.machinery.names import is_path_segment

if TYPE_CHECKING:
    from apiserver.context import User
    from apiserver.handlers.request import Request
    from apiserver.request_info import RequestInfo

_BY_SELECTOR: Final = frozenset({"list", "watch", "deletecollection"})
_NAME: Final = "metadata.name="


def attributes_of(user: User, request: Request, info: RequestInfo | None) -> Attributes:
    """The question whether `user` may send `request`."""
    if info is None or not info.resource:
        return Attributes(user=user, verb=request.method.lower(),
                          path=request.path.rstrip("/") or "/")
    name, selector = info.name, ""
    if info.verb in _BY_SELECTOR:
        selector = request.parameter("fieldSelector")
        name = name or _selected_name(selector)
    namespace = info.namespace
    if not namespace and info.resource == "namespaces":
        namespace = info.name  # reading a namespace happens in it
    return Attributes(
        user=user, verb=info.verb, group=info.group, version=info.version, resource=info.resource,
        subresource=info.subresource, namespace=namespace, name=name, field_selector=selector)


def _selected_name(selector: str) -> str:
    """The one name that a field selector lets through; '' for others."""
    for part in selector.split(","):
        if part.startswith(_NAME):
            name = part.removeprefix(_NAME).removeprefix("=")
            return "" if is_path_segment(name) else name
    return ""
