"""JSON that is kept."""

from __future__ import annotations

from typing import Any

import orjson


def exact(text: bytes) -> bytes:
    """The same bytes in memory of their size: those that orjson makes hold a whole buffer, which
    is 4 or 8 KiB for a text of 600 bytes."""
    return bytes(memoryview(text))


def encoded(value: Any) -> bytes:
    """A value as JSON, to be kept."""
    return exact(orjson.dumps(value))
