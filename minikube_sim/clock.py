"""The two clocks: virtual (time passes when told to) and real (optionally faster).

The only module that may read the wall clock. Models trio's MockClock and asyncio's loop time.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_TURN_SECONDS: Final = 0.01
EPOCH: Final = 1_767_225_600.0
"""Where virtual time starts unless told otherwise: 2026-01-01T00:00:00Z."""


@dataclass(slots=True, order=True)
class _Due:
    """A pending call of the virtual clock, ordered by time, then by order of registration."""

    when: float
    number: int
    callback: Callable[[], None] | None = field(compare=False)

    def cancel(self) -> None:
        self.callback = None


class VirtualClock:
    """Time stands still until `advance`, which runs what is due, in order, at once."""

    def __init__(self, start: float = EPOCH) -> None:
        self._now = start
        self._due: list[_Due] = []
        self._numbers = itertools.count()

    def now(self) -> float:
        """Seconds since 1970."""
        return self._now

    def call_at(self, when: float, callback: Callable[[], None]) -> _Due:
        """Run `callback` when time has advanced to `when`."""
        due = _Due(max(when, self._now), next(self._numbers), callback)
        heapq.heappush(self._due, due)
        return due

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`; needs a running event loop and somebody who advances it."""
        done = asyncio.get_running_loop().create_future()
        self.call_at(self._now + seconds, lambda: None if done.done() else done.set_result(None))
        await done

    def turn_is_over(self) -> bool:
        """Never: everything runs at once."""
        return False

    def next_due(self) -> float | None:
        """When the next call is due; None if nothing is."""
        while self._due and self._due[0].callback is None:
            heapq.heappop(self._due)
        return self._due[0].when if self._due else None

    def run_next(self, until: float) -> bool:
        """Advance to the next call due at or before `until` and run it; False if none is."""
        when = self.next_due()
        if when is None or when > until:
            self._now = max(self._now, until)
            return False
        due = heapq.heappop(self._due)
        self._now = max(self._now, when)
        callback, due.callback = due.callback, None
        if callback is not None:
            callback()
        return True

    def advance(self, seconds: float, after_each: Callable[[], None] = lambda: None) -> None:
        """Let `seconds` pass: run each due call in order, and `after_each` after every one."""
        until = self._now + seconds
        while self.run_next(until):
            after_each()


class RealClock:
    """Wall time, run `scale` times as fast. `call_at` and `sleep` need a running event loop."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale
        self._start = time.time()
        self._mark = time.monotonic()
        self._turn = self._mark

    def now(self) -> float:
        """Seconds since 1970, ahead of the wall by what the scale has gained since the start."""
        return self._start + (time.monotonic() - self._mark) * self.scale

    def call_at(self, when: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """Run `callback` at the time `when`."""
        delay = max(0.0, when - self.now()) / self.scale
        return asyncio.get_running_loop().call_later(delay, callback)

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of this clock."""
        await asyncio.sleep(seconds / self.scale)

    def turn_is_over(self) -> bool:
        """Some hundred times a second, so that a loop in a shell does not hold up the server."""
        now = time.monotonic()
        if now - self._turn < _TURN_SECONDS:
            return False
        self._turn = now
        return True
