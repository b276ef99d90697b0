"""uvicorn's HTTP protocol, with what Kubernetes' clients need beyond it: the client's certificate
in the scope's state, upgrades to SPDY/3.1, and a limit on the size of a request's head.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from apiserver.streaming.carrier import UPGRADE

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

MAX_HEAD: Final = 1 << 20
"""Bytes of URL and headers (net/http's DefaultMaxHeaderBytes)."""
HEAD_SECONDS: Final = 32.0
"""How long a client may take over a request's head (ReadHeaderTimeout); then it is cut off."""
_SPDY: Final = b"spdy/3.1"
_TOO_LARGE: Final = (b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
                     b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\n"
                     b"content-length: 35\r\n\r\n431 Request Header Fields Too Large")


class PeerProtocol(HttpToolsProtocol):
    """Reads the peer's certificate once a connection; every request's scope carries it."""

    head_seconds = HEAD_SECONDS
    _head = 0
    _reads_head = True
    """Part of a head has come, or nothing yet."""
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection, after its TLS handshake."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            certificate = tls.getpeercert(binary_form=True)
            self.app_state = {**self.app_state, "peer_certificate": certificate}
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes; a head that they leave unfinished has so much time."""
        super().data_received(data)
        if self._reads_head and self._patience is None:
            self._wait_for_head()

    def shutdown(self) -> None:
        """The server ends: let go of an idle connection at once, without TLS's long goodbye."""
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()
        else:
            super().shutdown()

    # --- heads -----------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A new request."""
        self._head = 0
        self._reads_head = True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A piece of the URL."""
        if self._fits(len(url)):
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        if self._fits(len(name) + len(value)):
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there; one that is too large was answered already."""
        self._reads_head = False
        self._stop_waiting()
        if self._head <= MAX_HEAD:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body; nobody reads that of a refused request."""
        if self._head <= MAX_HEAD:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self._head <= MAX_HEAD:
            super().on_message_complete()

    def _fits(self, size: int) -> bool:
        before = self._head
        self._head += size
        if self._head > MAX_HEAD >= before and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        return self._head <= MAX_HEAD

    def _wait_for_head(self) -> None:
        self._patience = self.loop.call_later(self.head_seconds, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    # --- upgrades --------------------------------------------------------------------------------

    def _should_upgrade(self) -> bool:
        return self._get_upgrade() == _SPDY or super()._should_upgrade()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over to who speaks the new protocol."""
        if self._get_upgrade() != _SPDY:
            super().handle_websocket_upgrade()
            return
        self.connections.discard(self)
        path, _, query = self.url.partition(b"?")
        scope = {**self.scope, "type": UPGRADE, "path": unquote(path.decode("ascii", "replace")),
                 "raw_path": path, "query_string": query}
        upgraded = UpgradedProtocol(self, scope)
        self.connections.add(upgraded)  # type: ignore[arg-type]
        self.transport.set_protocol(upgraded)
        upgraded.start()


class UpgradedProtocol(asyncio.Protocol):
    """Raw bytes after `101`, as the messages of `apiserver.streaming.carrier`."""

    def __init__(self, before: PeerProtocol, scope: MutableMapping[str, Any]) -> None:
        self._before = before
        self._scope = scope
        self._transport = before.transport
        self._messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._writable = asyncio.Event()
        self._writable.set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Let the application have it."""
        self._task = asyncio.ensure_future(self._run())
        self._before.tasks.add(self._task)
        self._task.add_done_callback(self._before.tasks.discard)

    # --- asyncio.Protocol ------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Bytes of the new protocol."""
        self._messages.put_nowait({"type": "upgrade.receive", "bytes": data})

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._before.connections.discard(self)
        self._writable.set()
        self._messages.put_nowait({"type": "upgrade.disconnect"})

    def pause_writing(self) -> None:
        """The client reads slowly."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._writable.set()

    def shutdown(self) -> None:
        """The server ends."""
        self._transport.close()

    # --- ASGI ------------------------------------------------------------------------------------

    async def _run(self) -> None:
        app: Any = self._before.app
        try:
            await app(self._scope, self._messages.get, self._send)
        finally:
            self._transport.close()

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        await self._writable.wait()
        if self._transport.is_closing():
            raise ConnectionResetError("the client has gone")
        kind = message["type"]
        if kind == "upgrade.send":
            self._transport.write(message["bytes"])
        elif kind == "upgrade.accept":
            self._transport.write(_head(101, message["headers"]))
        elif kind == "upgrade.http.response.start":
            self._transport.write(_head(message["status"],
                                        [*message["headers"], (b"connection", b"close")]))
        elif kind == "upgrade.http.response.body":
            self._transport.write(message["body"])
        else:
            self._transport.close()


def _head(status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode() + lines + b"\r\n"
