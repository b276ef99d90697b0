"""Nodes on their LAN, by the options alone."""

from __future__ import annotations

import random

from minikube_sim.clock import VirtualClock
from minikube_sim.config import ClusterOptions
from minikube_sim.network import Network
from netsim.outcome import Answered
from tests.integration.families import V6_FIRST


def test_all_nodes_are_on_one_network_with_the_gateway_and_the_host_outside():
    options = ClusterOptions(nodes=140, **V6_FIRST)
    network = Network(options, VirtualClock(), random.Random(1))
    first, last = (network.host(options.node_names()[i]) for i in (0, -1))
    for address in last.addresses:
        assert isinstance(first.ping(address), Answered)
        assert isinstance(network.outside.ping(address), Answered)
    assert all(last.routes[4 if "." in one else 6].lookup(1 << 31) for one in last.addresses)
