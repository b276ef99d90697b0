"""What is wrong with a CRD's schema, which must be structural. Models apiextensions' validation and
its schema/validation.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from apiserver.customresources.formats import go_regex
from apiserver.customresources.validation import NO_PATH, compile_validator
from apiserver.machinery.validation import (
    FieldError,
    Path,
    forbidden,
    invalid,
    not_supported,
    required,
)
from apiserver.patch.typed import MISSING
from apiserver.resources.apiextensions.list_types import list_type_errors
from apiserver.resources.apiextensions.rule_validation import rule_errors

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

_TYPES: Final = ("array", "boolean", "integer", "number", "object", "string")
_PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
_INT_OR_STRING: Final = "x-kubernetes-int-or-string"
_EMBEDDED: Final = "x-kubernetes-embedded-resource"
_FORBIDDEN: Final = ("$ref", "definitions", "dependencies", "patternProperties", "additionalItems")
_IN_LOGIC: Final = ("description", "type", "default", "additionalProperties", _PRESERVE,
                    _INT_OR_STRING, _EMBEDDED, "nullable")
_LOGIC: Final = ("allOf", "anyOf", "oneOf")
_EMPTY_TYPE: Final = {"root": "must not be empty at the root",
                      "item": "must not be empty for specified array items",
                      "field": "must not be empty for specified object fields"}
_INT_OR_STRING_LOGIC: Final = [{"type": "integer"}, {"type": "string"}]


def schema_errors(schema: Object, path: Path) -> list[FieldError]:
    """What is wrong with the schema of a version."""
    errors = _node_errors(schema, path, "root")
    if schema.get("nullable"):
        errors.insert(0, forbidden(path.child("nullable"), "nullable cannot be true at the root"))
    return errors or rule_errors(schema, path)


def _node_errors(node: Object, path: Path, level: str) -> list[FieldError]:
    errors = [forbidden(path.child(name), f"{name} is not supported") for name in _FORBIDDEN
              if node.get(name) is not None]
    errors += _type_errors(node, path, level)
    errors += _extension_errors(node, path)
    errors += list_type_errors(node, path)
    errors += _pattern_errors(node.get("pattern"), path.child("pattern"))
    if node.get("uniqueItems"):
        errors.append(forbidden(path.child("uniqueItems"), "uniqueItems cannot be set to true "
                                "since the runtime complexity becomes quadratic"))
    if level == "root" or node.get(_EMBEDDED):
        errors += _resource_errors(node, path)
    errors += _logic_part_errors(node, path)
    errors += _children_errors(node, path)
    if "default" in node and not errors:
        errors += _default_errors(node, path.child("default"))
    return errors


def _type_errors(node: Object, path: Path, level: str) -> list[FieldError]:
    kind, own = node.get("type") or "", path.child("type")
    if node.get(_EMBEDDED) and kind != "object":
        text = "must be object if x-kubernetes-embedded-resource is true"
        return [invalid(own, kind, text) if kind else required(own, text)]
    if not kind and not (node.get(_INT_OR_STRING) or node.get(_PRESERVE)):
        return [required(own, _EMPTY_TYPE[level])]
    if kind and kind not in _TYPES:
        return [not_supported(own, kind, _TYPES)]
    if level == "root" and kind and kind != "object":
        return [invalid(own, kind, "must be object at the root")]
    return []


def _extension_errors(node: Object, path: Path) -> list[FieldError]:
    errors = []
    if node.get(_PRESERVE) is False:
        errors.append(invalid(path.child(_PRESERVE), False, "must be true or undefined"))
    if node.get(_INT_OR_STRING):
        errors += [forbidden(path.child(name), f"must be false if {_INT_OR_STRING} is true")
                   for name in (_PRESERVE, _EMBEDDED) if node.get(name)]
        if node.get("type"):
            errors.append(forbidden(path.child("type"),
                                    f"must be empty if {_INT_OR_STRING} is true"))
    if node.get(_EMBEDDED):
        if node.get("additionalProperties") is not None:
            errors.append(forbidden(path.child("additionalProperties"),
                                    f"must not be used if {_EMBEDDED} is set"))
        if not node.get(_PRESERVE) and not node.get("properties"):
            errors.append(required(path.child("properties"), f"must not be empty if {_EMBEDDED} is "
                                   f"true without {_PRESERVE}"))
    return errors


def _resource_errors(node: Object, path: Path) -> list[FieldError]:
    """What a schema may say of apiVersion, kind and metadata."""
    properties, errors = node.get("properties") or {}, []
    for name in ("apiVersion", "kind"):
        kind = (properties.get(name) or {}).get("type", "")
        if name in properties and kind != "string":
            errors.append(invalid(path.child("properties").key(name).child("type"), kind,
                                  "must be string"))
    metadata = properties.get("metadata")
    if metadata is None:
        return errors
    own = path.child("properties").key("metadata")
    if metadata.get("type") != "object":
        errors.append(invalid(own.child("type"), metadata.get("type") or "", "must be object"))
    rest = {name: value for name, value in metadata.items() if name not in (
        "type", "description", "properties")}
    if rest or set(metadata.get("properties") or ()) - {"name", "generateName"}:
        errors.append(forbidden(own, "must not specify anything other than name and generateName, "
                                "but metadata is implicitly specified"))
    return errors


def _default_errors(node: Object, path: Path) -> list[FieldError]:
    """A default must be what its own schema allows."""
    found = compile_validator(node)(node["default"], MISSING, "")
    return [replace(error, field=_below(path, error.field)) for error in found]


def _below(path: Path, field: str) -> str:
    if field in ("", NO_PATH):
        return path
    return f"{path}{field}" if field.startswith("[") else f"{path}.{field}"


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
        errors += _node_errors(child, path.child("properties").key(name), "field")
    if isinstance(more, dict):
        errors += _node_errors(more, path.child("additionalProperties"), "field")
    return errors + _items_errors(node, path.child("items"))


def _items_errors(node: Object, path: Path) -> list[FieldError]:
    items = node.get("items")
    if isinstance(items, dict):
        return _node_errors(items, path, "item")
    if isinstance(items, list):
        return [forbidden(path, "items must be a schema object and not an array")]
    return [required(path, "must be specified")] if node.get("type") == "array" else []


def _logic_part_errors(node: Object, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    for name in _LOGIC:
        parts = node.get(name) or []
        if name == "anyOf" and node.get(_INT_OR_STRING) and parts == _INT_OR_STRING_LOGIC:
            continue
        for at, part in enumerate(parts):
            if name == "allOf" and node.get(_INT_OR_STRING) and part.get(
                    "anyOf") == _INT_OR_STRING_LOGIC:
                continue
            errors += _logic_errors(part, path.child(name).at(at), node)
    if isinstance(node.get("not"), dict):
        errors += _logic_errors(node["not"], path.child("not"), node)
    return errors


def _logic_errors(part: Object, path: Path, node: Object) -> list[FieldError]:
    """Below allOf and its like only conditions on values may stand, on what the schema declares."""
    errors = [forbidden(path.child(name), "must be empty to be structural")
              for name in _IN_LOGIC if part.get(name)]
    errors += _pattern_errors(part.get("pattern"), path.child("pattern"))
    known = node.get("properties") or {}
    for name, child in (part.get("properties") or {}).items():
        errors += _logic_errors(child, path.child("properties").key(name), known.get(name) or {})
    if isinstance(part.get("items"), dict):
        items = node.get("items")
        errors += _logic_errors(part["items"], path.child("items"),
                                items if isinstance(items, dict) else {})
    return errors + [error for name in _LOGIC for at, each in enumerate(part.get(name) or ())
                     for error in _logic_errors(each, path.child(name).at(at), node)]


def _pattern_errors(pattern: Any, path: Path) -> list[FieldError]:
    if not pattern:
        return []
    try:
        go_regex(pattern)
    except re.error as error:
        return [invalid(path, pattern, "must be a valid regular expression, but isn't: error "
                        f"parsing regexp: {error}")]
    return []
