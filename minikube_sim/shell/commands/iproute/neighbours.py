"""ip neighbour: who is on the links. The simulation keeps no ARP cache: all that would answer are
shown, as REACHABLE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from minikube_sim.shell.commands.iproute.devices import mac_text
from minikube_sim.shell.commands.iproute.options import IpError, is_verb, print_json, take
from netsim.bridge import Bridge, BridgePort
from netsim.link import Plug
from netsim.packet import address_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from minikube_sim.shell.call import Call
    from minikube_sim.shell.commands.iproute.options import Options
    from netsim.link import Interface, Segment


class _Neighbour(NamedTuple):
    address: str
    device: str
    mac: str


def neighbour(call: Call, options: Options, words: list[str]) -> None:
    """Show neighbours. Raises IpError."""
    verb, rest = (words[0], words[1:]) if words else ("show", [])
    if not is_verb(verb, "show", "list", "lst"):
        raise IpError(f"ip neighbour {verb}: not simulated: there is no ARP cache", 255)
    device = take(rest, "dev")
    found = [n for interface in call.machine.network.interfaces.values()
             for n in _on(interface, options.family) if device in ("", n.device)]
    if options.json:
        print_json(call, options, ({"dst": n.address, "dev": n.device, "lladdr": n.mac,
                                    "state": ["REACHABLE"]} for n in found))
        return
    for address, name, mac in found:
        if options.brief:
            call.print(f"{address:<39} {name:<16} {mac}")
        else:
            call.print(f"{address}{'' if device else f' dev {name}'} lladdr {mac} REACHABLE ")


def _on(interface: Interface, wanted: int) -> Iterator[_Neighbour]:
    segment = _segment(interface)
    for station, keys in segment.stations.items() if segment is not None else ():
        owner = station.peer.namespace if isinstance(station, BridgePort) else None
        host, port = station.end
        if owner is interface.namespace or (owner is None and host == interface.namespace.name):
            continue
        host = owner.name if owner is not None else host
        mac = mac_text(host.partition(".")[0], "eth0" if owner is not None else port)
        for family, number in keys:
            if wanted in (0, family) and _on_link(interface, family, number):
                yield _Neighbour(address_text(family, number), interface.name, mac)


def _segment(interface: Interface) -> Segment | None:
    """What the interface can speak to without a router."""
    link = interface.link
    if isinstance(link, Bridge):
        return link
    if isinstance(link, BridgePort):
        return link.bridge
    return link.segment if isinstance(link, Plug) else None


def _on_link(interface: Interface, family: int, number: int) -> bool:
    bits = 32 if family == 4 else 128
    return any(
        entry.family == family and (entry.address ^ number) >> (bits - entry.length) == 0
        for entry in interface.addresses
    )
