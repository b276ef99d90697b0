"""SPDY/3.1 streams over a carrier: a raw upgraded connection, or a WebSocket that tunnels one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apiserver.streaming.pipe import Pipe
from apiserver.streaming.spdy import Data, Event, Frames, Opened, Ping, Reset, SpdyError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from apiserver.streaming.carrier import Carrier


@dataclass(slots=True, eq=False)
class Stream:
    """One stream that the client has opened."""

    session: Session
    id: int
    headers: Mapping[str, str]
    incoming: Pipe = field(default_factory=Pipe)
    open: bool = True
    """We may still write."""

    @property
    def type(self) -> str:
        """error, stdin, stdout, stderr, resize, data."""
        return self.headers.get("streamtype", "")

    def write(self, data: bytes) -> None:
        """Send bytes; nothing once it is closed."""
        if self.open and data:
            self.session.post(Frames.data(self.id, data))

    def close(self, data: bytes = b"") -> None:
        """Send the last bytes; harmless twice."""
        if self.open:
            self.open = False
            self.session.post(Frames.data(self.id, data, fin=True))


class Session:
    """All streams of one connection."""

    def __init__(self, carrier: Carrier, opened: Callable[[Stream], None]) -> None:
        """`opened` hears of every new stream."""
        self._carrier = carrier
        self._opened = opened
        self._frames = Frames()
        self._streams: dict[int, Stream] = {}

    def post(self, frame: bytes) -> None:
        """Send a frame soon."""
        self._carrier.post(frame)

    async def run(self) -> None:
        """Read until the client goes, or says what is no SPDY."""
        try:
            while (data := await self._carrier.receive()) is not None:
                raw = data if isinstance(data, bytes) else data.encode()
                for event in self._frames.feed(raw):
                    self._take(event)
        except SpdyError:
            pass
        finally:
            for stream in self._streams.values():
                stream.incoming.end()

    def end(self) -> None:
        """Close every stream and say goodbye."""
        for stream in self._streams.values():
            stream.close()
        self.post(Frames.goaway(max(self._streams, default=0)))

    def _take(self, event: Event) -> None:
        if isinstance(event, Opened):
            stream = self._streams[event.stream] = Stream(self, event.stream, event.headers)
            self.post(self._frames.reply(event.stream))
            if event.fin:
                stream.incoming.end()
            self._opened(stream)
        elif isinstance(event, Data):
            self._data(event)
        elif isinstance(event, Ping):
            self.post(Frames.ping(event.id))
        elif isinstance(event, Reset):
            self._reset(event.stream)

    def _data(self, event: Data) -> None:
        stream = self._streams.get(event.stream)
        if stream is None:
            self.post(Frames.reset(event.stream, 2))  # invalid stream
            return
        stream.incoming.feed(event.data)
        if event.fin:
            stream.incoming.end()

    def _reset(self, identifier: int) -> None:
        stream = self._streams.pop(identifier, None)
        if stream is not None:
            stream.open = False
            stream.incoming.end()
