"""uvicorn's HTTP protocol, with the client's certificate in the scope (`state.peer_certificate`)."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class PeerProtocol(HttpToolsProtocol):
    """Reads the peer's certificate once a connection; every request's scope carries it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection, after its TLS handshake."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            certificate = tls.getpeercert(binary_form=True)
            self.app_state = {**self.app_state, "peer_certificate": certificate}
