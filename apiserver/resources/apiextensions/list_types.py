"""What is wrong with x-kubernetes-list-type, -list-map-keys and -map-type. Models apiextensions'
ValidateCustomResourceDefinitionOpenAPISchema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.validation import FieldError, Path, invalid, not_supported, required

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

_LIST_TYPE: Final = "x-kubernetes-list-type"
_KEYS: Final = "x-kubernetes-list-map-keys"
_MAP_TYPE: Final = "x-kubernetes-map-type"
_IF_MAP: Final = "must be map if x-kubernetes-list-map-keys is non-empty"


def list_type_errors(node: Object, path: Path) -> list[FieldError]:
    """The complaints about one node."""
    kind, keys = node.get(_LIST_TYPE), node.get(_KEYS) or []
    errors: list[FieldError] = []
    if kind is not None:
        errors += _wrong_type(node, path, "array", _LIST_TYPE)
        if kind not in ("atomic", "map", "set"):
            errors.append(not_supported(path.child(_LIST_TYPE), kind, ["atomic", "map", "set"]))
    if keys and kind != "map":
        own = path.child(_LIST_TYPE)
        errors.append(required(own, _IF_MAP) if kind is None else invalid(own, kind, _IF_MAP))
    if kind == "map":
        errors += _map_errors(node, path, keys)
    if (map_type := node.get(_MAP_TYPE)) is not None:
        errors += _wrong_type(node, path, "object", _MAP_TYPE)
        if map_type not in ("atomic", "granular"):
            errors.append(not_supported(path.child(_MAP_TYPE), map_type, ["atomic", "granular"]))
    return errors


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
        errors.append(invalid(path.child(_KEYS), keys, "all entries must be unique"))
    return errors


def _key_errors(items: Object, key: str, keys: list[str], path: Path) -> list[FieldError]:
    field = (items.get("properties") or {}).get(key)
    if field is None:
        return [invalid(path.child(_KEYS), keys, "entries must all be names of item properties")]
    own, errors = path.child("items", "properties").key(key), []
    if field.get("type") in ("array", "object"):
        errors.append(invalid(own.child("type"), field["type"], "must be a scalar type if parent "
                              "array's x-kubernetes-list-type is map"))
    if "default" not in field and key not in (items.get("required") or ()):
        errors.append(required(own.child("default"), "this property is in "
                               "x-kubernetes-list-map-keys, so it must have a default or be a "
                               "required property"))
    return errors
