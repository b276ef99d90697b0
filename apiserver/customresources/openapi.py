"""OpenAPI definitions of custom resources. Models apiextensions' controller/openapi/builder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.customresources.strategy import CustomResourceStrategy
from apiserver.customresources.structural import EMBEDDED, INT_OR_STRING, PRESERVE

if TYPE_CHECKING:
    from collections.abc import Callable

    from apiserver.machinery.gvk import GVK
    from apiserver.resource import Resource
    from apiserver.schema.definitions import Definitions

JSONSchema = dict[str, Any]
OBJECT_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
LIST_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"
_POD, _POD_LIST = "io.k8s.api.core.v1.Pod", "io.k8s.api.core.v1.PodList"
_NOT_IN_V2: Final = frozenset({"allOf", "anyOf", "default", "not", "nullable", "oneOf"})
_SHAPE: Final = frozenset({"additionalProperties", "items", "properties", "required", "type"})
_CHILDREN: Final = ("items", "additionalProperties")


def definition_name(kind: GVK) -> str:
    """`com.example.stable.v1.CronTab` for CronTab of stable.example.com/v1."""
    domain = ".".join(reversed(kind.group.split(".")))
    return f"{domain}.{kind.version}.{kind.kind}"


def v3_definitions(resource: Resource, builtin: Definitions) -> dict[str, JSONSchema]:
    """The definitions of a kind and its list, as /openapi/v3 has them."""
    return _definitions(resource, builtin, "#/components/schemas/", lambda schema: schema)


def v2_definitions(resource: Resource, builtin: Definitions) -> dict[str, JSONSchema]:
    """The same in /openapi/v2, which knows less."""
    return _definitions(resource, builtin, "#/definitions/", _for_v2)


def _definitions(resource: Resource, builtin: Definitions, prefix: str,
                 convert: Callable[[JSONSchema], JSONSchema]) -> dict[str, JSONSchema]:
    gvk = resource.gvk
    listed = gvk._replace(kind=resource.list_kind)
    return {
        definition_name(gvk): _kind(resource, builtin, prefix, convert),
        definition_name(listed): _list(resource, builtin, prefix),
    }


def _kind(resource: Resource, builtin: Definitions, prefix: str,
          convert: Callable[[JSONSchema], JSONSchema]) -> JSONSchema:
    assert isinstance(resource.strategy, CustomResourceStrategy)
    schema = convert(resource.strategy.schema)
    properties = dict(schema.get("properties") or {})
    typed = builtin[_POD]["properties"]
    properties |= {name: _text(typed[name]) for name in ("apiVersion", "kind")}
    properties["metadata"] = _reference(prefix, OBJECT_META, typed["metadata"])
    return {**schema, "type": "object", "properties": properties, **_group_version_kind(
        resource, resource.kind)}


def _list(resource: Resource, builtin: Definitions, prefix: str) -> JSONSchema:
    typed = builtin[_POD_LIST]["properties"]
    properties = {
        "apiVersion": _text(typed["apiVersion"]),
        "items": {"description": f"List of {resource.plural}. More info: https://git.k8s.io/"
                  "community/contributors/devel/sig-architecture/api-conventions.md",
                  "type": "array", "items": {"$ref": prefix + definition_name(resource.gvk)}},
        "kind": _text(typed["kind"]),
        "metadata": _reference(prefix, LIST_META, typed["metadata"])}
    return {"description": f"{resource.list_kind} is a list of {resource.kind}", "type": "object",
            "required": ["items"], "properties": properties,
            **_group_version_kind(resource, resource.list_kind)}


def _text(source: JSONSchema) -> JSONSchema:
    return {"description": source.get("description", ""), "type": "string"}


def _reference(prefix: str, name: str, source: JSONSchema) -> JSONSchema:
    text = {"description": source.get("description", "")}
    if prefix == "#/definitions/":
        return {**text, "$ref": prefix + name}
    return {**text, "allOf": [{"$ref": prefix + name}]}


def _group_version_kind(resource: Resource, kind: str) -> JSONSchema:
    return {"x-kubernetes-group-version-kind": [
        {"group": resource.group, "version": resource.version, "kind": kind}]}


def _for_v2(schema: JSONSchema) -> JSONSchema:
    """Without what v2 cannot say; a node whose shape it cannot tell has none (ToStructuralV2)."""
    dropped = set(_NOT_IN_V2)
    if schema.get("nullable") or schema.get(INT_OR_STRING) or (
            schema.get(PRESERVE) and not schema.get(EMBEDDED)):
        dropped |= _SHAPE
    out = {key: value for key, value in schema.items() if key not in dropped}
    if "properties" in out:
        out["properties"] = {name: _for_v2(child) for name, child in out["properties"].items()}
    for name in _CHILDREN:
        if isinstance(out.get(name), dict):
            out[name] = _for_v2(out[name])
        else:
            out.pop(name, None)
    return out
