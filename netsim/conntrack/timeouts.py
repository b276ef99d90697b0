"""How long conntrack keeps an entry (net.netfilter.nf_conntrack_*_timeout*), in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds; the kernel's defaults."""

    tcp: tuple[float, ...] = (120, 120, 60, 432000, 120, 60, 30, 120, 10, 120)
    """By TcpState: NONE, SYN_SENT, SYN_RECV, ESTABLISHED, FIN_WAIT, CLOSE_WAIT, LAST_ACK,
    TIME_WAIT, CLOSE, SYN_SENT2.
    """
    unacknowledged: float = 300
    retransmitted: float = 300
    max_retransmits: int = 3
    udp: float = 30
    udp_stream: float = 120
    icmp: float = 30
    generic: float = 600
    sctp: tuple[float, ...] = (10, 10, 3, 3, 210, 3, 3, 3, 30)
    """By SctpState."""
    tcp_loose: bool = True
    """Pick connections up in the middle (nf_conntrack_tcp_loose)."""
