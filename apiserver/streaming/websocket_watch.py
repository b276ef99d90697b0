"""A watch over a WebSocket: each event is a text message. Models WatchServer.HandleWS.

Clients that cannot read a body as it comes (fabric8's, pages in a browser) watch in this way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.authentication.websocket_protocol import without_token
from apiserver.handlers.request import Disconnected

if TYPE_CHECKING:
    from apiserver.handlers.call import Message, Receive, Send
    from apiserver.handlers.request import Request

_NORMAL: Final = 1000


class WatchSocket:
    """Speaks HTTP's messages to a watch and the WebSocket's to its client."""

    def __init__(self, request: Request, send: Send) -> None:
        self._protocols = without_token(request.scope.get("subprotocols") or ())
        self._receive: Receive = request.receive
        self._send = send

    async def receive(self) -> Message:
        """The next message; what a client says to a watch is read and ignored."""
        message = await self._receive()
        gone = message["type"] == "websocket.disconnect"
        return {"type": "http.disconnect"} if gone else message

    async def send(self, message: Message) -> None:
        """Accept, then a message for each line, then a close. Raises Disconnected."""
        try:
            if message["type"] == "http.response.start":
                await self._accept()
                return
            for line in message["body"].splitlines(keepends=True):
                await self._send({"type": "websocket.send", "text": line.decode()})
            if not message.get("more_body"):
                await self._send({"type": "websocket.close", "code": _NORMAL})
        except OSError:
            raise Disconnected from None

    async def _accept(self) -> None:
        await self._receive()  # websocket.connect
        await self._send({"type": "websocket.accept", "headers": [],
                          "subprotocol": self._protocols[0] if self._protocols else None})
