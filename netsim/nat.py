"""Network address translation from the conntrack entry. Models net/netfilter/nf_nat_core.c.

The nat tables are asked once for each end of a flow; what they decide is kept in the connection's
reply tuple, and every packet is rewritten from that. `setup` binds, `rewrite` translates one packet
at one hook, `rewrite_error` an ICMP error together with the packet that it quotes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netsim.conntrack.connection import (
    CONFIRMED,
    DST_NAT,
    DST_NAT_DONE,
    NAT_MASK,
    SRC_NAT,
    SRC_NAT_DONE,
    invert,
)
from netsim.jhash import jhash_words
from netsim.netfilter.context import KEEP
from netsim.netfilter.hooks import Hook
from netsim.packet import ICMP, ICMPV6

if TYPE_CHECKING:
    import random

    from netsim.conntrack.connection import Connection, FlowTuple
    from netsim.conntrack.table import ConntrackTable
    from netsim.netfilter.context import Context, NatRange
    from netsim.packet import Packet

SOURCE_HOOKS: Final = frozenset((Hook.INPUT, Hook.POSTROUTING))
"""Where the source end is bound and rewritten; elsewhere it is the destination."""
_WITH_PORTS: Final = frozenset((6, 17, 132, 33, 136))
_MOST_ATTEMPTS: Final = 128
_M32: Final = 0xFFFFFFFF


def setup(
    table: ConntrackTable, chance: random.Random, context: Context, nat_range: NatRange,
) -> bool:
    """Bind the end of the connection that the hook stands for. False: no free tuple was found."""
    connection = context.connection
    assert connection is not None
    source = context.hook in SOURCE_HOOKS
    if connection.status & (SRC_NAT_DONE if source else DST_NAT_DONE) or (
        connection.status & CONFIRMED
    ):
        return True
    low = nat_range.min_port
    if not source and low is not None and low == nat_range.max_port and _moves_simply(
        nat_range, connection
    ):
        return _bind_destination(connection, nat_range.min_address, low)
    current = invert(connection.reply)
    wanted = _Search(table, chance, connection, nat_range, source).unique(current)
    if wanted is None:
        return False
    if wanted != current:
        connection.reply = invert(wanted)
        connection.status |= SRC_NAT if source else DST_NAT
    connection.status |= SRC_NAT_DONE if source else DST_NAT_DONE
    return True


def _moves_simply(nat_range: NatRange, connection: Connection) -> bool:
    """One address and one port, which a destination gets whether they are taken or not."""
    address = nat_range.min_address
    return (address is not None and address == nat_range.max_address
            and nat_range.base_port is None and connection.original[1] in _WITH_PORTS)


def _bind_destination(connection: Connection, address: int | None, port: int) -> bool:
    """What `setup` comes to for a destination of one address and one port."""
    assert address is not None
    family, protocol, was, client, was_port, client_port = connection.reply
    connection.status |= DST_NAT_DONE
    if address != was or port != was_port:
        connection.reply = (family, protocol, address, client, port, client_port)
        connection.status |= DST_NAT
    return True


def bind_null(table: ConntrackTable, chance: random.Random, context: Context) -> bool:
    """The null binding: nothing moves, unless (for the source) the reply tuple is taken."""
    connection = context.connection
    assert connection is not None
    if context.hook not in SOURCE_HOOKS:
        connection.status |= DST_NAT_DONE
        return True
    reply = connection.reply
    if reply not in table.originals and reply not in table.replies:
        connection.status |= SRC_NAT_DONE
        return True
    return setup(table, chance, context, KEEP)


class _Search:
    """The search for a tuple in a range that nobody uses (get_unique_tuple)."""

    __slots__ = ("chance", "connection", "range", "source", "table")

    def __init__(
        self, table: ConntrackTable, chance: random.Random, connection: Connection,
        nat_range: NatRange, source: bool,
    ) -> None:
        self.table = table
        self.chance = chance
        self.connection = connection
        self.range = nat_range
        self.source = source

    def unique(self, current: FlowTuple) -> FlowTuple | None:
        """The tuple in the original direction after NAT; None if there is none."""
        wanted = self.range
        by_chance = wanted.random or wanted.fully_random
        if self.source and not by_chance:
            known = self._known_source(current)
            if known is not None:
                return known
        moved = self._with_address(current)
        if not by_chance and self._needs_no_port(moved):
            return moved
        return self._with_port(moved)

    def _taken(self, flow: FlowTuple) -> bool:
        return self.table.is_taken(invert(flow), self.connection)

    def _known_source(self, current: FlowTuple) -> FlowTuple | None:
        """The tuple as it is, or as this source was translated before, if that is free."""
        if self._in_range(current):
            return None if self._taken(current) else current
        family, protocol, src, dst, sport, dport = current
        known = self.table.sources.get((family, protocol, src, sport))
        if known is None or known.expires <= self.table.now():
            return None
        after = invert(known.reply)
        again = (family, protocol, after[2], dst, after[4], dport)
        return again if self._in_range(again) and not self._taken(again) else None

    def _in_range(self, flow: FlowTuple) -> bool:
        """Whether the source of the tuple is in the range already."""
        wanted = self.range
        if wanted.min_address is not None:
            assert wanted.max_address is not None
            if not wanted.min_address <= flow[2] <= wanted.max_address:
                return False
        return wanted.min_port is None or self._port_in_range(flow[4])

    def _port_in_range(self, port: int) -> bool:
        low, high = self.range.min_port, self.range.max_port
        return low is not None and low <= port <= (low if high is None else high)

    def _with_address(self, flow: FlowTuple) -> FlowTuple:
        """Move the address into the range; of several the same one for the same ends."""
        family, protocol, src, dst, sport, dport = flow
        low, high = self.range.min_address, self.range.max_address
        if low is None:
            return flow
        address = low
        if high is not None and high > low:
            address = _spread(flow, low, high, self.range.persistent)
        if self.source:
            return (family, protocol, address, dst, sport, dport)
        return (family, protocol, src, address, sport, dport)

    def _needs_no_port(self, flow: FlowTuple) -> bool:
        wanted = self.range
        if wanted.min_port is None:
            return not self._taken(flow)
        if wanted.base_port is not None:
            return False
        port = flow[4] if self.source else flow[5]
        if not self._port_in_range(port):
            return False
        return wanted.min_port == wanted.max_port or not self._taken(flow)

    def _with_port(self, flow: FlowTuple) -> FlowTuple | None:
        """Try ports of the range; 128 at most, then fewer (nf_nat_l4proto_unique_tuple)."""
        low, size = self._ports(flow)
        if size == 0:
            return flow
        key = 4 if self.source or flow[1] in (ICMP, ICMPV6) else 5
        offset = self._offset(flow[key])
        attempts = min(size, _MOST_ATTEMPTS)
        candidate = flow
        while True:
            for number in range(attempts):
                port = low + (offset + number) % size
                candidate = (*flow[:key], port, *flow[key + 1:])  # type: ignore[assignment]
                if not self._taken(candidate):
                    return candidate
            if attempts >= size or attempts < 16:
                return candidate if not self.source else None
            attempts //= 2
            offset = self.chance.randrange(65536)

    def _ports(self, flow: FlowTuple) -> tuple[int, int]:
        """First port and number of ports that may be tried; (0, 0): ports stay as they are."""
        wanted = self.range
        low, high = wanted.min_port, wanted.max_port
        if flow[1] in (ICMP, ICMPV6):
            return (0, 65536) if low is None else (low, (high or low) - low + 1)
        if flow[1] not in _WITH_PORTS:
            return 0, 0
        if low is not None:
            return low, (low if high is None else high) - low + 1
        if not self.source:
            return 0, 0
        port = flow[4]
        if port < 512:
            return 1, 511
        return (600, 424) if port < 1024 else (1024, 64512)

    def _offset(self, port: int) -> int:
        """Where in the range to begin."""
        wanted = self.range
        if wanted.base_port is not None:
            return port - wanted.base_port
        if self.source or wanted.random or wanted.fully_random:
            return self.chance.randrange(65536)
        return 0


def _words(family: int, address: int) -> list[int]:
    """The four words of an address as a little-endian kernel holds them."""
    data = address.to_bytes(4 if family == 4 else 16)
    words = [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]
    return words + [0] * (4 - len(words))


def _spread(flow: FlowTuple, low: int, high: int, persistent: bool) -> int:
    """An address between two, the same for the same ends (find_best_ips_proto); `persistent`:
    for the same source.
    """
    family, _, src, dst, *_ = flow
    count = 1 if family == 4 else 4
    toward = _words(family, dst)
    chosen = jhash_words(_words(family, src), 0 if persistent else toward[count - 1])
    address, full = 0, False
    for place in range(count):
        shift = 32 * (count - 1 - place)
        least, most = (low >> shift & _M32, high >> shift & _M32)
        first, size = (0, _M32) if full else (least, most - least + 1)
        word = first + (chosen * (size & _M32) >> 32)
        full = full or word != most
        address = address << 32 | word
        if not persistent:
            chosen ^= toward[place]
    return address


def rewrite(connection: Connection, packet: Packet, reply: bool, source: bool) -> bool:
    """Translate the source or the destination of a packet of a connection with NAT.

    Returns whether anything was rewritten.
    """
    bit = (DST_NAT if source else SRC_NAT) if reply else (SRC_NAT if source else DST_NAT)
    if not connection.status & bit:
        return False
    target = connection.original if reply else connection.reply  # what the other side sends
    if source:
        packet.src = target[3]
    else:
        packet.dst = target[2]
    if packet.is_icmp:
        packet.icmp_id = target[4]
    elif source:
        packet.sport = target[5]
    else:
        packet.dport = target[4]
    return True


def rewrite_error(connection: Connection, packet: Packet, reply: bool, source: bool) -> None:
    """Translate an ICMP error about a packet of a connection, and the packet that it quotes.

    The quoted packet went the other way, so its other end is rewritten
    (nf_nat_icmp_reply_translation).
    """
    bit = SRC_NAT if source else DST_NAT
    if reply:
        bit ^= NAT_MASK
    inner = packet.inner
    if not connection.status & bit or inner is None:
        return
    target = connection.original if reply else connection.reply  # what the other side sends
    if source:
        packet.src = target[3]
        inner.dst, inner.dport = target[3], target[5]
    else:
        packet.dst = target[2]
        inner.src, inner.sport = target[2], target[4]
    if inner.is_icmp:
        inner.icmp_id, inner.sport, inner.dport = target[4], 0, 0
