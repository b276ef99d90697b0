"""The kernel's hash of a few words (include/linux/jhash.h), where an outcome depends on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["jhash_words"]

_START: Final = 0xDEADBEEF
_M32: Final = 0xFFFFFFFF


def _rotate(word: int, by: int) -> int:
    return (word << by | word >> 32 - by) & _M32


def _mix(a: int, b: int, c: int) -> tuple[int, int, int]:
    for by in (4, 6, 8, 16, 19, 4):
        a = (a - c & _M32) ^ _rotate(c, by)
        a, b, c = b, c + b & _M32, a
    return a, b, c


def _final(a: int, b: int, c: int) -> int:
    for by in (14, 11, 25, 16, 4, 14, 24):
        a, b, c = b, (c ^ b) - _rotate(b, by) & _M32, a
    return b


def jhash_words(words: Sequence[int], initial: int = 0) -> int:
    """jhash2: a hash of 32 bits over words of 32 bits."""
    a = b = c = _START + (len(words) << 2) + initial & _M32
    rest = list(words)
    while len(rest) > 3:
        a, b, c = _mix(a + rest[0] & _M32, b + rest[1] & _M32, c + rest[2] & _M32)
        del rest[:3]
    if not rest:
        return c
    padded = [*rest, 0, 0][:3]
    return _final(a + padded[0] & _M32, b + padded[1] & _M32, c + padded[2] & _M32)
