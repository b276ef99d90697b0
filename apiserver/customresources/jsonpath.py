"""The JSONPath of printer columns and selectable fields. Models client-go/util/jsonpath, its
simple part: fields, `['name']`, `[0]`, `[-1]`, `[*]`, `[a:b]`, `..name` and filters
`[?(@.type=="Ready")]`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, Final

Step = Callable[[Any], Iterable[Any]]
_TOKEN: Final = re.compile(
    r"""(?P<deep>\.\.(?P<deep_name>(?:[^.\[\\]|\\.)*))
    |\.(?P<name>(?:[^.\[\\]|\\.)+)
    |\[\s*'(?P<quoted>(?:[^'\\]|\\.)*)'\s*\]
    |\[\s*"(?P<double>(?:[^"\\]|\\.)*)"\s*\]
    |\[\s*(?P<index>-?\d+)\s*\]
    |\[\s*(?P<start>-?\d*)\s*:\s*(?P<end>-?\d*)\s*\]
    |\[\s*(?P<every>\*)\s*\]
    |\[\s*\?\(\s*@(?P<path>[^=!<>\s)]*)\s*(?:(?P<op>==|!=|<=|>=|<|>)\s*(?P<operand>.*?))?\s*\)\s*\]
    """, re.VERBOSE)
_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b}


class JSONPathError(ValueError):
    """A text that is no path."""


@lru_cache(maxsize=1024)
def parse_path(text: str) -> tuple[Step, ...]:
    """The steps of `.spec.size`. Raises JSONPathError."""
    steps, at = [], 0
    if text and text[0] not in ".[":
        raise JSONPathError(f"unrecognized character in path {text!r}")
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            if text[at:] == ".":
                break
            raise JSONPathError(f"unrecognized path {text[at:]!r}")
        steps.append(_step(match))
        at = match.end()
    return tuple(steps)


def find(value: Any, steps: Iterable[Step]) -> list[Any]:
    """The values at a path."""
    found = [value]
    for step in steps:
        found = [item for each in found for item in step(each)]
    return found


def _step(match: re.Match[str]) -> Step:
    kind = match.lastgroup
    for group in ("name", "quoted", "double"):
        if match[group] is not None:
            return _field(re.sub(r"\\(.)", r"\1", match[group]))
    if match["deep"] is not None:
        return _deep(match["deep_name"])
    if match["index"] is not None:
        return _slice(int(match["index"]), None)
    if match["every"] is not None:
        return _every
    if match["path"] is not None:
        return _filter(match["path"], match["op"], match["operand"])
    assert kind is not None
    return _slice(match["start"] or None, match["end"] or None, is_range=True)


def _field(name: str) -> Step:
    if name == "*":
        return _every
    return lambda value: [value[name]] if isinstance(value, dict) and name in value else []


def _every(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _slice(start: Any, end: Any, *, is_range: bool = False) -> Step:
    if is_range:
        part = slice(int(start) if start else None, int(end) if end else None)
        return lambda value: value[part] if isinstance(value, list) else ()
    return lambda value: [value[start]] if isinstance(
        value, list) and -len(value) <= start < len(value) else ()


def _deep(name: str) -> Step:
    return lambda value: [item[name] for item in _descendants(value)
                          if isinstance(item, dict) and name in item]


def _descendants(value: Any) -> Iterator[Any]:
    yield value
    for item in _every(value):
        yield from _descendants(item)


def _filter(path: str, operator: str | None, operand: str | None) -> Step:
    steps = parse_path(path)
    compare = _OPERATORS.get(operator or "")
    wanted = _literal(operand or "")

    def keep(item: Any) -> bool:
        found = find(item, steps)
        if compare is None:
            return bool(found)
        try:
            return any(compare(value, wanted) for value in found)
        except TypeError:
            return False

    return lambda value: [item for item in _every(value) if keep(item)]


def _literal(text: str) -> Any:
    if text[:1] == "'" and text[-1:] == "'":
        return text[1:-1]
    try:
        return json.loads(text)
    except ValueError:
        return text
