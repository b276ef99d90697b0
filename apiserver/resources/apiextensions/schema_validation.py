"""What is wrong with a CRD's schema. Models apiextensions' validation of JSONSchemaProps.

First whether it is structural, then its defaults, then what each of its nodes says, at last its
rules: each only when those before found nothing that stands in the way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.validation import (
    FieldError,
    Path,
    forbidden,
    invalid,
    not_supported,
)
from apiserver.resources.apiextensions.default_validation import default_errors
from apiserver.resources.apiextensions.list_types import list_type_errors
from apiserver.resources.apiextensions.rule_validation import rule_errors, rule_text_errors
from apiserver.resources.apiextensions.shown_schema import shown_schema
from apiserver.resources.apiextensions.structural import (
    EMBEDDED,
    INT_OR_STRING,
    PRESERVE,
    structural_errors,
)

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

_TYPES: Final = ("array", "boolean", "integer", "number", "object", "string")
_UNSUPPORTED: Final = ("id", "additionalItems", "patternProperties", "definitions", "dependencies",
                       "$ref")
_LOGIC: Final = ("allOf", "oneOf", "anyOf")
_TYPE_META: Final = frozenset({"apiVersion", "kind", "metadata"})
_BESIDE_STATUS: Final = (
    "Description", "Type", "Format", "Title", "Maximum", "ExclusiveMaximum", "Minimum",
    "ExclusiveMinimum", "MaxLength", "MinLength", "Pattern", "MaxItems", "MinItems", "UniqueItems",
    "MultipleOf", "Required", "Items", "Properties", "ExternalDocs", "Example",
    "XPreserveUnknownFields", "XValidations")
"""What may stand at the root when the status is validated by itself."""
_BESIDE_STATUS_NAMES: Final = frozenset(
    f"x-kubernetes-{name}" for name in ("preserve-unknown-fields", "validations")) | frozenset(
        name[0].lower() + name[1:] for name in _BESIDE_STATUS)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a schema a node stands."""

    root: bool = False
    in_metadata: bool = False
    no_default: str = ""
    """Why there may be no default, '' where there may be one."""


def schema_errors(schema: Object, path: Path, *, status: bool = False) -> list[FieldError]:
    """What is wrong with the schema of a version; `status`: which has the subresource."""
    errors = _root_errors(schema, path, status)
    if not _has_unsupported(schema):
        errors += structural_errors(schema, path) or default_errors(schema, path)
    errors += _node_errors(schema, path, _Place(root=True))
    return errors or rule_errors(schema, path)


def _root_errors(schema: Object, path: Path, status: bool) -> list[FieldError]:
    errors = []
    odd = [name for name, value in schema.items()
           if value not in (None, False, "", [], {}) and name not in _BESIDE_STATUS_NAMES]
    if status and schema.get("type") not in (None, "", "object"):
        errors.append(invalid(path.child("type"), schema["type"], 'only "object" is allowed as the'
                              " type at the root of the schema if the status subresource is"
                              " enabled"))
    elif status and odd:
        errors.append(invalid(path, shown_schema(schema), f"only [{' '.join(_BESIDE_STATUS)}] "
                              "fields are allowed at the root of the schema if the status "
                              "subresource is enabled"))
    if schema.get("nullable"):
        errors.append(forbidden(path.child("nullable"), "nullable cannot be true at the root"))
    return errors


def _has_unsupported(node: Object) -> bool:
    """Whether it cannot even be read as a structural schema."""
    if any(node.get(name) for name in _UNSUPPORTED) or isinstance(node.get("items"), list):
        return True
    if node.get(INT_OR_STRING) and node.get("type"):
        return True
    children = [*(node.get("properties") or {}).values(),
                *(node.get(name) for name in ("items", "additionalProperties", "not")),
                *(part for name in _LOGIC for part in node.get(name) or ())]
    return any(_has_unsupported(child) for child in children if isinstance(child, dict))


def _node_errors(node: Object, path: Path, place: _Place) -> list[FieldError]:
    errors = _keyword_errors(node, path, place)
    if node.get("uniqueItems"):
        errors.append(forbidden(path.child("uniqueItems"), "uniqueItems cannot be set to true "
                                "since the runtime complexity becomes quadratic"))
    errors += _additional_errors(node, path, place)
    for name, child in (node.get("properties") or {}).items():
        errors += _node_errors(child, path.child("properties").key(name),
                               _place_of(name, node, place))
    below = replace(place, root=False)
    if isinstance(node.get("not"), dict):
        errors += _node_errors(node["not"], path.child("not"), below)
    for logic in _LOGIC:
        for at, part in enumerate(node.get(logic) or ()):
            errors += _node_errors(part, path.child(logic).at(at), below)
    if isinstance(node.get("items"), dict):
        errors += _node_errors(node["items"], path.child("items"), below)
    if node.get(PRESERVE) is False:
        errors.append(invalid(path.child(PRESERVE), False, "must be true or undefined"))
    return errors + list_type_errors(node, path) + rule_text_errors(node, path)


def _place_of(name: str, node: Object, place: _Place) -> _Place:
    if not (place.root or node.get(EMBEDDED)) or name not in _TYPE_META:
        return replace(place, root=False)
    return _Place(in_metadata=True,
                  no_default=f"in top-level {name}" if place.root else place.no_default)


def _keyword_errors(node: Object, path: Path, place: _Place) -> list[FieldError]:
    kind, errors = node.get("type") or "", []
    if kind and kind not in _TYPES:
        errors.append(not_supported(path.child("type"), kind, _TYPES))
    if place.no_default and node.get("default") is not None:
        errors.append(forbidden(path.child("default"), f"must not be set {place.no_default}"))
    errors += [forbidden(path.child(name), f"{name} is not supported") for name in _UNSUPPORTED
               if node.get(name)]
    if kind == "null":
        errors.append(forbidden(path.child("type"), "type cannot be set to null, use nullable as "
                                "an alternative"))
    if kind and node.get(INT_OR_STRING):
        errors.append(forbidden(path.child("type"), f"must be empty if {INT_OR_STRING} is true"))
    if isinstance(node.get("items"), list):
        errors.append(forbidden(path.child("items"),
                                "items must be a schema object and not an array"))
    if place.in_metadata and node.get(EMBEDDED):
        errors.append(forbidden(path.child(EMBEDDED), "must not be used inside of resource meta"))
    return errors


def _additional_errors(node: Object, path: Path, place: _Place) -> list[FieldError]:
    more: Any = node.get("additionalProperties")
    own, errors = path.child("additionalProperties"), []
    if node.get("properties") and more is not None and more is not True:
        errors.append(forbidden(own, "additionalProperties and properties are mutual exclusive"))
    if isinstance(more, dict):
        below = replace(place, root=False)
        if place.in_metadata:
            below = replace(below, no_default="inside additionalProperties applying to object "
                            "metadata")
        errors += _node_errors(more, own, below)
    elif more is False:
        errors.append(forbidden(own, "additionalProperties cannot be set to false"))
    return errors
