"""uvicorn's HTTP protocol, with the client's certificate in the scope's state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio


class PeerProtocol(HttpToolsProtocol):
    """Reads the peer's certificate once a connection; every request's scope carries it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection, after its TLS handshake."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            certificate = tls.getpeercert(binary_form=True)
            self.app_state = {**self.app_state, "peer_certificate": certificate}

    def shutdown(self) -> None:
        """The server ends: let go of an idle connection at once, without TLS's long goodbye."""
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()
        else:
            super().shutdown()
