"""`-j MASQUERADE`: the outgoing interface's address as source. Models xt_MASQUERADE."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

from netsim.netfilter.context import NatRange
from netsim.netfilter.extension import Option, Target
from netsim.netfilter.hooks import Hook, Verdict
from netsim.netfilter.natrange import flags_text, parse_ports, ports_text, without_base

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given, Walk


@dataclass(frozen=True, slots=True)
class Masquerade(Target):
    """Ports, and how they are picked."""

    name: ClassVar[str] = "MASQUERADE"
    tables: ClassVar[tuple[str, ...]] = ("nat",)
    hooks: ClassVar[tuple[Hook, ...]] = (Hook.POSTROUTING,)
    options: ClassVar[tuple[Option, ...]] = (
        Option("--to-ports"),
        Option("--random", arguments=0),
        Option("--random-fully", arguments=0),
    )

    range: NatRange

    @classmethod
    def parse(cls, given: Given) -> Self:
        """`port[-port]`."""
        low = high = base = None
        if given.has("--to-ports"):
            low, high, base = parse_ports(given, given.text("--to-ports"))
        nat = NatRange(
            min_port=low, max_port=high, base_port=base, random=given.has("--random"),
            fully_random=given.has("--random-fully"),
        )
        return cls(without_base(nat))

    def save(self) -> str:
        """Ports and flags."""
        ports = "" if self.range.min_port is None else f" --to-ports {ports_text(self.range)}"
        return (ports + flags_text(self.range, "--"))[1:]

    def listing(self, numeric: bool) -> str:
        """Ports and flags."""
        ports = "" if self.range.min_port is None else f" masq ports: {ports_text(self.range)}"
        return (ports + flags_text(self.range, ""))[1:]

    def act(self, context: Context) -> Verdict | Walk | None:
        """Bind the flow; an interface without address drops the packet."""
        family = context.packet.family
        address = context.stack.interface_address(family, context.out_interface)
        if address is None:
            return Verdict.DROP
        bound = replace(self.range, min_address=address, max_address=address)
        return Verdict.ACCEPT if context.setup_nat(bound) else Verdict.DROP
