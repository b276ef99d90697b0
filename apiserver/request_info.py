"""What a request's method and path name. Models apiserver/pkg/endpoints/request/requestinfo.go.

    /api/v1/namespaces/NS/pods/NAME/SUBRESOURCE      /apis/GROUP/VERSION/namespaces/NS/...
    /api/v1/nodes/NAME                               /api/v1/watch/... (the old form of ?watch=1)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_VERBS: Final = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch",
                 "DELETE": "delete", "HEAD": "get"}
_ON_COLLECTIONS: Final = {"get": "list", "delete": "deletecollection"}
_NAMESPACE_SUBRESOURCES: Final = frozenset({"status", "finalize"})


@dataclass(slots=True)
class RequestInfo:
    """The parts of a resource request; `resource` is '' when the path names none."""

    group: str = ""
    version: str = ""
    namespace: str = ""
    resource: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""
    """What follows the subresource (of proxies)."""
    namespaced: bool = False
    """The path goes through /namespaces/NS/."""
    watch: bool = False
    """The path is of the old form /watch/."""
    verb: str = ""


def parse_request(method: str, path: str) -> RequestInfo | None:
    """The resource that a path below /api or /apis names; None for every other path.

    A path that ends at the group or version gives an info without a resource (discovery).
    """
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 1:
        info = RequestInfo("", parts[1])
        del parts[:2]
    elif parts[0] == "apis" and len(parts) > 2:
        info = RequestInfo(parts[1], parts[2])
        del parts[:3]
    else:
        return None
    if parts and parts[0] == "watch":
        info.watch = True
        del parts[0]
    _name_resource(info, parts)
    info.verb = _verb(info, method)
    return info


def _name_resource(info: RequestInfo, parts: list[str]) -> None:
    if len(parts) > 1 and parts[0] == "namespaces" and _goes_into(parts):
        info.namespace, info.namespaced = parts[1], True
        del parts[:2]
    padded = [*parts, "", "", ""]
    info.resource, info.name, info.subresource = padded[:3]
    info.rest = "/".join(parts[3:])


def _goes_into(parts: list[str]) -> bool:
    """Whether `namespaces/X/...` names something inside of X, not X or its status."""
    return len(parts) > 2 and not (len(parts) == 3 and parts[2] in _NAMESPACE_SUBRESOURCES)


def _verb(info: RequestInfo, method: str) -> str:
    verb = _VERBS.get(method, "")
    if info.watch:
        return "watch" if verb == "get" else ""
    return verb if info.name else _ON_COLLECTIONS.get(verb, verb)
