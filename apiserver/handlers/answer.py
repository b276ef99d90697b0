"""Answers as bytes: objects, lists, Status, text; JSON or YAML, maybe compressed."""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson
import yaml

from apiserver.negotiation import JSON, YAML

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.errors import ApiError
    from apiserver.machinery.types import JSON as Value

GZIP_FROM: Final = 128 * 1024
"""Bodies from this size on are compressed for those who accept it (responsewriters)."""
_GZIP_LEVEL: Final = 1
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
TEXT: Final = "text/plain; charset=utf-8"
NOT_FOUND_TEXT: Final = b"404 page not found\n"


@dataclass(slots=True)
class Answer:
    """What goes back to the client."""

    body: bytes
    status: int = 200
    media_type: str = JSON
    revision: int = 0
    """The newest revision that the body shows: it must be durable before it is sent."""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


def json_answer(value: Value, *, status: int = 200, revision: int = 0) -> Answer:
    """An object made for this answer."""
    return Answer(orjson.dumps(value) + b"\n", status, JSON, revision)


def text_answer(text: bytes, *, status: int = 200) -> Answer:
    """Plain text."""
    return Answer(text, status, TEXT)


def not_found_text() -> Answer:
    """What upstream's mux says of a path that nobody serves."""
    answer = text_answer(NOT_FOUND_TEXT, status=404)
    answer.headers.append((b"x-content-type-options", b"nosniff"))
    return answer


def failure(error: ApiError) -> Answer:
    """The Status of a failed request."""
    answer = json_answer(error.status(), status=error.code)
    if retry := (error.details or {}).get("retryAfterSeconds"):
        answer.headers.append((b"retry-after", str(retry).encode()))
    return answer


def to_yaml(answer: Answer) -> Answer:
    """A JSON answer as YAML."""
    dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(orjson.loads(answer.body), Dumper=dumper, allow_unicode=True)
    answer.body, answer.media_type = text.encode(), YAML
    return answer


def indented(answer: Answer) -> Answer:
    """A JSON answer with two blanks a level, as json.MarshalIndent lays it out."""
    answer.body = orjson.dumps(orjson.loads(answer.body), option=orjson.OPT_INDENT_2)
    return answer


async def compressed(answer: Answer) -> Answer:
    """The answer in gzip, made beside the event loop."""
    answer.body = await asyncio.to_thread(_gzip, answer.body)
    answer.headers += [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
    return answer


def _gzip(body: bytes) -> bytes:
    compressor = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    return compressor.compress(body) + compressor.flush()


def warning_headers(warnings: Sequence[str]) -> list[tuple[bytes, bytes]]:
    """`Warning: 299 - "text"` for each (net.NewWarningHeader)."""
    return [(b"warning", b'299 - "' + _quoted(text).encode() + b'"') for text in warnings]


def _quoted(text: str) -> str:
    plain = "".join(c for c in text if c.isprintable())
    return plain.replace("\\", "\\\\").replace('"', '\\"')
