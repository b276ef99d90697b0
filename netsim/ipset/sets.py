"""One set: what it holds, and whether it holds the ends of a packet.

Elements are kept per combination of prefix lengths, so that a lookup costs one probe a combination;
the longest prefix decides, as `nomatch` needs it. An element that has run out is not there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from netsim.ipset.kinds import KINDS
from netsim.packet import TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from netsim.netfilter.context import Context
    from netsim.packet import Packet

BITS: Final = {4: 32, 6: 128}
Part = tuple[Any, int]
"""An address (network, prefix length), a port (protocol, number), (interface, 0), (mark, 0) or
(name of a set, 0).
"""
Element = tuple[Part, ...]


@dataclass(slots=True)
class Entry:
    """What is known of an element."""

    text: str
    """As `ipset list` prints it, without what follows."""
    expires: float = 0.0
    """Seconds since 1970; 0: never."""
    packets: int = 0
    bytes: int = 0
    comment: str = ""
    nomatch: bool = False


class User:
    """A rule that names a set: it cannot be destroyed meanwhile."""

    __slots__ = ("__weakref__",)


@dataclass(slots=True, eq=False)
class IpSet:
    """One set."""

    name: str
    kind: str
    family: int = 4
    options: Mapping[str, str] = field(default_factory=dict)
    elements: dict[Element, Entry] = field(default_factory=dict)
    lengths: dict[tuple[int, ...], int] = field(default_factory=dict)
    """How many elements there are of each combination of prefix lengths, longest first."""
    users: WeakSet[User] = field(default_factory=WeakSet)
    held: int = 0
    """How many sets (list:set) name this one."""

    @property
    def dimensions(self) -> tuple[str, ...]:
        """'hash:ip,port' -> ('ip', 'port')."""
        return KINDS[self.kind].dimensions

    @property
    def references(self) -> int:
        """How many rules and sets name it."""
        return len(self.users) + self.held

    def has(self, option: str) -> bool:
        """Whether it was created with that option."""
        return option in self.options

    # ------------------------------------------------------------ packets

    def holds(
        self, packet: Packet, directions: Sequence[str], sets: Mapping[str, IpSet] | None = None,
        *, context: Context | None = None, now: float = 0.0,
    ) -> Entry | None:
        """The element that covers the packet's ends, one direction a dimension; None: none."""
        if self.kind == "list:set":
            return self._member(packet, directions, sets or {}, context, now)
        if (packet.family != self.family and self.kind != "bitmap:port") or (
            len(directions) < len(self.dimensions)
        ):
            return None
        ends = [_end(packet, kind, way, context)
                for kind, way in zip(self.dimensions, directions, strict=False)]
        for lengths in self.lengths:
            entry = self.elements.get(self._key(ends, lengths))
            if entry is not None and (not entry.expires or entry.expires > now):
                return entry
        return None

    def _member(
        self, packet: Packet, directions: Sequence[str], sets: Mapping[str, IpSet],
        context: Context | None, now: float,
    ) -> Entry | None:
        for (part,) in self.elements:
            member = sets.get(part[0])
            found = member.holds(packet, directions, sets, context=context, now=now) if (
                member is not None) else None
            if found is not None and not found.nomatch:
                return found
        return None

    def key_of(self, packet: Packet, directions: Sequence[str], context: Context) -> Element | None:
        """The packet's ends as an element (-j SET); None: the packet has no such."""
        if packet.family != self.family or len(directions) < len(self.dimensions):
            return None
        bits = BITS[self.family]
        ends = [_end(packet, kind, way, context)
                for kind, way in zip(self.dimensions, directions, strict=False)]
        whole = tuple(bits if kind in ("ip", "net") else 0 for kind in self.dimensions)
        return self._key(ends, whole)

    def _key(self, ends: Sequence[Part], lengths: tuple[int, ...]) -> Element:
        bits = BITS[self.family]
        return tuple(
            (end[0] >> bits - length << bits - length, length) if kind in ("ip", "net") else end
            for end, kind, length in zip(ends, self.dimensions, lengths, strict=True)
        )

    # ------------------------------------------------------------ elements

    def add(self, element: Element, entry: Entry | str) -> None:
        """Put an element in."""
        fresh = element not in self.elements
        self.elements[element] = Entry(entry) if isinstance(entry, str) else entry
        if fresh:
            lengths = self._lengths(element)
            self.lengths[lengths] = self.lengths.get(lengths, 0) + 1
            self.lengths = dict(sorted(self.lengths.items(), reverse=True))

    def remove(self, element: Element) -> None:
        """Take an element out. Raises KeyError."""
        del self.elements[element]
        lengths = self._lengths(element)
        self.lengths[lengths] -= 1
        if not self.lengths[lengths]:
            del self.lengths[lengths]

    def _lengths(self, element: Element) -> tuple[int, ...]:
        return tuple(
            part[1] if kind in ("ip", "net") else 0
            for part, kind in zip(element, self.dimensions, strict=True)
        )

    def clear(self) -> None:
        """Take all elements out."""
        self.elements.clear()
        self.lengths.clear()

    def expire(self, now: float) -> None:
        """Take out what has run out."""
        for element in [e for e, entry in self.elements.items() if 0 < entry.expires <= now]:
            self.remove(element)


def _port(packet: Packet, way: str) -> Part:
    if packet.is_icmp:
        return packet.protocol, packet.icmp_type << 8 | packet.icmp_code
    return packet.protocol, packet.sport if way == "src" else packet.dport


def _interface(packet: Packet, way: str, context: Context | None) -> Part:
    if context is None:
        return "", 0
    return (context.in_interface if way == "src" else context.out_interface), 0


_ENDS: Final[dict[str, Callable[[Packet, str, Any], Part]]] = {
    "ip": lambda packet, way, _: (packet.src if way == "src" else packet.dst, 0),
    "net": lambda packet, way, _: (packet.src if way == "src" else packet.dst, 0),
    "port": lambda packet, way, _: _port(packet, way),
    "iface": _interface,
    "mark": lambda _, __, context: (context.mark if context is not None else 0, 0),
}


def _end(packet: Packet, kind: str, way: str, context: Context | None) -> Part:
    return _ENDS[kind](packet, way, context)


PLAIN_PROTOCOLS: Final = (TCP, UDP)
"""A bitmap of ports does not tell these apart."""
