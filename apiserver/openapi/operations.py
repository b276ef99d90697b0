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
    """x-kubernetes-action: get list post put patch delete deletecollection connect."""
    gvk: GVK
    """What is worked on, as x-kubernetes-group-version-kind."""
    body: GVK | None
    answer: GVK | None
    """The kind of the answer; None for text."""
    id: str
    resource: Resource


_METHODS: Final = {"get": "get", "update": "put", "patch": "patch", "delete": "delete"}
_STATUS: Final = GVK("", "v1", "Status")
_CONNECTED: Final = frozenset({"exec", "attach", "portforward", "proxy"})
_CONNECT_METHODS: Final = {"create": "post", "get": "get", "update": "put", "patch": "patch",
                           "delete": "delete"}
_WORDS: Final = {"get": "read", "list": "list", "post": "create", "put": "replace",
                 "patch": "patch", "delete": "delete", "deletecollection": "deleteCollection"}


def operations_of(resource: Resource) -> Iterator[Operation]:
    """All operations of a resource and its subresources."""
    collection, item = paths_of(resource)
    yield from _collection(resource, collection)
    for verb, method in _METHODS.items():
        if verb in resource.verbs and _has_items(resource):
            yield _operation(resource, item, method, method, resource.kind)
    for name, sub in subresources_of(resource).items():
        yield from _subresource(resource, f"{item}/{name}", name, sub)


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
        everywhere = path.replace("/namespaces/{namespace}", "")
        listed = _operation(resource, everywhere, "get", "list", list_kind)
        yield listed._replace(id=_id("list", resource, "ForAllNamespaces", scope=""))


def _operation(resource: Resource, path: str, method: str, action: str, answer: str) -> Operation:
    gvk = resource.gvk
    body = gvk if action in ("post", "put") else None
    if action == "delete" and not resource.strategy.delete_returns_object:
        answer = "Status"
    answer_kind = _STATUS if answer == "Status" else gvk._replace(kind=answer)
    return Operation(path, method, action, gvk, body, answer_kind,
                     _id(_WORDS[action], resource), resource)


def _subresource(resource: Resource, path: str, name: str, sub: Sub) -> Iterator[Operation]:
    gvk = resource.gvk
    if sub.kind:
        gvk = gvk._replace(kind=sub.kind)
    if sub.group:
        gvk = gvk._replace(group=sub.group, version=sub.version)
    for verb in sub.verbs:
        method = _CONNECT_METHODS[verb]
        word = name.capitalize()
        if name in _CONNECTED:
            action, body, answer = "connect", None, None
            operation_id = _id(f"connect{method.capitalize()}", resource, word)
        else:
            action, answer = method, gvk if name != "log" else None
            body = gvk if method in ("post", "put") else None
            operation_id = _id(_WORDS[method], resource, word)
        yield Operation(path, method, action, gvk, body, answer, operation_id, resource)


def _id(word: str, resource: Resource, suffix: str = "", scope: str | None = None) -> str:
    """readAppsV1NamespacedDeploymentStatus."""
    group = (resource.group.split(".")[0] or "core").capitalize()
    if scope is None:
        scope = "Namespaced" if resource.namespaced else ""
    return f"{word}{group}{resource.version.capitalize()}{scope}{resource.kind}{suffix}"
