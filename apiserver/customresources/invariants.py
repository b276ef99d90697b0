"""What structural schemas promise beyond OpenAPI: lists without duplicates, embedded resources.

Models apiextensions' schema/listtype and schema/objectmeta.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from apiserver.customresources.structural import EMBEDDED
from apiserver.customresources.validation import child_path, counterparts, same_json
from apiserver.machinery.validation import FieldError, duplicate, required
from apiserver.patch.typed import MISSING

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

Check = Callable[[Any, Any, str], list[FieldError]]


def compile_list_types(node: Object) -> Check | None:
    """What finds duplicates in sets and maps; None where there are no such lists."""
    return _compile(node, _duplicates_in)


def compile_embedded(node: Object) -> Check | None:
    """What looks into embedded resources; None where there are none."""
    return _compile(node, _embedded)


def _compile(node: Object, make: Callable[[Object], Check | None]) -> Check | None:
    own = make(node)
    below = compile_below(node, lambda child: _compile(child, make))
    if own is None and below is None:
        return None

    def check(value: Any, old: Any, path: str) -> list[FieldError]:
        if value is None or (old is not MISSING and same_json(value, old)):
            return []
        errors = own(value, old, path) if own else []
        return errors + (below(value, old, path) if below else [])

    return check


def compile_below(node: Object, compile_child: Callable[[Object], Check | None]) -> Check | None:
    """What runs the checks of a node's children on the children of a value."""
    properties = {name: test for name, child in (node.get("properties") or {}).items()
                  if (test := compile_child(child)) is not None}
    more, items = node.get("additionalProperties"), node.get("items")
    values = compile_child(more) if isinstance(more, dict) else None
    each = compile_child(items) if isinstance(items, dict) else None
    keys = tuple(node.get("x-kubernetes-list-map-keys") or ())
    if not properties and values is None and each is None:
        return None

    def check(value: Any, old: Any, path: str) -> list[FieldError]:
        errors: list[FieldError] = []
        for item, before, place, name in _children(value, old, path, keys):
            test = each if name is None else properties.get(name, values)
            if test is not None:
                errors += test(item, before, place)
        return errors

    return check


def _children(value: Any, old: Any, path: str,
              keys: tuple[str, ...]) -> Iterator[tuple[Any, Any, str, str | None]]:
    if isinstance(value, list):
        before = counterparts(value, old, keys)
        for at, item in enumerate(value):
            yield item, before[at], f"{path}[{at}]", None
    elif isinstance(value, dict):
        was = old if isinstance(old, dict) else {}
        for name, item in value.items():
            yield item, was.get(name, MISSING), child_path(path, name), name


def _duplicates_in(node: Object) -> Check | None:
    kind = node.get("x-kubernetes-list-type")
    keys = tuple(node.get("x-kubernetes-list-map-keys") or ())
    if kind not in ("set", "map"):
        return None

    def check(value: Any, old: Any, path: str) -> list[FieldError]:
        seen, errors = set(), []
        for at, item in enumerate(value if isinstance(value, list) else ()):
            shown = item
            if kind == "map":
                shown = {key: item[key] for key in keys if key in item} if isinstance(
                    item, dict) else {}
            text = json.dumps(shown, sort_keys=True)
            if text in seen:
                errors.append(duplicate(f"{path}[{at}]", shown))
            seen.add(text)
        return errors

    return check


def _embedded(node: Object) -> Check | None:
    if not node.get(EMBEDDED):
        return None

    def check(value: Any, old: Any, path: str) -> list[FieldError]:
        if not isinstance(value, dict):
            return []
        return [required(f"{path}.{name}", "must not be empty")
                for name in ("apiVersion", "kind") if not value.get(name)]

    return check
