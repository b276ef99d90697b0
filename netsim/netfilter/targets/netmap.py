"""`-j NETMAP`: another network, the same host part. Models xt_NETMAP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from netsim.netfilter.addresses import network_text, parse_addresses
from netsim.netfilter.context import NatRange
from netsim.netfilter.extension import Option, Target
from netsim.netfilter.hooks import Hook, Verdict

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given, Walk
    from netsim.netfilter.ruleset import AddressTest


@dataclass(frozen=True, slots=True)
class NetMap(Target):
    """Which network."""

    name: ClassVar[str] = "NETMAP"
    tables: ClassVar[tuple[str, ...]] = ("nat",)
    hooks: ClassVar[tuple[Hook, ...]] = (
        Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING,
    )
    options: ClassVar[tuple[Option, ...]] = (Option("--to", required=True),)

    family: int
    network: AddressTest

    @classmethod
    def parse(cls, given: Given) -> Self:
        """`address/mask`."""
        network = parse_addresses(given.family, given.text("--to"), inverted=False)[0]
        return cls(given.family, network)

    def _text(self) -> str:
        return network_text(self.family, self.network)

    def save(self) -> str:
        """The network."""
        return f"--to {self._text()}"

    def listing(self, numeric: bool) -> str:
        """The network."""
        return f"to:{self._text()}"

    def act(self, context: Context) -> Verdict | Walk | None:
        """Bind the flow's destination (before routing) or source (after it)."""
        packet = context.packet
        before = context.hook in (Hook.PREROUTING, Hook.OUTPUT)
        old = packet.dst if before else packet.src
        new = (old & ~self.network.mask) | self.network.address
        bound = NatRange(min_address=new, max_address=new)
        return Verdict.ACCEPT if context.setup_nat(bound) else Verdict.DROP
