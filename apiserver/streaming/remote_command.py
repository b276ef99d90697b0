"""exec and attach. Models k8s.io/kubelet's remotecommand server and its protocols.

WebSockets: `v5.channel.k8s.io` and before (a first byte names the channel; v5 can close stdin), in
binary or base64. SPDY/3.1: a stream a channel; `v4.channel.k8s.io` ends with a Status on `error`.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import orjson

from apiserver.machinery.errors import ApiError, BadRequest, InternalError
from apiserver.streaming.carrier import UPGRADE, Carrier
from apiserver.streaming.node import ERROR, RESIZE, STDERR, STDIN, STDOUT, RemoteIO
from apiserver.streaming.session import Session

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from apiserver.handlers.call import Call
    from apiserver.machinery.types import Object
    from apiserver.streaming.node import RemoteOptions
    from apiserver.streaming.session import Stream

WEBSOCKET_PROTOCOLS: Final = (
    "v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io", "channel.k8s.io",
    "base64.channel.k8s.io")
SPDY_PROTOCOLS: Final = ("v5.channel.k8s.io", "v4.channel.k8s.io", "v3.channel.k8s.io",
                         "v2.channel.k8s.io", "channel.k8s.io")
SPDY_HEADER: Final = b"x-stream-protocol-version"
_CLOSE: Final = 255
_CHANNELS: Final[Mapping[str, int]] = {
    "stdin": STDIN, "stdout": STDOUT, "stderr": STDERR, "error": ERROR, "resize": RESIZE}
_PATIENCE: Final = 30.0
"""Seconds in which a client must have opened its streams (DefaultStreamCreationTimeout)."""
_GOODBYE: Final = 1.0
"""Seconds in which a client that was told all may close the connection itself."""

Run = "Callable[[RemoteIO], Awaitable[int]]"


async def serve(call: Call, options: RemoteOptions,
                run: Callable[[RemoteIO], Awaitable[int]]) -> None:
    """Carry one remote command to its end. Raises BadRequest before anything was sent."""
    carrier = Carrier(call.request.scope, call.request.receive, call.send)
    if carrier.kind == UPGRADE:
        await _serve_spdy(call, carrier, options, run)
    else:
        await _serve_websocket(carrier, run)


async def ending(work: Awaitable[int]) -> Object:
    """The Status that tells the client how a command ended."""
    try:
        return exit_status(await work)
    except ApiError as error:
        return error.status()


def exit_status(code: int) -> Object:
    """Success, or the exit code as a cause (remotecommand.ServeExec)."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
            "message": "command terminated with non-zero exit code: Error executing in Docker"
                       f" Container: {code}",
            "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]}}


async def first_of(work: Awaitable[Any], gone: Awaitable[Any]) -> Any:
    """What `work` gives; None when the client has gone before (the work is cancelled then)."""
    tasks = [asyncio.ensure_future(work), asyncio.ensure_future(gone)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return tasks[0].result() if tasks[0].done() else None
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task


# --- WebSockets ----------------------------------------------------------------------------------


async def _serve_websocket(carrier: Carrier,
                           run: Callable[[RemoteIO], Awaitable[int]]) -> None:
    protocol = choose(carrier.protocols, WEBSOCKET_PROTOCOLS)
    await carrier.accept(protocol)
    text = "base64" in protocol
    versioned = protocol[:1] == "v"
    io = RemoteIO(lambda channel, data: carrier.post(encode(channel, data, text=text)))
    if not protocol.startswith("v5"):
        carrier.post(encode(STDOUT, b"", text=text))  # tells old clients that all is set up
    status = await first_of(ending(run(io)), _listen(carrier, io, text=text))
    if status is not None:
        last = orjson.dumps(status) if versioned else _plain(status)
        carrier.post(encode(ERROR, last, text=text))
    await carrier.close()


def _plain(status: Object) -> bytes:
    """Protocols before v4 know only a text."""
    return b"" if status["status"] == "Success" else str(status.get("message", "")).encode()


async def _listen(carrier: Carrier, io: RemoteIO, *, text: bool) -> None:
    """Hand on what the client says until it goes."""
    while (message := await carrier.receive()) is not None:
        channel, data = decode(message, text=text)
        if channel == STDIN:
            io.stdin.feed(data)
        elif channel == RESIZE:
            io.sizes.feed(data)
        elif channel == _CLOSE and data == bytes([STDIN]):
            io.stdin.end()


def choose(offered: list[str] | Any, known: tuple[str, ...]) -> str:
    """The best protocol that both sides know; '' when the client names none. Raises BadRequest."""
    for name in known:
        if name in offered:
            return name
    if not offered:
        return ""
    raise BadRequest(f"unable to upgrade: none of the protocols {list(offered)} is supported")


def encode(channel: int, data: bytes, *, text: bool) -> bytes | str:
    """A message of a channel."""
    return f"{channel}{base64.b64encode(data).decode()}" if text else bytes([channel]) + data


def decode(message: bytes | str, *, text: bool) -> tuple[int, bytes]:
    """(channel, data) of a message; what cannot be read is for channel -1.

    The protocol says how, not the kind of message: some clients send the first byte in text.
    """
    raw = message.encode() if isinstance(message, str) else message
    if not text:
        return (raw[0], raw[1:]) if raw else (-1, b"")
    try:
        return int(raw[:1]), base64.b64decode(raw[1:])
    except (ValueError, binascii.Error):
        return -1, b""


# --- SPDY ----------------------------------------------------------------------------------------


async def _serve_spdy(call: Call, carrier: Carrier, options: RemoteOptions,
                      run: Callable[[RemoteIO], Awaitable[int]]) -> None:
    protocol = await accept_spdy(call, carrier, SPDY_PROTOCOLS)
    streams: dict[str, Stream] = {}
    complete = asyncio.Event()
    wanted = _wanted(options, protocol)

    def opened(stream: Stream) -> None:
        streams[stream.type] = stream
        if wanted <= streams.keys():
            complete.set()

    session = Session(carrier, opened)
    reading = asyncio.ensure_future(session.run())
    try:
        status = await first_of(_run_spdy(streams, complete, run), asyncio.shield(reading))
        if status is not None:
            versioned = protocol[:2] in ("v4", "v5")
            last = orjson.dumps(status) if versioned else _plain(status)
            streams["error"].close(last)
        session.end()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(reading), _GOODBYE)
    finally:
        reading.cancel()
        await carrier.close()


async def accept_spdy(call: Call, carrier: Carrier, known: tuple[str, ...]) -> str:
    """Switch to SPDY/3.1; the protocol above it. Raises BadRequest."""
    offered = [part.strip() for name, value in call.request.scope["headers"]
               if name == SPDY_HEADER for part in value.decode("latin-1").split(",")]
    protocol = choose(offered, known) if offered else known[-1]
    await carrier.accept(headers=[(b"connection", b"Upgrade"), (b"upgrade", b"SPDY/3.1"),
                                  (SPDY_HEADER, protocol.encode())])
    return protocol


def _wanted(options: RemoteOptions, protocol: str) -> set[str]:
    """The streams that a client opens before anything runs."""
    asked = {"stdin": options.stdin, "stdout": options.stdout,
             "stderr": options.stderr and not options.tty,
             "resize": options.tty and protocol[:2] in ("v3", "v4", "v5")}
    return {"error", *(name for name, yes in asked.items() if yes)}


async def _run_spdy(streams: Mapping[str, Stream], complete: asyncio.Event,
                    run: Callable[[RemoteIO], Awaitable[int]]) -> Object | None:
    try:
        await asyncio.wait_for(complete.wait(), _PATIENCE)
    except TimeoutError:
        return None
    by_channel = {_CHANNELS[name]: stream for name, stream in streams.items() if name in _CHANNELS}

    def write(channel: int, data: bytes) -> None:
        if channel in by_channel:
            by_channel[channel].write(data)

    io = RemoteIO(write)
    if STDIN in by_channel:
        io.stdin = by_channel[STDIN].incoming
    if RESIZE in by_channel:
        io.sizes = by_channel[RESIZE].incoming
    return await ending(run(io))


def refuse_plain() -> BadRequest:
    """What a request without an upgrade gets (proxy.UpgradeAwareHandler)."""
    return BadRequest("Upgrade request required")


def unknown_failure() -> InternalError:
    """What no node serves."""
    return InternalError("no node agent serves streams")
