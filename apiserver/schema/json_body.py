"""Request bodies in JSON. Duplicate keys are seen, integers and fractions kept apart.

A clean body is read by orjson; one that orjson refuses, or that may have repeated keys, by the
standard library's reader with hooks. What neither takes is explained in Go's words.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

import orjson

from apiserver.schema.json_syntax import JSONSyntaxError, explain
from apiserver.schema.state import Duplicated, NumberText

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def parse_json(body: bytes) -> Any:
    """The value of a JSON body; objects with repeated keys are `Duplicated`.

    Raises JSONSyntaxError with the message of Go's decoder.
    """
    try:
        value = orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError):
        return _careful(body)
    if isinstance(value, dict | list) and not _surely_unique(body, value):
        return _careful(body)
    return value


def _surely_unique(body: bytes, value: Any) -> bool:
    """Whether no key can be repeated: encoded again, the value is as long as the body."""
    try:
        return len(orjson.dumps(value)) == len(body.strip())
    except orjson.JSONEncodeError:  # what cannot be written again is nested too deeply
        raise JSONSyntaxError("exceeded max depth") from None


def _careful(body: bytes) -> Any:
    problem = explain(body)
    if problem:
        raise JSONSyntaxError(problem)
    text = body.decode("utf-8", "replace")
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise JSONSyntaxError("exceeded max depth") from None
    return _without_surrogates(value) if "\\u" in text else value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    return out if len(out) == len(pairs) else _merged(pairs)


def _merged(pairs: list[tuple[str, Any]]) -> Duplicated:
    """Go decodes a repeated key into the same place: objects add up, other values replace."""
    out = Duplicated()
    repeated = []
    for key, value in pairs:
        if key in out:
            repeated.append(key)
            if isinstance(out[key], dict) and isinstance(value, dict):
                value = _object([*out[key].items(), *value.items()])
        out[key] = value
    out.repeated = tuple(repeated)
    return out


def _integer(text: str) -> int | float:
    number = int(text) if len(text) < 25 else float(text)
    return number if -(1 << 63) <= number < 1 << 64 else NumberText(text)


def _constant(text: str) -> NoReturn:
    raise JSONSyntaxError(f"invalid character {text[0]!r} looking for beginning of value")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_float=NumberText,
                                   parse_int=_integer, parse_constant=_constant)


def _without_surrogates(value: Any) -> Any:
    """Lone surrogates become U+FFFD, as in Go."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        for key in list(value):
            value[_without_surrogates(key)] = _without_surrogates(value.pop(key))
    return value
