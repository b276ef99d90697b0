"""port-forward. Models k8s.io/kubelet's portforward server.

* SPDY/3.1, raw or inside of a WebSocket (`SPDY/3.1+portforward.k8s.io`): a pair of streams, `error`
  and `data`, for each connection; the headers `port` and `requestID` say which.
* WebSockets (`v4.channel.k8s.io`): the ports are in the query; channels 2i and 2i+1 are the data
  and the errors of the i-th, and begin with the port as two bytes.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from apiserver.machinery.errors import BadRequest
from apiserver.streaming.carrier import UPGRADE, Carrier
from apiserver.streaming.node import ConnectionFailed
from apiserver.streaming.pipe import Pipe
from apiserver.streaming.remote_command import accept_spdy, choose, decode, encode
from apiserver.streaming.session import Session

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from apiserver.handlers.call import Call
    from apiserver.streaming.node import Tunnel
    from apiserver.streaming.session import Stream

TUNNELED: Final = "SPDY/3.1+portforward.k8s.io"
_SPDY: Final = ("portforward.k8s.io",)
_WEBSOCKET: Final = ("v4.channel.k8s.io", "v4.base64.channel.k8s.io", "portforward.k8s.io")
_MOST_PORT: Final = 65535


async def serve(call: Call, dial: Callable[[int], Awaitable[Tunnel]]) -> None:
    """Carry connections until the client goes. Raises BadRequest before anything was sent."""
    carrier = Carrier(call.request.scope, call.request.receive, call.send)
    try:
        if carrier.kind == UPGRADE:
            await accept_spdy(call, carrier, _SPDY)
            await _Forwarder(carrier, dial).run()
        elif TUNNELED in carrier.protocols:
            await carrier.accept(TUNNELED)
            await _Forwarder(carrier, dial).run()
        else:
            await _Channels(carrier, dial, _ports(call)).run()
    finally:
        await carrier.close()


class _Forwarder:
    """The stream pairs of one SPDY connection."""

    def __init__(self, carrier: Carrier, dial: Callable[[int], Awaitable[Tunnel]]) -> None:
        self._session = Session(carrier, self._opened)
        self._dial = dial
        self._halves: dict[str, Stream] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until the client goes."""
        try:
            await self._session.run()
        finally:
            for task in self._tasks:
                task.cancel()

    def _opened(self, stream: Stream) -> None:
        request = stream.headers.get("requestid", str(stream.id))
        other = self._halves.pop(request, None)
        if other is None:
            self._halves[request] = stream
            return
        pair = {stream.type: stream, other.type: other}
        if pair.keys() != {"data", "error"}:
            stream.close()
            other.close()
            return
        task = asyncio.ensure_future(self._carry(pair["data"], pair["error"]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, data: Stream, error: Stream) -> None:
        port = data.headers.get("port", "")
        try:
            tunnel = await self._dial(_port(port))
            await _pass_on(tunnel, data.incoming, data.write)
        except (ConnectionFailed, BadRequest) as failed:
            error.close(str(failed).encode())
        finally:
            data.close()
            error.close()


class _Channels:
    """Channels of a WebSocket, two for each port."""

    def __init__(self, carrier: Carrier, dial: Callable[[int], Awaitable[Tunnel]],
                 ports: list[int]) -> None:
        self._carrier = carrier
        self._dial = dial
        self._ports = ports
        self._pipes = [Pipe() for _ in ports]
        self._text = False

    async def run(self) -> None:
        """Until the client goes."""
        protocol = choose(self._carrier.protocols, _WEBSOCKET)
        self._text = "base64" in protocol
        await self._carrier.accept(protocol)
        for index, port in enumerate(self._ports):
            for channel in (2 * index, 2 * index + 1):
                self._post(channel, port.to_bytes(2, "little"))
        tasks = [asyncio.ensure_future(self._carry(index)) for index in range(len(self._ports))]
        try:
            while (message := await self._carrier.receive()) is not None:
                channel, data = decode(message, text=self._text)
                if channel >= 0 and channel % 2 == 0 and channel // 2 < len(self._pipes):
                    self._pipes[channel // 2].feed(data)
        finally:
            for task in tasks:
                task.cancel()

    async def _carry(self, index: int) -> None:
        try:
            tunnel = await self._dial(self._ports[index])
            await _pass_on(tunnel, self._pipes[index], lambda data: self._post(2 * index, data))
        except ConnectionFailed as failed:
            self._post(2 * index + 1, str(failed).encode())

    def _post(self, channel: int, data: bytes) -> None:
        if data:
            self._carrier.post(encode(channel, data, text=self._text))


async def _pass_on(tunnel: Tunnel, incoming: Pipe, write: Callable[[bytes], None]) -> None:
    """Bytes in, bytes out, until either side ends."""
    try:
        while not tunnel.closed and (data := await incoming.read()):
            write(await tunnel.exchange(data))
    finally:
        tunnel.close()


def _ports(call: Call) -> list[int]:
    """The ports of the query. Raises BadRequest."""
    texts = [part for value in call.request.query.get("ports", ()) for part in value.split(",")]
    if not texts:
        raise BadRequest('query parameter "ports" is required')
    return [_port(text) for text in texts]


def _port(text: str) -> int:
    """A port number. Raises BadRequest."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _MOST_PORT):
        raise BadRequest(f"invalid port {text!r}: a number from 1 to {_MOST_PORT}")
    return int(text)
