"""A flow's packets, caught on the wire: `tcpdump` while the flow is tried.

    capture = cluster.sniff("pod/client", "http://web/")
    capture.write("web.pcap")

HTTP is really spoken, and its bytes are in the capture; other TCP flows are opened and closed.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final

from minikube_sim.explain.flow import attempt
from minikube_sim.explain.places import DEFAULT, ExplainError, Places, display
from minikube_sim.explain.text import brief
from minikube_sim.http import Request, Response
from netsim.outcome import Connected
from netsim.packet import TCP
from netsim.pcap import PcapWriter, end_mac, frame

if TYPE_CHECKING:
    from pathlib import Path

    from minikube_sim.cluster import Cluster
    from minikube_sim.explain.places import Target
    from netsim.medium import End
    from netsim.namespace import Namespace
    from netsim.packet import Packet

EVERYWHERE: Final = "all"
_TICK: Final = 0.00002
"""Seconds between two frames, so that they have an order; links without latency take no time."""
_SEGMENT: Final = 1400


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame on a link."""

    time: float
    sender: End
    receiver: End
    packet: Packet
    data: bytes

    def __str__(self) -> str:
        return f"{self.sender.host} > {self.receiver.host}: {brief(str(self.packet))}"


@dataclass(slots=True)
class Capture:
    """The frames of a flow, in order."""

    frames: list[Frame] = field(default_factory=list)

    def pcap(self) -> bytes:
        """As a capture file."""
        stream = io.BytesIO()
        writer = PcapWriter(stream)
        for caught in self.frames:
            writer.write(caught.time, frame(caught.packet, end_mac(caught.sender),
                                            end_mac(caught.receiver), caught.data))
        return stream.getvalue()

    def write(self, path: str | Path) -> None:
        """Write a capture file."""
        with open(path, "wb") as stream:
            stream.write(self.pcap())

    def __str__(self) -> str:
        return "\n".join(map(str, self.frames))


class _Tap:
    """Collects what passes at one host, or everywhere (None)."""

    def __init__(self, cluster: Cluster, host: str | None) -> None:
        self._cluster = cluster
        self._host = host
        self._start = cluster.network.fabric.medium.elapsed
        self.capture = Capture()
        self.data = b""
        """What the TCP segment that is under way carries."""

    def __call__(self, sender: End, receiver: End, packet: Packet) -> None:
        if self._host not in (None, sender.host, receiver.host):
            return
        spent = self._cluster.network.fabric.medium.elapsed - self._start
        now = self._cluster.clock.now() + spent + _TICK * len(self.capture.frames)
        self.capture.frames.append(
            Frame(now, sender, receiver, packet.copy(), self._payload(packet)))

    def _payload(self, packet: Packet) -> bytes:
        if packet.protocol == TCP:
            return self.data if packet.length > packet.header_length else b""
        payload: Any = packet.payload
        if isinstance(payload, tuple):
            payload = payload[0]
        return payload if isinstance(payload, bytes) else b""


async def sniff(cluster: Cluster, source: str, target: str, namespace: str = DEFAULT,
                at: str = "") -> Capture:
    """Try a flow and catch its frames at a place: '' is where it begins, `all` is everywhere.

    Raises ExplainError.
    """
    places = Places(cluster, namespace)
    stack, goal = places.source(source), places.target(target)
    host = None if at == EVERYWHERE else (places.source(at) if at else stack).name
    tap = _Tap(cluster, host)
    stop = cluster.network.fabric.listen_in(tap)
    try:
        if goal.scheme:
            await _converse(stack, goal, tap)
        else:
            attempt(cluster, stack, goal)
    finally:
        stop()
    if not tap.capture.frames:
        raise ExplainError(f"nothing of {source} to {target} was seen at "
                           f"{at or display(stack, cluster.network.fabric.nodes)}")
    return tap.capture


async def _converse(stack: Namespace, target: Target, tap: _Tap) -> None:
    """One HTTP request over a connection, segment by segment."""
    connection = stack.sockets.connect(target.address, target.port)
    if not isinstance(connection, Connected):
        return
    host = target.text.partition("://")[2].partition("/")[0]
    request = Request(target=target.path, headers=(
        ("Host", host), ("User-Agent", "minikube-sim"), ("Accept", "*/*")),
        client=connection.server_remote.address, client_port=connection.server_remote.port,
        server=connection.server_local.address, server_port=connection.server_local.port)
    try:
        _send(connection.socket, tap, _request_bytes(request))
        if callable(connection.handler):
            response: Response = await connection.handler(request)
            answer = response.on_the_wire(formatdate(stack.now(), usegmt=True))
            _send(connection.socket.peer, tap, _response_bytes(answer))
    finally:
        connection.close()


def _send(socket: Any, tap: _Tap, data: bytes) -> None:
    for start in range(0, len(data), _SEGMENT):
        tap.data = data[start:start + _SEGMENT]
        socket.transfer(len(tap.data), 0)


def _request_bytes(request: Request) -> bytes:
    head = [f"{request.method} {request.target} HTTP/1.1",
            *(f"{key}: {value}" for key, value in request.headers)]
    return ("\r\n".join(head) + "\r\n\r\n").encode("latin-1", "replace")


def _response_bytes(response: Response) -> bytes:
    head = [f"HTTP/1.1 {response.status} {response.reason}",
            *(f"{key}: {value}" for key, value in response.headers)]
    return ("\r\n".join(head) + "\r\n\r\n").encode("latin-1", "replace") + response.body
