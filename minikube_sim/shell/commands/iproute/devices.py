"""The devices of a namespace: its interfaces, and the ports of its bridge (veth ends)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from minikube_sim.shell.commands.iproute.options import IpError
from netsim.bridge import Bridge, BridgePort
from netsim.pcap import mac

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from minikube_sim.shell.call import Call
    from netsim.link import InterfaceAddress
    from netsim.namespace import Namespace


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One device as `ip link` knows it."""

    index: int
    name: str
    peer: int = 0
    """Index of the other end of a veth, which is in another namespace; 0: no veth."""
    mtu: int
    up: bool
    carrier: bool = True
    kind: str = ""
    """bridge, veth, or '' for what has no driver of its own name."""
    master: str = ""
    mac: str
    addresses: Sequence[InterfaceAddress] = ()

    @property
    def loopback(self) -> bool:
        """The device lo."""
        return self.name == "lo"

    @property
    def full_name(self) -> str:
        """`veth12@if2`."""
        return f"{self.name}@if{self.peer}" if self.peer else self.name

    @property
    def flags(self) -> list[str]:
        """What stands between < and >."""
        words = ["LOOPBACK"] if self.loopback else ["BROADCAST", "MULTICAST"]
        if self.up:
            words.append("UP")
        if self.up and self.carrier:
            words.append("LOWER_UP")
        return words if self.carrier or not self.up else ["NO-CARRIER", *words]

    @property
    def state(self) -> str:
        """UP, DOWN, or UNKNOWN for lo."""
        if not self.up or not self.carrier:
            return "DOWN"
        return "UNKNOWN" if self.loopback else "UP"

    @property
    def broadcast(self) -> str:
        """The link's broadcast address."""
        return "00:00:00:00:00:00" if self.loopback else "ff:ff:ff:ff:ff:ff"

    @property
    def link_type(self) -> str:
        """What stands behind link/."""
        return "loopback" if self.loopback else "ether"


def mac_text(host: str, interface: str) -> str:
    """A device's address as text; captures have the same."""
    return ":".join(f"{byte:02x}" for byte in mac(host, interface))


def devices(call: Call) -> Iterator[Device]:
    """All devices, by index."""
    network, host = call.machine.network, call.machine.hostname
    ports: list[tuple[BridgePort, str]] = []
    for name, interface in network.interfaces.items():
        link = interface.link
        if isinstance(link, Bridge):
            ports += [(port, name) for port in link.ports.values()]
        yield Device(
            index=interface.index, name=name, mtu=interface.mtu, up=interface.up,
            peer=link.index if isinstance(link, BridgePort) else 0,
            kind="bridge" if isinstance(link, Bridge) else
            "veth" if isinstance(link, BridgePort) else "",
            carrier=not isinstance(link, Bridge) or any(port.up for port in link.ports.values()),
            mac="00:00:00:00:00:00" if name == "lo" else mac_text(host, name),
            addresses=interface.addresses,
        )
    for port, bridge in sorted(ports, key=lambda pair: pair[0].index):
        yield Device(
            index=port.index, name=port.name, peer=port.peer.index, mtu=port.mtu,
            up=port.enabled, carrier=port.peer.up, kind="veth", master=bridge,
            mac=mac_text(host, port.name),
        )


def find_port(network: Namespace, name: str) -> BridgePort | None:
    """The port of a bridge of the namespace, by its name."""
    for interface in network.interfaces.values():
        if isinstance(interface.link, Bridge) and name in interface.link.ports:
            return interface.link.ports[name]
    return None


def chosen(call: Call, words: list[str]) -> list[Device]:
    """The devices that the words of `show` choose: [dev] NAME, up, master M, type T.

    Raises IpError for a name that nobody has.
    """
    found, rest = list(devices(call)), list(words)
    while rest:
        word = rest.pop(0)
        if word == "up":
            found = [device for device in found if device.up]
        elif word in ("master", "type") and rest:
            wanted = rest.pop(0)
            found = [d for d in found if wanted == (d.master if word == "master" else d.kind)]
        else:
            name = rest.pop(0) if word == "dev" and rest else word
            found = [device for device in found if device.name == name]
            if not found:
                raise IpError(f'Device "{name}" does not exist.')
    return found
