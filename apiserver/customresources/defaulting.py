"""Defaults of structural schemas. Models apiextensions' schema/defaulting.

A schema becomes a function that fills in an object in place, or None where it has no defaults. Null
counts as missing where the schema is not nullable and has a default (PruneNonNullableNulls...).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from apiserver.customresources.structural import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.machinery.types import Object

Defaulter = Callable[[Any], None]


def compile_defaults(node: Object) -> Defaulter | None:
    """What fills in the defaults below a node."""
    steps = [step for step in (_properties(node), _values(node), _items(node)) if step]
    if not steps:
        return None

    def apply(value: Any) -> None:
        for step in steps:
            step(value)

    return steps[0] if len(steps) == 1 else apply


def _properties(node: Object) -> Defaulter | None:
    rules = [(name, child, compile_defaults(child))
             for name, child in (node.get("properties") or {}).items()]
    rules = [rule for rule in rules if "default" in rule[1] or rule[2]]
    if not rules:
        return None

    def apply(value: Any) -> None:
        if not isinstance(value, dict):
            return
        for name, child, below in rules:
            if _missing(value, name, child):
                value[name] = plain(child["default"])
            if below and value.get(name) is not None:
                below(value[name])

    return apply


def _missing(value: Mapping[str, Any], name: str, child: Object) -> bool:
    if child.get("default") is None:
        return False
    return name not in value or (value[name] is None and not child.get("nullable"))


def _values(node: Object) -> Defaulter | None:
    more = node.get("additionalProperties")
    below = compile_defaults(more) if isinstance(more, dict) else None
    if not isinstance(more, dict) or (below is None and "default" not in more):
        return None
    known = frozenset(node.get("properties") or ())

    def apply(value: Any) -> None:
        if not isinstance(value, dict):
            return
        for name in [name for name in value if name not in known]:
            if _missing(value, name, more):
                value[name] = plain(more["default"])
            if below and value[name] is not None:
                below(value[name])

    return apply


def _items(node: Object) -> Defaulter | None:
    items = node.get("items")
    if not isinstance(items, dict):
        return None
    below, default = compile_defaults(items), items.get("default")
    if below is None and default is None:
        return None

    def apply(value: Any) -> None:
        if not isinstance(value, list):
            return
        for at, item in enumerate(value):
            if item is None and default is not None and not items.get("nullable"):
                value[at] = plain(default)
            if below and value[at] is not None:
                below(value[at])

    return apply
