"""New flows and established packets per second through kube-proxy's rules on one core.

    python benchmarks/network.py [--services 10 100 1000 10000] [--flows 20000] [--json]
                                 [--mode iptables nftables] [--plot docs/flows.svg]

The packets are made beforehand; what is measured is a node: from its bridge port, through
conntrack, the rules, NAT and routing, to the bridge port of the endpoint. `connects` are whole
connections of the sockets API: SYN, SYN-ACK, ACK, data both ways, FIN, FIN-ACK, ACK, each through
two Pods and the node.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import sys
import time
from dataclasses import asdict, dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plot import line_chart

from netsim import packet as pk
from netsim.fabric import Fabric, Node
from netsim.kubeproxy import Mode, Options
from netsim.kubeproxy import Node as ProxyNode
from netsim.kubeproxy.node_proxy import NodeProxy
from netsim.outcome import Connected
from netsim.packet import Packet, parse_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.bridge import BridgePort

ENDPOINTS = 3
CLIENT = "172.17.0.100"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Figures for one number of Services."""

    services: int
    mode: str
    rules_seconds: float
    """Writing all rules."""
    new_flows: float
    """First packets of flows, a second."""
    packets: float
    """Packets of established flows, a second."""
    connects: float
    """Whole connections of the sockets API, a second."""


def service(number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Service number n with its EndpointSlice."""
    name = f"svc-{number}"
    address = str(ip_address("10.96.1.0") + number)
    first = number % 50
    return {
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"type": "ClusterIP", "clusterIP": address, "clusterIPs": [address],
                 "ports": [{"port": 80, "targetPort": 5000, "protocol": "TCP"}]},
    }, {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": f"{name}-x", "namespace": "default",
                     "labels": {"kubernetes.io/service-name": name}},
        "ports": [{"name": "", "port": 5000, "protocol": "TCP"}],
        "endpoints": [
            {"addresses": [f"172.17.1.{first + e}"], "nodeName": "minikube"}
            for e in range(1, ENDPOINTS + 1)
        ],
    }


class Bench:
    """A node with Pods, Services and rules."""

    def __init__(self, services: int, mode: Mode) -> None:
        self.now = 1_000_000.0
        self.services = services
        self.fabric = Fabric(lambda: self.now, random.Random(1))
        self.node: Node = self.fabric.add_node("minikube", "10.211.55.120/24", "172.17.0.0/16")
        self.client = self.node.attach_pod("client", CLIENT)
        for number in range(1, 50 + ENDPOINTS):
            self.node.attach_pod(f"p{number}", f"172.17.1.{number}").listen("tcp", 5000, number)
        self.rules_seconds = self._write_rules(mode)

    def _write_rules(self, mode: Mode) -> float:
        me = ProxyNode(name="minikube", addresses=("10.211.55.120",))
        options = Options(mode=mode, cluster_cidrs=("172.17.0.0/16",))
        agent = NodeProxy(self.node, node=me, options=options)
        for number in range(self.services):
            thing, endpoint_slice = service(number)
            agent.apply_service(thing)
            agent.apply_slice(endpoint_slice)
        start = time.process_time()
        agent.sync()
        return time.process_time() - start

    def port(self, address: str) -> BridgePort:
        """The bridge port of a Pod."""
        return self.node.docker0.resolve(*parse_address(address))  # type: ignore[return-value]

    def syns(self, count: int) -> list[Packet]:
        """First packets of that many flows, spread over all Services."""
        client = parse_address(CLIENT)[1]
        base = parse_address("10.96.1.0")[1]
        packets = []
        for number in range(count):
            port = 1024 + number % 64000
            packet = Packet(4, pk.TCP, client, base + number % self.services, port, 80)
            packet.options, packet.wscale = 20, 7
            packets.append(pk.tcp(packet, pk.SYN, 1000, 0))
        return packets

    def drain(self) -> list[Packet]:
        """What left the node, taken off the wire."""
        pending = self.node.wire.pending
        packets = [packet for _, packet, _ in pending]
        pending.clear()
        return packets


def rate(count: int, work: Callable[[], None]) -> float:
    """How many a second of processor time: other programs on the machine do not count."""
    gc.collect()
    start = time.process_time()
    work()
    return count / (time.process_time() - start)


def new_flows(bench: Bench, flows: int) -> float:
    """Send first packets into the node."""
    bench.node.conntrack.flush()
    packets = bench.syns(flows)
    port, enter = bench.port(CLIENT), bench.node.docker0.enter
    gateway = parse_address("172.17.0.1")[1]

    def work() -> None:
        for packet in packets:
            enter(port, packet, gateway)

    figure = rate(flows, work)
    assert len(bench.drain()) == flows
    return figure


def established(bench: Bench, flows: int, rounds: int) -> float:
    """Send data both ways on flows that stand."""
    bench.node.conntrack.flush()
    gateway = parse_address("172.17.0.1")[1]
    enter, port = bench.node.docker0.enter, bench.port(CLIENT)
    conversations = []
    for syn in bench.syns(flows):
        original = syn.copy()
        enter(port, syn, gateway)
        (sent,) = bench.drain()
        server = bench.node.docker0.resolve(4, sent.dst)
        answer = _segment((4, sent.dst, sent.src, sent.dport, sent.sport), pk.SYN | pk.ACK, 1, 1001)
        enter(server, answer, sent.src)
        there = (4, original.src, original.dst, original.sport, original.dport)
        enter(port, _segment(there, pk.ACK, 1001, 2), gateway)
        bench.drain()
        back = (4, sent.dst, sent.src, sent.dport, sent.sport)
        conversations.append((server, sent.src, there, back))
    packets = []
    for number in range(rounds):
        for server, client, there, back in conversations:
            packets.append((port, _segment(there, pk.ACK | pk.PSH, 1001 + number, 2), gateway))
            packets.append((server, _segment(back, pk.ACK, 2, 1002 + number), client))

    def work() -> None:
        for where, packet, next_hop in packets:
            enter(where, packet, next_hop)

    figure = rate(len(packets), work)
    assert len(bench.drain()) == len(packets)
    return figure


def _segment(ends: tuple[int, int, int, int, int], flags: int, seq: int, ack: int) -> Packet:
    family, src, dst, sport, dport = ends
    packet = Packet(family, pk.TCP, src, dst, sport, dport)
    packet.options, packet.window = 12, 502
    if flags & pk.SYN:
        packet.options, packet.wscale, packet.window = 20, 7, 65535
    return pk.tcp(packet, flags, seq, ack, 1 if flags & pk.PSH else 0)


def connects(bench: Bench, count: int) -> float:
    """Whole connections."""
    def work() -> None:
        for number in range(count):
            address = f"10.96.1.{number % min(bench.services, 200)}"
            outcome = bench.client.connect(address, 80)
            assert isinstance(outcome, Connected), outcome
            outcome.transfer(100, 1000)
            outcome.close()

    return rate(count, work)


def measure(services: int, mode: Mode, flows: int) -> Result:
    """All figures for one number of Services."""
    bench = Bench(services, mode)
    new_flows(bench, max(2000, services))  # chains are compiled when first used
    return Result(
        services=services, mode=mode.value, rules_seconds=round(bench.rules_seconds, 3),
        new_flows=round(max(new_flows(bench, flows) for _ in range(3))),
        packets=round(max(established(bench, 200, 50) for _ in range(3))),
        connects=round(connects(bench, min(flows, 1000))),
    )


def draw(results: list[Result]) -> str:
    """The rates over the number of Services: flat lines are good ones."""
    series = {f"{mode}, {words}": [(r.services, getattr(r, field)) for r in results
                                   if r.mode == mode]
              for field, words in (("packets", "established packets"), ("new_flows", "new flows"))
              for mode in dict.fromkeys(r.mode for r in results)}
    return line_chart("Packets per second through kube-proxy's rules, one core",
                      "Services (three endpoints each)", series)


def main(arguments: list[str]) -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, nargs="+", default=[10, 100, 1000, 10000])
    parser.add_argument("--flows", type=int, default=20000)
    parser.add_argument("--mode", choices=["iptables", "nftables"], nargs="+",
                        default=["iptables"])
    parser.add_argument("--plot", type=Path, help="draw the rates there, as SVG")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    results = [measure(n, Mode(mode), options.flows)
               for mode in options.mode for n in options.services]
    if options.plot:
        options.plot.write_text(draw(results), encoding="utf-8")
    if options.json:
        print(json.dumps([asdict(result) for result in results], indent=2))
        return
    print(f"{'mode':>9} {'services':>9} {'write rules s':>14} {'new flows/s':>12} {'packets/s':>10}"
          f" {'connects/s':>11}")
    for r in results:
        print(f"{r.mode:>9} {r.services:>9} {r.rules_seconds:>14} {r.new_flows:>12,.0f}"
              f" {r.packets:>10,.0f} {r.connects:>11,.0f}")


if __name__ == "__main__":
    main(sys.argv[1:])
