"""Pods that wait for a node. Models pkg/scheduler/backend/queue: the highest priority first, then
the one that has waited longest; a pod that found no node waits until the cluster changes, and after
each failure at least 1 s, 2 s, ... 10 s.
"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field
from typing import Final

INITIAL_BACKOFF: Final = 1.0
MAX_BACKOFF: Final = 10.0


@dataclass(slots=True)
class _Waiting:
    """A pod without a node."""

    priority: int
    attempts: int = 0
    not_before: float = 0.0
    number: int = -1
    """Of its entry in one of the heaps; -1 when it has none (nothing to try before a change)."""


@dataclass(slots=True)
class SchedulingQueue:
    """Keys of pods, in the order in which they are to be scheduled."""

    _pods: dict[str, _Waiting] = field(default_factory=dict)
    _active: list[tuple[int, int, str]] = field(default_factory=list)
    """(-priority, number, key) of what may be tried now."""
    _backoff: list[tuple[float, int, str]] = field(default_factory=list)
    """(when, number, key) of what may be tried then."""
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def __contains__(self, key: str) -> bool:
        return key in self._pods

    def add(self, key: str, priority: int) -> None:
        """A pod that is new, or that has changed: try it (again)."""
        waiting = self._pods.setdefault(key, _Waiting(priority))
        if waiting.number < 0:
            self._push(key, waiting)

    def remove(self, key: str) -> None:
        """The pod is gone or has a node; harmless twice."""
        self._pods.pop(key, None)

    def pop(self, now: float) -> str | None:
        """The next pod to try; None when none is due."""
        while self._backoff and self._backoff[0][0] <= now:
            _, number, key = heapq.heappop(self._backoff)
            if self._holds(key, number):
                heapq.heappush(self._active, (-self._pods[key].priority, number, key))
        while self._active:
            _, number, key = heapq.heappop(self._active)
            if self._holds(key, number):
                self._pods[key].number = -1
                return key
        return None

    def failed(self, key: str, now: float) -> None:
        """No node does for the pod: it waits for a change."""
        waiting = self._pods.get(key)
        if waiting is not None:
            waiting.not_before = now + min(INITIAL_BACKOFF * 2.0**waiting.attempts, MAX_BACKOFF)
            waiting.attempts += 1

    def cluster_changed(self) -> bool:
        """Something may have made room: try all again after their back-off. Whether any waits."""
        idle = [(key, waiting) for key, waiting in self._pods.items() if waiting.number < 0]
        for key, waiting in idle:
            self._push(key, waiting)
        return bool(idle)

    def next_due(self) -> float | None:
        """When there will be something to try (0: now); None when nothing is."""
        if self._active:
            return 0.0
        return self._backoff[0][0] if self._backoff else None

    def _push(self, key: str, waiting: _Waiting) -> None:
        waiting.number = next(self._numbers)
        heapq.heappush(self._backoff, (waiting.not_before, waiting.number, key))

    def _holds(self, key: str, number: int) -> bool:
        waiting = self._pods.get(key)
        return waiting is not None and waiting.number == number
