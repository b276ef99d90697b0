"""The documents themselves: one per group and version in v3, one for everything in v2."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import orjson

from apiserver.customresources.openapi import (
    definition_name,
    v2_definitions,
    v3_definitions,
)
from apiserver.openapi.operations import Operation, operations_of, tag_of
from apiserver.openapi.parameters import path_parameters, query_parameters
from apiserver.openapi.schemas import V2, V3, reachable, v2_schema, v3_schema
from apiserver.openapi.served import operation, reads_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apiserver.machinery.gvk import GVK
    from apiserver.openapi.served import Read
    from apiserver.resource import Resource
    from apiserver.schema.schema import Schema

Document = dict[str, Any]
Pack = Callable[[Any], Any]
_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1."
_ANSWERS: Final = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")
_STREAMS: Final = ("application/json;stream=watch",
                   "application/vnd.kubernetes.protobuf;stream=watch")
PATCHES: Final = ("application/apply-patch+yaml", "application/json-patch+json",
                  "application/merge-patch+json", "application/strategic-merge-patch+json")
_DESCRIPTIONS: Final = {
    "get": "read the specified {kind}", "list": "list or watch objects of kind {kind}",
    "post": "create a {kind}", "put": "replace the specified {kind}",
    "patch": "partially update the specified {kind}", "delete": "delete a {kind}",
    "deletecollection": "delete collection of {kind}",
    "connect": "connect {method} requests to {part} of {kind}",
    "watch": "watch changes to an object of kind {kind}. deprecated: use the 'watch' parameter with"
             " a list operation instead, filtered to a single item with the 'fieldSelector'"
             " parameter.",
    "watchlist": "watch individual changes to a list of {kind}. deprecated: use the 'watch'"
                 " parameter with a list operation instead."}
_STREAMED: Final = ("list", "watch", "watchlist")
_CREATED: Final = {"post": ("200", "201", "202"), "put": ("200", "201"), "patch": ("200", "201"),
                   "delete": ("200", "202")}
_WORDS: Final = {"200": "OK", "201": "Created", "202": "Accepted"}


def unpacked(part: Any) -> Any:
    """The part itself."""
    return part


def packed(part: Any) -> Any:
    """The part as JSON, so that a large document is never there as objects as a whole."""
    return orjson.Fragment(orjson.dumps(part))


class Documents:
    """Makes documents of one schema version."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        options = schema.definitions[f"{_META}DeleteOptions"]["properties"]
        self._texts = {name: field["description"] for name, field in options.items()}

    def v3(self, resources: Iterable[Resource], reads: Iterable[Read] = (),
           pack: Pack = unpacked) -> Document:
        """The v3 document of the resources of one group and version, and of paths beside them.

        `pack` is applied to each path and each schema: `packed` keeps them as JSON.
        """
        resources, reads = list(resources), list(reads)
        schemas = {name: pack(v3_schema(self._schema, name))
                   for name in self._reachable(resources, reads)}
        for custom in filter(_is_custom, resources):
            schemas |= _packed_each(v3_definitions(custom, self._schema.definitions), pack)
        paths = {read.path: pack({"get": operation(read, v3=True, prefix=V3)}) for read in reads}
        return {
            "openapi": "3.0.0", "info": self._info(),
            "paths": paths | self._paths(resources, pack, v3=True),
            "components": {
                "schemas": schemas,
                "securitySchemes": {"BearerToken": _BEARER},
            }}

    def v2(self, resources: Iterable[Resource], pack: Pack = unpacked) -> Document:
        """The v2 document of everything."""
        resources = list(resources)
        reads = list(reads_of(resources))
        schemas = {name: pack(v2_schema(self._schema, name))
                   for name in self._reachable(resources, reads)}
        for custom in filter(_is_custom, resources):
            schemas |= _packed_each(v2_definitions(custom, self._schema.definitions), pack)
        paths = {read.path: pack({"get": operation(read, v3=False, prefix=V2)}) for read in reads}
        return {
            "swagger": "2.0", "info": self._info(),
            "paths": paths | self._paths(resources, pack, v3=False),
            "definitions": schemas,
            "securityDefinitions": {"BearerToken": _BEARER}, "security": [{"BearerToken": []}]}

    def _reachable(self, resources: Iterable[Resource], reads: Iterable[Read]) -> list[str]:
        operations = [each for resource in resources for each in operations_of(resource)]
        return reachable(self._schema.definitions, self._roots(operations, reads))

    def _info(self) -> Document:
        return {"title": "Kubernetes", "version": f"v1.{self._schema.minor}.0"}

    def _roots(self, operations: Iterable[Operation], reads: Iterable[Read]) -> set[str]:
        roots = {read.answer for read in reads if read.answer}
        if not operations:
            return roots
        kinds = {kind for each in operations for kind in (each.gvk, each.body, each.answer) if kind}
        roots |= {self._schema.names[kind] for kind in kinds if kind in self._schema.names}
        return roots | {f"{_META}{name}" for name in (
            "Patch", "DeleteOptions", "Status", "ObjectMeta", "ListMeta", "WatchEvent")}

    def _paths(self, resources: Iterable[Resource], pack: Pack, *, v3: bool) -> Document:
        paths: Document = {}
        for resource in resources:
            own: Document = {}
            for each in operations_of(resource):
                item = own.setdefault(each.path, {"parameters": path_parameters(each, v3=v3)})
                item[each.method] = self._operation(each, v3=v3)
            paths |= _packed_each(own, pack)
        return paths

    def _operation(self, each: Operation, *, v3: bool) -> Document:
        out: Document = {
            "tags": [f"{tag_of(each.resource.group)}_{each.resource.version}"],
            "description": _description(each),
            "operationId": each.id,
            "parameters": query_parameters(each.action, self._texts, v3=v3)}
        if v3:
            self._add_v3(out, each)
        else:
            self._add_v2(out, each)
        out["x-kubernetes-action"] = each.action
        out["x-kubernetes-group-version-kind"] = {
            "group": each.gvk.group, "version": each.gvk.version, "kind": each.gvk.kind}
        return out

    def _add_v3(self, out: Document, each: Operation) -> None:
        body = self._body(each)
        if body:
            schema = {"$ref": V3 + body}
            types = _patches(each) if each.action == "patch" else ("*/*",)
            out["requestBody"] = {"content": {media: {"schema": schema} for media in types},
                                  "required": each.action in ("post", "put", "patch")}
        answer = self._name(each.answer, each.resource)
        content = {media: {"schema": {"$ref": V3 + answer}}
                   for media in _media_types(each)} if answer else {
                       "*/*": {"schema": {"type": "string"}}}
        out["responses"] = {code: {"description": _WORDS[code], "content": content}
                            for code in _CREATED.get(each.action, ("200",))}
        out["responses"]["401"] = {"description": "Unauthorized"}

    def _add_v2(self, out: Document, each: Operation) -> None:
        body = self._body(each)
        out["consumes"] = list(_patches(each)) if each.action == "patch" else ["*/*"]
        out["produces"] = list(_media_types(each)) if each.answer else ["*/*"]
        out["schemes"] = ["https"]
        if body:
            out["parameters"] = [
                {"name": "body", "in": "body", "required": each.action in ("post", "put", "patch"),
                 "schema": {"$ref": V2 + body}}, *out["parameters"]]
        answer = self._name(each.answer, each.resource)
        schema = {"$ref": V2 + answer} if answer else {"type": "string"}
        out["responses"] = {code: {"description": _WORDS[code], "schema": schema}
                            for code in _CREATED.get(each.action, ("200",))}
        out["responses"]["401"] = {"description": "Unauthorized"}

    def _body(self, each: Operation) -> str:
        if each.action == "patch":
            return f"{_META}Patch"
        if each.action in ("delete", "deletecollection"):
            return f"{_META}DeleteOptions"
        return self._name(each.body, each.resource)

    def _name(self, kind: GVK | None, resource: Resource) -> str:
        """The definition of a kind; '' for one that has none."""
        if kind is None:
            return ""
        if resource.custom and kind.group == resource.group:
            return definition_name(kind)
        if kind.kind in ("Status", "WatchEvent"):
            return f"{_META}{kind.kind}"
        return self._schema.names.get(kind, "")


def _is_custom(resource: Resource) -> bool:
    return resource.custom


def _packed_each(parts: Document, pack: Pack) -> Document:
    return {name: pack(part) for name, part in parts.items()}


def _description(each: Operation) -> str:
    """read status of the specified Deployment."""
    text = _DESCRIPTIONS[each.action]
    part = each.path.rpartition("{name}/")[2].partition("/")[0] if "{name}/" in each.path else ""
    if part and each.action != "connect":
        verb, _, rest = text.partition(" ")
        joined = "of" if each.action != "post" else "of a"
        text = f"{verb} {part} {joined} {rest.removeprefix('a ')}"
    kind = each.resource.kind if each.action == "connect" or part else each.gvk.kind
    return text.format(kind=kind, method=each.method.upper(), part=part)


_BEARER: Final = {"type": "apiKey", "description": "Bearer Token authentication",
                  "name": "authorization", "in": "header"}


def _patches(each: Operation) -> tuple[str, ...]:
    return tuple(patch for patch in PATCHES if "strategic" not in patch or not each.resource.custom)


def _media_types(each: Operation) -> tuple[str, ...]:
    return (*_ANSWERS, *_STREAMS) if each.action in _STREAMED else _ANSWERS
