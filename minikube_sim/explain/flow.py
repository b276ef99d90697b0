"""One flow, tried: who answered, or what came back instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from minikube_sim.explain.places import ExplainError, display
from netsim.outcome import Answered, Connected, NotPermitted, Refused, TimedOut, Unreachable
from netsim.packet import parse_address

if TYPE_CHECKING:
    from minikube_sim.cluster import Cluster
    from minikube_sim.explain.places import Target
    from netsim.namespace import Namespace
    from netsim.outcome import ConnectOutcome, DatagramOutcome
    from netsim.trace import Trace

ANSWERED = "answered"
REFUSED = "refused"
DROPPED = "dropped"
UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a flow."""

    result: str
    """answered, refused, dropped or unreachable."""
    by: str = ""
    """Who answered (`pod/web-1`), how it was refused, or the errno's name."""
    client: str = ""
    """The source address that the server sees."""

    def __str__(self) -> str:
        return f"{self.result} by {self.by}" if self.by else self.result


def attempt(cluster: Cluster, source: Namespace, target: Target,
            trace: Trace | None = None) -> Answer:
    """Send the first packets of a flow, as a program on `source` would.

    TCP: a handshake; UDP: one empty datagram; ICMP: one echo request. They pass the
    real rules, so counters, conntrack and the round robin move on. Raises ExplainError for SCTP,
    which has no sockets here.
    """
    names = cluster.network.fabric.nodes
    if target.protocol == "tcp":
        outcome = source.sockets.connect(target.address, target.port, trace=trace)
        if isinstance(outcome, Connected):
            _end(outcome)
            return Answer(result=ANSWERED, by=display(outcome.server, names),
                          client=outcome.server_remote.address)
        return _failure(outcome)
    if target.protocol == "udp":
        return _datagram(cluster, source, target, trace)
    if target.protocol == "icmp":
        reply = source.sockets.ping(target.address, trace=trace)
        if isinstance(reply, Answered):
            return Answer(result=ANSWERED, by=display(_owner(cluster, reply.source.address), names))
        return _failure(reply)
    raise ExplainError(f"{target.protocol.upper()} flows cannot be tried: the simulated hosts have "
                       "sockets for TCP and UDP only")


def _end(connection: Connected) -> None:
    """Close it; that is no longer part of the trace."""
    for socket in (connection.socket, connection.socket.peer):
        if socket is not None:
            socket.trace = None
    connection.close()


def _datagram(cluster: Cluster, source: Namespace, target: Target, trace: Trace | None) -> Answer:
    socket = source.sockets.udp(target.address, target.port)
    if isinstance(socket, Unreachable):
        return _failure(socket)
    try:
        outcome = socket.send(b"", trace=trace)
    finally:
        socket.close()
    if socket.reached is not None and isinstance(outcome, (Answered, TimedOut)):
        _, server, _, remote = socket.reached
        return Answer(result=ANSWERED, by=display(server, cluster.network.fabric.nodes),
                      client=remote.address)
    return _failure(outcome)


def _failure(outcome: ConnectOutcome | DatagramOutcome) -> Answer:
    if isinstance(outcome, Refused):
        return Answer(result=REFUSED, by=outcome.by)
    if isinstance(outcome, Unreachable):
        return Answer(result=UNREACHABLE, by=outcome.error)
    if isinstance(outcome, NotPermitted):
        return Answer(result=DROPPED, by="the sender's own rules (EPERM)")
    return Answer(result=DROPPED)


def _owner(cluster: Cluster, address: str) -> str:
    """The name of the host that has an address."""
    fabric = cluster.network.fabric
    wanted = parse_address(address)
    stacks = [*fabric.nodes.values(), *fabric.outsiders.values(),
              *(pod for node in fabric.nodes.values() for pod in node.pods.values())]
    return next((stack.name for stack in stacks if wanted in stack.arp_addresses()), address)
