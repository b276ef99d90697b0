"""The table of connections of one namespace. Models net/netfilter/nf_conntrack_core.c.

`track` is what conntrack does at PREROUTING and OUTPUT, `confirm` what it does last at INPUT and
POSTROUTING. Entries expire lazily: when somebody looks at them, and now and then all together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netsim.conntrack import sctp, tcp
from netsim.conntrack.connection import (
    ASSURED,
    CONFIRMED,
    DYING,
    ICMP_REQUESTS,
    SEEN_REPLY,
    SRC_NAT,
    Connection,
    invert,
    packet_tuple,
)
from netsim.conntrack.tcp import Result
from netsim.conntrack.timeouts import Timeouts
from netsim.netfilter.context import CtState
from netsim.packet import ICMP, ICMPV6, SCTP, TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from netsim.conntrack.connection import FlowTuple
    from netsim.netfilter.context import Context
    from netsim.packet import Packet

_NEW: Final = CtState.NEW
_ESTABLISHED: Final = CtState.ESTABLISHED
_RELATED: Final = CtState.RELATED
_INVALID: Final = CtState.INVALID
_UNTRACKED: Final = CtState.UNTRACKED
_ICMP: Final = frozenset((ICMP, ICMPV6))
_COMMON: Final = frozenset((TCP, UDP))
_NDP: Final = frozenset(range(130, 138))
_EARLY_DROP_SCAN: Final = 64


class ConntrackTable:
    """All connections by both their tuples."""

    def __init__(self, now: Callable[[], float], max_entries: int = 262144) -> None:
        self.now = now
        self.max_entries = max_entries
        """nf_conntrack_max: beyond it an entry that is not ASSURED goes, or the packet."""
        self.timeouts = Timeouts()
        self.originals: dict[FlowTuple, Connection] = {}
        self.replies: dict[FlowTuple, Connection] = {}
        self.sources: dict[tuple[int, int, int, int], Connection] = {}
        """(family, protocol, address, port) before SNAT -> the flow that was last translated."""
        self.drops = 0
        """Packets dropped because the table was full."""
        self.watcher: Callable[[], None] | None = None
        """Called when connections were made or changed (conntrack -E)."""
        self._next_sweep = 1024

    # ------------------------------------------------------------ the way of a packet

    def track(self, context: Context) -> bool:
        """Find or begin the packet's connection; sets connection, state and reply. False: drop."""
        if context.connection is not None or context.state is _UNTRACKED:
            return True
        packet = context.packet
        protocol = packet.protocol
        if protocol in _ICMP and self._is_special_icmp(context):
            return True
        now = self.now()
        flow = (
            (packet.family, protocol, packet.src, packet.dst, packet.sport, packet.dport)
            if protocol in _COMMON else packet_tuple(packet)
        )
        reply = False
        connection = self.originals.get(flow)
        if connection is None:
            connection = self.replies.get(flow)
            reply = True
        if connection is None or (connection.expires <= now and self.delete(connection)):
            return self._begin(context, flow, now)
        return self._go_on(context, connection, reply, now)

    def _is_special_icmp(self, context: Context) -> bool:
        """Errors belong to the connection of what they quote; neighbour discovery to none."""
        packet = context.packet
        if packet.is_icmp_error:
            self._relate(context)
            return True
        if packet.family == 6 and packet.icmp_type in _NDP:
            context.state = _UNTRACKED
            return True
        return False

    def _relate(self, context: Context) -> None:
        """Find the connection of the packet that an ICMP error quotes (nf_conntrack_inet_error)."""
        inner = context.packet.inner
        context.state = _INVALID
        if inner is None:
            return
        flow = invert(packet_tuple(inner))
        found = self.find(flow)
        if found is None:
            return
        connection, reply = found
        if context.packet.dst != flow[3]:  # the error must go to whom the quoted packet came from
            return
        context.connection, context.state, context.reply = connection, _RELATED, reply

    def _begin(self, context: Context, flow: FlowTuple, now: float) -> bool:
        packet = context.packet
        if not self._has_room(now):
            self.drops += 1
            return False
        connection = Connection(flow, invert(flow))
        if not self._first(connection, packet, now):
            context.state = _INVALID
            return True
        context.connection = connection
        context.state = _NEW
        context.reply = False
        return True

    def _first(self, connection: Connection, packet: Packet, now: float) -> bool:
        """Whether the protocol lets a flow begin with this packet."""
        protocol = packet.protocol
        timeouts = self.timeouts
        if protocol == TCP:
            return tcp.new(connection, packet, now, timeouts) is Result.ACCEPT
        if protocol == UDP:
            connection.stream_after = now + 2
            connection.expires = now + timeouts.udp
        elif packet.is_icmp:
            connection.expires = now + timeouts.icmp
            return packet.icmp_type in ICMP_REQUESTS[packet.family]
        elif protocol == SCTP:
            connection.state = sctp.new(packet)
            if connection.state == sctp.IV:
                return False
            connection.expires = now + timeouts.sctp[connection.state]
        else:
            connection.expires = now + timeouts.generic
        return True

    def _go_on(
        self, context: Context, connection: Connection, reply: bool, now: float,
    ) -> bool:
        result = self.advance(connection, context.packet, reply, now)
        if result is Result.INVALID:
            context.state = _INVALID
            return True
        if result is Result.REPEAT:
            self.delete(connection)
            return self.track(context)
        status = connection.status
        context.connection = connection
        context.reply = reply
        context.state = _ESTABLISHED if reply or status & SEEN_REPLY else _NEW
        if reply and not status & SEEN_REPLY:
            connection.set_status(SEEN_REPLY)
        if result is Result.KILL:
            self.delete(connection)
        if self.watcher is not None:
            self.watcher()
        return True

    def advance(self, connection: Connection, packet: Packet, reply: bool, now: float) -> Result:
        """Let a known connection see a packet: state and timeout."""
        protocol = packet.protocol
        timeouts = self.timeouts
        if protocol == TCP:
            return tcp.track(connection, packet, reply, now, timeouts)
        if protocol == UDP:
            if connection.status & SEEN_REPLY and now > connection.stream_after:
                connection.expires = now + timeouts.udp_stream
                connection.set_status(ASSURED)
            else:
                connection.expires = now + timeouts.udp
        elif protocol == SCTP:
            return sctp.track(connection, packet, reply, now, timeouts)
        else:
            connection.expires = now + (timeouts.icmp if packet.is_icmp else timeouts.generic)
        return Result.ACCEPT

    def confirm(self, context: Context) -> bool:
        """Enter a new connection, whose first packet got through. False: drop (its tuples were
        taken in the meantime).
        """
        connection = context.connection
        if connection is None or connection.status & CONFIRMED or context.reply:
            return True
        if connection.status & DYING:
            return False
        original, reply = connection.original, connection.reply
        originals, replies = self.originals, self.replies
        if (original in originals or reply in replies or reply in originals
                or original in replies) and self._clash(connection):
            return False
        connection.status |= CONFIRMED
        originals[original] = replies[reply] = connection
        if connection.status & SRC_NAT:
            self.sources[original[0], original[1], original[2], original[4]] = connection
        if self.watcher is not None:
            self.watcher()
        return True

    def _clash(self, connection: Connection) -> bool:
        """Whether a live entry has one of the connection's tuples."""
        return self.find(connection.original) is not None or self.find(connection.reply) is not None

    # ------------------------------------------------------------ the table

    def find(self, flow: FlowTuple) -> tuple[Connection, bool] | None:
        """The live connection that a tuple belongs to, and whether it is its reply direction."""
        connection, reply = self.originals.get(flow), False
        if connection is None:
            connection, reply = self.replies.get(flow), True
        if connection is None:
            return None
        if connection.expires <= self.now():
            self.delete(connection)
            return None
        return connection, reply

    def is_taken(self, flow: FlowTuple, ignored: Connection) -> bool:
        """Whether another connection uses that tuple in either direction."""
        connection = self.originals.get(flow) or self.replies.get(flow)
        if connection is None or connection is ignored:
            return False
        if connection.expires <= self.now():
            self.delete(connection)
            return False
        return True

    def delete(self, connection: Connection) -> bool:
        """Take a connection out; always True."""
        connection.status |= DYING
        connection.flows = None
        if self.originals.get(connection.original) is connection:
            del self.originals[connection.original]
        if self.replies.get(connection.reply) is connection:
            del self.replies[connection.reply]
        if connection.status & SRC_NAT:
            original = connection.original
            source = (original[0], original[1], original[2], original[4])
            if self.sources.get(source) is connection:
                del self.sources[source]
        return True

    def flush(self) -> None:
        """Forget everything (conntrack -F)."""
        for connection in list(self.originals.values()):
            self.delete(connection)

    def sweep(self) -> None:
        """Delete what has expired."""
        now = self.now()
        for connection in [c for c in self.originals.values() if c.expires <= now]:
            self.delete(connection)
        self._next_sweep = max(1024, 2 * len(self.originals))

    def __len__(self) -> int:
        self.sweep()
        return len(self.originals)

    def __iter__(self) -> Iterator[Connection]:
        """Live connections, oldest first."""
        self.sweep()
        return iter(list(self.originals.values()))

    def _has_room(self, now: float) -> bool:
        count = len(self.originals)
        if count < self._next_sweep and count < self.max_entries:
            return True
        self.sweep()
        return len(self.originals) < self.max_entries or self._drop_early()

    def _drop_early(self) -> bool:
        """Make room by giving up an old entry that is not ASSURED."""
        for number, connection in enumerate(self.originals.values()):
            if number == _EARLY_DROP_SCAN:
                break
            if not connection.status & ASSURED:
                return self.delete(connection)
        return False
