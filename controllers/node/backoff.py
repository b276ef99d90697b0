"""How long a failing thing waits. Models client-go/util/flowcontrol.Backoff."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

INITIAL: Final = 10.0
MAXIMUM: Final = 300.0


@dataclass(slots=True)
class _Entry:
    delay: float
    updated: float


@dataclass(slots=True)
class Backoff:
    """Delays per key, doubling from `initial` to `maximum` seconds, forgotten after twice that."""

    initial: float = INITIAL
    maximum: float = MAXIMUM
    _entries: dict[str, _Entry] = field(default_factory=dict)

    def delay(self, key: str) -> float:
        """The present delay of a key, 0 when it has none."""
        entry = self._entries.get(key)
        return entry.delay if entry else 0.0

    def grow(self, key: str, event_time: float, now: float) -> None:
        """It happened again: double the delay (`Next`)."""
        entry = self._entries.get(key)
        if entry is None or self._expired(entry, event_time):
            self._entries[key] = _Entry(self.initial, now)
        else:
            self._entries[key] = _Entry(min(entry.delay * 2, self.maximum), now)

    def waits_until(self, key: str, event_time: float, now: float) -> float | None:
        """When the delay after `event_time` ends; None when it has (`IsInBackOffSince`)."""
        entry = self._entries.get(key)
        if entry is None or self._expired(entry, event_time) or now - event_time >= entry.delay:
            return None
        return event_time + entry.delay

    def waits_since_update(self, key: str, now: float) -> float | None:
        """When the delay after the last failure ends; None if it has (`IsInBackOffSinceUpdate`)."""
        entry = self._entries.get(key)
        if entry is None or self._expired(entry, now) or now - entry.updated >= entry.delay:
            return None
        return entry.updated + entry.delay

    def forget(self, key: str) -> None:
        """Start over with this key."""
        self._entries.pop(key, None)

    def _expired(self, entry: _Entry, event_time: float) -> bool:
        return event_time - entry.updated > 2 * self.maximum


def go_duration(seconds: float) -> str:
    """How Go prints a Duration: `10s`, `1m20s`, `5m0s`, `1.5s`, `250ms`, `0s`."""
    if seconds == 0:
        return "0s"
    for unit, size in (("µs", 1e-6), ("ms", 1e-3)):
        if seconds < size * 1000:
            return f"{_number(seconds / size)}{unit}"
    minutes, rest = divmod(round(seconds, 9), 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{text}{_number(rest)}s"


def _number(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".")
