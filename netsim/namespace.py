"""One network stack: interfaces, routes, hooks, and the way of a packet through them.

    receive ─> PREROUTING ─> route ─┬─> INPUT ─> sockets
                                    └─> TTL, MTU ─> FORWARD ─> POSTROUTING ─> transmit
    output ─> route ─> OUTPUT ─> route again ─> POSTROUTING ─> transmit, or lo ─> PREROUTING

Models net/ipv4/ip_{input,forward,output}.c. An iptables table and an nft base chain register alike
(`register`); connection tracking and NAT are steps at their own priorities.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

from netsim import icmp, nat
from netsim.conntrack.connection import DST_NAT_DONE, NAT_MASK, SRC_NAT_DONE
from netsim.conntrack.table import ConntrackTable
from netsim.flowcache import remember, repeat
from netsim.icmp import NeighbourFailed, Problem
from netsim.link import Interface, InterfaceAddress
from netsim.netfilter.context import AddressType, Context, CtState
from netsim.netfilter.hooks import Hook, Priority, Verdict
from netsim.packet import (
    EVERYBODY,
    LIMITED_BROADCAST,
    address_text,
    format_packet,
    is_multicast,
    parse_address,
)
from netsim.routing import ADDRESS_TYPES, BITS, Route, RouteKind, RoutingTable, parse_network
from netsim.sockets import Sockets

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from netsim.bridge import Bridge, BridgePort
    from netsim.link import Wire
    from netsim.netfilter.context import NatRange
    from netsim.outcome import ConnectOutcome, DatagramOutcome
    from netsim.packet import Packet
    from netsim.sockets import Listener
    from netsim.trace import Trace

_ACCEPT: Final = Verdict.ACCEPT
_DROP: Final = Verdict.DROP
_EVERYTHING: Final = {"default": (4, 0, 0), "default6": (6, 0, 0)}
T = TypeVar("T")
_Functions = tuple["Callable[[Context], Verdict]", ...]
_NOTHING: Final[tuple[_Functions, ...]] = ((),) * len(Hook)
_NO_CHAINS: Final = {4: _NOTHING, 6: _NOTHING}
_NOT_ASKED: Final = {4: False, 6: False}
_LOOPBACK: Final = (InterfaceAddress(4, 0x7F000001, 8), InterfaceAddress(6, 1, 128))
ROOT: Final = (0, 0)
"""uid and gid: whose sockets `-m owner` takes all programs' for."""
_LOG_LINES: Final = 10_000
_NAT_PRIORITY: Final = {
    Hook.PREROUTING: Priority.NAT_DST,
    Hook.OUTPUT: Priority.NAT_DST,
    Hook.INPUT: Priority.NAT_SRC,
    Hook.POSTROUTING: Priority.NAT_SRC,
}
_DELIVERED: Final = frozenset((RouteKind.LOCAL, RouteKind.BROADCAST))
_ROUTE_PROBLEMS: Final = {
    RouteKind.UNREACHABLE: Problem.HOST_UNREACHABLE,
    RouteKind.PROHIBIT: Problem.PROHIBITED,
}
_ROUTE_ERRORS: Final = {
    RouteKind.UNREACHABLE: "EHOSTUNREACH",
    RouteKind.PROHIBIT: "EACCES",
    RouteKind.BLACKHOLE: "EINVAL",
}


@dataclass(frozen=True, slots=True, order=True)
class HookEntry:
    """A registered hook function; ordered by priority, then by registration."""

    priority: int
    number: int
    function: Callable[[Context], Verdict]
    nat: bool


class _ByFamily(dict[int, T]):
    """What follows from the hooks, made when it is first asked for."""

    def __init__(self, make: Callable[[int], T]) -> None:
        self._make = make

    def __missing__(self, family: int) -> T:
        made = self[family] = self._make(family)
        return made


class Namespace:
    """A host or Pod: everything that `ip netns` separates."""

    def __init__(
        self, name: str, wire: Wire, now: Callable[[], float], chance: random.Random,
        *, tracking: bool = False,
    ) -> None:
        """`tracking`: connections are tracked (hosts with rules; Pods have none)."""
        self.name = name
        self.wire = wire
        self.now = now
        self.random = chance
        self.tracking = tracking
        self.route_localnet = False
        """net.ipv4.conf.all.route_localnet."""
        self.interfaces: dict[str, Interface] = {}
        self._last_index = 0
        self._routed = False
        """Whether somebody has asked for the routes."""
        self._planned: list[tuple[str, str]] = []
        """Routes, and their gateways, that are not made yet."""
        self.ipsets: dict[str, Any] = {}
        self.recent: dict[str, Any] = {}
        self.rulesets: dict[int, Any] = {}
        """netsim.netfilter.ruleset.Ruleset by family, once attached."""
        self.nft: Any = None
        """netsim.nft.Ruleset, once attached."""
        self.generation = 0
        """Grows whenever a remembered verdict may no longer hold."""
        self._prepare_hooks()
        self.sockets = Sockets(self)
        self.loopback = self.add_interface("lo", mtu=65536)
        self.loopback.addresses += _LOOPBACK

    # What a Pod that only answers never asks for is made when it is asked for: there may be ten
    # thousand of them.

    @cached_property
    def forwarding(self) -> dict[int, bool]:
        """net.ipv4.ip_forward and net.ipv6.conf.all.forwarding, by family."""
        return {4: False, 6: False}

    @cached_property
    def bridge_nf(self) -> dict[int, bool]:
        """net.bridge.bridge-nf-call-iptables and -ip6tables."""
        return {4: True, 6: True}

    @cached_property
    def routes(self) -> dict[int, RoutingTable]:
        """The routing tables by family."""
        self._routed, self.routes = True, {4: RoutingTable(4), 6: RoutingTable(6)}
        tables = self.routes
        for device in self.interfaces.values():
            for entry in device.addresses:
                for route in self._address_routes(device, entry):
                    tables[route.family].add(route)
        for network, gateway in self._planned:
            self.add_route(network, via=gateway)
        return tables

    @cached_property
    def conntrack(self) -> ConntrackTable:
        """The tracked connections."""
        return ConntrackTable(self.now)

    @cached_property
    def kernel_log(self) -> deque[str]:
        """What rules have logged of late."""
        return deque(maxlen=_LOG_LINES)

    @cached_property
    def log_times(self) -> deque[float]:
        """When each of the lines came, in seconds since 1970."""
        return deque(maxlen=_LOG_LINES)

    def _prepare_hooks(self) -> None:
        self.hooks: dict[tuple[int, Hook], list[HookEntry]] = {}
        self._registrations = 0
        self._nat_chains: Mapping[int, tuple[_Functions, ...]] = _NO_CHAINS
        self.flow_cache = True
        """Whether established flows take the short path (netsim.flowcache)."""
        self._asked_early: Mapping[int, bool] = _NOT_ASKED
        """Whether anything is asked before conntrack: then no way of a packet is remembered."""
        self._steps: Mapping[int, tuple[_Functions, ...]] = _NO_CHAINS
        """What a packet meets at each hook."""
        if self.tracking:
            self._hooks_changed()

    # ------------------------------------------------------------ interfaces and routes

    def add_interface(self, name: str, mtu: int = 1500) -> Interface:
        """Make an interface. Raises ValueError if the name is taken."""
        if name in self.interfaces:
            raise ValueError(f"interface {name} exists")
        interface = self.interfaces[name] = Interface(self, name, mtu)
        return interface

    def next_index(self) -> int:
        """A number for a new device."""
        self._last_index += 1
        return self._last_index

    def interface_changed(self, interface: Interface) -> None:
        """An interface went up or down: its routes go, or those of its addresses come back."""
        for family, table in self.routes.items():
            if not interface.up:
                table.remove_interface(interface, keep=RouteKind.LOCAL)
                continue
            for entry in interface.addresses:
                for route in self._address_routes(interface, entry):
                    if entry.family == family and table.find(route.network, route.length) is None:
                        table.add(route)
        self.rules_changed()

    def remove_interface(self, name: str) -> None:
        """Take an interface away, with its addresses and routes."""
        interface, tables = self.interfaces[name], self.routes
        for entry in list(interface.addresses):
            self._remove_address_entry(interface, entry)
        for table in tables.values():
            table.remove_interface(interface)
        if interface.link is not None:
            interface.link.unplug()
        del self.interfaces[name]
        self.rules_changed()

    def add_address(self, interface: str, address: str) -> None:
        """Give an interface an address, `10.0.0.1/24`, with its link and local routes."""
        text, _, length_text = address.partition("/")
        family, number = parse_address(text)
        length = int(length_text) if length_text else BITS[family]
        device = self.interfaces[interface]
        device.addresses.append(InterfaceAddress(family, number, length))
        if self._routed:
            for route in self._address_routes(device, device.addresses[-1]):
                self.routes[family].add(route)
        self._addresses_changed()

    def remove_address(self, interface: str, address: str) -> None:
        """Take an address away. Raises KeyError if the interface does not have it."""
        family, number = parse_address(address.partition("/")[0])
        device = self.interfaces[interface]
        for entry in device.addresses:
            if (entry.family, entry.address) == (family, number):
                self._remove_address_entry(device, entry)
                return
        raise KeyError(address)

    def _remove_address_entry(self, device: Interface, entry: InterfaceAddress) -> None:
        table = self.routes[entry.family]
        device.addresses.remove(entry)
        for wanted in self._address_routes(device, entry):
            found = table.find(wanted.network, wanted.length)
            if found is not None and found.interface is device:
                table.remove(found)
        self._addresses_changed()

    def _address_routes(self, device: Interface, entry: InterfaceAddress) -> list[Route]:
        """The routes that the kernel makes for an address."""
        family, address, length = entry.family, entry.address, entry.length
        bits = BITS[family]
        network = address >> (bits - length) << (bits - length)
        local = Route(family, address, bits, RouteKind.LOCAL, device)
        if device.name == "lo":
            whole = Route(family, network, length, RouteKind.LOCAL, device)
            return [local, whole] if length < bits else [local]
        routes = [local]
        if length < bits:
            source = address if family == 4 else None
            routes.append(Route(family, network, length, RouteKind.UNICAST, device, source=source,
                                protocol="kernel"))
        if family == 4 and length < 31:
            last = network | (1 << bits - length) - 1
            routes.append(Route(4, last, 32, RouteKind.BROADCAST, device))
        return routes

    def add_route(
        self, network: str, *, via: str | None = None, interface: str | None = None,
        kind: RouteKind = RouteKind.UNICAST, metric: int = 0,
    ) -> Route:
        """`ip route add NETWORK via GATEWAY dev INTERFACE`; `default` for all of IPv4, `default6`
        for all of IPv6. Raises ValueError if the gateway is not reachable.
        """
        family, number, length = _EVERYTHING.get(network) or parse_network(network)
        gateway = parse_address(via)[1] if via else None
        device = self.interfaces[interface] if interface else None
        if device is None and gateway is not None:
            link = self.routes[family].lookup(gateway)
            on_link = link is not None and link.kind is RouteKind.UNICAST
            if link is None or not on_link or link.gateway is not None:
                raise ValueError("Nexthop has invalid gateway.")
            device = link.interface
        route = Route(family, number, length, kind, device, gateway, metric=metric)
        self.routes[family].add(route)
        self.rules_changed()
        return route

    def plan_route(self, network: str, via: str) -> None:
        """The same by a gateway that is known to be reachable, made when routes are asked for."""
        if self._routed:
            self.add_route(network, via=via)
        else:
            self._planned.append((network, via))

    def remove_route(self, route: Route) -> None:
        """Take a route out. Raises ValueError if it is not there."""
        self.routes[route.family].remove(route)
        self.rules_changed()

    def _addresses_changed(self) -> None:
        self.rules_changed()
        for interface in self.interfaces.values():
            if interface.link is not None:
                interface.link.changed()

    def arp_addresses(self) -> list[tuple[int, int]]:
        """(family, address) of all that the host says "that is me" for on a link: its addresses,
        whatever interface they are on, but the loopback ones.
        """
        return [
            (entry.family, entry.address)
            for interface in self.interfaces.values() for entry in interface.addresses
            if not (entry.address >> 24 == 127 if entry.family == 4 else entry.address == 1)
        ]

    def source_toward(self, family: int, destination: int) -> int | None:
        """The source address of packets made here to a destination; None: no route, or no
        address of the family.
        """
        route = self.routes[family].lookup(destination)
        if route is None or route.interface is None:
            return None
        if route.kind is RouteKind.LOCAL:
            return destination
        if route.source is not None:
            return route.source
        near = route.interface.address(family, destination if route.gateway is None
                                       else route.gateway)
        return near if near is not None else self._any_address(family)

    def _any_address(self, family: int) -> int | None:
        found = (i.address(family) for i in self.interfaces.values() if i is not self.loopback)
        return next((address for address in found if address is not None), None)

    # ------------------------------------------------------------ what rules ask (context.Stack)

    def is_local(self, family: int, address: int) -> bool:
        """An address of this host."""
        route = self.routes[family].lookup(address)
        return route is not None and route.kind is RouteKind.LOCAL

    def address_type(
        self, family: int, address: int, interface: str | None = None,
    ) -> AddressType:
        """What routing says about an address, at all or as an address of one interface."""
        if family == 4 and address == LIMITED_BROADCAST:
            return AddressType.BROADCAST
        if is_multicast(family, address):
            return AddressType.MULTICAST
        route = self.routes[family].lookup(address)
        if route is None:
            return AddressType.UNICAST
        of_this_host = route.kind in _DELIVERED
        if interface is not None and of_this_host and (
            route.interface is None or route.interface.name != interface
        ):
            return AddressType.UNICAST
        return ADDRESS_TYPES[route.kind]

    def interface_address(
        self, family: int, interface: str, toward: int | None = None,
    ) -> int | None:
        """Primary address of an interface; the one whose subnet holds `toward`, if there is one.
        For lo an address of another interface: loopback addresses are of host scope only.
        """
        device = self.interfaces.get(interface)
        if device is None:
            return None
        if device is self.loopback:
            return self._any_address(family)
        return device.address(family, toward)

    def log(self, line: str) -> None:
        """A line for the kernel's log."""
        self.kernel_log.append(line)
        self.log_times.append(self.now())

    def rules_changed(self) -> None:
        """Forget remembered verdicts."""
        self.generation += 1

    def setup_nat(self, context: Context, nat_range: NatRange) -> bool:
        """See Context.setup_nat."""
        return nat.setup(self.conntrack, self.random, context, nat_range)

    def bridge_netfilter(self, family: int) -> bool:
        """Whether bridged packets meet the rules (br_netfilter)."""
        return self.bridge_nf[family]

    # ------------------------------------------------------------ hooks

    def register(
        self, family: int, hook: Hook, priority: int, function: Callable[[Context], Verdict],
        *, nat: bool = False,
    ) -> HookEntry:
        """Ask `function` about each packet at a hook; `nat`: only about the first packet of a
        flow, for the end that this hook binds.
        """
        self._registrations += 1
        entry = HookEntry(priority, self._registrations, function, nat)
        entries = self.hooks.setdefault((family, hook), [])
        entries.append(entry)
        entries.sort()
        self._hooks_changed()
        return entry

    def unregister(self, entry: HookEntry) -> None:
        """Take a hook function out again."""
        for entries in self.hooks.values():
            if entry in entries:
                entries.remove(entry)
        self._hooks_changed()

    def _hooks_changed(self) -> None:
        self._nat_chains = _ByFamily(self._nat_of)
        self._asked_early = _ByFamily(self._is_asked_early)
        self._steps = _ByFamily(self._steps_of)
        self.rules_changed()

    def _nat_of(self, family: int) -> tuple[_Functions, ...]:
        return tuple(tuple(e.function for e in self.hooks.get((family, hook), ()) if e.nat)
                     for hook in Hook)

    def _is_asked_early(self, family: int) -> bool:
        early = self.hooks.get((family, Hook.PREROUTING), ())
        return any(e.priority < Priority.CONNTRACK for e in early)

    def _steps_of(self, family: int) -> tuple[_Functions, ...]:
        has_nat = any(self._nat_chains[family])
        return tuple(self._hook_steps(family, hook, has_nat) for hook in Hook)

    def _hook_steps(self, family: int, hook: Hook, has_nat: bool) -> _Functions:
        steps = [(e.priority, e.function) for e in self.hooks.get((family, hook), ()) if not e.nat]
        if self.tracking:
            if hook in (Hook.PREROUTING, Hook.OUTPUT):
                steps.append((Priority.CONNTRACK, self._track))
            if has_nat and hook in _NAT_PRIORITY:
                steps.append((_NAT_PRIORITY[hook], self._translate))
            if hook in (Hook.INPUT, Hook.POSTROUTING):
                steps.append((Priority.CONNTRACK_CONFIRM, self._confirm))
        steps.sort(key=lambda step: step[0])
        return tuple(function for _, function in steps)

    def _track(self, context: Context) -> Verdict:
        accepted = self.conntrack.track(context)
        if (context.state is CtState.ESTABLISHED and self.flow_cache
                and not self._asked_early[context.packet.family]):
            context.hits = []
        if context.trace is not None and context.connection is not None:
            context.trace.add("conntrack", f"state {context.state.value}")
        return _ACCEPT if accepted else _DROP

    def _confirm(self, context: Context) -> Verdict:
        return _ACCEPT if self.conntrack.confirm(context) else _DROP

    def _translate(self, context: Context) -> Verdict:
        """The nat step of a hook: bind the flow's end if it is not bound yet, then rewrite."""
        connection = context.connection
        if connection is None:
            return _ACCEPT
        source = context.hook in nat.SOURCE_HOOKS
        state = context.state
        if state is CtState.RELATED and context.packet.is_icmp:
            before = str(context.packet) if context.trace is not None else ""
            nat.rewrite_error(connection, context.packet, context.reply, source)
            if context.trace is not None and str(context.packet) != before:
                context.trace.add("nat", f"error translated: {before} => {context.packet}")
            return _ACCEPT
        if state is not CtState.ESTABLISHED:
            done = SRC_NAT_DONE if source else DST_NAT_DONE
            if not connection.status & done and self._bind(context, done) is _DROP:
                return _DROP
        if connection.status & NAT_MASK:
            if context.trace is not None:
                self._rewrite_traced(context, context.trace, source)
            else:
                nat.rewrite(connection, context.packet, context.reply, source)
        return _ACCEPT

    def _rewrite_traced(self, context: Context, trace: Trace, source: bool) -> None:
        packet, connection = context.packet, context.connection
        assert connection is not None
        before = format_packet(packet, tail=False, flags=False)
        if nat.rewrite(connection, packet, context.reply, source):
            after = format_packet(packet, tail=False, flags=False)
            trace.add("nat", f"{'source' if source else 'destination'} NAT: {before} => {after}")

    def _bind(self, context: Context, done: int) -> Verdict:
        """Ask the nat chains; what none of them moves gets the null binding."""
        connection = context.connection
        assert connection is not None
        for chain in self._nat_chains[context.packet.family][context.hook]:
            if chain(context) is _DROP:
                return _DROP
            if connection.status & done:
                return _ACCEPT
        bound = nat.bind_null(self.conntrack, self.random, context)
        return _ACCEPT if bound else _DROP

    def _pass(self, context: Context, hook: Hook) -> bool:
        """Ask everything at a hook. False: the packet is gone (REJECT's answer has been sent)."""
        context.hook = hook
        trace = context.trace
        if trace is not None:
            trace.at(self.now(), self.name, hook.name, context.packet)
        for step in self._steps[context.packet.family][hook]:
            if step(context) is _DROP:
                if trace is not None:
                    trace.add("drop", f"dropped in {hook.name}", verdict="DROP")
                if context.rejection is not None:
                    icmp.reject(self, context)
                return False
        return True

    # ------------------------------------------------------------ packets that come in

    def receive(self, packet: Packet, interface: Interface) -> None:
        """A packet came in by an interface."""
        if self.tracking and packet.trace is None and repeat(
            self.conntrack, self.generation, packet, interface
        ):
            return
        context = Context(self, packet, Hook.PREROUTING, interface.name)
        context.place = interface
        context.trace = packet.trace
        if self._pass(context, Hook.PREROUTING):
            self._route_in(context, interface)

    def receive_bridged(
        self, bridge: Bridge, port: BridgePort, packet: Packet, next_hop: int,
    ) -> None:
        """A frame came in by a port of our bridge, and br_netfilter wants it asked."""
        if packet.trace is None and repeat(self.conntrack, self.generation, packet, port):
            return
        context = Context(self, packet, Hook.PREROUTING, bridge.interface.name)
        context.trace = packet.trace
        context.physdev_in = port.name
        context.place = port
        destination = packet.dst
        if not self._pass(context, Hook.PREROUTING):
            return
        if packet.dst != destination:
            route = self.routes[packet.family].lookup(packet.dst)
            if (route is not None and route.interface is bridge.interface
                    and route.kind is RouteKind.UNICAST):
                bridge.forward(context, port, route.gateway or packet.dst)
                return
        elif bridge.resolve(packet.family, next_hop) is not bridge.interface:
            bridge.forward(context, port, next_hop)
            return
        self._route_in(context, bridge.interface)

    def pass_bridged(self, context: Context) -> bool:
        """FORWARD and POSTROUTING for a bridged frame."""
        return self._pass(context, Hook.FORWARD) and self._pass(context, Hook.POSTROUTING)

    def _loop_back(self, context: Context, _unused: object) -> None:
        """A packet made here for an address of this host comes in by lo."""
        context.in_interface, context.out_interface = "lo", ""
        if self._pass(context, Hook.PREROUTING):
            self._deliver(context)

    def _route_in(self, context: Context, interface: Interface) -> None:
        packet = context.packet
        if self._is_martian(packet, interface):
            self._note(context, "drop", "martian address")
            return
        if packet.dst in EVERYBODY[packet.family]:
            self._note(context, "route", "broadcast")
            self._deliver(context)
            return
        route = self.routes[packet.family].lookup(packet.dst)
        if route is None:
            self._note(context, "route", "no route")
            if self.forwarding[packet.family]:
                icmp.send_error(self, context, Problem.NET_UNREACHABLE)
        elif route.kind in _DELIVERED:
            self._note(context, "route", "local")
            self._deliver(context)
        elif not self.forwarding[packet.family]:
            self._note(context, "drop", "not for this host, which does not forward")
        elif route.kind is not RouteKind.UNICAST:
            self._note(context, "route", route.kind.value)
            if route.kind in _ROUTE_PROBLEMS:
                icmp.send_error(self, context, _ROUTE_PROBLEMS[route.kind])
        else:
            self._forward(context, route)

    def _is_martian(self, packet: Packet, interface: Interface) -> bool:
        """Addresses that cannot come from outside (ip_route_input_slow), and multicast: nobody
        here is member of a group but that of all hosts, and it is not routed.
        """
        source, destination = packet.src, packet.dst
        if is_multicast(packet.family, destination) and (
            destination not in EVERYBODY[packet.family]
        ):
            return True
        if packet.family == 6:
            return source >> 120 == 0xFF or source == 1 or destination == 1
        if source >> 24 == 127 or destination >> 24 == 127:
            allowed = self.route_localnet or interface.route_localnet
            return not allowed
        if source >> 28 >= 0xE or destination == 0:
            return True
        if source == 0 and destination != LIMITED_BROADCAST:
            return True
        return self.is_local(4, source)

    def _forward(self, context: Context, route: Route) -> None:
        packet = context.packet
        out = route.interface
        assert out is not None
        if packet.ttl <= 1:
            self._note(context, "drop", "the TTL has run out")
            icmp.send_error(self, context, Problem.TTL_EXPIRED)
            return
        if packet.length > out.mtu and (packet.df or packet.family == 6):
            self._note(context, "drop", f"longer than the MTU of {out.name}, {out.mtu}")
            icmp.send_error(self, context, Problem.TOO_BIG, mtu=out.mtu)
            return
        packet.ttl -= 1
        context.out_interface = out.name
        self._note(context, "route", f"forward by {out.name}")
        if self._pass(context, Hook.FORWARD):
            self._post(context, route)

    def _post(self, context: Context, route: Route) -> None:
        if self._pass(context, Hook.POSTROUTING):
            self._transmit(context, route)

    def _transmit(self, context: Context, route: Route) -> None:
        packet, out = context.packet, route.interface
        assert out is not None
        next_hop = packet.dst if route.gateway is None else route.gateway
        if context.trace is not None:
            gateway = "" if route.gateway is None else (
                f" to {address_text(packet.family, route.gateway)}")
            context.trace.add("send", f"out by {out.name}{gateway}")
        if context.hits is not None and context.place is not None:
            path = remember(context, self.generation, next_hop, out.transmit)
            if path is not None:
                path.ttl, path.limit = 1, out.mtu
        if not out.transmit(packet, next_hop) and out.up:
            self._note(context, "drop", "nobody there has the address "
                                        f"{address_text(packet.family, next_hop)}")
            icmp.send_error(self, context, Problem.HOST_UNREACHABLE, NeighbourFailed())

    def _deliver(self, context: Context) -> None:
        context.out_interface = ""
        if self._pass(context, Hook.INPUT):
            self.sockets.deliver(context)

    # ------------------------------------------------------------ packets that go out

    def send(self, packet: Packet, owner: tuple[int, ...] = ROOT) -> str:
        """Send a packet that was made here; `owner`: uid and gid of the program, (): the kernel
        itself. Returns '' or the errno's name: EPERM (the rules dropped it), ENETUNREACH (no
        route), ...
        """
        context = Context(self, packet, Hook.OUTPUT)
        context.trace = packet.trace
        context.socket = owner
        return self.output(context)

    def output(self, context: Context) -> str:
        """See `send`; for a packet with a context already."""
        packet = context.packet
        route = self._route_out(packet)
        if isinstance(route, str):
            return route
        destination = packet.dst
        assert route.interface is not None
        local = route.kind is RouteKind.LOCAL
        context.out_interface = "lo" if local else route.interface.name
        if not self._pass(context, Hook.OUTPUT):
            return "EPERM"
        if packet.dst != destination:
            again = self._route_out(packet)
            if isinstance(again, str):
                return again
            route = again
            assert route.interface is not None
            local = route.kind is RouteKind.LOCAL
            context.out_interface = "lo" if local else route.interface.name
        if not local:
            self._post(context, route)
        elif self._pass(context, Hook.POSTROUTING):
            if self.wire.medium is not None:
                self.wire.medium.carry(self.loopback.end, self.loopback.end, packet)
            self.wire.pending.append((self._loop_back, context, None))
        return ""

    def _route_out(self, packet: Packet) -> Route | str:
        """The route of a packet that was made here, or the errno's name."""
        route = self.routes[packet.family].lookup(packet.dst)
        if route is None:
            return "ENETUNREACH"
        if route.kind in _ROUTE_ERRORS:
            return _ROUTE_ERRORS[route.kind]
        out = route.interface
        if (packet.family == 4 and packet.src >> 24 == 127 and out is not self.loopback
                and route.kind is not RouteKind.LOCAL
                and not (self.route_localnet or (out is not None and out.route_localnet))):
            return "EINVAL"
        return route

    # ------------------------------------------------------------ programs

    def listen(self, protocol: str, port: int, handler: object, address: str = "") -> Listener:
        """See Sockets.listen."""
        return self.sockets.listen(protocol, port, handler, address)

    def connect(
        self, address: str, port: int, *, source_port: int = 0, trace: Trace | None = None,
    ) -> ConnectOutcome:
        """Open a TCP connection; see Sockets.connect."""
        return self.sockets.connect(address, port, source_port=source_port, trace=trace)

    def send_datagram(
        self, address: str, port: int, payload: object = b"", *, source_port: int = 0,
        trace: Trace | None = None,
    ) -> DatagramOutcome:
        """Send one datagram; see Sockets.send_datagram."""
        return self.sockets.send_datagram(
            address, port, payload, source_port=source_port, trace=trace
        )

    def ping(self, address: str, *, seq: int = 1, trace: Trace | None = None) -> DatagramOutcome:
        """Send one echo request; see Sockets.ping."""
        return self.sockets.ping(address, seq=seq, trace=trace)

    def _note(self, context: Context, kind: str, text: str) -> None:
        if context.trace is not None:
            context.trace.add(kind, text)

    def __repr__(self) -> str:
        return f"<Namespace {self.name}>"
