"""Definitions in the forms of OpenAPI v3 and v2. Models kube-openapi's builders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.openapi.enums import with_enum
from apiserver.schema.types import Field, Scalar, Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from apiserver.schema.definitions import Definitions
    from apiserver.schema.schema import Schema

JSONSchema = dict[str, Any]
V3: Final = "#/components/schemas/"
V2: Final = "#/definitions/"
_DEFS: Final = "#/$defs/"
_INT_OR_STRING: Final = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
_QUANTITY: Final = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_V2_FORMS: Final[dict[str, JSONSchema]] = {
    _INT_OR_STRING: {"type": "string", "format": "int-or-string"},
    _QUANTITY: {"type": "string"},
}
_V3_FORMS: Final[dict[str, JSONSchema]] = {
    _INT_OR_STRING: {"oneOf": [{"type": "integer"}, {"type": "string"}], "format": "int-or-string"},
    _QUANTITY: {"oneOf": [{"type": "string"}, {"type": "number"}]},
}


def reachable(definitions: Definitions, roots: Iterable[str]) -> list[str]:
    """The definitions that the roots refer to, themselves included, by name."""
    found: set[str] = set()
    waiting = [root for root in roots if root in definitions]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(reference for reference in _references(definitions[name])
                           if reference in definitions)
    return sorted(found)


def _references(schema: Any) -> Iterable[str]:
    if isinstance(schema, dict):
        reference = schema.get("$ref")
        if isinstance(reference, str):
            yield reference.removeprefix(_DEFS)
        for value in schema.values():
            yield from _references(value)


def v2_schema(schema: Schema, name: str) -> JSONSchema:
    """One definition as /openapi/v2 has it."""
    return _definition(schema, name, _V2_FORMS, _v2_property)


def v3_schema(schema: Schema, name: str) -> JSONSchema:
    """One definition as /openapi/v3 has it: references in allOf, defaults of plain fields."""
    return _definition(schema, name, _V3_FORMS, _v3_property)


def _definition(schema: Schema, name: str, forms: dict[str, JSONSchema],
                convert: Callable[[JSONSchema, Field | None], JSONSchema]) -> JSONSchema:
    source = schema.definitions[name]
    out = {key: value for key, value in source.items()
           if key not in ("properties", "type", "oneOf", "additionalProperties")}
    out.update(forms.get(name, {}))
    if name not in forms and "type" in source:
        out["type"] = _type(source)
    type_ = schema.named(name)
    fields = type_.fields if isinstance(type_, Struct) else {}
    if "properties" in source:
        out["properties"] = {key: with_enum(name, key, convert(value, fields.get(key)))
                             for key, value in source["properties"].items()}
    return out


def _v2_property(source: JSONSchema, field: Field | None) -> JSONSchema:
    out = _plain(source)
    if "$ref" in source:
        out["$ref"] = V2 + source["$ref"].removeprefix(_DEFS)
    for key in ("items", "additionalProperties"):
        if key in source:
            out[key] = _v2_property(source[key], None)
    return out


def _v3_property(source: JSONSchema, field: Field | None) -> JSONSchema:
    out = _plain(source)
    if "$ref" in source:
        out["allOf"] = [{"$ref": V3 + source["$ref"].removeprefix(_DEFS)}]
    for key in ("items", "additionalProperties"):
        if key in source:
            out[key] = _v3_element(source[key])
    default = field.default if field and field.default is not None else _shown_default(field)
    if default is not None:
        out["default"] = default
    return out


def _v3_element(source: JSONSchema) -> JSONSchema:
    """What stands in a list or map: its zero value is its default, but for lists and maps."""
    out = _v3_property(source, None)
    if "$ref" in source:
        return {**out, "default": {}}
    zeros: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False}
    return {**out, "default": zeros[out["type"]]} if out.get("type") in zeros else out


def _shown_default(field: Field | None) -> Any:
    if field is None or not field.shown or field.pointer:
        return None
    if isinstance(field.type, Struct):
        return {}
    return field.type.zero() if isinstance(field.type, Scalar) else None


def _plain(source: JSONSchema) -> JSONSchema:
    skipped = ("$ref", "items", "additionalProperties", "type", "enum")
    out = {key: value for key, value in source.items() if key not in skipped}
    if "type" in source:
        out["type"] = _type(source)
    return out


def _type(source: JSONSchema) -> str:
    type_ = source["type"]
    return str(type_[0] if isinstance(type_, list) else type_)
