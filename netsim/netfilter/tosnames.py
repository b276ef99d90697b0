"""Names of the type of service byte and of DSCP classes. Models tos_values.c, dscp_helper.c."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.integers import parse_integer

if TYPE_CHECKING:
    from netsim.netfilter.extension import Given

TOS: Final = {
    "Minimize-Delay": 0x10, "Maximize-Throughput": 0x08, "Maximize-Reliability": 0x04,
    "Minimize-Cost": 0x02, "Normal-Service": 0x00,
}
NAMED_MASK: Final = 0x3F

_DSCP: Final = {"BE": 0, "EF": 0x2E} | {f"CS{n}": n << 3 for n in range(8)} | {
    f"AF{n}{m}": n << 3 | m << 1 for n in range(1, 5) for m in range(1, 4)
}


def parse_tos(given: Given, option: str, *, default_mask: int) -> tuple[int, int]:
    """`value[/mask]` or a name, as value and mask. Raises RuleSyntaxError."""
    text = given.text(option)
    first, slash, second = text.partition("/")
    value, mask = parse_integer(first), parse_integer(second) if slash else default_mask
    if value is None:
        names = [name for name in TOS if name.lower() == text.lower()]
        if not names:
            raise RuleSyntaxError(f'Symbolic name "{text}" is unknown')
        return TOS[names[0]], NAMED_MASK
    if mask is None or value > 255 or mask > 255:
        raise RuleSyntaxError(
            f'{given.module}: bad value for option "{option}", or out of range (0-255).\n'
        )
    return value, mask


def list_tos(value: int, mask: int, numeric: bool) -> str:
    """`0x10/0x3f`, or the name if names are wanted."""
    if not numeric and mask == NAMED_MASK:
        for name, number in TOS.items():
            if number == value:
                return name
    return f"{value:#04x}/{mask:#04x}"


def parse_dscp_class(given: Given, option: str) -> int:
    """`AF11`, `CS3`, `EF` or `BE` as a number. Raises RuleSyntaxError."""
    text = given.text(option)
    if text.upper() not in _DSCP:
        raise RuleSyntaxError(f"Invalid DSCP value `{text}'")
    return _DSCP[text.upper()]
