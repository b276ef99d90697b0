"""CEL's expressions as trees, for what is checked before any value is there (cel-rust shows none).

Operators are calls by their names in cel-go: `_==_`, `!_`, `_?_:_`, `_[_]`, `@in`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from apiserver.customresources.cel.source import is_name, tokens_of

_BINARY: Final[tuple[tuple[str, ...], ...]] = (
    ("||",), ("&&",), ("<", "<=", ">", ">=", "==", "!=", "in"), ("+", "-"), ("*", "/", "%"))
"""From what binds least to what binds most."""
_WORDS: Final = {"true": "bool", "false": "bool", "null": "null_type"}


class NotParsed(ValueError):
    """A text that is no expression; the compiler says why."""


@dataclass(frozen=True, slots=True)
class Node:
    """One expression: a literal, an identifier, a selection, a call, a list or a map."""

    kind: str
    at: int
    """Where cel-go's complaints point."""
    name: str = ""
    """Of an identifier, field or function; the type of a literal."""
    target: Node | None = None
    """Of what a field is selected, or a method called."""
    args: tuple[Node, ...] = ()


def parse(source: str) -> Node:
    """The tree of an expression. Raises NotParsed."""
    parser = _Parser(source)
    node = parser.expression()
    parser.end()
    return node


class _Parser:
    def __init__(self, source: str) -> None:
        self._tokens = tokens_of(source)
        self._next = 0

    def end(self) -> None:
        """Raises NotParsed when something is left."""
        if self._next != len(self._tokens):
            raise NotParsed

    def expression(self) -> Node:
        """`condition ? a : b`, or what binds more."""
        node = self._binary(0)
        if self._peek() != "?":
            return node
        at = self._take("?")
        yes = self._binary(0)
        self._take(":")
        return Node("call", at, "_?_:_", args=(node, yes, self.expression()))

    def _peek(self) -> str:
        return self._tokens[self._next][0] if self._next < len(self._tokens) else ""

    def _take(self, *wanted: str) -> int:
        if self._next >= len(self._tokens) or (wanted and self._peek() not in wanted):
            raise NotParsed
        self._next += 1
        return self._tokens[self._next - 1][1]

    def _binary(self, level: int) -> Node:
        if level == len(_BINARY):
            return self._unary()
        node = self._binary(level + 1)
        while (operator := self._peek()) in _BINARY[level]:
            at = self._take()
            name = "@in" if operator == "in" else f"_{operator}_"
            node = Node("call", at, name, args=(node, self._binary(level + 1)))
        return node

    def _unary(self) -> Node:
        if (operator := self._peek()) not in ("!", "-"):
            return self._member()
        at = self._take()
        return Node("call", at, f"{operator}_", args=(self._unary(),))

    def _member(self) -> Node:
        node = self._primary()
        while (token := self._peek()) in (".", ".?", "[", "[?"):
            at = self._take()
            if token in ("[", "[?"):
                node = Node("call", at, "_[_]" if token == "[" else "_[?_]",
                            args=(node, self.expression()))
                self._take("]")
                continue
            name = self._name()
            if self._peek() == "(":
                node = Node("call", self._take("("), name, node, self._arguments(")"))
            else:
                node = Node("select" if token == "." else "optional", at, name, node)
        return node

    def _name(self) -> str:
        name = self._peek()
        if not is_name(name):
            raise NotParsed
        self._take()
        return name

    def _arguments(self, closing: str) -> tuple[Node, ...]:
        args = []
        while self._peek() != closing:
            args.append(self.expression())
            if self._peek() != closing:
                self._take(",")
        self._take(closing)
        return tuple(args)

    def _primary(self) -> Node:
        token, at = self._peek(), self._take()
        if token == "(":
            node = self.expression()
            self._take(")")
            return node
        if token == "[":
            return Node("list", at, args=self._arguments("]"))
        if token == "{":
            return Node("map", at, args=self._entries())
        if token in _WORDS:
            return Node("literal", at, _WORDS[token])
        if is_name(token) and self._peek()[:1] not in ("'", '"'):
            if self._peek() == "(":
                return Node("call", self._take("("), token, args=self._arguments(")"))
            return Node("ident", at, token)
        return Node("literal", at, _literal_type(token))

    def _entries(self) -> tuple[Node, ...]:
        """Keys and values, one after the other."""
        entries = []
        while self._peek() != "}":
            entries.append(self.expression())
            self._take(":")
            entries.append(self.expression())
            if self._peek() != "}":
                self._take(",")
        self._take("}")
        return tuple(entries)


def _literal_type(token: str) -> str:
    if token[-1:] in ("'", '"'):
        prefix = token.partition(token[-1])[0]
        return "bytes" if "b" in prefix.lower() else "string"
    if not token[:1].isdigit() and token[:1] != ".":
        raise NotParsed
    if token[-1] in "uU":
        return "uint"
    plain = token.lower()
    return "double" if not plain.startswith("0x") and set(plain) & set(".e") else "int"
