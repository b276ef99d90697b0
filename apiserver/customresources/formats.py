"""Formats of strings and Go's regular expressions. Models kube-openapi's strfmt registry.

A format that is not in the table is not checked, as upstream strips those it does not support.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_network
from typing import Final
from urllib.parse import urlsplit

from apiserver.schema.gotime import parse_duration, parse_rfc3339
from apiserver.schema.state import DecodeError

Check = Callable[[str], bool]
_CLASSES: Final = {"alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": r"\x00-\x7F",
                   "blank": r"\t ", "cntrl": r"\x00-\x1F\x7F", "digit": "0-9", "graph": "!-~",
                   "lower": "a-z", "print": " -~", "punct": r"!-/:-@\[-`{-~",
                   "space": r"\t\n\v\f\r ", "upper": "A-Z", "word": "0-9A-Za-z_",
                   "xdigit": "0-9A-Fa-f"}
_POSIX: Final = re.compile(r"\[:(\w+):\]")
_FLAGS: Final = re.compile(r"\(\?([ims]+)\)")
_END: Final = re.compile(r"((?:^|[^\\])(?:\\\\)*)\$(?=$|\||\))")


@lru_cache(maxsize=1024)
def go_regex(pattern: str) -> re.Pattern[str]:
    """A pattern of Go's regexp. Raises re.error."""
    text = _POSIX.sub(lambda match: _CLASSES.get(match.group(1), match.group(0)), pattern)
    text = text.replace(r"\z", r"\Z")
    if flags := _FLAGS.search(text):  # Go allows them anywhere, Python only in front
        text = f"(?{flags[1]}){_FLAGS.sub('', text, count=1)}"
    return re.compile(_END.sub(r"\1\\Z", text), re.ASCII)


_GO_COMPLAINTS: Final = (
    ("missing ), unterminated subpattern", "missing closing ): `{whole}`"),
    ("unbalanced parenthesis", "unexpected ): `{whole}`"),
    ("unterminated character set", "missing closing ]: `{rest}`"),
    ("nothing to repeat", "missing argument to repetition operator: `{one}`"),
    ("multiple repeat", "invalid nested repetition operator: `{pair}`"),
    ("bad escape (end of pattern)", "trailing backslash at end of expression: ``"),
    ("bad escape", "invalid escape sequence: `{pair}`"),
    ("bad character range", "invalid character class range: `{rest}`"))


def go_complaint(pattern: str, error: re.error) -> str:
    """What Go's regexp says of a pattern that Python refused."""
    at = error.pos or 0
    shown = {"whole": pattern, "rest": pattern[at:], "one": pattern[at:at + 1],
             "pair": pattern[at:at + 2]}
    text = next((text for start, text in _GO_COMPLAINTS if error.msg.startswith(start)), "")
    return "error parsing regexp: " + (text.format(**shown) if text else str(error))


def _matches(pattern: str) -> Check:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


def _succeeds(parse: Callable[[str], object], *errors: type[Exception]) -> Check:
    def check(text: str) -> bool:
        try:
            parse(text)
        except errors:
            return False
        return True

    return check


def _cidr(text: str) -> object:
    if "/" not in text:
        raise ValueError(text)
    return ip_network(text, strict=False)


def _uri(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme) and " " not in text


def _base64(text: str) -> object:
    return base64.b64decode(text, validate=True)


def _uuid(version: str) -> Check:
    return _matches(rf"(?i)[0-9a-f]{{8}}-?[0-9a-f]{{4}}-?{version}[0-9a-f]{{3}}-?"
                    r"[0-9a-f]{4}-?[0-9a-f]{12}")


_LABEL: Final = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_HOSTNAME: Final = (r"(?i)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)"
                    r"(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
FORMATS: Final[dict[str, Check]] = {
    "bsonobjectid": _matches(r"[0-9a-fA-F]{24}"),
    "byte": _succeeds(_base64, binascii.Error, ValueError),
    "cidr": _succeeds(_cidr, ValueError),
    "creditcard": _matches(r"(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d\d)\d{12}"
                           r"|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11})"),
    "date": _succeeds(date.fromisoformat, ValueError),
    "date-time": _succeeds(lambda text: parse_rfc3339(text, micro=False), DecodeError, ValueError),
    "datetime": _succeeds(lambda text: parse_rfc3339(text, micro=False), DecodeError, ValueError),
    "duration": _succeeds(parse_duration, DecodeError, ValueError),
    "email": _matches(r"[^@\s]+@[^@\s]+"),
    "hexcolor": _matches(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})"),
    "hostname": _matches(_HOSTNAME),
    "ipv4": _succeeds(IPv4Address, AddressValueError),
    "ipv6": _succeeds(IPv6Address, AddressValueError),
    "isbn": _matches(r"(97[89])?\d{9}[\dX]"),
    "isbn10": _matches(r"\d{9}[\dX]"),
    "isbn13": _matches(r"97[89]\d{10}"),
    "k8s-long-name": lambda text: len(text) <= 253 and bool(
        re.fullmatch(rf"{_LABEL}(\.{_LABEL})*", text)),
    "k8s-short-name": _matches(_LABEL),
    "mac": _matches(r"(?i)[0-9a-f]{2}([:-][0-9a-f]{2}){5}|[0-9a-f]{4}(\.[0-9a-f]{4}){2}"),
    "password": lambda text: True,
    "rgbcolor": _matches(r"rgb\(\s*(\d{1,3}\s*,\s*){2}\d{1,3}\s*\)"),
    "ssn": _matches(r"\d{3}[- ]?\d{2}[- ]?\d{4}"),
    "uri": _uri,
    "uuid": _uuid("[0-9a-f]"),
    "uuid3": _uuid("3"),
    "uuid4": _uuid("4"),
    "uuid5": _uuid("5"),
}
"""What a string of a format must be."""
