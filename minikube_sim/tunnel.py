"""Bytes of HTTP/1.1 to a simulated program and back: what a port-forward carries.

The connection is routed packet by packet; requests are read by h11 and pass by call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11

from minikube_sim.exchange import ask
from minikube_sim.http import Request, Response
from minikube_sim.process import finish

if TYPE_CHECKING:
    from apiserver.machinery.clock import Clock
    from netsim.outcome import Connected


class HTTPTunnel:
    """One connection. Satisfies `apiserver.streaming.node.Tunnel`."""

    def __init__(self, clock: Clock, connection: Connected) -> None:
        self.closed = False
        self._clock = clock
        self._connection = connection
        self._http = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = bytearray()

    async def exchange(self, data: bytes) -> bytes:
        """See Tunnel. What is no HTTP ends the connection."""
        if self.closed:
            return b""
        out = bytearray()
        try:
            self._http.receive_data(data)
            while (event := self._http.next_event()) is not h11.NEED_DATA:
                if event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                    break
                out += await self._take(event)
        except h11.RemoteProtocolError:
            self.close()
        if self._http.our_state is h11.MUST_CLOSE:
            self.close()
        return bytes(out)

    def close(self) -> None:
        """See Tunnel."""
        if not self.closed:
            self.closed = True
            self._connection.close()

    async def _take(self, event: object) -> bytes:
        if isinstance(event, h11.Request):
            self._head, self._body = event, bytearray()
            if self._http.they_are_waiting_for_100_continue:
                return self._send(h11.InformationalResponse(status_code=100, headers=[]))
        elif isinstance(event, h11.Data):
            self._body += event.data
        elif isinstance(event, h11.EndOfMessage) and self._head is not None:
            return await self._answer(self._head)
        return b""

    async def _answer(self, head: h11.Request) -> bytes:
        request = Request(
            method=head.method.decode(), target=head.target.decode("latin-1"),
            headers=tuple((name.decode("latin-1"), value.decode("latin-1"))
                          for name, value in head.headers.raw_items()), body=bytes(self._body))
        response = await finish(ask(self._connection, request, self._clock.now()), self._clock)
        if response is None:
            self.close()
            return b""
        return self._write(response, head.method)

    def _write(self, response: Response, method: bytes) -> bytes:
        headers = [(name.encode("latin-1"), value.encode("latin-1"))
                   for name, value in response.headers if name.lower() != "transfer-encoding"]
        out = self._send(h11.Response(status_code=response.status, headers=headers,
                                      reason=response.reason.encode()))
        if method != b"HEAD":
            out += self._send(h11.Data(data=response.body))
        out += self._send(h11.EndOfMessage())
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        return out

    def _send(self, event: h11.Event) -> bytes:
        return self._http.send(event) or b""
