"""How much a server takes on at once, and for how long.

Models apiserver/pkg/server/filters/{maxinflight,longrunning}.go and endpoints/filters/
request_deadline.go. Streams (watches, logs, proxies, exec) count for nothing.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from apiserver.machinery.errors import BadRequest
from apiserver.machinery.validation import go_quote

if TYPE_CHECKING:
    from types import TracebackType

    from apiserver.context import User
    from apiserver.handlers.request import Request
    from apiserver.request_info import RequestInfo

READ_ONLY: Final = 400
"""--max-requests-inflight"""
MUTATING: Final = 200
"""--max-mutating-requests-inflight"""
MOST_SECONDS: Final = 60.0
"""--request-timeout: nobody gets more, and who does not ask gets it."""
_STREAMING: Final = frozenset({"attach", "exec", "proxy", "log", "portforward"})
_READING: Final = frozenset({"get", "list", "watch", ""})
_MASTERS: Final = "system:masters"
_DURATION: Final = re.compile(r"[+-]?(?:0|(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+")
_PART: Final = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0,
                 "h": 3600.0}


class TooMany(Exception):
    """The server has no place for a request now (it is answered by a line of text)."""


@dataclass(slots=True)
class Seats:
    """Places for requests of one sort; as a context, one taken place."""

    total: int
    taken: int = 0

    def __enter__(self) -> None:
        self.taken += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.taken -= 1


@dataclass(slots=True)
class Limits:
    """The limits of one server."""

    read_only: Seats = field(default_factory=lambda: Seats(READ_ONLY))
    mutating: Seats = field(default_factory=lambda: Seats(MUTATING))
    streams: Seats = field(default_factory=lambda: Seats(0))
    """Counted, not bounded."""

    def seat(self, info: RequestInfo | None, user: User, *, bounded: bool = True) -> Seats:
        """Where a request sits. Raises TooMany; administrators always get in.

        `bounded`: false where priorities and fairness decide who gets in.
        """
        if is_long_running(info):
            return self.streams
        verb = info.verb if info is not None else ""
        seats = self.read_only if verb in _READING else self.mutating
        if bounded and seats.taken >= seats.total and _MASTERS not in user.groups:
            raise TooMany
        return seats


def is_long_running(info: RequestInfo | None) -> bool:
    """Whether a request lasts as long as it likes."""
    return info is not None and (info.verb == "watch" or info.subresource in _STREAMING)


def deadline(request: Request) -> AbstractAsyncContextManager[object]:
    """The time that a request has (TimeoutError beyond it), on an event loop. Raises BadRequest."""
    seconds = seconds_of(request)
    try:
        asyncio.get_running_loop()
    except RuntimeError:  # driven without a loop nothing waits
        return nullcontext()
    return asyncio.timeout(seconds)


def seconds_of(request: Request) -> float:
    """How long a request may take, by its `timeout` parameter. Raises BadRequest."""
    text = request.parameter("timeout")
    if not text:
        return MOST_SECONDS
    wanted = parse_duration(text)
    return min(wanted or MOST_SECONDS, MOST_SECONDS)


def parse_duration(text: str) -> float:
    """Go's time.ParseDuration, in seconds; not below 0. Raises BadRequest."""
    if not _DURATION.fullmatch(text):
        raise BadRequest("invalid timeout specified in the request URL - time: "
                         + _complaint(text))
    sign = -1.0 if text.startswith("-") else 1.0
    total = sign * sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    return max(total, 0.0)


def _complaint(text: str) -> str:
    if re.fullmatch(r"[+-]?(?:\d+\.?\d*|\.\d+)", text):
        return f"missing unit in duration {go_quote(text)}"
    return f"invalid duration {go_quote(text)}"
