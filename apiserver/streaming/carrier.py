"""An upgraded connection as ASGI messages: a WebSocket, or raw bytes after `101`.

The raw kind is ours: scope type `upgrade`, with the messages `upgrade.accept` (headers),
`upgrade.receive`, `upgrade.send` (bytes), `upgrade.close`, `upgrade.disconnect`, and refusals as
`upgrade.http.response.start|body`, in parallel to ASGI's WebSocket messages.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from apiserver.handlers.answer import Answer
    from apiserver.handlers.call import Receive, Send

WEBSOCKET: Final = "websocket"
UPGRADE: Final = "upgrade"
KINDS: Final = frozenset({WEBSOCKET, UPGRADE})
_NORMAL: Final = 1000


class Carrier:
    """Messages both ways; what is posted is sent in order by a task of its own."""

    def __init__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        self.scope = scope
        self.kind: str = scope["type"]
        self._receive = receive
        self._send = send
        self._outbox: asyncio.Queue[bytes | str | None] = asyncio.Queue()
        self._sender: asyncio.Task[None] | None = None

    @property
    def protocols(self) -> Sequence[str]:
        """What a WebSocket client can speak, dearest first."""
        return [str(name) for name in self.scope.get("subprotocols") or ()]

    async def accept(self, protocol: str = "",
                     headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        """Switch protocols; from here on messages flow."""
        message: dict[str, Any] = {"type": f"{self.kind}.accept", "headers": list(headers)}
        if self.kind == WEBSOCKET:
            await self._receive()  # websocket.connect
            message["subprotocol"] = protocol or None
        await self._send(message)
        self._sender = asyncio.ensure_future(self._drain())

    async def receive(self) -> bytes | str | None:
        """The next message; None when the client has gone."""
        message = await self._receive()
        if message["type"] != f"{self.kind}.receive":
            return None
        data = message.get("bytes")
        if data is not None:
            return bytes(data)
        return str(message.get("text") or "")

    def post(self, data: bytes | str) -> None:
        """Send a message soon."""
        self._outbox.put_nowait(data)

    async def close(self) -> None:
        """Send what was posted, then end the connection."""
        self._outbox.put_nowait(None)
        if self._sender is not None:
            await self._sender

    async def _drain(self) -> None:
        with suppress(OSError, RuntimeError):  # the client has gone
            while (data := await self._outbox.get()) is not None:
                key = "bytes" if isinstance(data, bytes) else "text"
                await self._send({"type": f"{self.kind}.send", key: data})
            message: dict[str, Any] = {"type": f"{self.kind}.close"}
            if self.kind == WEBSOCKET:
                message["code"] = _NORMAL
            await self._send(message)


async def refuse(scope: MutableMapping[str, Any], receive: Receive, send: Send,
                 answer: Answer) -> None:
    """Answer an upgrade request with plain HTTP."""
    kind = scope["type"]
    if kind == WEBSOCKET:
        await receive()
        if f"{WEBSOCKET}.http.response" not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close"})
            return
    headers = [(b"content-length", str(len(answer.body)).encode()),
               (b"content-type", answer.media_type.encode()), *answer.headers]
    await send({"type": f"{kind}.http.response.start", "status": answer.status,
                "headers": headers})
    await send({"type": f"{kind}.http.response.body", "body": answer.body})
