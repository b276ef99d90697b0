"""`-m statistic`: every n-th packet, or packets by chance. Models xt_statistic.

`nth` counts the packets that reach the match, in the rule: the count begins anew when the rule is
written again. `random` draws 31 bits from the namespace's source of chance.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import ALL_ONES, Match, Option

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Check, Given
    from netsim.netfilter.shared import Shared

_FLOAT: Final = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_SCALE: Final = 1 << 31
_MODES: Final = ("random", "nth")


@dataclass(frozen=True, slots=True)
class Statistic(Match):
    """Mode nth (every, packet) or random (threshold in 2^-31)."""

    name: ClassVar[str] = "statistic"
    options: ClassVar[tuple[Option, ...]] = (
        Option("--mode"),
        Option("--probability", invertible=True, excludes=("--every", "--packet")),
        Option("--every", invertible=True, requires=("--packet",), excludes=("--probability",)),
        Option("--packet", requires=("--every",), excludes=("--probability",)),
    )

    threshold: int = 0
    every: int = 0
    """0: random."""
    packet: int = 0
    inverted: bool = False

    @classmethod
    def parse(cls, given: Given) -> Self:
        """By mode."""
        mode = given.text("--mode", "random")
        if mode not in _MODES:
            raise RuleSyntaxError(f'Bad mode "{mode}"')
        return cls._parse_nth(given) if mode == "nth" else cls._parse_random(given)

    @classmethod
    def _parse_random(cls, given: Given) -> Self:
        if (value := given.get("--probability")) is None:
            raise RuleSyntaxError("--probability must be specified when using random mode")
        if not given.has("--mode"):
            raise RuleSyntaxError('statistic: option "--mode" must be specified\n')
        probability = _probability(value.text)
        if not 0 <= probability <= 1:
            raise RuleSyntaxError(
                'statistic: bad value for option "--probability", or out of range (0-1).\n'
            )
        return cls(threshold=round(probability * _SCALE), inverted=value.inverted)

    @classmethod
    def _parse_nth(cls, given: Given) -> Self:
        if not (given.has("--every") and given.has("--packet")):
            raise RuleSyntaxError("--every and --packet must be specified when using nth mode")
        every = given.number("--every", 1, ALL_ONES)
        packet = given.number("--packet", 0, ALL_ONES)
        if packet >= every:
            raise RuleSyntaxError("the --packet p must be 0 <= p <= n-1")
        return cls(every=every, packet=packet, inverted=given.inverted("--every"))

    def _text(self, dash: str) -> str:
        invert = "! " if self.inverted else ""
        if self.every:
            packet = f" {dash}packet {self.packet}" if self.packet or dash else ""
            return f"{dash}mode nth {invert}{dash}every {self.every}{packet}"
        return f"{dash}mode random {invert}{dash}probability {self.threshold / _SCALE:.11f}"

    def save(self) -> str:
        """The probability as the kernel keeps it, in 11 decimals."""
        return self._text("--")

    def listing(self, numeric: bool) -> str:
        """As save, without dashes."""
        return "statistic " + self._text("")

    def check(self, shared: Shared) -> Check:
        """A counter of its own for nth."""
        return NthCounter(self).matches if self.every else self.matches

    def matches(self, context: Context) -> bool:
        """By chance."""
        context.volatile = True
        return (context.stack.random.getrandbits(31) < self.threshold) != self.inverted


def _probability(text: str) -> float:
    """A number as strtod() reads it; what is none is out of range."""
    return float(text) if _FLOAT.fullmatch(text) else -1.0


class NthCounter:
    """How many packets a rule with `--mode nth` has seen since it last matched."""

    __slots__ = ("count", "every", "inverted")

    def __init__(self, match: Statistic) -> None:
        self.every = match.every
        self.inverted = match.inverted
        self.count = (match.every - match.packet - 1) % match.every

    def matches(self, context: Context) -> bool:
        """Every n-th packet."""
        context.volatile = True
        self.count += 1
        if self.count < self.every:
            return self.inverted
        self.count = 0
        return not self.inverted
