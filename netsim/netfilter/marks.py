"""Marks in the options of targets: shared by MARK and CONNMARK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import ALL_ONES
from netsim.netfilter.integers import parse_integer

if TYPE_CHECKING:
    from netsim.netfilter.extension import Given

MARK_FORMS: Final = ("--set-xmark", "--set-mark", "--and-mark", "--or-mark", "--xor-mark")


def parse_mark_form(given: Given) -> tuple[int, int] | None:
    """The value and mask of whichever form was given, as --set-xmark has them; None if none was."""
    if given.has("--set-xmark"):
        return given.mark("--set-xmark")
    if given.has("--set-mark"):
        value, mask = given.mark("--set-mark")
        return value, value | mask
    if given.has("--and-mark"):
        return 0, _whole(given, "--and-mark") ^ ALL_ONES
    if given.has("--or-mark"):
        value = _whole(given, "--or-mark")
        return value, value
    return (_whole(given, "--xor-mark"), 0) if given.has("--xor-mark") else None


def _whole(given: Given, option: str) -> int:
    value = parse_integer(given.text(option))
    if value is None or value > ALL_ONES:
        raise RuleSyntaxError(
            f'{given.module}: bad value for option "{option}", or out of range (0-4294967295).\n'
        )
    return value


def list_mark(value: int, mask: int) -> str:
    """`and`, `or`, `xor`, `set` or `xset`: the shortest form of value and mask."""
    if value == 0:
        return f"and {mask ^ ALL_ONES:#x}"
    if value == mask:
        return f"or {value:#x}"
    if mask == 0:
        return f"xor {value:#x}"
    return f"set {value:#x}" if mask == ALL_ONES else f"xset {value:#x}/{mask:#x}"
