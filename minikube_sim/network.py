"""The cluster's simulated network: nodes on a LAN, Pods on their bridges, one host outside."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from netsim.fabric import Fabric, Node

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
        self.fabric = Fabric(clock.now, chance, gateways=(str(lan[1]),))
        for name, address, cidr in zip(options.node_names(), options.node_addresses(),
                                       options.node_pod_cidrs(), strict=True):
            self.fabric.add_node(name, f"{address}/{_LAN_PREFIX}", cidr)
        first = self.fabric.nodes[options.node_names()[0]]
        self.outside = self.fabric.add_outside(
            OUTSIDE, f"{_outside_address(options, lan)}/{_LAN_PREFIX}", through=first,
            networks=(options.service_cluster_ip_range, options.pod_cidr))

    def host(self, node: str) -> Node:
        """A node's own stack. Raises KeyError."""
        return self.fabric.nodes[node]


def _outside_address(options: ClusterOptions, lan: ipaddress.IPv4Network) -> str:
    """The first address of the LAN that is neither the gateway's nor a node's."""
    taken = {str(lan[1]), *options.node_addresses()}
    return next(str(host) for host in lan.hosts() if str(host) not in taken)
