"""Connections whose clients are slow or wrong, at the protocol itself."""

from __future__ import annotations

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from minikube_sim.peer import PeerProtocol


class Hasty(PeerProtocol):
    """Waits a moment for a head."""

    head_seconds = 0.05


async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def talk(*pieces: bytes, protocol=Hasty) -> bytes:
    """Everything that comes back until the server closes, for pieces that are sent in turn."""
    async def scenario() -> bytes:
        config = uvicorn.Config(app, log_config=None, lifespan="off")
        config.load()
        state = ServerState()
        server = await asyncio.get_running_loop().create_server(
            lambda: protocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        answer = b""
        for piece in pieces:
            writer.write(piece)
            if piece.endswith(b"\r\n\r\n"):
                answer += await reader.readuntil(b"ok")
        async with asyncio.timeout(10):
            try:
                answer += await reader.read()
            except ConnectionResetError:
                answer += b"reset"
        writer.close()
        server.close()
        return answer

    return asyncio.run(scenario())


@pytest.mark.parametrize("pieces", [
    (), (b"G",), (b"GET / HTTP/1.1\r\nHost: a\r\nX: ",)])
def test_who_does_not_finish_a_head_is_cut_off(pieces):
    assert talk(*pieces) in (b"", b"reset")


def test_a_second_head_has_as_much_time_as_the_first():
    answer = talk(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1\r\nHo")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.count(b"HTTP/1.1") == 1
