"""Printer columns of custom resources. Models apiextensions' tableconvertor."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from apiserver.customresources.jsonpath import JSONPathError, find, parse_path
from apiserver.resource import Cell, Column
from apiserver.resources.printing import NAME, since
from apiserver.schema.state import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apiserver.machinery.types import Object

_AGE: Final = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp",
               "description": "When the object was created, in RFC 3339 form and in UTC."}


def columns_of(declared: Sequence[Object] | None) -> tuple[Column, ...]:
    """Name, and what the CRD declares, or Age."""
    return (NAME, *(_column(each) for each in declared or (_AGE,)))


def _column(declared: Object) -> Column:
    kind, path = declared["type"], declared["jsonPath"]
    text = declared.get("description") or (
        f"Custom resource definition column (in JSONPath format): {path}")
    return Column(declared["name"], _cell(kind, path), type=kind,
                  format=declared.get("format") or "", description=text,
                  priority=declared.get("priority") or 0)


def _cell(kind: str, path: str) -> Cell:
    try:
        steps = parse_path(path)
    except JSONPathError:
        return lambda obj, now: None
    convert = _CONVERT[kind]

    def cell(obj: Object, now: float) -> Any:
        found = find(obj, steps)
        return convert(found[0], now) if found and found[0] is not None else None

    return cell


def _text(value: Any, now: float) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(value)


def _integer(value: Any, now: float) -> Any:
    return int(value) if _is_number(value) else None


def _number(value: Any, now: float) -> Any:
    return value if _is_number(value) else None


def _boolean(value: Any, now: float) -> Any:
    return value if isinstance(value, bool) else None


def _date(value: Any, now: float) -> Any:
    if not isinstance(value, str):
        return None
    try:
        return since(value, now)
    except (ValueError, DecodeError):
        return "<invalid>"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_CONVERT: Final[dict[str, Callable[[Any, float], Any]]] = {
    "string": _text, "integer": _integer, "number": _number, "boolean": _boolean, "date": _date}
