"""`-m dscp`: the upper six bits of the type of service byte. Models xt_dscp."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Match, Option
from netsim.netfilter.tosnames import parse_dscp_class

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given


@dataclass(frozen=True, slots=True)
class Dscp(Match):
    """One code point."""

    name: ClassVar[str] = "dscp"
    options: ClassVar[tuple[Option, ...]] = (
        Option("--dscp", invertible=True, excludes=("--dscp-class",)),
        Option("--dscp-class", invertible=True, excludes=("--dscp",)),
    )

    value: int
    inverted: bool = False

    @classmethod
    def parse(cls, given: Given) -> Self:
        """A number or a class."""
        if given.has("--dscp"):
            return cls(given.number("--dscp", 0, 63), given.inverted("--dscp"))
        if given.has("--dscp-class"):
            value = parse_dscp_class(given, "--dscp-class")
            return cls(value, given.inverted("--dscp-class"))
        raise RuleSyntaxError("DSCP match: Parameter --dscp is required")

    def save(self) -> str:
        """In hexadecimal."""
        return f"{'! ' if self.inverted else ''}--dscp {self.value:#04x}"

    def listing(self, numeric: bool) -> str:
        """In hexadecimal."""
        return f"DSCP match {'!' if self.inverted else ''}{self.value:#04x}"

    def matches(self, context: Context) -> bool:
        """The code point."""
        context.volatile = True
        return (context.packet.tos >> 2 == self.value) != self.inverted
