"""A request as handlers see it, from an ASGI scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from apiserver.machinery.errors import BadRequest, RequestEntityTooLarge

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from apiserver.machinery.types import Object

Scope = "MutableMapping[str, Any]"
AUDIT: Final = "apiserver.audit"
"""Where an audited request's scope has its entry."""
MAX_BODY: Final = 3 * 1024 * 1024
"""3 MiB, as upstream's MaxRequestBodyBytes."""


class Disconnected(Exception):
    """The client has gone."""


class Request:
    """Method, path, query, headers and body of one request."""

    __slots__ = ("headers", "method", "path", "query", "receive", "scope")

    def __init__(self, scope: MutableMapping[str, Any],
                 receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> None:
        self.scope = scope
        self.receive = receive
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        text: bytes = scope["query_string"]
        pairs = parse_qsl(text.decode("latin-1"), keep_blank_values=True) if text else []
        self.query: dict[str, list[str]] = {}
        for name, value in pairs:
            self.query.setdefault(name, []).append(value)

    def header(self, name: bytes) -> str:
        """A header by its lower-case name, '' when it is missing."""
        return self.headers.get(name, b"").decode("latin-1")

    def parameter(self, name: str) -> str:
        """The first value of a query parameter, '' when it is missing."""
        values = self.query.get(name)
        return values[0] if values else ""

    def audit(self, body: Object | bytes) -> None:
        """Tell the audit log what was asked with."""
        entry = self.scope.get(AUDIT)
        if entry is not None:
            entry.asks_with(body)

    async def body(self) -> bytes:
        """The whole body. Raises RequestEntityTooLarge, BadRequest, Disconnected."""
        declared = self.headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > MAX_BODY:
            raise _too_large()
        chunks: list[bytes] = []
        size, more = 0, True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > MAX_BODY:
                raise _too_large()
            chunks.append(chunk)
            more = message.get("more_body", False)
        return _decompressed(self, chunks[0] if len(chunks) == 1 else b"".join(chunks))


def _decompressed(request: Request, body: bytes) -> bytes:
    encoding = request.header(b"content-encoding")
    if encoding in ("", "identity"):
        return body
    raise BadRequest(f"Content-Encoding {encoding} is not supported")


def _too_large() -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"Request entity too large: limit is {MAX_BODY}")
