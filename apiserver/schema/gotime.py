"""Go's time texts: RFC 3339 with the messages of time.Parse, and durations."""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from apiserver.machinery.validation import go_quote
from apiserver.schema.state import DecodeError

_LAYOUT: Final = "2006-01-02T15:04:05Z07:00"
_MICRO_LAYOUT: Final = "2006-01-02T15:04:05.000000Z07:00"
_PARTS: Final = (
    ("2006", r"\d{4}"), ("-", "-"), ("01", r"\d{2}"), ("-", "-"), ("02", r"\d{2}"), ("T", "T"),
    ("15", r"\d{2}"), (":", ":"), ("04", r"\d{2}"), (":", ":"), ("05", r"\d{2}"))
_FRACTION: Final = re.compile(r"[.,](\d+)")
_USUAL: Final = {False: re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
                 True: re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")}
"""What Kubernetes itself writes, by `micro`."""
_ZONE: Final = re.compile(r"Z|([+-])(\d{2}):(\d{2})")


@functools.lru_cache(4096)
def parse_rfc3339(text: str, *, micro: bool) -> float:
    """Seconds since 1970. Raises DecodeError with the message of Go's time.Parse."""
    if _USUAL[micro].fullmatch(text):
        try:
            return datetime.fromisoformat(text).timestamp()
        except ValueError:
            pass  # what is wrong with it is told below, in Go's words
    layout = _MICRO_LAYOUT if micro else _LAYOUT
    rest, numbers = _parts(text, layout)
    rest, fraction = _fraction(text, layout, rest, micro)
    zone = _ZONE.match(rest)
    if zone is None:
        raise _cannot(text, layout, rest, "Z07:00")
    if rest[zone.end():]:
        raise DecodeError(f"{_subject(text, layout)}: extra text: {go_quote(rest[zone.end():])}")
    return _seconds(text, numbers, fraction, zone)


def _parts(text: str, layout: str) -> tuple[str, list[int]]:
    rest, numbers = text, []
    for element, pattern in _PARTS:
        match = re.match(pattern, rest)
        if match is None:
            raise _cannot(text, layout, rest, element)
        rest = rest[match.end():]
        if match.group().isdigit():
            numbers.append(int(match.group()))
            _check_range(text, element, numbers)
    return rest, numbers


def _fraction(text: str, layout: str, rest: str, micro: bool) -> tuple[str, float]:
    match = _FRACTION.match(rest)
    if micro and (match is None or len(match.group(1)) < 6):
        raise _cannot(text, layout, rest, ".000000")
    if match is None:
        return rest, 0.0
    return rest[match.end():], float(f"0.{match.group(1)}")


_RANGES: Final = {"01": ("month", 1, 12), "15": ("hour", 0, 23), "04": ("minute", 0, 59),
                  "05": ("second", 0, 59)}


def _check_range(text: str, element: str, numbers: list[int]) -> None:
    name, low, high = _RANGES.get(element, ("", 0, 9999))
    if not low <= numbers[-1] <= high:
        raise DecodeError(f"parsing time {go_quote(text)}: {name} out of range")


def _seconds(text: str, numbers: list[int], fraction: float, zone: re.Match[str]) -> float:
    offset = UTC
    if zone.group(1):
        minutes = int(zone.group(2)) * 60 + int(zone.group(3))
        offset = timezone(timedelta(minutes=minutes if zone.group(1) == "+" else -minutes))
    try:
        moment = datetime(*numbers, tzinfo=offset)  # type: ignore[misc,arg-type]
    except ValueError:
        raise DecodeError(f"parsing time {go_quote(text)}: day out of range") from None
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() + fraction


def _cannot(text: str, layout: str, rest: str, element: str) -> DecodeError:
    what = f"cannot parse {go_quote(rest)} as {go_quote(element)}"
    return DecodeError(f"{_subject(text, layout)}: {what}")


def _subject(text: str, layout: str) -> str:
    return f"parsing time {go_quote(text)} as {go_quote(layout)}"


_UNITS: Final = {"ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 1_000_000,
                 "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000}
_TERM: Final = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")


def parse_duration(text: str) -> str:
    """A Go duration in canonical form (`90m` is `1h30m0s`). Raises DecodeError."""
    body = text[1:] if text[:1] in ("+", "-") else text
    total = 0
    if body != "0":
        if not body or not re.fullmatch(f"({_TERM.pattern})+", body):
            raise DecodeError(f"time: invalid duration {go_quote(text)}")
        total = sum(round(float(number) * _UNITS[unit]) for number, unit in _TERM.findall(body))
    return ("-" if text[:1] == "-" and total else "") + duration_text(total)


def duration_text(nanoseconds: int) -> str:
    """Go's text of a duration that is not negative."""
    if nanoseconds == 0:
        return "0s"
    for unit, size in (("ns", 1), ("µs", 1_000), ("ms", 1_000_000)):
        if nanoseconds < size * 1000:
            return f"{_decimal(nanoseconds, size)}{unit}"
    minutes, rest = divmod(nanoseconds, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{head}{_decimal(rest, 1_000_000_000)}s"


def _decimal(value: int, size: int) -> str:
    whole, rest = divmod(value, size)
    if rest == 0:
        return str(whole)
    digits = len(str(size)) - 1
    return f"{whole}.{str(rest).rjust(digits, '0').rstrip('0')}"
