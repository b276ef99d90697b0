"""What is wrong with a CRD's schema, which must be structural. Models apiextensions' schema."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.validation import (
    FieldError,
    Path,
    forbidden,
    invalid,
    not_supported,
    required,
    type_invalid,
)

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

_TYPES: Final = ("array", "boolean", "integer", "number", "object", "string")
_ANY_TYPE: Final = ("x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string")
_FORBIDDEN: Final = (("$ref", "$ref is not supported"),
                     ("definitions", "definitions is not supported"),
                     ("dependencies", "dependencies is not supported"),
                     ("patternProperties", "patternProperties is not supported"),
                     ("additionalItems", "additionalItems is not supported"))
_IN_LOGIC: Final = ("description", "type", "default", "additionalProperties",
                    "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string",
                    "x-kubernetes-embedded-resource", "nullable")
_LOGIC: Final = ("allOf", "anyOf", "oneOf")


def schema_errors(schema: Object, path: Path) -> list[FieldError]:
    """What is wrong with the schema of a version."""
    errors: list[FieldError] = []
    if schema.get("type") != "object":
        errors.append(invalid(path.child("type"), schema.get("type") or "", "must be object at the "
                              "root") if schema.get("type")
                      else required(path.child("type"), "must not be empty at the root"))
    if schema.get("nullable"):
        errors.append(forbidden(path.child("nullable"), "nullable cannot be true at the root"))
    return errors + _node_errors(schema, path, root=True)


def _node_errors(node: Object, path: Path, *, root: bool = False) -> list[FieldError]:
    errors = [forbidden(path.child(name), text) for name, text in _FORBIDDEN
              if node.get(name) is not None]
    kind = node.get("type") or ""
    if not kind and not root and not any(node.get(name) for name in _ANY_TYPE):
        errors.append(required(path.child("type"), "must not be empty for specified object fields"))
    if kind and kind not in _TYPES:
        errors.append(not_supported(path.child("type"), kind, _TYPES))
    errors += _pattern_errors(node.get("pattern"), path.child("pattern"))
    if node.get("uniqueItems"):
        errors.append(forbidden(path.child("uniqueItems"), "uniqueItems cannot be set to true "
                                "since the runtime complexity becomes quadratic"))
    if "default" in node:
        errors += _default_errors(node["default"], node, path.child("default"))
    for name in _LOGIC:
        for i, part in enumerate(node.get(name) or ()):
            errors += _logic_errors(part, path.child(name).at(i))
    return errors + _children_errors(node, path)


def _default_errors(value: Any, node: Object, path: Path) -> list[FieldError]:
    """A default must be what its own schema allows; of that, the type and the enumeration."""
    kind, given = node.get("type") or "", _type_of(value)
    errors: list[FieldError] = []
    if kind and given not in (kind, "integer" if kind == "number" else kind) and not (
            value is None and node.get("nullable")):
        errors.append(type_invalid(path, given, f' in body must be of type {kind}: "{given}"'))
    choices = node.get("enum")
    if choices and value not in choices:
        errors.append(not_supported(path, value, [str(choice) for choice in choices]))
    return errors


def _type_of(value: Any) -> str:
    kinds = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"),
             (list, "array"), (dict, "object"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "null")


def _children_errors(node: Object, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    properties, more = node.get("properties") or {}, node.get("additionalProperties")
    if properties and more:
        errors.append(forbidden(path.child("additionalProperties"),
                                "additionalProperties and properties are mutual exclusive"))
    if more is False:
        errors.append(forbidden(path.child("additionalProperties"),
                                "additionalProperties cannot be set to false"))
    for name, child in properties.items():
        errors += _node_errors(child, path.child("properties").key(name))
    if isinstance(more, dict):
        errors += _node_errors(more, path.child("additionalProperties"))
    items = node.get("items")
    if isinstance(items, dict):
        errors += _node_errors(items, path.child("items"))
    elif isinstance(items, list):
        errors.append(forbidden(path.child("items"), "items must be a schema object and not an "
                                "array"))
    elif node.get("type") == "array":
        errors.append(required(path.child("items"), "must be specified"))
    return errors


def _logic_errors(node: Object, path: Path) -> list[FieldError]:
    """Below allOf and its like only conditions on values may stand."""
    errors = [forbidden(path.child(name), "must be empty to be structural")
              for name in _IN_LOGIC if node.get(name) and not _is_int_or_string(node, name)]
    for name, child in (node.get("properties") or {}).items():
        errors += _logic_errors(child, path.child("properties").key(name))
    return errors


def _is_int_or_string(node: Object, name: str) -> bool:
    return name == "type" and node.get("type") in ("integer", "string") and len(node) == 1


def _pattern_errors(pattern: str | None, path: Path) -> list[FieldError]:
    if not pattern:
        return []
    try:
        re.compile(pattern)
    except re.error as error:
        return [invalid(path, pattern, f"must be a valid regular expression, but isn't: {error}")]
    return []
