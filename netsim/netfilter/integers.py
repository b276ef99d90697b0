"""Integers in rule text. Models xtables_strtoui()."""

from __future__ import annotations


def parse_integer(text: str) -> int | None:
    """A non-negative integer as strtoul(…, 0) reads it; None if it is none."""
    try:
        if text[:2].lower() == "0x":
            return int(text, 16)
        if len(text) > 1 and text[0] == "0":
            return int(text, 8)
        return int(text) if text.isascii() and text.isdigit() else None
    except ValueError:
        return None
