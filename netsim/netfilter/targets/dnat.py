"""`-j DNAT`: another destination for the flow. Models xt_nat's DNAT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from netsim.netfilter.extension import Option, Target
from netsim.netfilter.hooks import Hook, Verdict
from netsim.netfilter.natrange import FLAGS, flags_text, parse_range, range_text

if TYPE_CHECKING:
    from netsim.netfilter.context import Context, NatRange
    from netsim.netfilter.extension import Given, Walk


@dataclass(frozen=True, slots=True)
class Dnat(Target):
    """Where to."""

    name: ClassVar[str] = "DNAT"
    tables: ClassVar[tuple[str, ...]] = ("nat",)
    hooks: ClassVar[tuple[Hook, ...]] = (Hook.PREROUTING, Hook.OUTPUT)
    options: ClassVar[tuple[Option, ...]] = (Option("--to-destination", required=True), *FLAGS)

    family: int
    range: NatRange

    @classmethod
    def parse(cls, given: Given) -> Self:
        """`[address[-address]][:port[-port[/port]]]`."""
        return cls(given.family, parse_range(given, given.text("--to-destination")))

    def save(self) -> str:
        """The range."""
        flags = flags_text(self.range, "--")
        return f"--to-destination {range_text(self.family, self.range)}{flags}"

    def listing(self, numeric: bool) -> str:
        """The range."""
        return f"to:{range_text(self.family, self.range)}{flags_text(self.range, '')}"

    def act(self, context: Context) -> Verdict | Walk | None:
        """Bind the flow; without a free tuple the packet is dropped."""
        return Verdict.ACCEPT if context.setup_nat(self.range) else Verdict.DROP
