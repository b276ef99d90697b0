"""`-j TTL`: change the time to live. Models xt_HL's TTL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from netsim.netfilter.extension import Option, Target
from netsim.netfilter.hoplimit import hop_listing, hop_options, new_hops, parse_hop

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given, Walk
    from netsim.netfilter.hooks import Verdict


@dataclass(frozen=True, slots=True)
class TtlTarget(Target):
    """set, dec or inc, and by how much."""

    name: ClassVar[str] = "TTL"
    families: ClassVar[tuple[int, ...]] = (4,)
    tables: ClassVar[tuple[str, ...]] = ("mangle",)
    options: ClassVar[tuple[Option, ...]] = hop_options("ttl")

    action: str
    value: int

    @classmethod
    def parse(cls, given: Given) -> Self:
        """One action."""
        return cls(*parse_hop(given, "ttl"))

    def save(self) -> str:
        """Action and value."""
        return f"--ttl-{self.action} {self.value}"

    def listing(self, numeric: bool) -> str:
        """Action and value in words."""
        return hop_listing("TTL", self.action, self.value)

    def act(self, context: Context) -> Verdict | Walk | None:
        """The walk goes on."""
        context.volatile = True
        context.packet.ttl = new_hops(context.packet.ttl, self.action, self.value)
        return None
