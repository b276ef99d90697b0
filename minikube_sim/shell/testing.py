"""The expressions of `test`, `[` and `[[`. Models POSIX test and bash's additions."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from minikube_sim.shell.context import Machine
    from minikube_sim.shell.state import State

_NUMBERS: Final[dict[str, Callable[[int, int], bool]]] = {
    "-eq": lambda a, b: a == b, "-ne": lambda a, b: a != b, "-lt": lambda a, b: a < b,
    "-le": lambda a, b: a <= b, "-gt": lambda a, b: a > b, "-ge": lambda a, b: a >= b,
}
_TEXTS: Final[dict[str, Callable[[str, str], bool]]] = {
    "=": lambda a, b: a == b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b, ">": lambda a, b: a > b,
}


def evaluate(words: Sequence[str], machine: Machine, state: State, *,
             patterns: bool = False) -> int:
    """0 when the expression holds, 1 when not. Raises ValueError for what is no expression."""
    reader = _Reader(list(words), machine, state, patterns)
    if not words:
        return 1
    value = reader.either()
    if reader.words:
        raise ValueError(f"[: {reader.words[0]}: binary operator expected")
    return 0 if value else 1


class _Reader:
    """Recursive descent over the words, consuming them."""

    def __init__(self, words: list[str], machine: Machine, state: State, patterns: bool) -> None:
        self.words = words
        self._machine = machine
        self._state = state
        self._patterns = patterns

    def either(self) -> bool:
        value = self.both()
        while self.words and self.words[0] in ("-o", "||"):
            self.words.pop(0)
            right = self.both()
            value = value or right
        return value

    def both(self) -> bool:
        value = self.single()
        while self.words and self.words[0] in ("-a", "&&"):
            self.words.pop(0)
            right = self.single()
            value = value and right
        return value

    def single(self) -> bool:
        if not self.words:
            raise ValueError("[: argument expected")
        word = self.words.pop(0)
        if word == "!" and self.words:
            return not self.single()
        if word == "(":
            value = self.either()
            if not self.words or self.words.pop(0) != ")":
                raise ValueError("[: `)' expected")
            return value
        if self.words and self._is_binary(self.words[0]) and len(self.words) > 1:
            operator = self.words.pop(0)
            return self._compare(word, operator, self.words.pop(0))
        if len(word) == 2 and word[0] == "-" and self.words:
            return self._unary(word[1], self.words.pop(0))
        return bool(word)

    def _is_binary(self, word: str) -> bool:
        return word in _NUMBERS or word in _TEXTS or word == "=~"

    def _compare(self, left: str, operator: str, right: str) -> bool:
        if operator in _NUMBERS:
            return _NUMBERS[operator](_integer(left), _integer(right))
        if operator == "=~":
            return re.search(right, left) is not None
        if self._patterns and operator in ("=", "==", "!="):
            return fnmatch.fnmatchcase(left, right) == (operator != "!=")
        return _TEXTS[operator](left, right)

    def _unary(self, letter: str, operand: str) -> bool:
        path = self._state.path(operand)
        files = self._machine.files
        is_directory = any(name.startswith(path.rstrip("/") + "/") for name in files)
        answers: dict[str, Callable[[], bool]] = {
            "z": lambda: not operand, "n": lambda: bool(operand),
            "e": lambda: path in files or is_directory, "f": lambda: path in files,
            "d": lambda: is_directory, "s": lambda: bool(files.get(path)),
            "r": lambda: path in files or is_directory, "w": lambda: path in files or is_directory,
            "x": lambda: is_directory, "v": lambda: operand in self._state.variables,
        }
        if letter not in answers:
            raise ValueError(f"[: -{letter}: unary operator expected")
        return answers[letter]()


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"[: {text}: integer expression expected") from None
