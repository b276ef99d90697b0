"""Rules checked before any value is there: what an expression names must exist."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from apiserver.customresources.cel.rules import OLD, RuleError, compile_expression
from apiserver.customresources.cel.source import is_name, tokens_of
from apiserver.customresources.cel.values import escaped
from apiserver.customresources.structural import EMBEDDED, INT_OR_STRING, PRESERVE

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

_UNDECLARED: Final = re.compile(r"undeclared reference to '(\w+)'")
_META: Final = {"type": "object", "properties": {
    "name": {"type": "string"}, "generateName": {"type": "string"}}}
_TEXT: Final = {"type": "string"}


def problem_of(source: str, node: Object, *, root: bool) -> str:
    """What is wrong with an expression over values of a schema node; '' for nothing."""
    try:
        compile_expression(source)
    except RuleError as error:
        match = _UNDECLARED.match(str(error))
        return _located(source, source.find(match[1]), str(error)) if match else str(error)
    return _undefined_field(source, node, root or bool(node.get(EMBEDDED)))


def _undefined_field(source: str, node: Object, resource: bool) -> str:
    """The first field of self, or below, that its schema does not have."""
    tokens = tokens_of(source)
    for at, (token, _) in enumerate(tokens):
        if token not in ("self", OLD) or (at and tokens[at - 1][0] in (".", ".?")):
            continue
        place = _follow(tokens, at + 1, _whole(node) if resource else node)
        if place is not None:
            return _located(source, tokens[place][1],
                            f"undefined field '{tokens[place + 1][0]}'")
    return ""


def _follow(tokens: list[tuple[str, int]], at: int, node: Object) -> int | None:
    """Go down along `.a.b`; where the step stands that leads nowhere."""
    current: Any = node
    while at + 1 < len(tokens) and tokens[at][0] in (".", ".?") and is_name(tokens[at + 1][0]):
        called = at + 2 < len(tokens) and tokens[at + 2][0] == "("
        if called or not _closed(current):
            return None
        fields = {escaped(name): child for name, child in current["properties"].items()}
        if tokens[at + 1][0] not in fields:
            return at
        current = fields[tokens[at + 1][0]]
        at += 2
    return None


def _whole(node: Object) -> Object:
    properties = {**(node.get("properties") or {}), "apiVersion": _TEXT, "kind": _TEXT,
                  "metadata": _META}
    return {**node, "properties": properties}


def _closed(node: Object) -> bool:
    """Whether a node's fields are all declared."""
    return bool(node.get("properties")) and not (node.get(PRESERVE) or node.get(INT_OR_STRING))


def _located(source: str, at: int, text: str) -> str:
    """The complaint as cel-go shows it, with the line and a mark below it."""
    line = source.count("\n", 0, max(at, 0))
    column = max(at, 0) - (source.rfind("\n", 0, max(at, 0)) + 1)
    shown = source.split("\n")[line]
    return (f"ERROR: <input>:{line + 1}:{column + 1}: {text}\n"
            f" | {shown}\n | {'.' * column}^")
