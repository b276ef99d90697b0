"""Schedules of CronJobs. Models github.com/robfig/cron/v3's ParseStandard."""

from __future__ import annotations

from typing import Final, NamedTuple

from apiserver.machinery.validation import go_quote
from apiserver.schema.gotime import parse_duration
from apiserver.schema.state import DecodeError


class _Field(NamedTuple):
    low: int
    high: int
    names: tuple[str, ...] = ()


_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov",
                  "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: Final = (_Field(0, 59), _Field(0, 23), _Field(1, 31), _Field(1, 12, _MONTHS),
                  _Field(0, 6, _DAYS))
_DESCRIPTORS: Final = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight",
                       "@hourly")


def schedule_error(text: str) -> str:
    """What is wrong with a schedule, as the parser says it; '' for a right one."""
    if not text:
        return "empty spec string"
    if text.startswith(("TZ=", "CRON_TZ=")):
        _, space, text = text.partition(" ")
        if not space:
            return "provided bad location"
    if text.startswith("@"):
        return _descriptor_error(text)
    fields = text.split()
    if len(fields) != len(_FIELDS):
        return f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]"
    for words, field in zip(fields, _FIELDS, strict=True):
        for expression in words.split(","):
            if expression and (error := _range_error(expression, field)):
                return error
    return ""


def _descriptor_error(text: str) -> str:
    if text in _DESCRIPTORS:
        return ""
    if not text.startswith("@every "):
        return f"unrecognized descriptor: {text}"
    try:
        parse_duration(text.removeprefix("@every "))
    except DecodeError as error:
        return f"failed to parse duration {text}: {error}"
    return ""


def _range_error(expression: str, field: _Field) -> str:
    try:
        low, high = _range(expression, field)
    except ValueError as error:
        return str(error)
    return _bounds_error(low, high, field, expression)


def _range(expression: str, field: _Field) -> tuple[int, int]:
    """The bounds of `*/5`, `1-4` or `mon`. Raises ValueError."""
    pieces = expression.split("/")
    words = pieces[0].split("-")
    every = words[0] in ("*", "?")
    if len(words) > (1 if every else 2):
        raise ValueError(f"too many hyphens: {expression}")
    numbers = [field.low, field.high] if every else [_number(word, field) for word in words]
    if len(pieces) > 2:
        raise ValueError(f"too many slashes: {expression}")
    if len(pieces) == 2:
        if _integer(pieces[1]) == 0:
            raise ValueError(f"step of range should be a positive number: {expression}")
        if len(numbers) == 1:
            numbers.append(field.high)
    return numbers[0], numbers[-1]


def _bounds_error(low: int, high: int, field: _Field, expression: str) -> str:
    if low < field.low:
        return f"beginning of range ({low}) below minimum ({field.low}): {expression}"
    if high > field.high:
        return f"end of range ({high}) above maximum ({field.high}): {expression}"
    if low > high:
        return f"beginning of range ({low}) beyond end of range ({high}): {expression}"
    return ""


def _number(word: str, field: _Field) -> int:
    if word.lower() in field.names:
        return field.names.index(word.lower()) + field.low
    return _integer(word)


def _integer(word: str) -> int:
    sign = word.removeprefix("-").removeprefix("+")
    if not (sign.isascii() and sign.isdigit()):
        raise ValueError(f"failed to parse int from {word}: strconv.Atoi: parsing "
                         f"{go_quote(word)}: invalid syntax")
    number = int(word)
    if number < 0:
        raise ValueError(f"negative number ({number}) not allowed: {word}")
    return number
