"""Connections as text: the lines of `conntrack -L` (conntrack-tools 1.4.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netsim.conntrack.connection import ASSURED, SEEN_REPLY
from netsim.conntrack.sctp import SctpState
from netsim.conntrack.tcp import TcpState
from netsim.packet import ICMP, ICMPV6, SCTP, TCP, address_text

if TYPE_CHECKING:
    from netsim.conntrack.connection import Connection, FlowTuple

NAMES: Final = {1: "icmp", 6: "tcp", 17: "udp", 33: "dccp", 47: "gre", 58: "icmpv6", 132: "sctp",
                136: "udplite"}
"""Protocols that conntrack has a name for; the others are `unknown`."""
_L3: Final = {4: "ipv4     2", 6: "ipv6     10"}
_STATES: Final[dict[int, type[TcpState] | type[SctpState]]] = {TCP: TcpState, SCTP: SctpState}


def tuple_text(flow: FlowTuple) -> str:
    """'src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2'."""
    family, protocol, src, dst, sport, dport = flow
    text = f"src={address_text(family, src)} dst={address_text(family, dst)}"
    if protocol in (ICMP, ICMPV6):
        return f"{text} type={dport >> 8} code={dport & 255} id={sport}"
    if protocol not in NAMES or protocol == 47:
        return text
    return f"{text} sport={sport} dport={dport}"


def flow_text(connection: Connection) -> str:
    """What follows protocol and seconds: state, both tuples, flags, mark."""
    protocol = connection.original[1]
    states = _STATES.get(protocol)
    words = [states(connection.state).name] if states else []
    words.append(tuple_text(connection.original))
    if not connection.status & SEEN_REPLY:
        words.append("[UNREPLIED]")
    words.append(tuple_text(connection.reply))
    if connection.status & ASSURED:
        words.append("[ASSURED]")
    return " ".join([*words, f"mark={connection.mark}"])


def connection_text(connection: Connection, now: float, *, extended: bool = False) -> str:
    """One line of `conntrack -L`; `extended`: with the family, as -o extended prints it."""
    protocol = connection.original[1]
    seconds = max(0, int(connection.expires - now))
    head = f"{NAMES.get(protocol, 'unknown'):<8} {protocol} {seconds}"
    line = f"{head} {flow_text(connection)} use=1"
    return f"{_L3[connection.original[0]]} {line}" if extended else line
