"""Cron expressions and the times they mean. Models robfig/cron (standard parser), pure.

    minute hour day-of-month month day-of-week      */15 9-17 * * MON-FRI      @daily
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from datetime import tzinfo

_MONTHS: Final = {name: number for number, name in enumerate(
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1)}
_DAYS: Final = {name: number for number, name in enumerate(
    ("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_FIELDS: Final[tuple[tuple[int, int, dict[str, int]], ...]] = (
    (0, 59, {}), (0, 23, {}), (1, 31, {}), (1, 12, _MONTHS), (0, 6, _DAYS))
_SHORT: Final = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *"}
_EVERY: Final = "@every "
_UNITS: Final = {"ms": 0.001, "h": 3600, "m": 60, "s": 1}
_PART: Final = re.compile(r"(\d+\.?\d*|\.\d+)(ms|h|m|s)")
_YEARS: Final = 5
"""How far ahead a time is looked for (30 February never comes)."""


class ScheduleError(ValueError):
    """An expression or time zone that means nothing."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something is due."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    """Day of month or of week is `*`: both must match. Otherwise one of them is enough."""
    zone: tzinfo

    def next(self, after: float) -> float | None:
        """The first time after `after` (seconds since 1970); None when there is none for years."""
        at = datetime.fromtimestamp(int(after) // 60 * 60, self.zone) + timedelta(minutes=1)
        limit = at.year + _YEARS
        while at.year <= limit:
            if at.month not in self.months or not self._day_fits(at):
                at = (at + timedelta(days=1)).replace(hour=0, minute=0)
            elif at.hour not in self.hours:
                at = _forward(at, timedelta(hours=1)).replace(minute=0)
            elif at.minute not in self.minutes:
                at = _forward(at, timedelta(minutes=1))
            else:
                return at.timestamp()
        return None

    def _day_fits(self, at: datetime) -> bool:
        day, weekday = at.day in self.days, at.isoweekday() % 7 in self.weekdays
        return (day and weekday) if self.any_day else (day or weekday)


@dataclass(frozen=True, slots=True)
class Every:
    """Something is due again and again, so many seconds apart."""

    seconds: int
    zone: tzinfo

    def next(self, after: float) -> float | None:
        """So many seconds after `after`, on a whole one."""
        return float(int(after) + self.seconds)


def _forward(at: datetime, step: timedelta) -> datetime:
    """Real time later: across a change of the clocks too."""
    return (at.astimezone(UTC) + step).astimezone(at.tzinfo)


def parse_schedule(text: str, zone: str = "") -> Schedule | Every:
    """A Schedule from a cron expression. Raises ScheduleError."""
    if text.startswith(_EVERY):
        return Every(_seconds(text.removeprefix(_EVERY)), _zone(zone))
    parts = _SHORT.get(text.strip().lower(), text).split()
    if len(parts) != len(_FIELDS):
        raise ScheduleError(f"expected exactly 5 fields, found {len(parts)}: [{text}]")
    minutes, hours, days, months, weekdays = (
        _field(part, *limits) for part, limits in zip(parts, _FIELDS, strict=True))
    starred = any(part.startswith(("*", "?")) for part in (parts[2], parts[4]))
    return Schedule(minutes, hours, days, months, weekdays, starred, _zone(zone))


def _seconds(text: str) -> int:
    """Whole seconds of a Go duration like `1h30m`; at least one."""
    if not re.fullmatch(f"(?:{_PART.pattern})+", text):
        raise ScheduleError(f"failed to parse duration {_EVERY}{text}")
    return max(1, int(sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))))


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ScheduleError(f"unknown time zone {name}") from error


def _field(text: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    return frozenset(number for part in text.split(",")
                     for number in _range(part, low, high, names))


def _range(text: str, low: int, high: int, names: dict[str, int]) -> range:
    body, _, step_text = text.partition("/")
    step = _number(step_text, {}) if step_text else 1
    if body in ("*", "?"):
        first, last = low, high
    else:
        begin, dash, end = body.partition("-")
        first = _number(begin, names)
        last = _number(end, names) if dash else (high if step_text else first)
    if not low <= first <= last <= high or step < 1:
        raise ScheduleError(f"value out of range ({first} - {last}): {text}")
    return range(first, last + 1, step)


def _number(text: str, names: dict[str, int]) -> int:
    found = names.get(text.lower())
    if found is not None:
        return found
    if not (text.isascii() and text.isdigit()):
        raise ScheduleError(f"failed to parse int from {text}")
    return int(text)
