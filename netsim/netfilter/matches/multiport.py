"""`-m multiport`: up to 15 ports and ranges. Models xt_multiport."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Match, Option
from netsim.netfilter.names import parse_port, port_text

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given

_WORDS: Final = {"--source-ports": "sports", "--destination-ports": "dports", "--ports": "ports"}
_PROTOCOLS: Final = (6, 17, 136, 132, 33)


def _parse_ports(text: str, protocol: int) -> tuple[tuple[int, int], ...]:
    ranges: list[tuple[int, int]] = []
    for part in text.split(","):
        first, colon, second = part.partition(":")
        low = parse_port(first, protocol)
        high = parse_port(second, protocol) if colon else low
        if low > high or (colon and low == high):
            raise RuleSyntaxError("invalid portrange specified")
        ranges.append((low, high))
    if sum(1 if low == high else 2 for low, high in ranges) > 15:
        raise RuleSyntaxError("too many ports specified")
    return tuple(ranges)


@dataclass(frozen=True, slots=True)
class Multiport(Match):
    """One of several ports; a range counts twice towards the 15."""

    name: ClassVar[str] = "multiport"
    options: ClassVar[tuple[Option, ...]] = (
        Option("--source-ports", "--sports", invertible=True,
               excludes=("--destination-ports", "--ports")),
        Option("--destination-ports", "--dports", invertible=True,
               excludes=("--source-ports", "--ports")),
        Option("--ports", invertible=True, excludes=("--source-ports", "--destination-ports")),
    )
    protocols: ClassVar[tuple[int, ...]] = _PROTOCOLS

    word: str
    """sports, dports or ports (either of them)."""
    ranges: tuple[tuple[int, int], ...]
    protocol: int
    inverted: bool = False

    @classmethod
    def parse(cls, given: Given) -> Self:
        """Needs -p of a protocol with ports."""
        if not given.values:
            raise RuleSyntaxError("multiport expection an option")
        protocol = given.protocol
        if protocol is None:
            raise RuleSyntaxError(
                "multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'"
            )
        if protocol.inverted or protocol.protocol not in _PROTOCOLS:
            raise RuleSyntaxError(
                "multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP"
            )
        option, value = next(iter(given.values.items()))
        ranges = _parse_ports(value.text, protocol.protocol)
        return cls(_WORDS[option], ranges, protocol.protocol, value.inverted)

    def _ranges_text(self, numeric: bool) -> str:
        return ",".join(
            port_text(low, numeric, self.protocol)
            + (f":{port_text(high, numeric, self.protocol)}" if high != low else "")
            for low, high in self.ranges
        )

    @property
    def pure(self) -> bool:
        """Yes."""
        return True

    def save(self) -> str:
        """In the order given."""
        return f"{'! ' if self.inverted else ''}--{self.word} {self._ranges_text(numeric=True)}"

    def listing(self, numeric: bool) -> str:
        """In the order given."""
        return f"multiport {self.word} {' !' if self.inverted else ''}{self._ranges_text(numeric)}"

    def matches(self, context: Context) -> bool:
        """The named port, or either of them, lies in one of the ranges."""
        packet = context.packet
        for low, high in self.ranges:
            if self.word != "dports" and low <= packet.sport <= high:
                return not self.inverted
            if self.word != "sports" and low <= packet.dport <= high:
                return not self.inverted
        return self.inverted
