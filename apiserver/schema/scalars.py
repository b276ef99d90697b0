"""Decoders of single values: what Go's types and their UnmarshalJSON make of a JSON value.

A decoder takes the value (never None) and gives its canonical JSON form. It raises Mismatch for
a wrong JSON type, DecodeError for a text that the type refuses.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import Any, Final

from apiserver.machinery.clock import rfc3339, rfc3339_micro
from apiserver.machinery.quantity import WRONG_FORMAT, QuantityError, canonical
from apiserver.schema.gotime import parse_duration, parse_rfc3339
from apiserver.schema.state import DecodeError, Mismatch, describe


def integer(bits: int) -> Any:
    """The decoder of Go's int32 or int64."""
    limit = 1 << (bits - 1)
    go_type = f"int{bits}"

    def decode(value: Any) -> int:
        if type(value) is int and -limit <= value < limit:
            return value
        raise Mismatch(value, go_type)

    return decode


def boolean(value: Any) -> bool:
    """Go's bool."""
    if type(value) is bool:
        return value
    raise Mismatch(value, "bool")


def floating(value: Any) -> float:
    """Go's float64; a whole number is encoded without a fraction."""
    if type(value) is int:
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e21 else float(value)
    raise Mismatch(value, "float64")


def byte_string(value: Any) -> str:
    """Go's []byte: base64 with padding."""
    if type(value) is not str:
        raise Mismatch(value, "[]uint8")
    text = value.replace("\n", "").replace("\r", "")
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode()
    except ValueError:
        raise DecodeError(f"illegal base64 data at input byte {_bad_base64(value)}") from None


_BASE64: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


def _bad_base64(text: str) -> int:
    """Where encoding/base64 finds the first mistake in `text`."""
    digits = 0
    for at, char in enumerate(text):
        if char in _BASE64:
            digits += 1
        elif char not in "\r\n":
            return _bad_padding(text, at, digits) if char == "=" else at
    return len(text) - digits % 4 if digits % 4 else len(text)


def go_base64url(text: str) -> bytes:
    """What base64.RawURLEncoding decodes: no padding. Raises ValueError in its words."""
    plain = text.replace("-", "+").replace("_", "/") if not set("+/=") & set(text) else ""
    bad = next((at for at, char in enumerate(plain or text)
                if char not in _BASE64 or (char in "+/" and not plain)), len(text))
    if bad == len(text) and len(text) % 4 == 1:
        bad = len(text) - 1
    elif bad == len(text):
        return base64.b64decode(plain + "=" * (-len(plain) % 4))
    raise ValueError(f"illegal base64 data at input byte {bad}")


def _bad_padding(text: str, at: int, digits: int) -> int:
    place = digits % 4
    if place < 2:
        return at
    rest = text[at:].replace("\n", "").replace("\r", "")
    if place == 2 and not rest.startswith("=="):
        return at if rest[1:] else len(text)
    return at + (2 if place == 2 else 1)


def quantity(value: Any) -> str:
    """resource.Quantity: a string or a bare number, in canonical form."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise DecodeError(WRONG_FORMAT)
    text = value if isinstance(value, str) else getattr(value, "text", str(value))
    try:
        return canonical(text.strip())
    except QuantityError as error:
        raise DecodeError(str(error)) from None


def time(value: Any) -> str:
    """metav1.Time: RFC 3339, in UTC and whole seconds."""
    return _canonical_time(_text(value))


@lru_cache(maxsize=4096)
def _canonical_time(text: str) -> str:
    """Every write decodes the times of its object again, and most of them are the same."""
    return rfc3339(parse_rfc3339(text, micro=False))


def micro_time(value: Any) -> str:
    """metav1.MicroTime: RFC 3339 with six digits of fraction."""
    return _canonical_micro_time(_text(value))


@lru_cache(maxsize=4096)
def _canonical_micro_time(text: str) -> str:
    return rfc3339_micro(parse_rfc3339(text, micro=True))


def duration(value: Any) -> str:
    """metav1.Duration: Go's text form, such as `1h0m0s`."""
    return parse_duration(_text(value))


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    raise DecodeError(f"json: cannot unmarshal {describe(value)} into Go value of type string")


def int_or_string(value: Any) -> int | str:
    """intstr.IntOrString."""
    if type(value) is str:
        return value
    if type(value) is int and -(1 << 31) <= value < 1 << 31:
        return value
    raise DecodeError(
        f"json: cannot unmarshal {describe(value, 'int32')} into Go value of type int32")


def raw(value: Any) -> Any:
    """runtime.RawExtension, FieldsV1 and apiextensions' JSON: kept as it is."""
    return value


def whole_numbers(value: Any) -> Any:
    """A value with `1.0` as `1`: what goes through unstructured objects may be written so.

    Models the conversion of floats in apimachinery's runtime.FromUnstructured.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            value[key] = whole_numbers(item)
    elif isinstance(value, list):
        value[:] = map(whole_numbers, value)
    elif isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return int(value)
    return value
