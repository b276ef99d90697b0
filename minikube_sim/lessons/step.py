"""What a lesson is made of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Text(NamedTuple):
    """The same sentence in the languages that lessons are told in."""

    en: str
    ru: str

    def in_language(self, language: str) -> str:
        """The sentence in `en` or `ru`."""
        return self.ru if language == "ru" else self.en


Captured = Mapping[str, str]
"""What earlier steps captured: name -> text."""

Check = Callable[[str, Captured], "str | None"]
"""From a command's output to what is wrong with it; None when it is as the lesson says."""


def fill(text: str, captured: Captured) -> str:
    """Put what was captured in place of `{name}`; other braces stay."""
    for name, value in captured.items():
        text = text.replace(f"{{{name}}}", value)
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command of a lesson."""

    say: Text
    command: str
    """As typed; `{name}` stands for what an earlier step captured."""
    checks: tuple[Check, ...] = ()
    """All must hold; their texts may have `{name}` too."""
    capture: Mapping[str, str] = field(default_factory=dict)
    """name -> regular expression whose first group is kept."""
    patience: float = 0.0
    """Seconds during which the command is tried again until the checks hold."""
    exit_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A named sequence of steps that starts with a fresh cluster."""

    name: str
    title: Text
    intro: Text
    steps: tuple[Step, ...]


def contains(*texts: str) -> Check:
    """Every one of the texts must be in the output (runs of blanks count as one)."""

    def check(output: str, captured: Captured) -> str | None:
        squeezed = " ".join(output.split())
        wanted = [" ".join(fill(text, captured).split()) for text in texts]
        missing = [text for text in wanted if text not in squeezed]
        return f"missing: {', '.join(missing)}" if missing else None

    return check


def lacks(*texts: str) -> Check:
    """None of the texts may be in the output."""

    def check(output: str, captured: Captured) -> str | None:
        found = [text for text in texts if fill(text, captured) in output]
        return f"should not be there: {', '.join(found)}" if found else None

    return check


def equals(text: str) -> Check:
    """The output is this, but for blanks at its ends."""

    def check(output: str, captured: Captured) -> str | None:
        wanted = fill(text, captured)
        return None if output.strip() == wanted.strip() else f"expected exactly: {wanted!r}"

    return check


def matches(pattern: str) -> Check:
    """The regular expression is found in the output."""

    def check(output: str, captured: Captured) -> str | None:
        del captured
        return None if re.search(pattern, output, re.MULTILINE) else f"no match for: {pattern}"

    return check


def evenly(kinds: int, each: int) -> Check:
    """The lines are of so many kinds, each kind so often, and take turns."""

    def check(output: str, captured: Captured) -> str | None:
        del captured
        lines = [line for line in output.splitlines() if line.strip()]
        counts = Counter(lines)
        if len(counts) != kinds or set(counts.values()) != {each}:
            return f"expected {kinds} kinds of answers, {each} of each; got {dict(counts)}"
        turns = all(len(set(lines[i : i + kinds])) == kinds for i in range(0, len(lines), kinds))
        return None if turns else "the answers do not take turns"

    return check
