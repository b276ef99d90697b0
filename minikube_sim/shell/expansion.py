"""From words of the grammar to arguments: quotes, variables, $(...), arithmetic, globs, splitting.

Models bash's order: parameter, command and arithmetic expansion, word splitting (of what was not
quoted), path names, removal of quotes.
"""

from __future__ import annotations

import codecs
import fnmatch
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final

from minikube_sim.shell.arithmetic import evaluate
from minikube_sim.shell.fields import DEFAULT_IFS, Piece, braced, fields, pattern_of
from minikube_sim.shell.parameters import expand, plain

if TYPE_CHECKING:
    from tree_sitter import Node

    from minikube_sim.shell.context import Machine
    from minikube_sim.shell.parameters import Values
    from minikube_sim.shell.state import State

_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPE_IN_QUOTES: Final = re.compile(r'\\([$`"\\\n])')
_PARAMETERS: Final = ("simple_expansion", "expansion")
_GLOB: Final = re.compile(r"[*?\[]")


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
        separators = self._state.variables.get("IFS", DEFAULT_IFS)
        words: list[str] = []
        for node in nodes:
            for word in braced(await self.pieces(node)):
                for field in fields(word, separators):
                    words += self._glob(field)
        return words

    async def text(self, node: Node) -> str:
        """One word as one text, without splitting: assignments, redirections, here-documents."""
        return "".join((" " if piece.breaks else "") + piece.text
                       for piece in await self.pieces(node))

    async def pattern(self, node: Node) -> str:
        """One word as an fnmatch pattern: quoted parts stand for themselves."""
        return pattern_of(await self.pieces(node))

    async def pieces(self, node: Node) -> list[Piece]:
        """A word in parts."""
        handler = _HANDLERS.get(node.type)
        if handler is None:
            return _typed(_text(node))
        return await handler(self, node)

    # ---------------------------------------------------------------------------------------------

    async def _string(self, node: Node) -> list[Piece]:
        """Double quotes: the gaps between the children are blanks that the grammar skips."""
        found, at, only_many = [Piece("", True)], node.start_byte + 1, False
        source = _text(node).encode()
        for child in node.named_children:
            gap = source[at - node.start_byte:child.start_byte - node.start_byte].decode()
            _append(found, gap)
            if child.type == "string_content":
                _append(found, _ESCAPE_IN_QUOTES.sub(_unescape_quoted, _text(child)))
                at = child.end_byte
                continue
            _append(found, _text(child)[:_blanks(child)])
            if child.type in _PARAMETERS:
                values = await self._values(child)
                only_many = values.many and not values.values
                self._append_values(found, values)
            else:
                _append(found, "".join(piece.text for piece in await self.pieces(child)))
            at = child.end_byte
        _append(found, source[at - node.start_byte:len(source) - 1].decode())
        return [] if only_many and found == [Piece("", True)] else found

    def _append_values(self, found: list[Piece], values: Values) -> None:
        """The values of "$@" become fields of their own, those of "$*" one text."""
        if not values.many or values.joined:
            separator = self._state.variables.get("IFS", DEFAULT_IFS)[:1]
            _append(found, separator.join(values.values))
            return
        for index, value in enumerate(values.values):
            if index:
                found.append(Piece(value, True, breaks=True))
            else:
                _append(found, value)

    async def _raw_string(self, node: Node) -> list[Piece]:
        return [Piece(_text(node)[1:-1], True)]

    async def _ansi_string(self, node: Node) -> list[Piece]:
        return [Piece(codecs.decode(_text(node)[2:-1], "unicode_escape"), True)]

    async def _concatenation(self, node: Node) -> list[Piece]:
        return [piece for child in node.children for piece in await self.pieces(child)]

    async def _parameter(self, node: Node) -> list[Piece]:
        return [Piece(value, False, breaks=index > 0)
                for index, value in enumerate((await self._values(node)).values)]

    async def _values(self, node: Node) -> Values:
        if node.type == "simple_expansion":
            return plain(self._state, self._machine, _text(node).lstrip()[1:])
        parts = await self._segments(node)

        def operand(at: int) -> str:
            return "".join(text if not raw else text[max(0, at - start):]
                           for start, end, text, raw in parts if end > at)

        return expand(self._state, self._machine, _text(node).lstrip()[2:-1], operand)

    async def _segments(self, node: Node) -> list[tuple[int, int, str, bool]]:
        """What stands in ${...}: (start, end, text with what expands expanded, as typed or not)."""
        begin, found = _blanks(node) + 2, []
        source = (node.text or b"")[begin:-1]
        at, begin = 0, node.start_byte + begin
        for child in _expandable(node):
            start, end = child.start_byte - begin, child.end_byte - begin
            found.append((at, start, source[at:start].decode(), True))
            found.append((start, end, await self.text(child), False))
            at = end
        return [*found, (at, len(source), source[at:].decode(), True)]

    async def _process_id(self, node: Node) -> list[Piece]:
        return [Piece("4242" if _text(node) == "$$" else _text(node), False)]

    async def _command_substitution(self, node: Node) -> list[Piece]:
        """$(...); in here-documents the grammar takes $((...)) for it too."""
        if _text(node).lstrip().startswith("$(("):
            return await self._arithmetic(node)
        return [Piece((await self._substitute(node)).rstrip("\n"), False)]

    async def _arithmetic(self, node: Node) -> list[Piece]:
        return [Piece(str(await self.number(node)), False)]

    async def number(self, node: Node) -> int:
        """The value of $((...)) or ((...)). Raises ValueError."""
        text = _text(node)
        inner = text[text.index("((") + 2:text.rindex("))")]
        return evaluate(inner, self._state.variables)

    def _glob(self, field: list[Piece]) -> list[str]:
        text = "".join(piece.text for piece in field)
        if not any(_GLOB.search(piece.text) for piece in field if not piece.quoted):
            if field and not field[0].quoted and (text == "~" or text.startswith("~/")):
                return [self._state.path(text)]
            return [text]
        return self._matching(text, pattern_of(field)) or [text]

    def _matching(self, text: str, pattern: str) -> list[str]:
        absolute = self._state.path(pattern)
        depth = absolute.count("/")
        found = {"/".join(path.split("/")[:depth + 1]) for path in self._machine.files}
        hidden = pattern.rpartition("/")[2].startswith(".")
        names = sorted(path for path in found
                       if path.count("/") == depth and fnmatch.fnmatchcase(path, absolute)
                       and (hidden or not path.rpartition("/")[2].startswith(".")))
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
    "simple_expansion": Expander._parameter,
    "expansion": Expander._parameter,
    "command_substitution": Expander._command_substitution,
    "$": Expander._process_id,
    "arithmetic_expansion": Expander._arithmetic,
}


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _unescape_quoted(match: re.Match[str]) -> str:
    return "" if match.group(1) == "\n" else match.group(1)


def _blanks(node: Node) -> int:
    """How many blanks the grammar took for the beginning of an expansion within quotes."""
    text = node.text or b""
    return len(text) - len(text.lstrip())


def _typed(text: str) -> list[Piece]:
    """A word without quotes; what a backslash stands before is quoted."""
    parts = _ESCAPE.split(text)
    return [Piece(part, index % 2 == 1, literal=index % 2 == 0)
            for index, part in enumerate(parts) if part]


def _append(found: list[Piece], text: str) -> None:
    found[-1] = found[-1]._replace(text=found[-1].text + text)


def _expandable(node: Node) -> list[Node]:
    """What expands in ${...}, in order, outermost only."""
    found = []
    for child in node.children:
        if child.type in _HANDLERS and child.type != "concatenation" and child.type != "$":
            found.append(child)
        else:
            found += _expandable(child)
    return found
