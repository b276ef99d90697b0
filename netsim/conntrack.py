"""Connections: who talks to whom, in which state, how long. Models nf_conntrack_core.c."""

from __future__ import annotations

from typing import Final, TypeAlias

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


class Connection:
    """One tracked flow (struct nf_conn). Bits of `status` are IPS_*."""

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
        """Seconds since 1970; before confirmation: seconds from then."""
        self.stream_after = 0.0
        """UDP: from when on a two-way flow counts as a stream."""
        self.tcp: object = None
        self.flows: list[object] = [None, None]
        """What the flow cache remembers for the original and the reply direction."""

    def set_mark(self, mark: int) -> None:
        """CONNMARK, nft `ct mark set`: remembered verdicts of this flow are forgotten."""
        if mark != self.mark:
            self.mark = mark
            self.flows[0] = self.flows[1] = None
