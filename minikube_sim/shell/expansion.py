"""From words of the grammar to arguments: quotes, variables, $(...), arithmetic, globs, splitting.

Models bash's order: parameter, command and arithmetic expansion, word splitting (of what was not
quoted), path names, removal of quotes.
"""

from __future__ import annotations

import codecs
import fnmatch
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from minikube_sim.shell.arithmetic import evaluate

if TYPE_CHECKING:
    from tree_sitter import Node

    from minikube_sim.shell.context import Machine
    from minikube_sim.shell.state import State

_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPE_IN_QUOTES: Final = re.compile(r'\\([$`"\\\n])')
_GLOB: Final = re.compile(r"[*?\[]")


class Piece(NamedTuple):
    """A part of a word: quoted text stays whole and is never a pattern."""

    text: str
    quoted: bool


Substitute = Callable[["Node"], Awaitable[str]]
"""Runs the commands of $(...) and gives what they print."""


class Expander:
    """Expands words in one shell."""

    def __init__(self, state: State, machine: Machine, substitute: Substitute) -> None:
        self._state = state
        self._machine = machine
        self._substitute = substitute

    async def arguments(self, nodes: Iterable[Node]) -> list[str]:
        """The arguments that the words become: none, one or several each."""
        words: list[str] = []
        for node in nodes:
            for field in _split(await self.pieces(node)):
                words += self._glob(field)
        return words

    async def text(self, node: Node) -> str:
        """One word as one text, without splitting: assignments, redirections, here-documents."""
        return "".join(piece.text for piece in await self.pieces(node))

    async def pattern(self, node: Node) -> str:
        """One word as an fnmatch pattern: quoted parts stand for themselves."""
        return _pattern(await self.pieces(node))

    async def pieces(self, node: Node) -> list[Piece]:
        """A word in parts."""
        handler = _HANDLERS.get(node.type)
        if handler is None:
            return [Piece(_ESCAPE.sub(r"\1", _text(node)), "\\" in _text(node))]
        return await handler(self, node)

    # ---------------------------------------------------------------------------------------------

    async def _string(self, node: Node) -> list[Piece]:
        """Double quotes: the gaps between the children are blanks that the grammar skips."""
        parts, at = [], node.start_byte + 1
        source = _text(node).encode()
        for child in node.named_children:
            parts.append(source[at - node.start_byte:child.start_byte - node.start_byte].decode())
            if child.type == "string_content":
                parts.append(_ESCAPE_IN_QUOTES.sub(_unescape_quoted, _text(child)))
            else:
                parts += [piece.text for piece in await self.pieces(child)]
            at = child.end_byte
        parts.append(source[at - node.start_byte:len(source) - 1].decode())
        return [Piece("".join(parts), True)]

    async def _raw_string(self, node: Node) -> list[Piece]:
        return [Piece(_text(node)[1:-1], True)]

    async def _ansi_string(self, node: Node) -> list[Piece]:
        return [Piece(codecs.decode(_text(node)[2:-1], "unicode_escape"), True)]

    async def _concatenation(self, node: Node) -> list[Piece]:
        return [piece for child in node.children for piece in await self.pieces(child)]

    async def _simple_expansion(self, node: Node) -> list[Piece]:
        return [Piece(self.variable(_text(node)[1:]), False)]

    async def _expansion(self, node: Node) -> list[Piece]:
        return [Piece(await self._parameter(node), False)]

    async def _process_id(self, node: Node) -> list[Piece]:
        return [Piece(self.variable("$") if _text(node) == "$$" else _text(node), False)]

    async def _command_substitution(self, node: Node) -> list[Piece]:
        """$(...); in here-documents the grammar takes $((...)) for it too."""
        if _text(node).startswith("$(("):
            return await self._arithmetic(node)
        return [Piece((await self._substitute(node)).rstrip("\n"), False)]

    async def _arithmetic(self, node: Node) -> list[Piece]:
        return [Piece(str(await self.number(node)), False)]

    async def number(self, node: Node) -> int:
        """The value of $((...)) or ((...)). Raises ValueError."""
        text = _text(node)
        inner = text[text.index("((") + 2:text.rindex("))")]
        return evaluate(inner, self._state.variables)

    def variable(self, name: str) -> str:
        """The value of `$name`; empty when it is not set."""
        state = self._state
        special = {"?": str(state.status), "#": str(len(state.arguments)), "0": state.name,
                   "$": "4242", "!": "", "-": "himBH", "*": " ".join(state.arguments),
                   "@": " ".join(state.arguments), "PWD": state.directory,
                   "HOSTNAME": self._machine.hostname}
        if name in special:
            return special[name]
        if name.isdigit():
            index = int(name) - 1
            return state.arguments[index] if index < len(state.arguments) else ""
        return state.variables.get(name, "")

    async def _parameter(self, node: Node) -> str:
        """${name}, ${#name}, ${name:-word} and its kin, ${name#pattern}, ${name/a/b}."""
        inner = _text(node)[2:-1]
        if inner.startswith("#") and len(inner) > 1:
            return str(len(self.variable(inner[1:])))
        match = re.match(r"[A-Za-z_]\w*|[0-9?#@*$!-]", inner)
        if match is None:
            raise ValueError(f"${{{inner}}}: bad substitution")
        name, rest = match.group(), inner[match.end():]
        value = self.variable(name)
        if not rest:
            return value
        words = [child for child in node.named_children if child.start_byte >= (
            node.start_byte + 2 + len(name.encode()))]
        operand = "".join([await self.text(word) for word in words])
        return self._operate(name, value, rest, operand)

    def _operate(self, name: str, value: str, rest: str, operand: str) -> str:
        missing = not value if rest.startswith(":") else name not in self._state.variables
        operator = rest.lstrip(":")[:1]
        if (operator in "-=+?" and rest.lstrip(":") != rest) or operator in "-=+":
            return self._default(name, value, operator, operand, missing)
        if operator in "#%":
            return _trim(value, operand, operator, longest=rest[:2] in ("##", "%%"))
        if operator == "/":
            pattern, _, replacement = rest.lstrip("/").partition("/")
            return value.replace(pattern, replacement, -1 if rest.startswith("//") else 1)
        return _slice(value, rest[1:])

    def _default(self, name: str, value: str, operator: str, operand: str, missing: bool) -> str:
        if operator == "+":
            return "" if missing else operand
        if not missing:
            return value
        if operator == "=":
            self._state.variables[name] = operand
        if operator == "?":
            raise ValueError(f"{name}: {operand or 'parameter null or not set'}")
        return operand

    def _glob(self, field: list[Piece]) -> list[str]:
        text = "".join(piece.text for piece in field)
        if not any(_GLOB.search(piece.text) for piece in field if not piece.quoted):
            if field and not field[0].quoted and (text == "~" or text.startswith("~/")):
                return [self._state.path(text)]
            return [text]
        return self._matching(text, _pattern(field)) or [text]

    def _matching(self, text: str, pattern: str) -> list[str]:
        absolute = self._state.path(pattern)
        depth = absolute.count("/")
        found = {"/".join(path.split("/")[:depth + 1]) for path in self._machine.files}
        names = sorted(path for path in found
                       if path.count("/") == depth and fnmatch.fnmatchcase(path, absolute))
        if text.startswith("/"):
            return names
        prefix = self._state.directory.rstrip("/") + "/"
        return [name.removeprefix(prefix) for name in names]


_HANDLERS: Final = {
    "string": Expander._string,
    "translated_string": Expander._string,
    "raw_string": Expander._raw_string,
    "ansi_c_string": Expander._ansi_string,
    "concatenation": Expander._concatenation,
    "simple_expansion": Expander._simple_expansion,
    "expansion": Expander._expansion,
    "command_substitution": Expander._command_substitution,
    "$": Expander._process_id,
    "arithmetic_expansion": Expander._arithmetic,
}


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _unescape_quoted(match: re.Match[str]) -> str:
    return "" if match.group(1) == "\n" else match.group(1)


def _split(pieces: list[Piece]) -> list[list[Piece]]:
    """Word splitting: blanks in unquoted expansions end a field."""
    fields: list[list[Piece]] = []
    current: list[Piece] = []
    for piece in pieces:
        if piece.quoted or not re.search(r"\s", piece.text):
            if piece.quoted or piece.text:
                current.append(piece)
            continue
        words = piece.text.split()
        if current and (piece.text[0].isspace() or not words):
            fields.append(current)
            current = []
        for word in words[:-1]:
            fields.append([*current, Piece(word, False)])
            current = []
        if words:
            current.append(Piece(words[-1], False))
            if piece.text[-1].isspace():
                fields.append(current)
                current = []
    return [*fields, current] if current else fields


def _pattern(pieces: Iterable[Piece]) -> str:
    return "".join(re.sub(r"([*?\[])", r"[\1]", p.text) if p.quoted else p.text for p in pieces)


def _trim(value: str, pattern: str, end: str, *, longest: bool) -> str:
    """${value#pattern} and ${value%pattern}."""
    lengths: Iterable[int] = range(len(value) + 1)
    if longest:
        lengths = reversed(range(len(value) + 1))
    for length in lengths:
        part = value[:length] if end == "#" else value[len(value) - length:]
        if fnmatch.fnmatchcase(part, pattern):
            return value[length:] if end == "#" else value[:len(value) - length]
    return value


def _slice(value: str, rest: str) -> str:
    """${value:offset:length}."""
    offset_text, _, length_text = rest.partition(":")
    offset = int(offset_text)
    return value[offset:][:int(length_text)] if length_text else value[offset:]
