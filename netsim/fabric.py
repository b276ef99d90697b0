"""Nodes on a LAN, Pods on their bridges, hosts outside: the lab's whole network.

    fabric = Fabric(now, random.Random(1))
    node = fabric.add_node("minikube", "10.211.55.120/24", pod_cidr="172.17.0.0/16")
    pod = node.attach_pod("web", "172.17.0.6")
    laptop = fabric.add_outside("laptop", "10.211.55.2/24")

The LAN's gateway (.1) takes packets and answers nothing. Every node knows the way to the Pods of
the others.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from netsim.bridge import Bridge
from netsim.link import Segment, Silence, Wire
from netsim.medium import End, Fault, Medium
from netsim.namespace import Namespace
from netsim.packet import parse_address
from netsim.routing import BITS, parse_network

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from netsim.packet import Packet

_DEFAULT: Final = {4: "default", 6: "default6"}


def _host(address: str) -> str:
    return address.partition("/")[0]


def _family(address: str) -> int:
    return parse_address(_host(address))[0]


def _first(network: str) -> str:
    """'172.17.0.0/16' -> '172.17.0.1/16'."""
    net = ipaddress.ip_network(network)
    return f"{net.network_address + 1}/{net.prefixlen}"


class Node(Namespace):
    """A host of the cluster: eth0 on the LAN, docker0 with its Pods, forwarding on."""

    def setup(
        self, fabric: Fabric, addresses: Sequence[str], pod_cidrs: Sequence[str],
    ) -> None:
        """Plug the node in; called once by Fabric."""
        self.fabric = fabric
        self.addresses = [_host(a) for a in addresses]
        self.pod_cidrs = list(pod_cidrs)
        self._ranges = [(*parse_network(cidr), _host(_first(cidr))) for cidr in pod_cidrs]
        self.pods: dict[str, Namespace] = {}
        self.forwarding = {4: True, 6: True}
        fabric.lan.plug(self.add_interface("eth0"))
        self.docker0 = Bridge(self.wire, self, self.add_interface("docker0"))
        for address in addresses:
            self.add_address("eth0", address)
        for cidr in pod_cidrs:
            self.add_address("docker0", _first(cidr))
        fabric.add_default_routes(self, addresses)

    def attach_pod(self, name: str, *addresses: str, hairpin: bool = True) -> Namespace:
        """A Pod on docker0 with these addresses (of the node's Pod ranges).

        Raises ValueError if the name or an address is taken, or an address is in no range.
        """
        if name in self.pods:
            raise ValueError(f"pod {name} is attached")
        ranges = [self._range(address) for address in addresses]
        pod = Namespace(name, self.wire, self.now, self.random)
        interface = pod.add_interface("eth0")
        for address, (family, _, length, gateway) in zip(addresses, ranges, strict=True):
            pod.add_address("eth0", f"{address}/{length}")
            pod.plan_route(_DEFAULT[family], via=gateway)
        self.docker0.add_port(_veth_name(name, self.docker0), interface, hairpin=hairpin)
        self.pods[name] = pod
        return pod

    def _range(self, address: str) -> tuple[int, int, int, str]:
        """Family, network, prefix length and gateway of the range that holds an address."""
        wanted, number = parse_address(address)
        for found in self._ranges:
            family, network, length, _ = found
            if family == wanted and (number ^ network) >> (BITS[family] - length) == 0:
                if self.docker0.resolve(family, number) is not None:
                    raise ValueError(f"address {address} is in use")
                return found
        raise ValueError(f"address {address} is in no Pod range of {self.name}")

    def detach_pod(self, name: str) -> None:
        """Take a Pod off the bridge; its connections hang. Raises KeyError."""
        pod = self.pods.pop(name)
        for interface in list(pod.interfaces):
            if interface != "lo":
                pod.remove_interface(interface)


def _veth_name(pod: str, bridge: Bridge) -> str:
    """A name of at most 15 characters that is free on the bridge."""
    number = len(bridge.ports)
    while True:
        name = f"veth{number:x}{pod}"[:15]
        if name not in bridge.ports:
            return name
        number += 1


class Fabric:
    """The LAN and everybody on it."""

    def __init__(
        self, now: Callable[[], float], chance: random.Random,
        gateways: Sequence[str] = ("10.211.55.1", "fd00:10:211::1"),
    ) -> None:
        """`gateways`: the LAN's default gateways, one a family; they answer nothing."""
        self.now = now
        self.random = chance
        self.wire = Wire()
        self.lan = Segment(self.wire)
        self.gateways = {parse_address(g)[0]: g for g in gateways}
        self.lan.enroll(Silence(*(parse_address(g) for g in gateways)))
        self.nodes: dict[str, Node] = {}
        self.outsiders: dict[str, Namespace] = {}

    def add_node(
        self, name: str, address: str | Sequence[str], pod_cidr: str | Sequence[str],
    ) -> Node:
        """A node with its address(es) on the LAN, `10.211.55.120/24`, and the range(s) of its Pods.

        Raises ValueError if the name is taken.
        """
        if name in self.nodes:
            raise ValueError(f"node {name} exists")
        addresses = [address] if isinstance(address, str) else list(address)
        cidrs = [pod_cidr] if isinstance(pod_cidr, str) else list(pod_cidr)
        node = Node(name, self.wire, self.now, self.random, tracking=True)
        node.setup(self, addresses, cidrs)
        for other in self.nodes.values():
            _route_pods(other, node)
            _route_pods(node, other)
        self.nodes[name] = node
        return node

    def remove_node(self, name: str) -> None:
        """Take a node, its Pods and the routes to them away. Raises KeyError."""
        node = self.nodes.pop(name)
        for pod in list(node.pods):
            node.detach_pod(pod)
        for interface in ("docker0", "eth0"):
            node.remove_interface(interface)
        gone = {parse_address(address) for address in node.addresses}
        for other in self.nodes.values():
            for table in other.routes.values():
                for route in list(table):
                    if route.gateway is not None and (route.family, route.gateway) in gone:
                        other.remove_route(route)

    def add_outside(
        self, name: str, *addresses: str, through: Node | None = None,
        networks: Sequence[str] = (),
    ) -> Namespace:
        """A host on the LAN that is not of the cluster; `networks` are routed `through` a node."""
        host = Namespace(name, self.wire, self.now, self.random)
        self.lan.plug(host.add_interface("eth0"))
        for address in addresses:
            host.add_address("eth0", address)
        self.add_default_routes(host, addresses)
        if through is not None:
            self.route_through(host, through, networks)
        self.outsiders[name] = host
        return host

    def route_through(self, host: Namespace, node: Node, networks: Sequence[str]) -> None:
        """Route networks (service addresses) of a host through a node."""
        by_family = {parse_address(a)[0]: a for a in reversed(node.addresses)}
        for network in networks:
            host.add_route(network, via=by_family[_family(network)])

    # ------------------------------------------------------------ links

    @property
    def medium(self) -> Medium:
        """The medium of all links; it comes into being when it is asked for."""
        return self.wire.ensure_medium(self.random)

    def fault(self, one: str, other: str) -> Fault:
        """What is wrong between two hosts, to be changed: two on the LAN, or a Pod and its node.

        Raises KeyError for a name that nobody has.
        """
        for name in (one, other):
            self.namespace(name)
        return self.medium.faults.setdefault(frozenset((one, other)), Fault())

    def heal(self, *hosts: str) -> None:
        """Mend all links, those of one host, or the one between two."""
        if self.wire.medium is None:
            return
        faults = self.wire.medium.faults
        for pair in [pair for pair in faults if pair.issuperset(hosts)]:
            del faults[pair]
        self.wire.drop_idle_medium()

    def listen_in(self, tap: Callable[[End, End, Packet], None]) -> Callable[[], None]:
        """Tell `tap` of every frame on every link; call what comes back to end that."""
        return self.wire.listen_in(tap, self.random)

    def namespace(self, name: str) -> Namespace:
        """A node, a Pod or an outside host by its name. Raises KeyError."""
        found = self.nodes.get(name) or self.outsiders.get(name)
        if found is not None:
            return found
        for node in self.nodes.values():
            if name in node.pods:
                return node.pods[name]
        raise KeyError(name)

    def add_default_routes(self, host: Namespace, addresses: Sequence[str]) -> None:
        """Default routes by the LAN's gateways, where they can be reached."""
        for family in sorted({_family(address) for address in addresses}):
            gateway = self.gateways.get(family)
            if gateway is not None and host.routes[family].lookup(parse_address(gateway)[1]):
                host.add_route(_DEFAULT[family], via=gateway)


def _route_pods(node: Node, other: Node) -> None:
    """Teach a node the way to another's Pods."""
    by_family = {parse_address(a)[0]: a for a in reversed(other.addresses)}
    for cidr in other.pod_cidrs:
        gateway = by_family.get(_family(cidr))
        if gateway is not None and node.routes[_family(cidr)].lookup(parse_address(gateway)[1]):
            node.add_route(cidr, via=gateway)
