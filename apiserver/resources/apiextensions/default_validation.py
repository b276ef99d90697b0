"""What is wrong with the defaults in a CRD's schema. Models apiextensions' schema/defaulting."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from apiserver.customresources.invariants import compile_embedded, compile_list_types
from apiserver.customresources.validation import NO_PATH, compile_validator
from apiserver.machinery.validation import FieldError, Path, invalid
from apiserver.patch.typed import MISSING
from apiserver.resources.apiextensions.structural import EMBEDDED, PRESERVE

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

_TYPE_META: Final = frozenset({"apiVersion", "kind", "metadata"})


def default_errors(node: Object, path: Path) -> list[FieldError]:
    """The complaints about all defaults of a structural schema (none stand below
    additionalProperties).
    """
    errors: list[FieldError] = []
    if node.get("default") is not None:
        errors += _own_errors(node, path.child("default"))
    if isinstance(node.get("items"), dict):
        errors += default_errors(node["items"], path.child("items"))
    for name, child in (node.get("properties") or {}).items():
        errors += default_errors(child, path.child("properties").key(name))
    return errors


def _own_errors(node: Object, path: Path) -> list[FieldError]:
    value = node["default"]
    errors = []
    if not _is_pruned(value, node):
        errors.append(invalid(path, value, "must not have unknown fields"))
    checks = [compile_embedded(node), compile_validator(node), compile_list_types(node)]
    for check in checks:
        found = check(value, MISSING, "") if check is not None else []
        if found:
            return errors + [replace(each, field=_below(path, each.field)) for each in found]
    return errors + _rule_errors(node, value, path)


def _rule_errors(node: Object, value: Any, path: Path) -> list[FieldError]:
    from apiserver.customresources.cel.rules import RuleError, compile_rules, has_rules

    if not has_rules(node):
        return []
    try:
        check = compile_rules(node)
    except RuleError:
        return []  # it is complained of where the rule stands
    found = check(value, MISSING, "") if check is not None else []
    return [replace(each, field=_below(path, each.field)) for each in found]


def _is_pruned(value: Any, node: Object) -> bool:
    """Whether the schema knows every field of the value."""
    if isinstance(value, list):
        items = node.get("items")
        return not isinstance(items, dict) or all(_is_pruned(item, items) for item in value)
    if not isinstance(value, dict):
        return True
    properties, more = node.get("properties") or {}, node.get("additionalProperties")
    for name, item in value.items():
        if node.get(EMBEDDED) and name in _TYPE_META and name not in properties:
            continue
        child = properties.get(name, more if isinstance(more, dict) else None)
        if child is None and not (node.get(PRESERVE) or more is True):
            return False
        if child is not None and not _is_pruned(item, child):
            return False
    return True


def _below(path: Path, field: str) -> str:
    if field in ("", NO_PATH):
        return path
    return f"{path}{field}" if field.startswith("[") else f"{path}.{field}"
