"""The documents themselves: one per group and version in v3, one for everything in v2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.customresources.openapi import (
    definition_name,
    v2_definitions,
    v3_definitions,
)
from apiserver.openapi.operations import Operation, operations_of
from apiserver.openapi.parameters import path_parameters, query_parameters
from apiserver.openapi.schemas import V2, V3, reachable, v2_schema, v3_schema

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apiserver.machinery.gvk import GVK
    from apiserver.resource import Resource
    from apiserver.schema.schema import Schema

Document = dict[str, Any]
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
    "connect": "connect requests to {kind}"}
_CREATED: Final = {"post": ("200", "201", "202"), "put": ("200", "201"), "patch": ("200", "201"),
                   "delete": ("200", "202")}
_WORDS: Final = {"200": "OK", "201": "Created", "202": "Accepted"}


class Documents:
    """Makes documents of one schema version."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def v3(self, resources: Iterable[Resource]) -> Document:
        """The v3 document of the resources of one group and version."""
        resources = list(resources)
        customs = [resource for resource in resources if resource.custom]
        operations = [each for resource in resources for each in operations_of(resource)]
        names = reachable(self._schema.definitions, self._roots(operations))
        schemas = {name: v3_schema(self._schema, name) for name in names}
        for custom in customs:
            schemas |= v3_definitions(custom, self._schema.definitions)
        return {
            "openapi": "3.0.0", "info": self._info(), "paths": self._paths(operations, v3=True),
            "components": {
                "schemas": schemas,
                "securitySchemes": {"BearerToken": _BEARER},
            }}

    def v2(self, resources: Iterable[Resource]) -> Document:
        """The v2 document of everything."""
        resources = list(resources)
        customs = [resource for resource in resources if resource.custom]
        operations = [each for resource in resources for each in operations_of(resource)]
        names = reachable(self._schema.definitions, self._roots(operations))
        schemas = {name: v2_schema(self._schema, name) for name in names}
        for custom in customs:
            schemas |= v2_definitions(custom, self._schema.definitions)
        return {
            "swagger": "2.0", "info": self._info(), "paths": self._paths(operations, v3=False),
            "definitions": schemas,
            "securityDefinitions": {"BearerToken": _BEARER}, "security": [{"BearerToken": []}]}

    def _info(self) -> Document:
        return {"title": "Kubernetes", "version": f"v1.{self._schema.minor}.0"}

    def _roots(self, operations: Iterable[Operation]) -> set[str]:
        kinds = {kind for each in operations for kind in (each.gvk, each.body, each.answer) if kind}
        roots = {self._schema.names[kind] for kind in kinds if kind in self._schema.names}
        return roots | {f"{_META}{name}" for name in (
            "Patch", "DeleteOptions", "Status", "ObjectMeta", "ListMeta")}

    def _paths(self, operations: Iterable[Operation], *, v3: bool) -> Document:
        paths: Document = {}
        for each in operations:
            item = paths.setdefault(
                each.path, {"parameters": path_parameters(each.resource.kind, each.path, v3=v3)})
            item[each.method] = self._operation(each, v3=v3)
        return paths

    def _operation(self, each: Operation, *, v3: bool) -> Document:
        group = (each.resource.group or "core").split(".")[0]
        out: Document = {
            "tags": [f"{group}_{each.resource.version}"],
            "description": _DESCRIPTIONS[each.action].format(kind=each.gvk.kind),
            "operationId": each.id, "parameters": query_parameters(each.action, v3=v3)}
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
        return f"{_META}Status" if kind.kind == "Status" else self._schema.names.get(kind, "")


_BEARER: Final = {"type": "apiKey", "description": "Bearer Token authentication",
                  "name": "authorization", "in": "header"}


def _patches(each: Operation) -> tuple[str, ...]:
    return tuple(patch for patch in PATCHES if "strategic" not in patch or not each.resource.custom)


def _media_types(each: Operation) -> tuple[str, ...]:
    return (*_ANSWERS, *_STREAMS) if each.action == "list" else _ANSWERS
