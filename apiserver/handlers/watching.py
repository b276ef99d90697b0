"""WATCH: a stream of events, one JSON document a line. Models handlers/watch.go.

An event is encoded once for all watchers: its object's bytes are the stored version's own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import orjson

from apiserver.flowcontrol.controller import flow_headers
from apiserver.handlers.options import integer, watch_options
from apiserver.handlers.rendering import include_object
from apiserver.handlers.request import Disconnected
from apiserver.lifetime import SCOPE as LIFETIME
from apiserver.machinery.errors import ApiError, Expired, Unknown
from apiserver.metrics.recorder import RECORDER
from apiserver.registry.watching import WatchEnded
from apiserver.storage import StorageFailed
from apiserver.table import partial_metadata, row_of, table_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from apiserver.handlers.call import Call, Receive
    from apiserver.lifetime import Lifetime
    from apiserver.machinery.histogram import Histogram
    from apiserver.metrics.recorder import Recorder
    from apiserver.registry.watching import Event, RegistryWatch

DEFAULT_SECONDS: Final = 45 * 60.0
"""How long a watch lasts when the client does not say (upstream: 30 to 60 minutes by chance)."""
BOOKMARK_SECONDS: Final = 60.0
LAST_BOOKMARK_SECONDS: Final = 2.0
"""How long before the end of a watch its last bookmark comes."""

Encode = "Callable[[Event], bytes]"


async def watch(call: Call) -> None:
    """Stream the changes until the time is up, the client goes, or the history was left behind."""
    options = watch_options(call.request)
    seconds = integer(call.request, "timeoutSeconds")
    encode = _encoder(call)
    call.ctx.name = call.info.name
    try:
        source = await call.registry.watch(call.ctx, options)
    except Expired as error:
        await _start(call)
        await call.send({"type": "http.response.body", "body": error_line(error)})
        return
    stream = _Stream(call, source, encode, bookmarks=options.allow_bookmarks)
    try:
        await _start(call)
        await stream.run(float(seconds) if seconds else DEFAULT_SECONDS)
    finally:
        source.close()


async def _start(call: Call) -> None:
    await call.send({"type": "http.response.start", "status": 200, "headers": [
        (b"content-type", b"application/json"), (b"cache-control", b"no-cache, private"),
        *flow_headers(call.request.scope)]})


class _Stream:
    """One watch on its way to one client."""

    def __init__(self, call: Call, source: RegistryWatch, encode: Callable[[Event], bytes], *,
                 bookmarks: bool) -> None:
        self._call = call
        self._source = source
        self._encode = encode
        self._sizes = _sizes_of(call)
        self._bookmarks = bookmarks
        self._wake = asyncio.Event()
        self._over = False
        self._due = False
        self._deadline = 0.0
        self._next_bookmark: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._sending = False
        self._dropped = False

    async def run(self, seconds: float) -> None:
        """Send events until the end. Times here are the client's, so they are real seconds."""
        loop = asyncio.get_running_loop()
        gone = asyncio.ensure_future(self._until_gone(self._call.request.receive))
        end = loop.call_later(seconds, self._end)
        self._deadline = loop.time() + seconds
        if self._bookmarks:
            self._plan_bookmark()
        self._task = asyncio.current_task()
        self._source.on_event(self._event)
        lifetime: Lifetime | None = self._call.request.scope.get(LIFETIME)
        forget = lifetime.on_end(self._end) if lifetime is not None else _nothing
        try:
            await self._pump()
        except asyncio.CancelledError:
            if not self._dropped:
                raise
            raise Disconnected from None
        finally:
            forget()
            gone.cancel()
            end.cancel()
            if self._next_bookmark is not None:
                self._next_bookmark.cancel()

    async def _pump(self) -> None:
        await self._send(b"", more=True)
        while not self._over:
            if lines := self._lines():
                try:
                    await self._call.registry.store.wait_durable(self._source.revision)
                except StorageFailed as error:
                    self._over, lines = True, error_line(Unknown(f"storage: {error}"))
                await self._send(lines, more=True)
            elif not self._over:
                self._wake.clear()
                await self._wake.wait()
        await self._send(b"", more=False)

    def _lines(self) -> bytes:
        """What there is to say now; a failure is the last thing said."""
        try:
            events = self._source.poll()
        except WatchEnded:
            self._over = True
            return b""
        except ApiError as error:
            self._over = True
            return error_line(error)
        if self._due:
            self._due = False
            events.append(self._source.bookmark())
        lines = [self._encode(event) for event in events]
        for line in lines:
            self._sizes.observe(len(line))
        return b"".join(lines)

    def _bookmark_due(self) -> None:
        self._due = True
        self._wake.set()
        self._plan_bookmark()

    def _plan_bookmark(self) -> None:
        loop = asyncio.get_running_loop()
        at = next_bookmark(loop.time(), self._deadline)
        self._next_bookmark = None if at is None else loop.call_at(at, self._bookmark_due)

    def _event(self) -> None:
        """Something has come; who takes nothing while too much waits for him is dropped."""
        self._wake.set()
        if self._sending and self._source.overflowed and self._task is not None:
            self._dropped = True
            self._task.cancel()

    def _end(self) -> None:
        self._over = True
        self._wake.set()

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._end()

    async def _send(self, body: bytes, *, more: bool) -> None:
        self._sending = True
        await self._call.send(
            {"type": "http.response.body", "body": body, "more_body": more})
        self._sending = False


def next_bookmark(now: float, deadline: float) -> float | None:
    """When a watch that ends at `deadline` says next how far it is: about once a minute, and
    shortly before the end; None when there is no time left. Models cacheWatcher.nextBookmarkTime.
    """
    at = min(now + BOOKMARK_SECONDS, deadline - LAST_BOOKMARK_SECONDS)
    return at if at > now else None


def _sizes_of(call: Call) -> Histogram:
    """Where the sizes of what is sent are counted."""
    recorder: Recorder = call.request.scope[RECORDER]
    return recorder.events_of(call.ctx.resource)


def _nothing() -> None:
    """Who has no lifetime is told nothing."""


def error_line(error: ApiError) -> bytes:
    """An ERROR event."""
    return b'{"type":"ERROR","object":' + orjson.dumps(error.status()) + b"}\n"


def _encoder(call: Call) -> Callable[[Event], bytes]:
    """How events are written in the agreed form. Raises BadRequest, NotAcceptable."""
    form, version = call.accepted.form, call.accepted.version
    if not form:
        return _plain
    if form == "Table":
        return _Tables(call, version)
    return lambda event: _line(event, partial_metadata(event.version.object, version))


def _plain(event: Event) -> bytes:
    return (b'{"type":"' + event.type.encode() + b'","object":' + event.version.encode() + b"}\n")


def _line(event: Event, obj: Any) -> bytes:
    return b'{"type":"' + event.type.encode() + b'","object":' + orjson.dumps(obj) + b"}\n"


class _Tables:
    """Events as Tables of one row; only the first says what the columns are."""

    def __init__(self, call: Call, version: str) -> None:
        self._resource = call.ctx.resource
        self._clock = call.registry.clock
        """Ages count at each event, not at the request."""
        self._include = include_object(call.request)
        self._version = version
        self._first = True

    def __call__(self, event: Event) -> bytes:
        resource, now = self._resource, self._clock.now()
        table = table_of(resource, (), now, self._include, self._version)
        table["metadata"] = {"resourceVersion": str(event.version.revision)}
        if not self._first:
            table["columnDefinitions"] = None
        self._first = False
        table["rows"] = [row_of(resource, event.version.object, now, self._include, self._version)]
        return _line(event, table)
