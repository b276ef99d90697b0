"""The short path of established flows: what a flow's last packet met, done again at once.

A packet of an established connection that was forwarded leaves a `FlowPath` behind, one a
direction: the counters that it raised, how NAT rewrote it, where it left. The next packet that
comes in the same way repeats that, after conntrack has seen it, so that states, windows and
timeouts go on. A path is good only while nothing that it depends on has changed:

    rules, routes, addresses, sysctls     Namespace.generation grows
    mark and status of the connection     Connection.flows is dropped
    length, TTL, flags, chance, limits    matches on these set Context.volatile: nothing is kept

Models the idea of nf_flow_table, without its blindness for rules: counters stay exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netsim.conntrack import tcp
from netsim.conntrack.connection import ASSURED, CONFIRMED, NAT_MASK, SEEN_REPLY
from netsim.netfilter.context import CtState
from netsim.packet import SYN, TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.conntrack.connection import Connection
    from netsim.conntrack.table import ConntrackTable
    from netsim.netfilter.context import Context
    from netsim.packet import Packet

_KNOWN: Final = frozenset((TCP, UDP))


class FlowPath:
    """What a packet of one direction of a flow met."""

    __slots__ = ("counters", "dport", "dst", "generation", "leave", "limit", "next_hop", "place",
                 "sport", "src", "ttl")

    def __init__(
        self, context: Context, generation: int, place: object, next_hop: int,
        leave: Callable[[Packet, int], object],
    ) -> None:
        packet = context.packet
        self.generation = generation
        self.place = place
        """Where it came in: an interface or a bridge port."""
        self.counters = tuple(context.hits or ())
        self.src, self.dst = packet.src, packet.dst
        self.sport, self.dport = packet.sport, packet.dport
        """As NAT left them."""
        self.next_hop = next_hop
        self.leave = leave
        self.ttl = 0
        """How much the TTL went down."""
        self.limit = 1 << 30
        """Longest packet that the next link takes."""


def remember(
    context: Context, generation: int, next_hop: int, leave: Callable[[Packet, int], object],
) -> FlowPath | None:
    """Keep the way of a packet that is about to leave; None if it may not be kept."""
    connection = context.connection
    if (connection is None or context.volatile or context.hits is None
            or context.state is not CtState.ESTABLISHED
            or context.packet.protocol not in _KNOWN
            or not connection.status & CONFIRMED):
        return None
    path = FlowPath(context, generation, context.place, next_hop, leave)
    flows = connection.flows or (None, None)
    connection.flows = (flows[0], path) if context.reply else (path, flows[1])
    return path


def repeat(table: ConntrackTable, generation: int, packet: Packet, place: object) -> bool:
    """Send a packet the way of the one before it. False: nothing was done, take the long way."""
    protocol = packet.protocol
    if protocol not in _KNOWN or packet.flags & SYN:
        return False
    flow = (packet.family, protocol, packet.src, packet.dst, packet.sport, packet.dport)
    reply = False
    connection = table.originals.get(flow)
    if connection is None:
        connection = table.replies.get(flow)
        if connection is None:
            return False
        reply = True
    flows = connection.flows
    if flows is None:
        return False
    path = flows[reply]
    if (path is None or path.generation != generation or path.place is not place
            or packet.length > path.limit or packet.ttl <= path.ttl):
        return False
    if not _advance(table, connection, packet, reply):
        return False
    length = packet.length
    for counter in path.counters:
        counter.packets += 1
        counter.bytes += length
    if connection.status & NAT_MASK:
        packet.src, packet.dst = path.src, path.dst
        packet.sport, packet.dport = path.sport, path.dport
    packet.ttl -= path.ttl
    path.leave(packet, path.next_hop)
    return True


def _advance(table: ConntrackTable, connection: Connection, packet: Packet, reply: bool) -> bool:
    """Let conntrack see the packet, if that is a matter of course."""
    now = table.now()
    if connection.expires <= now:
        return False
    if packet.protocol == TCP:
        return tcp.advance_established(connection, packet, reply, now, table.timeouts)
    status = connection.status
    if not status & SEEN_REPLY:
        return False
    if now <= connection.stream_after:
        connection.expires = now + table.timeouts.udp
        return True
    connection.expires = now + table.timeouts.udp_stream
    return bool(status & ASSURED)
