"""`-m pkttype`: whether the packet came to this host alone. Models xt_pkttype."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.context import AddressType
from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Match, Option

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given

_TYPES: Final = {
    "unicast": AddressType.UNICAST, "broadcast": AddressType.BROADCAST,
    "multicast": AddressType.MULTICAST,
}
_HOST: Final = {"host": "unicast", "bcast": "broadcast", "mcast": "multicast"}


@dataclass(frozen=True, slots=True)
class PktType(Match):
    """unicast, broadcast or multicast."""

    name: ClassVar[str] = "pkttype"
    options: ClassVar[tuple[Option, ...]] = (Option("--pkt-type", required=True, invertible=True),)

    kind: str
    inverted: bool = False

    @classmethod
    def parse(cls, given: Given) -> Self:
        """A name, in any case."""
        text = given.text("--pkt-type")
        kind = _HOST.get(text.lower(), text.lower())
        if kind not in _TYPES:
            raise RuleSyntaxError(f"Bad packet type '{text}'")
        return cls(kind, given.inverted("--pkt-type"))

    @property
    def pure(self) -> bool:
        """Yes."""
        return True

    def save(self) -> str:
        """The name."""
        return f"{'! ' if self.inverted else ''}--pkt-type {self.kind}"

    def listing(self, numeric: bool) -> str:
        """The name."""
        return f"PKTTYPE {'!=' if self.inverted else '='} {self.kind}"

    def matches(self, context: Context) -> bool:
        """By the type of the destination address."""
        packet = context.packet
        kind = context.stack.address_type(packet.family, packet.dst)
        if kind not in (AddressType.BROADCAST, AddressType.MULTICAST):
            kind = AddressType.UNICAST
        return (kind == _TYPES[self.kind]) != self.inverted
