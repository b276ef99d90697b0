"""The cluster's simulated network: nodes on a LAN, Pods on their bridges, one host outside."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from minikube_sim.addressing import lan
from minikube_sim.gateway import Gateway
from netsim.fabric import Fabric, Node
from netsim.packet import parse_address

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from minikube_sim.addressing import Network as IPNetwork
    from minikube_sim.clock import RealClock, VirtualClock
    from minikube_sim.config import ClusterOptions

OUTSIDE: Final = "outside"


class Network:
    """All nodes of a cluster, wired together."""

    def __init__(self, options: ClusterOptions, clock: VirtualClock | RealClock,
                 chance: random.Random) -> None:
        node_ips = options.node_addresses()[0]
        lans = [lan(address, options.nodes) for address in node_ips]
        gateways = [str(one[1]) for one in lans]
        self.gateway = gateways[0]
        """The nodes' default gateway, in the default family, and name server."""
        self.fabric = Fabric(clock.now, chance, gateways=gateways)
        for name, addresses, cidrs in zip(options.node_names(), options.node_addresses(),
                                          options.node_pod_cidrs(), strict=True):
            self.fabric.add_node(name, list(map(_on, addresses, lans)), cidrs)
        first = self.fabric.nodes[options.node_names()[0]]
        self._place_gateway(gateways, node_ips)
        self.outside = self.fabric.add_outside(
            OUTSIDE, *(_on(_outside_address(options, one), one) for one in lans), through=first,
            networks=(*options.service_cidrs, *options.pod_cidrs))

    def _place_gateway(self, gateways: Sequence[str], node: Sequence[str]) -> None:
        """It answers DNS, where the fabric's own would answer nothing."""
        addresses = [parse_address(gateway) for gateway in gateways]
        silence = self.fabric.lan.resolve(*addresses[0])
        assert silence is not None
        self.fabric.lan.dismiss(silence)
        self.fabric.lan.enroll(Gateway(self.fabric.lan, addresses,
                                       [parse_address(address) for address in node]))

    def host(self, node: str) -> Node:
        """A node's own stack. Raises KeyError."""
        return self.fabric.nodes[node]


def _on(address: str, network: IPNetwork) -> str:
    """An address with the length of its network: 10.211.55.120/24."""
    return f"{address}/{network.prefixlen}"


def _outside_address(options: ClusterOptions, network: IPNetwork) -> str:
    """The first address of the LAN that is neither the gateway's nor a node's."""
    taken = {str(network[1]), *chain.from_iterable(options.node_addresses())}
    return next(str(host) for host in network.hosts() if str(host) not in taken)
