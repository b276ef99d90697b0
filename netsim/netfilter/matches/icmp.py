"""`-m icmp`: type and code of an ICMP message. Models the icmp match of ip_tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.extension import Match, Option
from netsim.netfilter.icmptypes import ANY, IcmpTest, list_icmp, parse_icmp, save_icmp
from netsim.packet import ICMP

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given

_ANY_CODE: Final = (0, 255)
TYPES: Final = {
    "any": (ANY, *_ANY_CODE),
    "echo-reply": (0, *_ANY_CODE), "pong": (0, *_ANY_CODE),
    "destination-unreachable": (3, *_ANY_CODE),
    "network-unreachable": (3, 0, 0), "host-unreachable": (3, 1, 1),
    "protocol-unreachable": (3, 2, 2), "port-unreachable": (3, 3, 3),
    "fragmentation-needed": (3, 4, 4), "source-route-failed": (3, 5, 5),
    "network-unknown": (3, 6, 6), "host-unknown": (3, 7, 7), "network-prohibited": (3, 9, 9),
    "host-prohibited": (3, 10, 10), "TOS-network-unreachable": (3, 11, 11),
    "TOS-host-unreachable": (3, 12, 12), "communication-prohibited": (3, 13, 13),
    "host-precedence-violation": (3, 14, 14), "precedence-cutoff": (3, 15, 15),
    "source-quench": (4, *_ANY_CODE), "redirect": (5, *_ANY_CODE), "network-redirect": (5, 0, 0),
    "host-redirect": (5, 1, 1), "TOS-network-redirect": (5, 2, 2), "TOS-host-redirect": (5, 3, 3),
    "echo-request": (8, *_ANY_CODE), "ping": (8, *_ANY_CODE),
    "router-advertisement": (9, *_ANY_CODE), "router-solicitation": (10, *_ANY_CODE),
    "time-exceeded": (11, *_ANY_CODE), "ttl-exceeded": (11, *_ANY_CODE),
    "ttl-zero-during-transit": (11, 0, 0), "ttl-zero-during-reassembly": (11, 1, 1),
    "parameter-problem": (12, *_ANY_CODE), "ip-header-bad": (12, 0, 0),
    "required-option-missing": (12, 1, 1), "timestamp-request": (13, *_ANY_CODE),
    "timestamp-reply": (14, *_ANY_CODE), "address-mask-request": (17, *_ANY_CODE),
    "address-mask-reply": (18, *_ANY_CODE),
}


@dataclass(frozen=True, slots=True)
class Icmp(Match):
    """Type, and perhaps code."""

    name: ClassVar[str] = "icmp"
    families: ClassVar[tuple[int, ...]] = (4,)
    protocols: ClassVar[tuple[int, ...]] = (ICMP,)
    options: ClassVar[tuple[Option, ...]] = (
        Option("--icmp-type", required=True, invertible=True),
    )

    test: IcmpTest

    @classmethod
    def parse(cls, given: Given) -> Self:
        """A name (or its beginning), `type` or `type/code`."""
        test = parse_icmp(given.text("--icmp-type"), given.inverted("--icmp-type"), TYPES, "ICMP")
        return cls(test)

    def save(self) -> str:
        """By number."""
        return save_icmp("--icmp-type", self.test)

    def listing(self, numeric: bool) -> str:
        """By name if names are wanted."""
        return list_icmp("icmp", self.test, numeric, TYPES)

    def matches(self, context: Context) -> bool:
        """Type and code."""
        context.volatile = True
        return self.test.accepts(context.packet)
