"""Which operations a resource has: paths, methods, actions, bodies and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from apiserver.discovery import Sub, subresources_of
from apiserver.machinery.gvk import GVK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apiserver.resource import Resource


class Operation(NamedTuple):
    """One method on one path."""

    path: str
    method: str
    action: str
    """x-kubernetes-action: get list post put patch delete deletecollection connect watch
    watchlist."""
    gvk: GVK
    """What is worked on, as x-kubernetes-group-version-kind."""
    body: GVK | None
    answer: GVK | None
    """The kind of the answer; None for text."""
    id: str
    resource: Resource
    options: str = ""
    """`pods/exec`: whose query parameters all methods of the path have."""


_METHODS: Final = {"get": "get", "update": "put", "patch": "patch", "delete": "delete"}
_STATUS: Final = GVK("", "v1", "Status")
_WATCH_EVENT: Final = GVK("", "v1", "WatchEvent")
_CONNECTED: Final = frozenset({"exec", "attach", "portforward", "proxy"})
_CONNECT_METHODS: Final = {"create": "post", "get": "get", "update": "put", "patch": "patch",
                           "delete": "delete"}
_PROXIED: Final = ("delete", "get", "head", "options", "patch", "post", "put")
_WORDS: Final = {"get": "read", "list": "list", "post": "create", "put": "replace",
                 "patch": "patch", "delete": "delete", "deletecollection": "delete"}


def operations_of(resource: Resource) -> Iterator[Operation]:
    """All operations of a resource and its subresources."""
    collection, item = paths_of(resource)
    yield from _collection(resource, collection)
    for verb, method in _METHODS.items():
        if verb in resource.verbs and _has_items(resource):
            yield _operation(resource, item, method, method, resource.kind)
    for name, sub in subresources_of(resource).items():
        yield from _subresource(resource, f"{item}/{name}", name, sub)
    if "watch" in resource.verbs:
        yield from _watches(resource, collection, item)


def _watches(resource: Resource, collection: str, item: str) -> Iterator[Operation]:
    """The old paths of watches, below /watch/."""
    lists: list[tuple[str, str, str | None]] = [(collection, "List", None)]
    if resource.namespaced:
        lists.append((_everywhere(collection), "ListForAllNamespaces", ""))
    for path, suffix, scope in lists:
        yield _watch(resource, path, "watchlist", _id("watch", resource, suffix, scope=scope))
    if _has_items(resource):
        yield _watch(resource, item, "watch", _id("watch", resource))


def _watch(resource: Resource, path: str, action: str, operation_id: str) -> Operation:
    own = f"/{resource.version}/"
    return Operation(path.replace(own, f"{own}watch/", 1), "get", action, resource.gvk, None,
                     _WATCH_EVENT, operation_id, resource)


def _everywhere(path: str) -> str:
    return path.replace("/namespaces/{namespace}", "")


def paths_of(resource: Resource) -> tuple[str, str]:
    """The paths of the collection and of one object."""
    root = f"/apis/{resource.group}/{resource.version}" if resource.group else "/api/v1"
    scope = "/namespaces/{namespace}" if resource.namespaced else ""
    collection = f"{root}{scope}/{resource.plural}"
    return collection, f"{collection}/{{name}}"


def _has_items(resource: Resource) -> bool:
    return "get" in resource.verbs


def _collection(resource: Resource, path: str) -> Iterator[Operation]:
    list_kind = resource.list_kind
    if "list" in resource.verbs:
        yield _operation(resource, path, "get", "list", list_kind)
    if "create" in resource.verbs:
        yield _operation(resource, path, "post", "post", resource.kind)
    if "deletecollection" in resource.verbs:
        yield _operation(resource, path, "delete", "deletecollection", "Status")
    if "list" in resource.verbs and resource.namespaced:
        listed = _operation(resource, _everywhere(path), "get", "list", list_kind)
        yield listed._replace(id=_id("list", resource, "ForAllNamespaces", scope=""))


def _operation(resource: Resource, path: str, method: str, action: str, answer: str) -> Operation:
    gvk = resource.gvk
    body = gvk if action in ("post", "put") else None
    if action == "delete" and not resource.strategy.delete_returns_object:
        answer = "Status"
    answer_kind = _STATUS if answer == "Status" else gvk._replace(kind=answer)
    infix = "Collection" if action == "deletecollection" else ""
    return Operation(path, method, action, gvk, body, answer_kind,
                     _id(_WORDS[action], resource, infix=infix), resource)


def _subresource(resource: Resource, path: str, name: str, sub: Sub) -> Iterator[Operation]:
    gvk = resource.gvk
    if sub.kind:
        gvk = gvk._replace(kind=sub.kind)
    if sub.group:
        gvk = gvk._replace(group=sub.group, version=sub.version)
    if name in _CONNECTED:
        yield from _connections(resource, path, name, gvk, sub)
        return
    for verb in sub.verbs:
        method = _CONNECT_METHODS[verb]
        yield Operation(path, method, method, gvk, gvk if method in ("post", "put") else None,
                        gvk if name != "log" else None,
                        _id(_WORDS[method], resource, name.capitalize()), resource,
                        f"{resource.plural}/{name}")


def _connections(resource: Resource, path: str, name: str, gvk: GVK,
                 sub: Sub) -> Iterator[Operation]:
    """Streams and proxies; a proxy also takes a path behind it."""
    proxies = name == "proxy"
    methods = _PROXIED if proxies else [_CONNECT_METHODS[verb] for verb in sub.verbs]
    for end, suffix in (("", ""), ("/{path}", "WithPath")) if proxies else (("", ""),):
        for method in methods:
            operation_id = _id("connect", resource, name.capitalize() + suffix,
                               infix=method.capitalize())
            yield Operation(path + end, method, "connect", gvk, None, None, operation_id, resource,
                            f"{resource.plural}/{name}")


def tag_of(group: str) -> str:
    """`core`, `apps`, `rbacAuthorization` of rbac.authorization.k8s.io."""
    first, *others = (group or "core").removesuffix(".k8s.io").split(".")
    return first + "".join(part.capitalize() for part in others)


def word_of(group: str) -> str:
    """The same as a part of an operationId: `RbacAuthorization`."""
    tag = tag_of(group)
    return tag[0].upper() + tag[1:]


def _id(word: str, resource: Resource, suffix: str = "", scope: str | None = None,
        infix: str = "") -> str:
    """readAppsV1NamespacedDeploymentStatus, connectCoreV1GetNamespacedPodExec."""
    group = word_of(resource.group)
    if scope is None:
        scope = "Namespaced" if resource.namespaced else ""
    version = resource.version.capitalize()
    return f"{word}{group}{version}{infix}{scope}{resource.kind}{suffix}"
