"""The one clock, as its users see it. Implementations live in `minikube_sim.clock`."""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol


class Timer(Protocol):
    """A call that is due later and can be called off."""

    def cancel(self) -> None:
        """Call it off; harmless when it has already run."""


class Clock(Protocol):
    """Where every time in the simulation comes from."""

    def now(self) -> float:
        """The time in seconds since 1970-01-01T00:00:00Z."""

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Run `callback` at the time `when` (seconds since 1970)."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of this clock."""

    def turn_is_over(self) -> bool:
        """Whether a long computation should let others have their turn now."""


def rfc3339(seconds: float) -> str:
    """A metav1.Time: `2026-01-01T00:00:00Z`."""
    return _whole_second(int(seconds))


@lru_cache(maxsize=256)
def _whole_second(seconds: int) -> str:
    """All that is written within a second, some ten times a Pod, has one text."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def rfc3339_micro(seconds: float) -> str:
    """A metav1.MicroTime: `2026-01-01T00:00:00.000000Z`."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_time(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 time. Raises ValueError."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
