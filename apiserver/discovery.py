"""What the server serves: /api, /apis and below. Models apiserver/pkg/endpoints/discovery.

Documents are made from the catalog when first asked for, and again when it has changed. Clients
since 1.27 ask for the aggregated form (apidiscovery.k8s.io), all groups in one answer with an ETag.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from apiserver.handlers.answer import Answer, not_found_text, to_yaml
from apiserver.machinery.errors import MethodNotAllowed, NotAcceptable
from apiserver.negotiation import JSON, YAML, MediaRange, parse_accept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from apiserver.app import Page
    from apiserver.handlers.request import Request
    from apiserver.machinery.types import Object
    from apiserver.registry.catalog import Catalog
    from apiserver.resource import Resource

_AGGREGATED: Final = "APIGroupDiscoveryList"
_AGGREGATED_GROUP: Final = "apidiscovery.k8s.io"
_AGGREGATED_VERSIONS: Final = ("v2", "v2beta1")
_GROUP_ORDER: Final = (
    "", "apiregistration.k8s.io", "apps", "events.k8s.io", "authentication.k8s.io",
    "authorization.k8s.io", "autoscaling", "batch", "certificates.k8s.io", "networking.k8s.io",
    "policy", "rbac.authorization.k8s.io", "storage.k8s.io", "storagemigration.k8s.io",
    "admissionregistration.k8s.io", "apiextensions.k8s.io", "scheduling.k8s.io",
    "coordination.k8s.io", "node.k8s.io", "discovery.k8s.io", "resource.k8s.io",
    "flowcontrol.apiserver.k8s.io")
"""Built-in groups by their priority as APIServices; others follow by name."""


class Sub(NamedTuple):
    """What a subresource takes: verbs, and its kind where that is not the parent's."""

    verbs: tuple[str, ...] = ("get", "patch", "update")
    kind: str = ""
    group: str = ""
    version: str = ""


_SCALE: Final = Sub(kind="Scale", group="autoscaling", version="v1")
_STREAM: Final = ("create", "get")
_PROXY: Final = ("create", "delete", "get", "patch", "update")
_SUBRESOURCES: Final = {
    "scale": _SCALE,
    "binding": Sub(("create",), "Binding"),
    "eviction": Sub(("create",), "Eviction", "policy", "v1"),
    "token": Sub(("create",), "TokenRequest", "authentication.k8s.io", "v1"),
    "finalize": Sub(("update",)),
    "log": Sub(("get",)),
    "pods/exec": Sub(_STREAM, "PodExecOptions"),
    "pods/attach": Sub(_STREAM, "PodAttachOptions"),
    "pods/portforward": Sub(_STREAM, "PodPortForwardOptions"),
    "pods/proxy": Sub(_PROXY, "PodProxyOptions"),
    "services/proxy": Sub(_PROXY, "ServiceProxyOptions"),
    "nodes/proxy": Sub(_PROXY, "NodeProxyOptions"),
}
_STORED_AS: Final = {
    ("events.k8s.io", "Event"): ("", "v1"),
    ("autoscaling", "HorizontalPodAutoscaler"): ("autoscaling", "v2"),
}
"""Kinds that are stored in another group or version than they may be served in."""


class Discovery:
    """The documents about one catalog."""

    def __init__(self, catalog: Catalog, paths: Iterable[str] = ()) -> None:
        """`paths`: what is served besides kinds, for the root page."""
        self._catalog = catalog
        self._paths = {"/api", "/apis", "/apis/", *paths}
        self._generation = -1
        self._made: dict[tuple[str, ...], bytes] = {}

    def pages(self) -> dict[str, Page]:
        """What the app serves: by path, or by prefix when it ends in '/'."""
        return {"/": self._page(self._root),
                "/api": self._page(self._legacy), "/apis": self._page(self._groups),
                "/api/": self._page(self._below_api), "/apis/": self._page(self._below_apis)}

    # --- pages -----------------------------------------------------------------------------------

    def _page(self, answer: Callable[[Request], Answer]) -> Page:
        def page(request: Request) -> Answer:
            if request.method not in ("GET", "HEAD"):
                raise MethodNotAllowed("the server does not allow this method on the requested "
                                       "resource", details={})
            return answer(request)

        return page

    def _root(self, request: Request) -> Answer:
        groups = [group for group in self._group_names() if group]
        below = [f"/apis/{group}/{version}" for group in groups
                 for version in self._versions(group)]
        paths = sorted({*self._paths, "/api/v1", *(f"/apis/{group}" for group in groups), *below})
        return _answer({"paths": paths}, _negotiate(request)[1])

    def _legacy(self, request: Request) -> Answer:
        aggregated, yaml = _negotiate(request, aggregates=True)
        if aggregated:
            return self._aggregated(request, aggregated, legacy=True)
        host = request.header(b"host")
        return _answer({
            "kind": "APIVersions", "versions": self._versions(""),
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": host}],
        }, yaml)

    def _groups(self, request: Request) -> Answer:
        aggregated, yaml = _negotiate(request, aggregates=True)
        if aggregated:
            return self._aggregated(request, aggregated, legacy=False)
        groups = [self._group(group) for group in self._group_names() if group]
        return _answer({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}, yaml)

    def _below_api(self, request: Request) -> Answer:
        version = request.path.strip("/").partition("/")[2]
        return self._resource_list(request, "", version)

    def _below_apis(self, request: Request) -> Answer:
        _, group, *rest = request.path.strip("/").split("/")
        if not rest:
            if not self._versions(group):
                return not_found_text()
            document = {"kind": "APIGroup", "apiVersion": "v1", **self._group(group)}
            return _answer(document, _negotiate(request)[1])
        return self._resource_list(request, group, "/".join(rest))

    def _resource_list(self, request: Request, group: str, version: str) -> Answer:
        if version not in self._versions(group):
            return not_found_text()
        document = resource_list(group, version, self._resources(group, version))
        return _answer(document, _negotiate(request)[1])

    def _aggregated(self, request: Request, version: str, *, legacy: bool) -> Answer:
        body = self._cached(("aggregated", version, str(legacy)), lambda: self._group_items(
            version, [group for group in self._group_names() if (not group) is legacy]))
        media_type = f"{JSON};g={_AGGREGATED_GROUP};v={version};as={_AGGREGATED}"
        return _tagged(request, Answer(body, media_type=media_type))

    # --- the catalog -----------------------------------------------------------------------------

    def _cached(self, key: tuple[str, ...], make: Callable[[], Object]) -> bytes:
        if self._generation != self._catalog.generation:
            self._made.clear()
            self._generation = self._catalog.generation
        if key not in self._made:
            self._made[key] = orjson.dumps(make()) + b"\n"
        return self._made[key]

    def _group_items(self, version: str, groups: Iterable[str]) -> Object:
        items = [{"metadata": {"name": group} if group else {},
                  "versions": [_version_item(each, self._resources(group, each))
                               for each in self._versions(group)]} for group in groups]
        return {"kind": _AGGREGATED, "apiVersion": f"{_AGGREGATED_GROUP}/{version}",
                "metadata": {}, "items": items}

    def _group_names(self) -> list[str]:
        names = {resource.group for resource in self._catalog}
        return sorted(names, key=lambda name: (
            _GROUP_ORDER.index(name) if name in _GROUP_ORDER else len(_GROUP_ORDER), name))

    def _versions(self, group: str) -> list[str]:
        names = {resource.version for resource in self._catalog if resource.group == group}
        return sorted(names, key=version_priority)

    def _resources(self, group: str, version: str) -> list[Resource]:
        found = (resource for resource in self._catalog
                 if resource.group == group and resource.version == version)
        return sorted(found, key=lambda resource: resource.plural)

    def _group(self, group: str) -> Object:
        versions = [{"groupVersion": f"{group}/{version}", "version": version}
                    for version in self._versions(group)]
        return {"name": group, "versions": versions, "preferredVersion": versions[0]}


def resource_list(group: str, version: str, resources: Sequence[Resource]) -> Object:
    """The APIResourceList of a group version."""
    entries = [entry for resource in resources for entry in _entries(resource)]
    entries.sort(key=lambda entry: entry["name"])
    api_version = {"apiVersion": "v1"} if group else {}
    return {"kind": "APIResourceList", **api_version,
            "groupVersion": f"{group}/{version}" if group else version, "resources": entries}


def subresources_of(resource: Resource) -> dict[str, Sub]:
    """The subresources of a kind, by name."""
    names = set(resource.subresources)
    if resource.status:
        names.add("status")
    if resource.scale is not None:
        names.add("scale")
    return {name: _SUBRESOURCES.get(f"{resource.plural}/{name}", _SUBRESOURCES.get(name, Sub()))
            for name in sorted(names)}


def storage_version_hash(resource: Resource) -> str:
    """Changes when a kind comes to be stored in another version (StorageVersionHash)."""
    group, version = _STORED_AS.get((resource.group, resource.kind),
                                    (resource.group, resource.storage_version
                                     or resource.version))
    digest = hashlib.sha256(f"{group}/{version}/{resource.kind}".encode()).digest()
    return base64.b64encode(digest[:8]).decode()


def version_priority(version: str) -> tuple[int, int, int, str]:
    """Sorts v2, v1, v1beta2, v1beta1, v1alpha1, others (CompareKubeAwareVersionStrings)."""
    match = re.fullmatch(r"v(\d+)(?:(alpha|beta)(\d+))?", version)
    if match is None:
        return 3, 0, 0, version
    stage = {None: 0, "beta": 1, "alpha": 2}[match.group(2)]
    return stage, -int(match.group(1)), -int(match.group(3) or 0), version


def _entries(resource: Resource) -> Iterable[Object]:
    entry: dict[str, Any] = {"name": resource.plural, "singularName": _singular(resource),
                             "namespaced": resource.namespaced, "kind": resource.kind,
                             "verbs": list(resource.verbs)}
    _add_names(entry, resource)
    if {"create", "get", "delete"} <= set(resource.verbs):
        entry["storageVersionHash"] = storage_version_hash(resource)
    yield entry
    for name, sub in subresources_of(resource).items():
        type_ = {"group": sub.group, "version": sub.version} if sub.group else {}
        yield {"name": f"{resource.plural}/{name}", "singularName": "",
               "namespaced": resource.namespaced, **type_, "kind": sub.kind or resource.kind,
               "verbs": list(sub.verbs)}


def _version_item(version: str, resources: Sequence[Resource]) -> Object:
    return {"version": version, "resources": [_aggregated_resource(each) for each in resources],
            "freshness": "Current"}


def _aggregated_resource(resource: Resource) -> Object:
    group, version = (resource.group, resource.version) if resource.custom else ("", "")
    own = {"group": group, "version": version, "kind": resource.kind}
    item: dict[str, Any] = {"resource": resource.plural, "responseKind": own,
                            "scope": "Namespaced" if resource.namespaced else "Cluster",
                            "singularResource": _singular(resource), "verbs": list(resource.verbs)}
    _add_names(item, resource)
    subresources = [
        {"subresource": name, "responseKind": _response_kind(sub, own), "verbs": list(sub.verbs)}
        for name, sub in subresources_of(resource).items()]
    if subresources:
        item["subresources"] = subresources
    return item


def _response_kind(sub: Sub, own: Object) -> Object:
    if sub.group:
        return {"group": sub.group, "version": sub.version, "kind": sub.kind}
    return {**own, "kind": sub.kind or own["kind"]}


def _add_names(entry: Object, resource: Resource) -> None:
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)


def _singular(resource: Resource) -> str:
    return resource.singular or resource.kind.lower()


def _negotiate(request: Request, *, aggregates: bool = False) -> tuple[str, bool]:
    """The aggregated version that is asked for ('' for the plain form), and whether YAML is.

    Raises NotAcceptable.
    """
    ranges = parse_accept(request.header(b"accept"))
    for each in ranges:
        version = each.parameter("v")
        if aggregates and _asks_aggregated(each) and version in _AGGREGATED_VERSIONS:
            return version, False
        if not each.parameter("as") and each.type in ("*/*", "application/*", JSON):
            return "", False
        if not each.parameter("as") and each.type == YAML:
            return "", True
    if not ranges or (not aggregates and any(each.type == JSON for each in ranges)):
        return "", False
    raise NotAcceptable("only the following media types are accepted: application/json, "
                        "application/yaml, application/vnd.kubernetes.protobuf")


def _asks_aggregated(each: MediaRange) -> bool:
    return (each.type in ("*/*", "application/*", JSON) and each.parameter("as") == _AGGREGATED
            and each.parameter("g") == _AGGREGATED_GROUP)


def _answer(document: Object, yaml: bool) -> Answer:
    answer = Answer(orjson.dumps(document) + b"\n")
    return to_yaml(answer) if yaml else answer


def _tagged(request: Request, answer: Answer) -> Answer:
    """With an ETag, and empty for a client that has this version already."""
    tag = f'"{hashlib.sha256(answer.body).hexdigest().upper()}"'
    answer.headers += [(b"etag", tag.encode()), (b"vary", b"Accept")]
    if request.header(b"if-none-match") == tag:
        answer.body, answer.status = b"", 304
    return answer
