"""Requests straight into the ASGI application: no socket, and no event loop unless it streams."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from controllers.drive import drive
from tests.apiserver.server import Server
from tests.integration.api_server import make_app

if TYPE_CHECKING:
    from apiserver.app import KubernetesApp

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    warnings: list[str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def message(self) -> str:
        """The Status's message."""
        message: str = self.json["message"]
        return message


class Http:
    """One application, and requests to it."""

    def __init__(self, app: KubernetesApp | None = None) -> None:
        self.server = Server()
        self.app = app or make_app(self.server.registry)

    def __call__(self, method: str, target: str, body: Any = None, *, accept: str = "",
                 content_type: str = "application/json", **headers: str) -> Reply:
        """Send a request whose answer does not stream."""
        exchange = _Exchange(body)
        drive(self.app(scope(method, target, accept, content_type, headers),
                       exchange.receive, exchange.send))
        return exchange.reply()

    def stream(self, target: str, *, accept: str = "", **headers: str) -> list[dict[str, Any]]:
        """The events of a watch that ends by itself (timeoutSeconds=1 at most, or an error)."""
        exchange = _Exchange(None, stays=True)
        asyncio.run(self.app(scope("GET", target, accept, "", headers), exchange.receive,
                             exchange.send))
        return [json.loads(line) for line in exchange.reply().body.splitlines()]


def scope(method: str, target: str, accept: str, content_type: str,
          headers: dict[str, str]) -> dict[str, Any]:
    path, _, query = target.partition("?")
    sent = {"accept": accept, "content-type": content_type, "user-agent": "tests/1",
            **{name.replace("_", "-"): value for name, value in headers.items()}}
    return {"type": "http", "method": method, "path": path, "query_string": query.encode(),
            "headers": [(k.encode(), v.encode()) for k, v in sent.items() if v], "state": {}}


class _Exchange:
    def __init__(self, body: Any, *, stays: bool = False) -> None:
        text = json.dumps(body) if not isinstance(body, str | bytes) else body
        self._body = b"" if body is None else text.encode() if isinstance(text, str) else text
        self._stays = stays
        self._start: dict[str, Any] = {}
        self._chunks: list[bytes] = []

    async def receive(self) -> dict[str, Any]:
        if self._stays:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": self._body, "more_body": False}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        else:
            self._chunks.append(message.get("body", b""))

    def reply(self) -> Reply:
        pairs = [(k.decode(), v.decode()) for k, v in self._start["headers"]]
        return Reply(self._start["status"], dict(pairs),
                     [v for k, v in pairs if k == "warning"], b"".join(self._chunks))
