"""ip address | route | link, as iproute2 prints them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from netsim.packet import address_text
from netsim.routing import RouteKind

if TYPE_CHECKING:
    from minikube_sim.shell.call import Call
    from netsim.link import Interface
    from netsim.routing import Route

_OBJECTS = ("address", "route", "link", "neighbour")


async def ip(call: Call) -> int:
    """Show addresses, routes or links."""
    words = [w for w in call.args if w not in ("-c", "-br", "-brief", "-o", "-d")]
    families = (6,) if "-6" in words else (4,) if "-4" in words else (4, 6)
    brief = any(w in ("-br", "-brief") for w in call.args)
    words = [w for w in words if not w.startswith("-")]
    wanted = [o for o in _OBJECTS if words and o.startswith(words[0])]
    if not wanted:
        return call.complain(f'Object "{words[0]}" is unknown, try "ip help".' if words else
                             "Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }", 1)
    verb = words[1] if len(words) > 1 else "show"
    if wanted[0] == "route" and verb == "get" and len(words) > 2:
        return _route_get(call, words[2])
    if not any(v.startswith(verb) for v in ("show", "list")):
        return call.complain(f"ip: {wanted[0]} {verb}: not simulated", 255)
    if wanted[0] == "route":
        return _routes(call, families[0])
    device = next((w for w in words[2:] if w != "dev"), "")
    if device and device not in call.machine.network.interfaces:
        return call.complain(f'Device "{device}" does not exist.')
    shown = families if wanted[0] == "address" else ()
    if brief:
        _brief(call, device, shown or (4, 6))
    else:
        _interfaces(call, device, shown)
    return 0


def _brief(call: Call, device: str, families: tuple[int, ...]) -> None:
    for name, interface in call.machine.network.interfaces.items():
        addresses = " ".join(f"{address_text(a.family, a.address)}/{a.length}"
                             for a in interface.addresses if a.family in families)
        state = "UNKNOWN" if name == "lo" else "UP"
        if device in ("", name) and (addresses or 4 in families):
            call.print(f"{name:<16} {state:<14} {addresses}".rstrip())


def _interfaces(call: Call, device: str, families: tuple[int, ...]) -> None:
    only_6 = families == (6,)
    for index, (name, interface) in enumerate(call.machine.network.interfaces.items(), 1):
        if device not in ("", name):
            continue
        if only_6 and not any(a.family == 6 for a in interface.addresses):
            continue
        _interface(call, index, name, interface, families)


def _interface(call: Call, index: int, name: str, interface: Interface,
               families: tuple[int, ...]) -> None:
    loopback = name == "lo"
    flags = "LOOPBACK,UP,LOWER_UP" if loopback else "BROADCAST,MULTICAST,UP,LOWER_UP"
    state = "UNKNOWN" if loopback else "UP"
    master = " master docker0" if name.startswith("veth") else ""
    if families == (6,):
        call.print(f"{index}: {name}: <{flags}> mtu {interface.mtu}{master} state {state} "
                   "qlen 1000")
    else:
        call.print(f"{index}: {name}: <{flags}> mtu {interface.mtu} qdisc noqueue{master} "
                   f"state {state} group default qlen 1000")
        kind = "loopback" if loopback else "ether"
        mac = "00:00:00:00:00:00" if loopback else _mac(call.machine.hostname, name)
        broadcast = "00:00:00:00:00:00" if loopback else "ff:ff:ff:ff:ff:ff"
        call.print(f"    link/{kind} {mac} brd {broadcast}")
    for entry in interface.addresses:
        if entry.family in families:
            _address(call, entry.family, entry.address, entry.length, name)


def _address(call: Call, family: int, number: int, length: int, name: str) -> None:
    text, word = f"{address_text(family, number)}/{length}", "inet" if family == 4 else "inet6"
    scope = "host" if name == "lo" else "global"
    broadcast = ""
    if family == 4 and name != "lo" and length < 31:
        last = number | ((1 << (32 - length)) - 1)
        broadcast = f" brd {address_text(4, last)}"
    label = f" {name}" if family == 4 else ""
    call.print(f"    {word} {text}{broadcast} scope {scope}{label}")
    call.print("       valid_lft forever preferred_lft forever")


def _mac(host: str, name: str) -> str:
    """A stable, locally administered address (the wires of the simulation have none)."""
    digest = hashlib.sha256(f"{host}/{name}".encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x02, *digest[:5]))


def _routes(call: Call, family: int) -> int:
    hidden = (RouteKind.LOCAL, RouteKind.BROADCAST)
    routes = [r for r in call.machine.network.routes[family] if r.kind not in hidden]
    for route in sorted(routes, key=lambda r: ((r.length == 0) == (family == 6), r.network,
                                               r.length)):
        call.print(f"{route}{_preference(route)}")
    return 0


def _preference(route: Route) -> str:
    """What iproute2 says of IPv6's routes beyond IPv4's."""
    if route.family == 4:
        return ""
    local = route.kind is RouteKind.LOCAL
    metric = route.metric or (0 if local else 256 if route.protocol == "kernel" else 1024)
    return f" metric {metric} pref medium"


def _route_get(call: Call, target: str) -> int:
    from netsim.packet import parse_address

    try:
        family, number = parse_address(target)
    except ValueError:
        return call.complain(f'Error: inet prefix is expected rather than "{target}".')
    route = call.machine.network.routes[family].lookup(number)
    if route is None or route.interface is None:
        return call.complain("RTNETLINK answers: Network is unreachable", 2)
    via = f" via {address_text(family, route.gateway)}" if route.gateway is not None else ""
    local = "local " if route.kind is RouteKind.LOCAL else ""
    source = call.machine.network.source_toward(family, number)
    src = f" src {address_text(family, source)}" if source is not None else ""
    if family == 6:
        device = "lo table local" if local else route.interface.name
        made = f" proto {route.protocol or 'kernel'}" if local or route.protocol else ""
        call.print(f"{local}{target} from ::{via} dev {device}{made}{src}{_preference(route)}")
        return 0
    call.print(f"{local}{target}{via} dev {route.interface.name}{src} uid 0\n    cache")
    return 0
