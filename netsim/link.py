"""Interfaces, segments and bridges: the wires between namespaces. Models veth and net/bridge.

Frames have no MAC addresses; a frame is for whoever on the segment has the next hop's address,
as ARP would find out. Nothing is delivered by recursion: a transmission is put on the `Wire`, and
whoever drives the simulation calls `Wire.run`.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from netsim.medium import End, Medium

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.namespace import Namespace
    from netsim.packet import Packet


class Wire:
    """What is under way: calls that deliver packets, in order."""

    __slots__ = ("medium", "pending")

    def __init__(self) -> None:
        self.pending: deque[tuple[Callable[[Any, Any], object], Any, Any]] = deque()
        self.medium: Medium | None = None
        """Faults and listeners of the links; None: there are none."""

    def ensure_medium(self, chance: random.Random) -> Medium:
        """The medium of all links; it comes into being when somebody asks for it."""
        if self.medium is None:
            self.medium = Medium(random.Random(chance.getrandbits(64)))
        return self.medium

    def listen_in(
        self, tap: Callable[[End, End, Packet], None], chance: random.Random,
    ) -> Callable[[], None]:
        """Tell `tap` of every frame on every link; call what comes back to end that."""
        self.ensure_medium(chance).taps.append(tap)

        def stop() -> None:
            if self.medium is not None:
                self.medium.taps.remove(tap)
                self.drop_idle_medium()

        return stop

    def drop_idle_medium(self) -> None:
        """Forget the medium if nobody needs it."""
        if self.medium is not None and self.medium.idle:
            self.medium = None

    def run(self) -> None:
        """Deliver until nothing is under way. A program that is called with a datagram may use
        the network itself, and so run it within a run.
        """
        pending = self.pending
        while pending:
            call, first, second = pending.popleft()
            call(first, second)


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """An address with its prefix length."""

    family: int
    address: int
    length: int


class Link(Protocol):
    """What an interface is plugged into."""

    def transmit(self, packet: Packet, next_hop: int) -> bool:
        """Send a packet to who has the address `next_hop`. False: nobody has it."""

    def changed(self) -> None:
        """Addresses of the interface's namespace changed."""

    def unplug(self) -> None:
        """The interface goes away."""


class Interface:
    """A network interface of a namespace."""

    __slots__ = ("addresses", "index", "link", "mtu", "name", "namespace", "route_localnet", "up")

    def __init__(self, namespace: Namespace, name: str, mtu: int = 1500) -> None:
        self.namespace = namespace
        self.name = name
        self.mtu = mtu
        self.up = True
        self.index = namespace.next_index()
        """As `ip link` numbers devices, from 1."""
        self.addresses: list[InterfaceAddress] = []
        self.link: Link | None = None
        self.route_localnet = False
        """net.ipv4.conf.NAME.route_localnet."""

    def address(self, family: int, toward: int | None = None) -> int | None:
        """The primary address; the first one whose subnet holds `toward`, if there is one."""
        first = None
        for entry in self.addresses:
            if entry.family != family:
                continue
            if first is None:
                first = entry.address
            shift = (32 if family == 4 else 128) - entry.length
            if toward is None or entry.address >> shift == toward >> shift:
                return entry.address
        return first

    def set_up(self, up: bool) -> None:
        """`ip link set NAME up|down`: without it routes by the interface go away; only those of
        its addresses come back with it.
        """
        if up != self.up:
            self.up = up
            self.namespace.interface_changed(self)

    def transmit(self, packet: Packet, next_hop: int) -> bool:
        """Send a packet. False: nobody has the address `next_hop` (ARP gets no answer)."""
        link = self.link
        return link is not None and self.up and link.transmit(packet, next_hop)

    def receive(self, packet: Packet, _next_hop: int) -> None:
        """A packet came in by this interface."""
        if self.up:
            self.namespace.receive(packet, self)

    @property
    def end(self) -> End:
        """See Station."""
        return End(self.namespace.name, self.name)

    def arp_addresses(self) -> list[tuple[int, int]]:
        """What the host behind the interface answers ARP for."""
        return self.namespace.arp_addresses()

    def __repr__(self) -> str:
        return f"<Interface {self.namespace.name}/{self.name}>"


class Station(Protocol):
    """Something on a segment that can take packets."""

    @property
    def up(self) -> bool:
        """Whether it answers at all."""

    @property
    def end(self) -> End:
        """Its host and interface."""

    def arp_addresses(self) -> list[tuple[int, int]]:
        """(family, address) of all that it answers ARP for."""

    def receive(self, packet: Packet, next_hop: int) -> None:
        """Take a packet."""


class Segment:
    """A switch without rules: the LAN of the nodes."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.stations: dict[Station, list[tuple[int, int]]] = {}
        """Everything on the segment, with the addresses that it is known by."""
        self._owners: dict[tuple[int, int], list[Station]] = {}

    def plug(self, interface: Interface) -> None:
        """Plug an interface in."""
        interface.link = Plug(self, interface)
        self.enroll(interface)

    def resolve(self, family: int, address: int) -> Station | None:
        """Who has that address; of several the one that came first."""
        for station in self._owners.get((family, address), ()):
            if station.up:
                return station
        return None

    def enroll(self, station: Station) -> None:
        """Take note of a station, or of its addresses as they are now."""
        self._forget(station)
        keys = self.stations[station] = station.arp_addresses()
        for key in keys:
            self._owners.setdefault(key, []).append(station)

    def dismiss(self, station: Station) -> None:
        """A station goes away."""
        self._forget(station)
        del self.stations[station]

    def _forget(self, station: Station) -> None:
        for key in self.stations.get(station, ()):
            owners = self._owners[key]
            owners.remove(station)
            if not owners:
                del self._owners[key]


class Plug:
    """An interface's end in a segment."""

    __slots__ = ("interface", "segment")

    def __init__(self, segment: Segment, interface: Interface) -> None:
        self.segment = segment
        self.interface = interface

    def transmit(self, packet: Packet, next_hop: int) -> bool:
        """See Link."""
        station = self.segment.resolve(packet.family, next_hop)
        if station is None or station is self.interface:
            return False
        wire = self.segment.wire
        if wire.medium is None or wire.medium.carry(self.interface.end, station.end, packet):
            wire.pending.append((station.receive, packet, next_hop))
        return True

    def changed(self) -> None:
        """See Link."""
        self.segment.enroll(self.interface)

    def unplug(self) -> None:
        """See Link."""
        self.segment.dismiss(self.interface)
        self.interface.link = None


class Silence:
    """A station that has addresses and answers nothing: the default gateway of the lab."""

    up = True
    end = End("gateway", "")

    def __init__(self, *addresses: tuple[int, int]) -> None:
        self._addresses = list(addresses)

    def arp_addresses(self) -> list[tuple[int, int]]:
        """See Station."""
        return self._addresses

    def receive(self, packet: Packet, next_hop: int) -> None:
        """See Station: the packet is lost."""
