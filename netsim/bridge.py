"""A bridge with the host on it (docker0), and br_netfilter. Models net/bridge/br_netfilter_hooks.c.

With bridge-nf-call-iptables, bridged IP packets pass PREROUTING, FORWARD and POSTROUTING as if they
were routed: in and out interface are the bridge, the ports are the physical devices. DNAT to a host
on the same bridge is bridged on, without the TTL going down; a port gets its own packet back only
in hairpin mode.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netsim.flowcache import remember
from netsim.link import Segment
from netsim.medium import End

if TYPE_CHECKING:
    from netsim.link import Interface, Station, Wire
    from netsim.namespace import Namespace
    from netsim.netfilter.context import Context
    from netsim.packet import Packet


class BridgePort:
    """A port with a veth whose other end is a Pod's interface."""

    __slots__ = ("bridge", "enabled", "hairpin", "index", "mtu", "name", "peer")

    def __init__(self, bridge: Bridge, name: str, peer: Interface, *, hairpin: bool) -> None:
        self.bridge = bridge
        self.name = name
        self.peer = peer
        self.hairpin = hairpin
        self.enabled = True
        """The port itself is up."""
        self.index = bridge.owner.next_index()
        """See Interface."""
        self.mtu = peer.mtu

    def set_up(self, up: bool) -> None:
        """`ip link set PORT up|down`."""
        self.enabled = up
        self.bridge.owner.rules_changed()

    @property
    def up(self) -> bool:
        """See Station."""
        return self.enabled and self.peer.up

    @property
    def end(self) -> End:
        """See Station."""
        return End(self.bridge.owner.name, self.name)

    def arp_addresses(self) -> list[tuple[int, int]]:
        """See Station."""
        return self.peer.arp_addresses()

    def receive(self, packet: Packet, next_hop: int) -> None:
        """See Station: out of the port, to the Pod."""
        wire = self.bridge.wire
        if wire.medium is None or wire.medium.carry(self.end, self.peer.end, packet):
            wire.pending.append((self.peer.receive, packet, next_hop))

    def transmit(self, packet: Packet, next_hop: int) -> bool:
        """See Link: from the Pod into the bridge. False: nobody has that address."""
        bridge = self.bridge
        if not bridge.up or not self.enabled or bridge.resolve(packet.family, next_hop) is None:
            return False
        medium = bridge.wire.medium
        if medium is None or medium.carry(self.peer.end, self.end, packet):
            bridge.wire.pending.append((self._enter, packet, next_hop))
        return True

    def _enter(self, packet: Packet, next_hop: int) -> None:
        self.bridge.enter(self, packet, next_hop)

    def changed(self) -> None:
        """See Link."""
        self.bridge.enroll(self)

    def unplug(self) -> None:
        """See Link."""
        self.bridge.remove_port(self)


class Bridge(Segment):
    """A bridge device of a namespace; `interface` is the host's own place on it."""

    def __init__(self, wire: Wire, owner: Namespace, interface: Interface) -> None:
        super().__init__(wire)
        self.owner = owner
        self.interface = interface
        self.ports: dict[str, BridgePort] = {}
        interface.link = self
        self.enroll(interface)

    @property
    def up(self) -> bool:
        """The bridge device is up."""
        return self.interface.up

    def add_port(self, name: str, peer: Interface, *, hairpin: bool = True) -> BridgePort:
        """Plug a Pod's interface in. Raises ValueError if the name is taken."""
        if name in self.ports:
            raise ValueError(f"bridge port {name} exists")
        port = BridgePort(self, name, peer, hairpin=hairpin)
        self.ports[name] = port
        peer.link = port
        self.enroll(port)
        return port

    def remove_port(self, port: BridgePort) -> None:
        """Unplug a port."""
        del self.ports[port.name]
        self.dismiss(port)
        port.peer.link = None

    # ------------------------------------------------------------ Link of the host's interface

    def transmit(self, packet: Packet, next_hop: int) -> bool:
        """See Link: from the host to a port; the rules have been asked already."""
        station = self.resolve(packet.family, next_hop)
        if station is None or station is self.interface:
            return False
        station.receive(packet, next_hop)
        return True

    def changed(self) -> None:
        """See Link."""
        self.enroll(self.interface)

    def unplug(self) -> None:
        """See Link."""
        self.interface.link = None

    # ------------------------------------------------------------ frames from ports

    def enter(self, port: BridgePort, packet: Packet, next_hop: int) -> None:
        """A frame from a port, to who has the address `next_hop`."""
        station = self.resolve(packet.family, next_hop)
        if not self.owner.bridge_netfilter(packet.family):
            if station is self.interface:
                self.interface.receive(packet, next_hop)
            elif station is not None and (station is not port or port.hairpin):
                station.receive(packet, next_hop)
            return
        self.owner.receive_bridged(self, port, packet, next_hop)

    def forward(self, context: Context, port: BridgePort, next_hop: int) -> None:
        """Bridge a frame on, through FORWARD and POSTROUTING."""
        station = self.resolve(context.packet.family, next_hop)
        if not isinstance(station, BridgePort) or (station is port and not port.hairpin):
            return
        context.out_interface = self.interface.name
        context.physdev_out = station.name
        if not self.owner.pass_bridged(context):
            return
        if context.hits is not None and station is not port:
            remember(context, self.owner.generation, next_hop, station.receive)
        if context.trace is not None:
            context.trace.add("send", f"bridged out by {station.name}")
        station.receive(context.packet, next_hop)

    def enroll(self, station: Station) -> None:
        """Addresses or ports changed: remembered ways may lead astray."""
        super().enroll(station)
        self.owner.rules_changed()

    def dismiss(self, station: Station) -> None:
        """See `enroll`."""
        super().dismiss(station)
        self.owner.rules_changed()
