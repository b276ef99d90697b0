"""SPDY/3.1 frames, without I/O: bytes in, events out; calls in, bytes out.

Models draft-mbelshe-httpbis-spdy-00 as far as Kubernetes' clients use it (moby/spdystream): streams
that the client opens, data, pings, resets; no windows, no settings, no priorities.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_VERSION: Final = 3
_SYN_STREAM, _SYN_REPLY, _RST_STREAM, _PING, _GOAWAY = 1, 2, 3, 6, 7
FIN: Final = 1
_MAX_FRAME: Final = (1 << 24) - 1
_MAX_HEADERS: Final = 64 * 1024
_ID: Final = 0x7FFFFFFF

_WORDS: Final = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language"
    " accept-ranges age allow authorization cache-control connection content-base content-encoding"
    " content-language content-length content-location content-md5 content-range content-type date"
    " etag expect expires from host if-match if-modified-since if-none-match if-range"
    " if-unmodified-since last-modified location max-forwards pragma proxy-authenticate"
    " proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade"
    " user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url"
    " public set-cookie keep-alive origin")
_TAIL: Final = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request"
    "401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented"
    "503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, "
    "Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,"
    "application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,"
    "sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.")
DICTIONARY: Final = b"".join(
    struct.pack(">I", len(word)) + word.replace("_", " ").encode() for word in _WORDS.split()
) + _TAIL.encode()
"""What header blocks are compressed with (section 2.6.10.1 of the draft)."""


class SpdyError(Exception):
    """Bytes that are no SPDY/3.1; the connection must end."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The client opens a stream."""

    stream: int
    headers: Mapping[str, str]
    fin: bool


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes on a stream; `fin`: the client's last."""

    stream: int
    data: bytes
    fin: bool


@dataclass(frozen=True, slots=True)
class Reset:
    """The client gives a stream up."""

    stream: int


@dataclass(frozen=True, slots=True)
class Ping:
    """To be answered with the same frame."""

    id: int


@dataclass(frozen=True, slots=True)
class GoAway:
    """The client opens no more streams."""


Event: TypeAlias = Opened | Data | Reset | Ping | GoAway


class Frames:
    """One connection's two directions: each has a compression context of its own."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._deflate = zlib.compressobj(zdict=DICTIONARY)

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events of what has arrived. Raises SpdyError."""
        self._buffer += data
        while len(self._buffer) >= 8:
            size = int.from_bytes(self._buffer[5:8], "big")
            if len(self._buffer) < 8 + size:
                return
            head, body = bytes(self._buffer[:8]), bytes(self._buffer[8:8 + size])
            del self._buffer[:8 + size]
            event = self._event(head, body)
            if event is not None:
                yield event

    def reply(self, stream: int) -> bytes:
        """Take a stream that the client has opened."""
        return _control(_SYN_REPLY, 0, struct.pack(">I", stream) + self._compress({}))

    def open(self, stream: int, headers: Mapping[str, str], *, fin: bool = False) -> bytes:
        """Open a stream, as clients do."""
        head = struct.pack(">IIBB", stream, 0, 0, 0)
        return _control(_SYN_STREAM, FIN if fin else 0, head + self._compress(headers))

    @staticmethod
    def data(stream: int, data: bytes, *, fin: bool = False) -> bytes:
        """Bytes on a stream, in as many frames as they need."""
        pieces = [data[at:at + _MAX_FRAME] for at in range(0, len(data), _MAX_FRAME)] or [b""]
        last = len(pieces) - 1
        return b"".join(struct.pack(">II", stream, ((FIN if fin and i == last else 0) << 24)
                                    | len(piece)) + piece for i, piece in enumerate(pieces))

    @staticmethod
    def ping(identifier: int) -> bytes:
        """A ping, or the answer to one."""
        return _control(_PING, 0, struct.pack(">I", identifier))

    @staticmethod
    def reset(stream: int, status: int = 1) -> bytes:
        """End a stream at once (1: protocol error)."""
        return _control(_RST_STREAM, 0, struct.pack(">II", stream, status))

    @staticmethod
    def goaway(last: int) -> bytes:
        """No more streams after `last`."""
        return _control(_GOAWAY, 0, struct.pack(">II", last, 0))

    def _event(self, head: bytes, body: bytes) -> Event | None:
        first, flags = int.from_bytes(head[:4], "big"), head[4]
        if not first >> 31:
            return Data(first & _ID, body, bool(flags & FIN))
        if (first >> 16) & 0x7FFF != _VERSION:
            raise SpdyError("not SPDY/3.1")
        kind = first & 0xFFFF
        if kind == _SYN_STREAM:
            _least(body, 10)
            return Opened(_number(body), self._headers(body[10:]), bool(flags & FIN))
        if kind == _SYN_REPLY:
            _least(body, 4)
            self._headers(body[4:])
            return None
        return _simple(kind, body)

    def _compress(self, headers: Mapping[str, str]) -> bytes:
        block = [struct.pack(">I", len(headers))]
        for name, value in headers.items():
            for text in (name.lower(), value):
                block.append(struct.pack(">I", len(text.encode())) + text.encode())
        return self._deflate.compress(b"".join(block)) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def _headers(self, block: bytes) -> dict[str, str]:
        try:
            raw = self._inflate.decompress(block, _MAX_HEADERS)
        except zlib.error as error:
            raise SpdyError(f"header block: {error}") from None
        if self._inflate.unconsumed_tail:
            raise SpdyError("the header block is too large")
        texts = list(_strings(raw))
        return dict(zip(texts[::2], texts[1::2], strict=True))


def _simple(kind: int, body: bytes) -> Event | None:
    """Frames of numbers; what we need not know (settings, windows) is None."""
    if kind == _GOAWAY:
        return GoAway()
    if kind not in (_RST_STREAM, _PING):
        return None
    _least(body, 4)
    return Reset(_number(body)) if kind == _RST_STREAM else Ping(int.from_bytes(body[:4], "big"))


def _number(body: bytes) -> int:
    return int.from_bytes(body[:4], "big") & _ID


def _least(body: bytes, size: int) -> None:
    if len(body) < size:
        raise SpdyError("a frame is too short")


def _strings(raw: bytes) -> Iterator[str]:
    """Names and values of a header block in turn. Raises SpdyError."""
    _least(raw, 4)
    count, at = int.from_bytes(raw[:4], "big"), 4
    for _ in range(2 * count):
        _least(raw, at + 4)
        size = int.from_bytes(raw[at:at + 4], "big")
        at += 4
        _least(raw, at + size)
        yield raw[at:at + size].decode("latin-1")
        at += size


def _control(kind: int, flags: int, body: bytes) -> bytes:
    return struct.pack(">HHI", 0x8000 | _VERSION, kind, flags << 24 | len(body)) + body
