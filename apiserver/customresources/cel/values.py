"""JSON values as CEL sees them through their schema: numbers, times, escaped names.

Models apiextensions' schema/cel/{values,model}.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from apiserver.customresources.structural import EMBEDDED, INT_OR_STRING
from apiserver.schema.gotime import parse_duration, parse_rfc3339
from apiserver.schema.state import DecodeError

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

Convert = Callable[[Any], Any]
_RESERVED: Final = frozenset({
    "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import",
    "in", "let", "loop", "namespace", "null", "package", "return", "true", "var", "void",
    "while"})
_ESCAPES: Final = (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"),
                   ("/", "__slash__"))
_NAME: Final = re.compile(r"[A-Za-z_]\w*")
_DURATION: Final = re.compile(r"(-?)(?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)s)?(?:([\d.]+)ms)?"
                              r"(?:([\d.]+)[uµ]s)?")


def escaped(name: str) -> str:
    """A property's name as an identifier; '' for one that cannot be one (cel.Escape)."""
    if name in _RESERVED:
        return f"__{name}__"
    for text, escape in _ESCAPES:
        name = name.replace(text, escape)
    return name if _NAME.fullmatch(name) else ""


def compile_conversion(node: Object, *, resource: bool = False) -> Convert:
    """What makes a value of a node into a CEL value."""
    kind = node.get("type")
    if node.get(INT_OR_STRING):
        return _same
    if kind == "array":
        items = node.get("items")
        each = compile_conversion(items) if isinstance(items, dict) else _same
        return lambda value: [each(item) for item in value] if isinstance(value, list) else value
    if kind == "object" or node.get("properties"):
        return _object(node, resource=resource or bool(node.get(EMBEDDED)))
    if kind == "number":
        return lambda value: float(value) if isinstance(value, int) and not isinstance(
            value, bool) else value
    return _TEXTS.get(node.get("format") or "", _same) if kind == "string" else _same


def _object(node: Object, *, resource: bool) -> Convert:
    fields = {name: (escaped(name), compile_conversion(child))
              for name, child in (node.get("properties") or {}).items()}
    if resource:
        fields |= {"apiVersion": ("apiVersion", _same), "kind": ("kind", _same),
                   "metadata": ("metadata", _metadata)}
    more = node.get("additionalProperties")
    values = compile_conversion(more) if isinstance(more, dict) else _same

    def convert(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        out = {}
        for name, item in value.items():
            known = fields.get(name)
            if known is None:
                out[name] = values(item)
            elif known[0]:
                out[known[0]] = known[1](item)
        return out

    return convert


def _same(value: Any) -> Any:
    return value


def _metadata(value: Any) -> Any:
    """Rules see the name alone."""
    seen = value if isinstance(value, dict) else {}
    return {name: seen[name] for name in ("name", "generateName") if name in seen}


def _time(value: Any) -> Any:
    try:
        return datetime.fromtimestamp(parse_rfc3339(value, micro=False), UTC)
    except (DecodeError, TypeError, ValueError):
        return value


def _date(value: Any) -> Any:
    return _time(f"{value}T00:00:00Z")


def _duration(value: Any) -> Any:
    try:
        match = _DURATION.fullmatch(parse_duration(value))
    except (DecodeError, TypeError, ValueError):
        return value
    if match is None:
        return value
    hours, minutes, seconds, millis, micros = (float(part or 0) for part in match.groups()[1:])
    span = timedelta(hours=hours, minutes=minutes, seconds=seconds, milliseconds=millis,
                     microseconds=micros)
    return -span if match[1] else span


def _bytes(value: Any) -> Any:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        return value


_TEXTS: Final[dict[str, Convert]] = {"date-time": _time, "date": _date, "duration": _duration,
                                     "byte": _bytes}
