"""Which names are valid. Models apimachinery/pkg/util/validation.

Each check lists what is wrong, in Kubernetes' words.
"""

from __future__ import annotations

import re
from typing import Final

_LABEL: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED: Final = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE: Final = rf"({_QUALIFIED})?"
_DNS1035: Final = r"[a-z]([-a-z0-9]*[a-z0-9])?"


def _too_long(limit: int) -> str:
    return f"must be no more than {limit} bytes"


def _regex(message: str, pattern: str, *examples: str) -> str:
    shown = "".join(f"'{example}',  or " for example in examples[:-1]) + f"'{examples[-1]}'"
    return f"{message} (e.g. {shown}, regex used for validation is '{pattern}')"


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text) is not None


def is_dns1123_label(text: str) -> list[str]:
    """What keeps `text` from being a DNS label (RFC 1123)."""
    wrong = [_too_long(63)] if len(text) > 63 else []
    if not _matches(_LABEL, text):
        wrong.append(_regex(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-',"
            " and must start and end with an alphanumeric character",
            _LABEL, "my-name", "123-abc"))
    return wrong


def is_dns1123_subdomain(text: str) -> list[str]:
    """What keeps `text` from being a DNS subdomain (RFC 1123)."""
    wrong = [_too_long(253)] if len(text) > 253 else []
    if not _matches(_SUBDOMAIN, text):
        wrong.append(_regex(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-'"
            " or '.', and must start and end with an alphanumeric character",
            _SUBDOMAIN, "example.com"))
    return wrong


def is_dns1035_label(text: str) -> list[str]:
    """What keeps `text` from being a DNS label (RFC 1035)."""
    wrong = [_too_long(63)] if len(text) > 63 else []
    if not _matches(_DNS1035, text):
        wrong.append(_regex(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with"
            " an alphabetic character, and end with an alphanumeric character",
            _DNS1035, "my-name", "abc-123"))
    return wrong


def is_path_segment(text: str) -> list[str]:
    """What keeps `text` from being one segment of a URL path."""
    if text in (".", ".."):
        return [f"may not be '{text}'"]
    return [f"may not contain '{part}'" for part in ("/", "%") if part in text]


def is_qualified_name(text: str) -> list[str]:
    """What keeps `text` from being a label key: `name` or `prefix.example.com/name`."""
    parts = text.split("/")
    wrong: list[str] = []
    if len(parts) > 2:
        return ["a qualified name " + _regex(
            "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with"
            " an alphanumeric character", _QUALIFIED, "MyName", "my.name", "123-abc")
            + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    if len(parts) == 2:
        if not parts[0]:
            wrong.append("prefix part must be non-empty")
        else:
            wrong += [f"prefix part {each}" for each in is_dns1123_subdomain(parts[0])]
    return wrong + _name_part(parts[-1])


def _name_part(name: str) -> list[str]:
    wrong = []
    if not name:
        wrong.append("name part must be non-empty")
    elif len(name) > 63:
        wrong.append("name part " + _too_long(63))
    if not _matches(_QUALIFIED, name):
        wrong.append("name part " + _regex(
            "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with"
            " an alphanumeric character", _QUALIFIED, "MyName", "my.name", "123-abc"))
    return wrong


def is_valid_label_value(text: str) -> list[str]:
    """What keeps `text` from being a label's value."""
    wrong = [_too_long(63)] if len(text) > 63 else []
    if not _matches(_LABEL_VALUE, text):
        wrong.append(_regex(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_'"
            " or '.', and must start and end with an alphanumeric character",
            _LABEL_VALUE, "MyValue", "my_value", "12345"))
    return wrong
