"""`-j DSCP`: set the upper six bits of the type of service byte. Models xt_DSCP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Option, Target
from netsim.netfilter.tosnames import parse_dscp_class

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given, Walk
    from netsim.netfilter.hooks import Verdict


@dataclass(frozen=True, slots=True)
class DscpTarget(Target):
    """One code point."""

    name: ClassVar[str] = "DSCP"
    tables: ClassVar[tuple[str, ...]] = ("mangle",)
    options: ClassVar[tuple[Option, ...]] = (
        Option("--set-dscp", excludes=("--set-dscp-class",)),
        Option("--set-dscp-class", excludes=("--set-dscp",)),
    )

    value: int

    @classmethod
    def parse(cls, given: Given) -> Self:
        """A number or a class."""
        if given.has("--set-dscp"):
            return cls(given.number("--set-dscp", 0, 63))
        if given.has("--set-dscp-class"):
            return cls(parse_dscp_class(given, "--set-dscp-class"))
        raise RuleSyntaxError("DSCP target: Parameter --set-dscp is required")

    def save(self) -> str:
        """In hexadecimal."""
        return f"--set-dscp {self.value:#04x}"

    def listing(self, numeric: bool) -> str:
        """In hexadecimal."""
        return f"DSCP set {self.value:#04x}"

    def act(self, context: Context) -> Verdict | Walk | None:
        """The walk goes on; the two lowest bits stay."""
        context.volatile = True
        context.packet.tos = self.value << 2 | (context.packet.tos & 3)
        return None
