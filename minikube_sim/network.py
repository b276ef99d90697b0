"""The cluster's simulated network: nodes on a LAN, Pods on their bridges, one host outside."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from minikube_sim.gateway import Gateway
from netsim.fabric import Fabric, Node
from netsim.packet import parse_address

if TYPE_CHECKING:
    import random

    from minikube_sim.clock import RealClock, VirtualClock
    from minikube_sim.config import ClusterOptions

OUTSIDE: Final = "outside"
_LAN_PREFIX: Final = 24


class Network:
    """All nodes of a cluster, wired together."""

    def __init__(self, options: ClusterOptions, clock: VirtualClock | RealClock,
                 chance: random.Random) -> None:
        lan = ipaddress.IPv4Network(f"{options.node_ip}/{_LAN_PREFIX}", strict=False)
        self.gateway = str(lan[1])
        """The nodes' default gateway and name server."""
        self.fabric = Fabric(clock.now, chance, gateways=(self.gateway,))
        for name, address, cidr in zip(options.node_names(), options.node_addresses(),
                                       options.node_pod_cidrs(), strict=True):
            self.fabric.add_node(name, f"{address}/{_LAN_PREFIX}", cidr)
        first = self.fabric.nodes[options.node_names()[0]]
        self._place_gateway(options.node_ip)
        self.outside = self.fabric.add_outside(
            OUTSIDE, f"{_outside_address(options, lan)}/{_LAN_PREFIX}", through=first,
            networks=(options.service_cluster_ip_range, options.pod_cidr))

    def _place_gateway(self, node: str) -> None:
        """It answers DNS, where the fabric's own would answer nothing."""
        address = parse_address(self.gateway)
        silence = self.fabric.lan.resolve(*address)
        assert silence is not None
        self.fabric.lan.dismiss(silence)
        self.fabric.lan.enroll(Gateway(self.fabric.lan, address, parse_address(node)))

    def host(self, node: str) -> Node:
        """A node's own stack. Raises KeyError."""
        return self.fabric.nodes[node]


def _outside_address(options: ClusterOptions, lan: ipaddress.IPv4Network) -> str:
    """The first address of the LAN that is neither the gateway's nor a node's."""
    taken = {str(lan[1]), *options.node_addresses()}
    return next(str(host) for host in lan.hosts() if str(host) not in taken)
