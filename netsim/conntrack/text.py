"""Connections as text: the lines of `conntrack -L` (conntrack-tools 1.4.7)."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from netsim.conntrack.connection import ASSURED, SEEN_REPLY
from netsim.conntrack.sctp import SctpState
from netsim.conntrack.tcp import TcpState
from netsim.packet import ICMP, ICMPV6, SCTP, TCP, address_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netsim.conntrack.connection import Connection, FlowTuple

NAMES: Final = {1: "icmp", 6: "tcp", 17: "udp", 33: "dccp", 47: "gre", 58: "icmpv6", 132: "sctp",
                136: "udplite"}
"""Protocols that conntrack has a name for; the others are `unknown`."""
_PORTED: Final = (6, 17, 33, 132, 136)
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


def connection_id(connection: Connection) -> int:
    """A number for a connection, made of its tuple."""
    return zlib.crc32(repr(connection.original).encode())


def event_text(kind: str, connection: Connection, now: float, *, extended: bool = False) -> str:
    """One line of `conntrack -E`; `kind`: NEW, UPDATE, DESTROY."""
    line = connection_text(connection, now, extended=extended).partition(" use=")[0]
    return f"{f'[{kind}]':>9} {line.removesuffix(' mark=0')}"


def connections_xml(connections: Sequence[Connection], now: float) -> str:
    """As -o xml prints them."""
    flows = "".join(f"<flow>{_xml(connection, now)}</flow>\n" for connection in connections)
    return f'<?xml version="1.0" encoding="utf-8"?>\n<conntrack>\n{flows}</conntrack>\n'


def _xml(connection: Connection, now: float) -> str:
    parts = []
    for direction, flow in (("original", connection.original), ("reply", connection.reply)):
        family, protocol, src, dst, sport, dport = flow
        three = (f'<layer3 protonum="{2 if family == 4 else 10}" protoname="ipv{family}">'
                 f"<src>{address_text(family, src)}</src><dst>{address_text(family, dst)}</dst>"
                 "</layer3>")
        ports = f"<sport>{sport}</sport><dport>{dport}</dport>" if protocol in _PORTED else ""
        four = (f'<layer4 protonum="{protocol}" protoname="{NAMES.get(protocol, "unknown")}">'
                f"{ports}</layer4>")
        parts.append(f'<meta direction="{direction}">{three}{four}</meta>')
    states = _STATES.get(connection.original[1])
    state = f"<state>{states(connection.state).name}</state>" if states else ""
    flags = "" if connection.status & SEEN_REPLY else "<unreplied/>"
    flags += "<assured/>" if connection.status & ASSURED else ""
    seconds = max(0, int(connection.expires - now))
    parts.append(f'<meta direction="independent">{state}<timeout>{seconds}</timeout>'
                 f"<mark>{connection.mark}</mark><use>1</use><id>{connection_id(connection)}</id>"
                 f"{flags}</meta>")
    return "".join(parts)


def connection_text(
    connection: Connection, now: float, *, extended: bool = False, ident: bool = False,
) -> str:
    """One line of `conntrack -L`; `extended`: with the family, as -o extended prints it; `ident`:
    with a number, as -o id.
    """
    protocol = connection.original[1]
    seconds = max(0, int(connection.expires - now))
    head = f"{NAMES.get(protocol, 'unknown'):<8} {protocol} {seconds}"
    line = f"{head} {flow_text(connection)} use=1"
    line += f" id={connection_id(connection)}" if ident else ""
    return f"{_L3[connection.original[0]]} {line}" if extended else line
