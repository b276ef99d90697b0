"""`-m limit`: a token bucket. Models xt_limit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Match, Option

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Check, Given
    from netsim.netfilter.shared import Shared

_SCALE: Final = 10_000
"""The kernel keeps the time between two packets in ten thousandths of a second."""
_UNITS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_SHOWN: Final = {"day": 86400, "hour": 3600, "min": 60, "sec": 1}
_DEFAULT: Final = ("3/hour", 5)
_COUNT: Final = re.compile(r"\d+")


def _parse_period(text: str) -> int:
    """`5/min` as ten thousandths of a second between two packets."""
    count_text, slash, unit_text = text.partition("/")
    unit = 1
    if slash:
        units = [size for word, size in _UNITS.items() if word.startswith(unit_text.lower())]
        if not units or not unit_text:
            raise RuleSyntaxError(f"bad rate \"{text}\"'")
        unit = units[0]
    found = _COUNT.match(count_text)
    count = int(found[0]) if found else 0
    if count == 0:
        raise RuleSyntaxError(f"bad rate \"{text}\"'")
    if count / unit > _SCALE:
        raise RuleSyntaxError(f'Rate too fast "{text}"')
    return _SCALE * unit // count


def _period_text(period: int) -> str:
    shown = "day"
    for word, seconds in _SHOWN.items():
        whole = seconds * _SCALE
        if period > whole or whole // period < whole % period:
            break
        shown = word
    return f"{_SHOWN[shown] * _SCALE // period}/{shown}"


@dataclass(frozen=True, slots=True)
class Limit(Match):
    """So many packets in a time on average, and a burst at once."""

    name: ClassVar[str] = "limit"
    options: ClassVar[tuple[Option, ...]] = (Option("--limit"), Option("--limit-burst"))

    period: int
    burst: int

    @classmethod
    def parse(cls, given: Given) -> Self:
        """3/hour and 5 unless said otherwise."""
        period = _parse_period(given.text("--limit", _DEFAULT[0]))
        burst = given.number("--limit-burst", 0, 10000, default=_DEFAULT[1])
        return cls(period, burst or _DEFAULT[1])

    def save(self) -> str:
        """The burst only if it is not 5."""
        burst = f" --limit-burst {self.burst}" if self.burst != _DEFAULT[1] else ""
        return f"--limit {_period_text(self.period)}{burst}"

    def listing(self, numeric: bool) -> str:
        """The average and the burst."""
        return f"limit: avg {_period_text(self.period)} burst {self.burst}"

    def check(self, shared: Shared) -> Check:
        """A bucket of its own, full at the start."""
        return Bucket(self.period / _SCALE, self.burst).matches


class Bucket:
    """A bucket that fills with time and gives a token a packet."""

    __slots__ = ("cost", "credit", "full", "seen")

    def __init__(self, cost: float, burst: int) -> None:
        self.cost = cost
        """Seconds that a token takes to come."""
        self.full = cost * burst
        self.credit = self.full
        self.seen: float | None = None

    def matches(self, context: Context) -> bool:
        """Whether a token is left."""
        context.volatile = True
        now = context.stack.now()
        if self.seen is not None:
            self.credit = min(self.full, self.credit + now - self.seen)
        self.seen = now
        if self.credit + 1e-9 < self.cost:
            return False
        self.credit -= self.cost
        return True
