"""Programs' way to the simulated network: listen, and HTTP over a connection.

What listens is an `Answer`; a client connects packet by packet and then calls it. A listener that
is no `Answer` accepts connections and says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import TYPE_CHECKING

from controllers.node.runtime import HTTPProbe, HTTPProbeResult
from minikube_sim.http import JSON_TYPE, Request, Response
from minikube_sim.process import pause
from netsim.outcome import Connected, ConnectOutcome, Refused, TimedOut, Unreachable
from netsim.packet import join_host_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from minikube_sim.http import Answer
    from netsim.namespace import Namespace
    from netsim.sockets import Listener


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request that was answered over a connection; `response` None: the server said nothing."""

    connection: Connected
    response: Response | None


def listen(network: Namespace, port: int, answer: Answer) -> Listener:
    """Answer HTTP on a TCP port. Raises AddressInUse."""
    return network.sockets.listen("tcp", port, answer)


async def exchange(network: Namespace, address: str, port: int,
                   request: Request) -> Exchange | ConnectOutcome:
    """Connect from a namespace and send one request; or why there is no connection."""
    outcome = network.sockets.connect(address, port)
    if not isinstance(outcome, Connected):
        return outcome
    try:
        if outcome.socket.seconds:
            await pause(network.now() + outcome.socket.seconds)
        response = await ask(outcome, request, network.now())
    finally:
        outcome.close()
    return Exchange(connection=outcome, response=response)


async def probe(source: Namespace, wanted: HTTPProbe) -> HTTPProbeResult:
    """A kubelet's probe; waits for ever where nothing comes back."""
    headers = (("Host", join_host_port(wanted.host, wanted.port)),
               ("User-Agent", "kube-probe/1.36"), ("Accept", "*/*"), ("Connection", "close"),
               *wanted.headers)
    outcome = await exchange(source, wanted.host, wanted.port,
                             Request(target=wanted.path, headers=headers))
    if isinstance(outcome, Refused):
        return HTTPProbeResult(error="refused")
    if isinstance(outcome, Unreachable):
        await pause(source.now() + outcome.seconds)
        return HTTPProbeResult(error="unreachable")
    if isinstance(outcome, TimedOut):
        await pause(None)
    assert isinstance(outcome, Exchange)
    if outcome.response is None:
        return HTTPProbeResult(error="" if wanted.scheme == "tcp" else "EOF")
    return HTTPProbeResult(status=outcome.response.status,
                           body=outcome.response.body.decode(errors="replace"))


async def ask(connection: Connected, request: Request, now: float) -> Response | None:
    """Let the listener answer; its bytes count on the connection."""
    if not callable(connection.handler):
        return None
    server, client = connection.server_local, connection.server_remote
    response: Response = await connection.handler(replace(
        request, client=client.address, client_port=client.port, server=server.address,
        server_port=server.port))
    response = response.on_the_wire(formatdate(now, usegmt=True))
    sent = _size(request.headers) + len(request.body) + len(request.target)
    await _transfer(connection, sent, _size(response.headers) + len(response.body))
    return response


async def _transfer(connection: Connected, sent: int, received: int) -> None:
    """Send the bytes both ways, and wait as long as links with latency or loss take for them."""
    network = connection.socket.namespace
    medium = network.wire.medium
    if medium is None:
        connection.transfer(sent, received)
        return
    elapsed, waited = medium.elapsed, medium.waited
    connection.transfer(sent, received)
    # acknowledgements cross the links too, and nobody waits for them
    seconds = medium.waited - waited + (medium.elapsed - elapsed) / 2
    if seconds:
        await pause(network.now() + seconds)


def _size(headers: tuple[tuple[str, str], ...]) -> int:
    return 20 + sum(len(name) + len(value) + 4 for name, value in headers)


def listen_json(network: Namespace, port: int, answer: Callable[[], tuple[int, str]]) -> Listener:
    """Answer every request to a port with a status and a JSON text. Raises AddressInUse."""
    async def serve(request: Request) -> Response:
        del request
        status, text = answer()
        return Response(status=status, headers=(JSON_TYPE,), body=text.encode())

    return listen(network, port, serve)
