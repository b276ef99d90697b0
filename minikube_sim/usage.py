"""What containers use: CPU for the requests that they answer, and memory. Models cAdvisor's view.

Simulated programs compute nothing, so each request is said to take a fixed time of CPU
(`Program.cpu_per_request`); the rate is that of the last window on the cluster's clock.
"""

from __future__ import annotations

from collections import deque
from typing import Final

WINDOW: Final = 15.0
"""Seconds over which rates are taken (metrics-server's resolution)."""
IDLE_CPU: Final = 0.001
"""What a container takes that does nothing, in cores."""
NODE_CPU: Final = 0.05
"""What a node's own programs take, in cores."""
NODE_MEMORY: Final = 600 * 2**20
"""The same in bytes."""


class CpuMeter:
    """CPU time by seconds, as far back as the window goes."""

    __slots__ = ("_spent", "_sum", "total")

    def __init__(self) -> None:
        self._spent: deque[tuple[float, float]] | None = None
        """None: nothing yet (an empty deque takes 600 bytes, and most containers do nothing)."""
        self._sum = 0.0
        self.total = 0.0
        """All that was ever spent."""

    def spend(self, now: float, seconds: float) -> None:
        """Note that CPU time was used now."""
        if self._spent is None:
            self._spent = deque()
        self._forget(now)
        self._sum += seconds
        self.total += seconds
        whole = float(int(now))
        if self._spent and self._spent[-1][0] == whole:
            seconds += self._spent.pop()[1]
        self._spent.append((whole, seconds))

    def rate(self, now: float) -> float:
        """Cores used on average in the last window."""
        self._forget(now)
        return self._sum / WINDOW if self._spent else 0.0

    def _forget(self, now: float) -> None:
        while self._spent and self._spent[0][0] < now - WINDOW:
            self._sum -= self._spent.popleft()[1]


def cores(meter: CpuMeter, now: float) -> float:
    """What a container uses of late."""
    return IDLE_CPU + meter.rate(now)
