"""`-m length`: the length of the whole packet. Models xt_length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Match, Option
from netsim.netfilter.integers import parse_integer

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given


@dataclass(frozen=True, slots=True)
class Length(Match):
    """`[!] low:high` bytes, both inclusive, with the header."""

    name: ClassVar[str] = "length"
    options: ClassVar[tuple[Option, ...]] = (Option("--length", required=True, invertible=True),)

    low: int
    high: int
    inverted: bool = False

    @classmethod
    def parse(cls, given: Given) -> Self:
        """`5`, `5:10`, `5:` or `:10`."""
        value = given.values["--length"]
        first, colon, second = value.text.partition(":")
        low = parse_integer(first) if first or not colon else 0
        high = parse_integer(second or "65535") if colon else low
        for part, number in ((first, low), (second, high)):
            if number is None or number > 65535:
                raise RuleSyntaxError(
                    f'length: bad value for option "--length" near "{part}", '
                    "or out of range (0-65535).\n"
                )
        assert low is not None
        assert high is not None
        return cls(low, high, value.inverted)

    def _text(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low}:{self.high}"

    def save(self) -> str:
        """The range."""
        return f"{'! ' if self.inverted else ''}--length {self._text()}"

    def listing(self, numeric: bool) -> str:
        """The range."""
        return f"length {'!' if self.inverted else ''}{self._text()}"

    def matches(self, context: Context) -> bool:
        """Within the range."""
        context.volatile = True
        return (self.low <= context.packet.length <= self.high) != self.inverted
