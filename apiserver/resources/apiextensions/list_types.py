"""What is wrong with x-kubernetes-list-type, -list-map-keys and -map-type. Models apiextensions'
ValidateCustomResourceDefinitionOpenAPISchema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.validation import (
    FieldError,
    Path,
    forbidden,
    invalid,
    not_supported,
    required,
)

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

_LIST_TYPE: Final = "x-kubernetes-list-type"
_KEYS: Final = "x-kubernetes-list-map-keys"
_MAP_TYPE: Final = "x-kubernetes-map-type"
_LIST_TYPES: Final = ("atomic", "set", "map")
_ATOMIC: Final = "must be atomic as item of a list with x-kubernetes-list-type=set"
_IF_MAP: Final = "must be map if x-kubernetes-list-map-keys is non-empty"


def list_type_errors(node: Object, path: Path) -> list[FieldError]:
    """The complaints about one node."""
    kind, keys = node.get(_LIST_TYPE), node.get(_KEYS) or []
    errors: list[FieldError] = []
    if kind is not None:
        errors += _wrong_type(node, path, "array", _LIST_TYPE)
        errors += _set_errors(node, path)
        if kind not in _LIST_TYPES:
            errors.append(not_supported(path.child(_LIST_TYPE), kind, _LIST_TYPES))
    if keys and kind != "map":
        own = path.child(_LIST_TYPE)
        errors.append(required(own, _IF_MAP) if kind is None else invalid(own, kind, _IF_MAP))
    if kind == "map":
        errors += _map_errors(node, path, keys)
    if (map_type := node.get(_MAP_TYPE)) is not None:
        errors += _wrong_type(node, path, "object", _MAP_TYPE)
        if map_type not in ("atomic", "granular"):
            errors.append(not_supported(path.child(_MAP_TYPE), map_type, ["atomic", "granular"]))
    return errors + _nullable_errors(node, path)


def _set_errors(node: Object, path: Path) -> list[FieldError]:
    """Elements of a set are compared as wholes."""
    items = node.get("items")
    if node.get(_LIST_TYPE) != "set" or node.get("type") != "array" or not isinstance(items, dict):
        return []
    own, list_type = path.child("items"), items.get(_LIST_TYPE)
    if items.get("type") == "array" and list_type not in (None, "atomic"):
        return [invalid(own.child(_LIST_TYPE), list_type, _ATOMIC)]
    if items.get("type") == "object" and items.get(_MAP_TYPE) != "atomic":
        return [invalid(own.child(_MAP_TYPE), list_type, _ATOMIC)]
    return []


def _nullable_errors(node: Object, path: Path) -> list[FieldError]:
    items, kind = node.get("items"), node.get(_LIST_TYPE)
    if kind not in ("set", "map") or not isinstance(items, dict) or not items.get("nullable"):
        return []
    return [forbidden(path.child("items", "nullable"),
                      f"cannot be nullable when x-kubernetes-list-type is {kind}")]


def _wrong_type(node: Object, path: Path, wanted: str, keyword: str) -> list[FieldError]:
    kind, text = node.get("type") or "", f"must be {wanted} if {keyword} is specified"
    if kind == wanted:
        return []
    own = path.child("type")
    return [invalid(own, kind, text) if kind else required(own, text)]


def _map_errors(node: Object, path: Path, keys: list[str]) -> list[FieldError]:
    if not keys:
        return [required(path.child(_KEYS), "must not be empty if x-kubernetes-list-type is map")]
    items = node.get("items")
    if not isinstance(items, dict):
        return [required(path.child("items"),
                         "must have a schema if x-kubernetes-list-type is map")]
    errors = []
    if items.get("type") != "object":
        errors.append(invalid(path.child("items", "type"), items.get("type") or "",
                              "must be object if parent array's x-kubernetes-list-type is map"))
    for key in keys:
        errors += _key_errors(items, key, keys, path)
    if len(set(keys)) < len(keys):
        errors.append(invalid(path.child(_KEYS), keys, "must not contain duplicate entries"))
    return errors


def _key_errors(items: Object, key: str, keys: list[str], path: Path) -> list[FieldError]:
    field = (items.get("properties") or {}).get(key)
    if field is None:
        return [invalid(path.child(_KEYS), keys, "entries must all be names of item properties")]
    own, errors = path.child("items", "properties").key(key), []
    if field.get("type") in ("array", "object"):
        errors.append(invalid(own.child("type"), items.get("type"), "must be a scalar type if "
                              "parent array's x-kubernetes-list-type is map"))
    if "default" not in field and key not in (items.get("required") or ()):
        errors.append(required(own.child("default"), "this property is in "
                               "x-kubernetes-list-map-keys, so it must have a default or be a "
                               "required property"))
    if field.get("nullable"):
        errors.append(forbidden(own.child("nullable"), "this property is in "
                                "x-kubernetes-list-map-keys, so it cannot be nullable"))
    return errors
