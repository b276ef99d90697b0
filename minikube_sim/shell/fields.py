"""The parts of words, and what becomes of them: braces, fields, patterns. No shell is asked."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST: Final = 100_000
_RANGE: Final = re.compile(r"(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?|([A-Za-z])\.\.([A-Za-z])")
_STAND_IN: Final = 0xF0000
"""The first of the characters (of private use) that stand for what is no plain text."""
_STAND_INS: Final = re.compile("([\U000F0000-\U000FFFFD])")
DEFAULT_IFS: Final = " \t\n"


class Piece(NamedTuple):
    """A part of a word: quoted text stays whole and is never a pattern."""

    text: str
    quoted: bool
    literal: bool = False
    """Typed as it is, so that braces in it expand and it is not split."""
    breaks: bool = False
    """A new field begins here: the second and further values of "$@"."""


def fields(pieces: list[Piece], separators: str) -> list[list[Piece]]:
    """Word splitting: separators in unquoted expansions end a field."""
    if not separators:
        return _unsplit(pieces)
    splitter = _Splitter(separators)
    for piece in pieces:
        splitter.take(piece)
    splitter.end()
    return splitter.found


class _Splitter:
    """Collects the fields of a word."""

    def __init__(self, separators: str) -> None:
        self.found: list[list[Piece]] = []
        self._separators = separators
        self._current: list[Piece] = []

    def end(self) -> None:
        """A field ends here, if there is one."""
        if self._current:
            self.found.append(self._current)
        self._current = []

    def take(self, piece: Piece) -> None:
        """The next part of the word."""
        if piece.breaks:
            self.end()
        if piece.quoted or piece.literal:
            if piece.quoted or piece.text:
                self._current.append(piece)
            return
        for word, separator in _words(piece.text, self._separators):
            if word:
                self._current.append(Piece(word, False))
            elif separator and not separator.isspace() and not self._current:
                self._current.append(Piece("", True))
            if separator:
                self.end()


def _unsplit(pieces: list[Piece]) -> list[list[Piece]]:
    """With IFS empty only the values of "$@" are fields of their own."""
    found: list[list[Piece]] = []
    for piece in pieces:
        if piece.breaks or not found:
            found.append([])
        found[-1].append(piece)
    return [each for each in found if any(p.text or p.quoted for p in each)]


def _words(text: str, separators: str) -> list[tuple[str, str]]:
    """(word, what ended it) of an expansion."""
    blanks = re.escape("".join(c for c in separators if c.isspace()))
    others = re.escape("".join(c for c in separators if not c.isspace()))
    one = rf"[{blanks}]*[{others}][{blanks}]*" if others and blanks else rf"[{others or blanks}]"
    pattern = rf"{one}|[{blanks}]+" if blanks else one
    parts = re.split(f"({pattern})", text)
    return [(parts[i], parts[i + 1] if i + 1 < len(parts) else "")
            for i in range(0, len(parts), 2)]


def braced(pieces: list[Piece]) -> list[list[Piece]]:
    """Brace expansion: `a{b,c}d` and `{1..3}`; the word itself where there is none."""
    text = "".join(p.text if p.literal else chr(_STAND_IN + i) for i, p in enumerate(pieces))
    if "{" not in text:
        return [pieces]
    words = _alternatives(text)
    if words == [text]:
        return [pieces]
    return [_with(word, pieces) for word in words[:_MOST]]


def _with(word: str, pieces: list[Piece]) -> list[Piece]:
    """A word with what is no plain text put back in its places."""
    found = []
    for part in _STAND_INS.split(word):
        if part and _STAND_INS.fullmatch(part):
            found.append(pieces[ord(part) - _STAND_IN])
        elif part:
            found.append(Piece(part, False, literal=True))
    return found


def _alternatives(text: str) -> list[str]:
    """The words that a word with braces stands for."""
    start = 0
    while (start := text.find("{", start)) >= 0:
        if start and text[start - 1] == "$":
            start += 1
            continue
        end = _closing(text, start)
        inner = text[start + 1:end] if end > 0 else ""
        choices = _choices(inner)
        if choices:
            tails = _alternatives(text[end + 1:])
            return [text[:start] + choice + tail for choice, tail in product(choices, tails)]
        start += 1
    return [text]


def _closing(text: str, start: int) -> int:
    depth = 0
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return at
    return -1


def _choices(inner: str) -> list[str]:
    match = _RANGE.fullmatch(inner)
    if match is not None:
        return _sequence(match)
    parts, depth, current = [], 0, ""
    for char in inner:
        depth += {"{": 1, "}": -1}.get(char, 0)
        if char == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += char
    parts.append(current)
    return [word for part in parts for word in _alternatives(part)] if len(parts) > 1 else []


def _sequence(match: re.Match[str]) -> list[str]:
    if match[4]:
        first, last, step, show = ord(match[4]), ord(match[5]), 1, chr
        return [show(n) for n in _counted(first, last, step)]
    first, last = int(match[1]), int(match[2])
    padded = any(re.match(r"-?0\d", text) for text in (match[1], match[2]))
    width = max(len(match[1]), len(match[2])) if padded else 0
    return [f"{n:0{width}d}" for n in _counted(first, last, abs(int(match[3] or 1)) or 1)]


def _counted(first: int, last: int, step: int) -> Iterable[int]:
    return range(first, last + 1, step)[:_MOST] if first <= last else range(
        first, last - 1, -step)[:_MOST]


def pattern_of(pieces: Iterable[Piece]) -> str:
    """A word as an fnmatch pattern: quoted parts stand for themselves."""
    return "".join(re.sub(r"([*?\[])", r"[\1]", p.text) if p.quoted else p.text for p in pieces)
