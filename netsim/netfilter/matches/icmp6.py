"""`-m icmp6`: type and code of an ICMPv6 message. Models the icmp6 match of ip6_tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.extension import Match, Option
from netsim.netfilter.icmptypes import IcmpTest, list_icmp, parse_icmp, save_icmp
from netsim.packet import ICMPV6

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given

_ANY_CODE: Final = (0, 255)
TYPES: Final = {
    "destination-unreachable": (1, *_ANY_CODE), "no-route": (1, 0, 0),
    "communication-prohibited": (1, 1, 1), "beyond-scope": (1, 2, 2),
    "address-unreachable": (1, 3, 3), "port-unreachable": (1, 4, 4), "failed-policy": (1, 5, 5),
    "reject-route": (1, 6, 6), "packet-too-big": (2, *_ANY_CODE),
    "time-exceeded": (3, *_ANY_CODE), "ttl-exceeded": (3, *_ANY_CODE),
    "ttl-zero-during-transit": (3, 0, 0), "ttl-zero-during-reassembly": (3, 1, 1),
    "parameter-problem": (4, *_ANY_CODE), "bad-header": (4, 0, 0),
    "unknown-header-type": (4, 1, 1), "unknown-option": (4, 2, 2),
    "echo-request": (128, *_ANY_CODE), "ping": (128, *_ANY_CODE),
    "echo-reply": (129, *_ANY_CODE), "pong": (129, *_ANY_CODE),
    "router-solicitation": (133, *_ANY_CODE), "router-advertisement": (134, *_ANY_CODE),
    "neighbour-solicitation": (135, *_ANY_CODE), "neighbor-solicitation": (135, *_ANY_CODE),
    "neighbour-advertisement": (136, *_ANY_CODE), "neighbor-advertisement": (136, *_ANY_CODE),
    "redirect": (137, *_ANY_CODE),
}


@dataclass(frozen=True, slots=True)
class Icmp6(Match):
    """Type, and perhaps code."""

    name: ClassVar[str] = "icmp6"
    families: ClassVar[tuple[int, ...]] = (6,)
    protocols: ClassVar[tuple[int, ...]] = (ICMPV6,)
    options: ClassVar[tuple[Option, ...]] = (
        Option("--icmpv6-type", required=True, invertible=True),
    )

    test: IcmpTest

    @classmethod
    def parse(cls, given: Given) -> Self:
        """A name (or its beginning), `type` or `type/code`."""
        value = given.values["--icmpv6-type"]
        return cls(parse_icmp(value.text, value.inverted, TYPES, "ICMPv6"))

    def save(self) -> str:
        """By number."""
        return save_icmp("--icmpv6-type", self.test)

    def listing(self, numeric: bool) -> str:
        """By name if names are wanted."""
        return list_icmp("ipv6-icmp", self.test, numeric, TYPES)

    def matches(self, context: Context) -> bool:
        """Type and code."""
        context.volatile = True
        return self.test.accepts(context.packet)
