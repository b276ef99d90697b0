"""Whether a CRD's schema is structural. Models apiextensions' schema/{validation,complete}.go.

Structure (types, properties, items, extensions) is declared outside of `allOf`, `anyOf`, `oneOf`
and `not`; below those stand only conditions on values, on what is declared.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal

from apiserver.customresources.formats import go_complaint, go_regex
from apiserver.machinery.validation import FieldError, Path, forbidden, invalid, required

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apiserver.machinery.types import Object

PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
INT_OR_STRING: Final = "x-kubernetes-int-or-string"
EMBEDDED: Final = "x-kubernetes-embedded-resource"
Level = Literal["root", "item", "field"]
_EMPTY_TYPE: Final = {"root": "must not be empty at the root",
                      "item": "must not be empty for specified array items",
                      "field": "must not be empty for specified object fields"}
_INT_OR_STRING_LOGIC: Final = [{"type": "integer"}, {"type": "string"}]
_LOGIC: Final = ("allOf", "anyOf", "oneOf")
_IN_LOGIC: Final = (
    ("type", "empty"), ("additionalProperties", "undefined"), ("default", "undefined"),
    ("title", "empty"), ("description", "empty"), ("nullable", "false"),
    ("externalDocs", "undefined"), (PRESERVE, "false"), (EMBEDDED, "false"),
    (INT_OR_STRING, "false"), ("x-kubernetes-list-map-keys", "empty"),
    ("x-kubernetes-list-type", "undefined"), ("x-kubernetes-map-type", "undefined"),
    ("x-kubernetes-validations", "empty"))
"""What may not stand below a logic junctor, and what it must be instead."""
_OF_METADATA: Final = frozenset({"name", "generateName"})


def structural_errors(schema: Object, path: Path) -> list[FieldError]:
    """The complaints, in the order of their texts (upstream's maps have none)."""
    return sorted([*_node_errors(schema, path, "root"), *_completeness(schema, path)], key=str)


def _node_errors(node: Object, path: Path, level: Level) -> list[FieldError]:
    errors = _item_errors(node, path)
    for name, child in (node.get("properties") or {}).items():
        errors += _node_errors(child, path.child("properties").key(name), "field")
    errors += _additional_errors(node, path, level)
    errors += _extension_errors(node, path)
    errors += _value_errors(node, path, node)
    errors += _type_errors(node, path, level)
    return errors + _resource_errors(node, path, level)


def _item_errors(node: Object, path: Path) -> list[FieldError]:
    items, own = node.get("items"), path.child("items")
    if isinstance(items, dict):
        return _node_errors(items, own, "item")
    return [required(own, "must be specified")] if node.get("type") == "array" else []


def _additional_errors(node: Object, path: Path, level: Level) -> list[FieldError]:
    more, own = node.get("additionalProperties"), path.child("additionalProperties")
    errors = []
    if more is not None and level == "root":
        errors.append(forbidden(own, "must not be used at the root"))
    if isinstance(more, dict):
        errors += _node_errors(more, own, "field")
    return errors


def _extension_errors(node: Object, path: Path) -> list[FieldError]:
    if not node.get(INT_OR_STRING):
        return []
    return [invalid(path.child(name), True, f"must be false if {INT_OR_STRING} is true")
            for name in (PRESERVE, EMBEDDED) if node.get(name)]


def _type_errors(node: Object, path: Path, level: Level) -> list[FieldError]:
    kind, own, errors = node.get("type") or "", path.child("type"), []
    if node.get(EMBEDDED) and kind != "object":
        text = "must be object if x-kubernetes-embedded-resource is true"
        errors.append(invalid(own, kind, text) if kind else required(own, text))
    elif not kind and not (node.get(INT_OR_STRING) or node.get(PRESERVE)):
        errors.append(required(own, _EMPTY_TYPE[level]))
    if node.get(EMBEDDED) and node.get("additionalProperties") is not None:
        errors.append(forbidden(path.child("additionalProperties"),
                                f"must not be used if {EMBEDDED} is set"))
    if level == "root" and kind and kind != "object":
        errors.append(invalid(own, kind, "must be object at the root"))
    return errors


def _resource_errors(node: Object, path: Path, level: Level) -> list[FieldError]:
    """What a schema may say of apiVersion, kind and metadata of a resource."""
    properties, errors = node.get("properties") or {}, []
    whole = level == "root" or bool(node.get(EMBEDDED))
    for name, wanted in (("kind", "string"), ("apiVersion", "string"), ("metadata", "object")):
        kind = (properties.get(name) or {}).get("type") or ""
        if whole and name in properties and kind != wanted:
            errors.append(invalid(path.child("properties").key(name).child("type"), kind,
                                  f"must be {wanted}"))
    if level == "root" and "metadata" in properties and not _plain_metadata(properties["metadata"]):
        errors.append(forbidden(path.child("properties").key("metadata"), "must not specify "
                                "anything other than name and generateName, but metadata is "
                                "implicitly specified"))
    if node.get(EMBEDDED) and not node.get(PRESERVE) and not properties:
        errors.append(required(path.child("properties"), f"must not be empty if {EMBEDDED} is true "
                               f"without {PRESERVE}"))
    return errors


def _plain_metadata(metadata: Object) -> bool:
    rest = metadata.keys() - {"type", "default", "properties"}
    return not rest and (metadata.get("properties") or {}).keys() <= _OF_METADATA


# --- below allOf, anyOf, oneOf and not ---------------------------------------------------------


def _value_errors(node: Object, path: Path, whole: Object | None = None) -> list[FieldError]:
    """`whole`: the node itself, where its logic may say that it is an integer or a string."""
    errors: list[FieldError] = []
    for name, at, part in _parts(node, _LOGIC):
        own = path.child(name).at(at)
        if name == "anyOf" and whole is not None and _says_int_or_string(whole):
            continue
        first = (name == "allOf" and at == 0 and whole is not None and _says_int_or_string(part))
        errors += _nested_errors({**part, "anyOf": []} if first else part, own)
    if isinstance(node.get("not"), dict):
        errors += _nested_errors(node["not"], path.child("not"))
    return errors + _pattern_errors(node.get("pattern"), path.child("pattern"))


def _says_int_or_string(node: Object) -> bool:
    return node.get("anyOf") == _INT_OR_STRING_LOGIC


def _nested_errors(part: Object, path: Path) -> list[FieldError]:
    errors = _value_errors(part, path)
    if isinstance(part.get("items"), dict):
        errors += _nested_errors(part["items"], path.child("items"))
    for name, child in (part.get("properties") or {}).items():
        errors += _nested_errors(child, path.child("properties").key(name))
    errors += [forbidden(path.child(name), f"must be {wanted} to be structural")
               for name, wanted in _IN_LOGIC if part.get(name) not in (None, "", False, [])]
    if "metadata" in (part.get("properties") or {}):
        errors.append(forbidden(path.child("properties").key("metadata"),
                                "must not be specified in a nested context"))
    return errors


def _pattern_errors(pattern: Any, path: Path) -> list[FieldError]:
    if not pattern:
        return []
    try:
        go_regex(pattern)
    except re.error as error:
        return [invalid(path, pattern, "must be a valid regular expression, but isn't: "
                        f"{go_complaint(pattern, error)}")]
    return []


def _parts(node: Object, names: tuple[str, ...]) -> Iterator[tuple[str, int, Object]]:
    for name in names:
        for at, part in enumerate(node.get(name) or ()):
            yield name, at, part


# --- what conditions speak of is declared --------------------------------------------------------


def _completeness(node: Object, path: Path) -> list[FieldError]:
    errors = _declared(node, node, path, path)
    for name, child in (node.get("properties") or {}).items():
        errors += _completeness(child, path.child("properties").key(name))
    for name in ("items", "additionalProperties"):
        if isinstance(node.get(name), dict):
            errors += _completeness(node[name], path.child(name))
    return errors


def _declared(part: Object, node: Object, at: Path, by: Path) -> list[FieldError]:
    """What the logic of `part` (at `by`) speaks of and `node` (at `at`) does not declare."""
    errors: list[FieldError] = []
    if isinstance(part.get("not"), dict):
        errors += _nested_declared(part["not"], node, at, by.child("not"))
    for name, index, each in _parts(part, _LOGIC):
        errors += _nested_declared(each, node, at, by.child(name).at(index))
    return errors


def _nested_declared(part: Object, node: Object, at: Path, by: Path) -> list[FieldError]:
    errors = _declared(part, node, at, by)
    if isinstance(part.get("items"), dict):
        errors += _one_declared(part["items"], node.get("items"), at.child("items"),
                                by.child("items"))
    for name, child in (part.get("properties") or {}).items():
        errors += _one_declared(child, (node.get("properties") or {}).get(name),
                                at.child("properties").key(name),
                                by.child("properties").key(name))
    return errors


def _one_declared(part: Object, node: Any, at: Path, by: Path) -> list[FieldError]:
    if not isinstance(node, dict):
        return [required(at, f"because it is defined in {by}")]
    return _nested_declared(part, node, at, by)
