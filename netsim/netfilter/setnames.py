"""`NAME src,dst` in the options of -m set and -j SET."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from netsim.netfilter.errors import RuleSyntaxError

_DIRECTIONS: Final = ("src", "dst")
_MOST: Final = 6


@dataclass(frozen=True, slots=True)
class SetName:
    """A set, and which end of the packet each of its dimensions looks at."""

    name: str
    directions: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} {','.join(self.directions)}"


def parse_set(name: str, directions: str) -> SetName:
    """Raises RuleSyntaxError."""
    words = tuple(directions.split(","))
    if any(word not in _DIRECTIONS for word in words):
        raise RuleSyntaxError("You must spefify (the comma separated list of) 'src' or 'dst'.")
    if len(words) > _MOST:
        raise RuleSyntaxError(f"Can't be more src/dst options than {_MOST}.")
    return SetName(name, words)
