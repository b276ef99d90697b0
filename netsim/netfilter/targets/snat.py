"""`-j SNAT`: another source for the flow. Models xt_nat's SNAT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from netsim.netfilter.extension import Option, Target
from netsim.netfilter.hooks import Hook, Verdict
from netsim.netfilter.natrange import FLAGS, flags_text, parse_range, range_text, without_base

if TYPE_CHECKING:
    from netsim.netfilter.context import Context, NatRange
    from netsim.netfilter.extension import Given, Walk


@dataclass(frozen=True, slots=True)
class Snat(Target):
    """Where from."""

    name: ClassVar[str] = "SNAT"
    tables: ClassVar[tuple[str, ...]] = ("nat",)
    hooks: ClassVar[tuple[Hook, ...]] = (Hook.POSTROUTING, Hook.INPUT)
    options: ClassVar[tuple[Option, ...]] = (Option("--to-source", required=True), *FLAGS)

    family: int
    range: NatRange

    @classmethod
    def parse(cls, given: Given) -> Self:
        """`[address[-address]][:port[-port]]`."""
        nat = parse_range(given, given.text("--to-source"))
        return cls(given.family, without_base(nat))

    def save(self) -> str:
        """The range."""
        flags = flags_text(self.range, "--")
        return f"--to-source {range_text(self.family, self.range)}{flags}"

    def listing(self, numeric: bool) -> str:
        """The range."""
        return f"to:{range_text(self.family, self.range)}{flags_text(self.range, '')}"

    def act(self, context: Context) -> Verdict | Walk | None:
        """Bind the flow; without a free tuple the packet is dropped."""
        return Verdict.ACCEPT if context.setup_nat(self.range) else Verdict.DROP
