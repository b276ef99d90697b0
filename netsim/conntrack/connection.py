"""One tracked flow and its two tuples. Models struct nf_conn and nf_conntrack_tuple."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from netsim.conntrack.tcp import TcpTrack
    from netsim.flowcache import FlowPath
    from netsim.packet import Packet

FlowTuple: TypeAlias = tuple[int, int, int, int, int, int]
"""(family, protocol, source, destination, source port, destination port); ICMP: the id stands for
the source port and type << 8 | code for the destination port.
"""

EXPECTED: Final = 1 << 0
SEEN_REPLY: Final = 1 << 1
ASSURED: Final = 1 << 2
CONFIRMED: Final = 1 << 3
SRC_NAT: Final = 1 << 4
DST_NAT: Final = 1 << 5
SRC_NAT_DONE: Final = 1 << 7
DST_NAT_DONE: Final = 1 << 8
DYING: Final = 1 << 9
NAT_MASK: Final = SRC_NAT | DST_NAT
NAT_DONE_MASK: Final = SRC_NAT_DONE | DST_NAT_DONE

ICMP_REPLIES: Final = {
    4: {8: 0, 0: 8, 13: 14, 14: 13, 15: 16, 16: 15, 17: 18, 18: 17},
    6: {128: 129, 129: 128, 139: 140, 140: 139},
}
"""By family: the type of the opposite direction of an ICMP query (icmp invmap)."""
ICMP_REQUESTS: Final = {4: frozenset((8, 13, 15, 17)), 6: frozenset((128, 139))}
_ICMP_PROTOCOL: Final = frozenset(((4, 1), (6, 58)))
_PORTS: Final = frozenset((6, 17, 132, 33, 136))
"""TCP, UDP, SCTP, DCCP, UDP-Lite."""


def packet_tuple(packet: Packet) -> FlowTuple:
    """The tuple of a packet as it is now."""
    protocol = packet.protocol
    if protocol in _PORTS:
        return (packet.family, protocol, packet.src, packet.dst, packet.sport, packet.dport)
    if packet.is_icmp:
        kind = packet.icmp_type << 8 | packet.icmp_code
        return (packet.family, protocol, packet.src, packet.dst, packet.icmp_id, kind)
    return (packet.family, protocol, packet.src, packet.dst, 0, 0)


def invert(flow: FlowTuple) -> FlowTuple:
    """The tuple of an answer to that tuple."""
    family, protocol, src, dst, sport, dport = flow
    if (family, protocol) in _ICMP_PROTOCOL:
        kind = ICMP_REPLIES[family].get(dport >> 8, dport >> 8)
        return (family, protocol, dst, src, sport, kind << 8 | dport & 255)
    return (family, protocol, dst, src, dport, sport)


class Connection:
    """One tracked flow. Bits of `status` are IPS_*."""

    __slots__ = (
        "expires",
        "flows",
        "labels",
        "mark",
        "original",
        "reply",
        "state",
        "status",
        "stream_after",
        "tcp",
    )

    def __init__(self, original: FlowTuple, reply: FlowTuple) -> None:
        self.original = original
        self.reply = reply
        self.status = 0
        self.mark = 0
        self.labels = 0
        self.state = 0
        """Of the protocol's state machine (TcpState, SctpState); 0 for the others."""
        self.expires = 0.0
        """Seconds since 1970."""
        self.stream_after = 0.0
        """UDP: from when on a two-way flow counts as a stream."""
        self.tcp: TcpTrack | None = None
        self.flows: tuple[FlowPath | None, FlowPath | None] | None = None
        """What the flow cache remembers for the original and the reply direction."""

    def set_mark(self, mark: int) -> None:
        """CONNMARK, nft `ct mark set`: remembered verdicts of this flow are forgotten."""
        if mark != self.mark:
            self.mark = mark
            self.flows = None

    def set_status(self, bits: int) -> None:
        """Set status bits; remembered verdicts of this flow are forgotten if that changes it."""
        if self.status & bits != bits:
            self.status |= bits
            self.flows = None
