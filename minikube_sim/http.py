"""HTTP messages between simulated namespaces, and the call of what answers them.

The connection is routed packet by packet (`minikube_sim.exchange`); the messages themselves pass by
call, in process. Bodies are real bytes; their TCP segments are not simulated.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Sequence

Headers = tuple[tuple[str, str], ...]
Answer = Callable[["Request"], Awaitable["Response"]]
"""What listens on a port, as the client's side sees it."""

JSON_TYPE: Final = ("Content-Type", "application/json")
TEXT_TYPE: Final = ("Content-Type", "text/plain; charset=utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as the server gets it."""

    method: str = "GET"
    target: str = "/"
    """Path and query as sent."""
    headers: Headers = ()
    body: bytes = b""
    client: str = ""
    """The source address that the server sees."""
    client_port: int = 0
    server: str = ""
    """The destination address that the server sees: its own."""
    server_port: int = 0

    @property
    def path(self) -> str:
        """The decoded path."""
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> str:
        """What follows the question mark."""
        return self.target.partition("?")[2]

    def header(self, name: str) -> str:
        """The first value of a header, '' when there is none."""
        return _first(self.headers, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer."""

    status: int = 200
    headers: Headers = ()
    body: bytes = b""
    trailer: Mapping[str, Any] = field(default_factory=dict)
    """What programs want to tell tests beside the wire."""

    @staticmethod
    def json(value: Any, status: int = 200) -> Response:
        """A JSON document with a newline, as Flask sends it."""
        body = json.dumps(value).encode() + b"\n"
        return Response(status=status, headers=(JSON_TYPE,), body=body)

    @staticmethod
    def text(value: str, status: int = 200) -> Response:
        """Plain text."""
        return Response(status=status, headers=(TEXT_TYPE,), body=value.encode())

    @property
    def reason(self) -> str:
        """`OK`, `Not Found`."""
        return HTTPStatus(self.status).phrase if self.status in _KNOWN else ""

    def header(self, name: str) -> str:
        """The first value of a header, '' when there is none."""
        return _first(self.headers, name)

    def on_the_wire(self, now_text: str, server: str = "") -> Response:
        """With the headers that every server adds."""
        added = [] if self.header("server") or not server else [("Server", server)]
        if not self.header("date"):
            added.append(("Date", now_text))
        if not self.header("content-length"):
            added.append(("Content-Length", str(len(self.body))))
        return replace(self, headers=(*added, *self.headers))


async def call_asgi(app: Callable[..., Awaitable[None]], request: Request) -> Response:
    """Let an ASGI application answer. On an event loop it runs as a task of its own."""
    exchange = _Exchange(request)
    call = app(exchange.scope(), exchange.receive, exchange.send)
    if _loop_runs():
        await asyncio.ensure_future(call)
    else:
        await call
    return exchange.response()


class _Exchange:
    """One request to an ASGI application and what comes of it."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._sent = False
        self._status = 500
        self._headers: Headers = ()
        self._body: list[bytes] = []

    def scope(self) -> dict[str, Any]:
        request = self._request
        path, _, query = request.target.partition("?")
        return {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "scheme": "http",
            "http_version": "1.1", "method": request.method, "path": unquote(path),
            "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1"))
                        for name, value in request.headers],
            "client": (request.client, request.client_port),
            "server": (request.server, request.server_port), "state": {},
        }

    async def receive(self) -> dict[str, Any]:
        if self._sent:
            return {"type": "http.disconnect"}
        self._sent = True
        return {"type": "http.request", "body": self._request.body, "more_body": False}

    async def send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = tuple((name.decode("latin-1"), value.decode("latin-1"))
                                  for name, value in message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self._body.append(message.get("body", b""))

    def response(self) -> Response:
        return Response(status=self._status, headers=self._headers, body=b"".join(self._body))


_KNOWN: Final = frozenset(int(status) for status in HTTPStatus)


def _first(headers: Sequence[tuple[str, str]], name: str) -> str:
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), "")


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
