"""One node between two empty links, for packets that kube-proxy's own tables describe."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netsim.conntrack.connection import DST_NAT, SRC_NAT
from netsim.link import Wire
from netsim.namespace import Namespace
from netsim.packet import endpoint_text, parse_packet
from netsim.trace import Trace

if TYPE_CHECKING:
    from netsim.link import Interface
    from netsim.packet import Packet


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a new flow."""

    output: str
    """`10.0.0.1:80` (translated), REJECT, DROP, ACCEPT, '' (nobody cared)."""
    masqueraded: bool
    trace: str


class _Link:
    """Everybody is there and nobody answers."""

    def __init__(self, interface: Interface) -> None:
        self.interface = interface
        interface.link = self

    def transmit(self, packet: Packet, next_hop: int) -> bool:
        del packet, next_hop
        return True

    def changed(self) -> None:
        pass

    def unplug(self) -> None:
        self.interface.link = None


def node(addresses: list[str], seed: int = 1) -> Namespace:
    """A forwarding host with these addresses on eth0, and Pods behind pod0."""
    stack = Namespace("node", Wire(), lambda: 1_000_000.0, random.Random(seed), tracking=True)
    stack.forwarding = {4: True, 6: True}
    for name in ("eth0", "pod0"):
        _Link(stack.add_interface(name))
    for address in addresses:
        stack.add_address("eth0", address + ("/128" if ":" in address else "/32"))
    stack.add_address("pod0", "169.254.9.1/32")
    stack.add_address("pod0", "fd99::1/128")
    for network in ("10.0.0.0/8", "fd00:10::/32"):
        stack.add_route(network, interface="pod0")
    for network in ("default", "default6"):
        stack.add_route(network, interface="eth0")
    return stack


def try_packet(stack: Namespace, source: str, protocol: str, to: str, port: int) -> Result:
    """The first packet of a flow from `source`, seen by a node without other flows."""
    stack.conntrack.flush()
    form = "{} [{}]:4000 > [{}]:{} {}" if ":" in to else "{} {}:4000 > {}:{} {}"
    first = {"tcp": "S", "sctp": "init"}.get(protocol, "")
    packet = parse_packet(form.format(protocol, source, to, port, first))
    packet.trace = trace = Trace()
    if stack.is_local(packet.family, packet.src):
        stack.send(packet)
    else:
        inward = stack.routes[packet.family].lookup(packet.src)
        assert inward is not None
        assert inward.interface is not None
        stack.receive(packet, inward.interface)
    stack.wire.run()
    return _result(stack, trace)


def _result(stack: Namespace, trace: Trace) -> Result:
    for flow in stack.conntrack:
        if flow.status & DST_NAT:
            output = endpoint_text(flow.reply[0], flow.reply[2], flow.reply[4])
            return Result(output, bool(flow.status & SRC_NAT), str(trace))
    return Result(_decision(trace), False, str(trace))


def _decision(trace: Trace) -> str:
    """What a rule of a filter chain said about a packet that was not translated."""
    for step in trace.steps:
        words = step.rule.split(" comment ")[0].split()
        if step.kind == "rule" and (step.verdict.startswith("REJECT") or "reject" in words):
            return "REJECT"
        if step.kind == "rule" and step.verdict in ("DROP", "ACCEPT"):
            return step.verdict
    return ""
