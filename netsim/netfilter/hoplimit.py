"""The options and arithmetic that the targets TTL and HL share. Models xt_HL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Option

if TYPE_CHECKING:
    from netsim.netfilter.extension import Given


def hop_options(word: str) -> tuple[Option, ...]:
    """--ttl-set, --ttl-dec and --ttl-inc, or the same with hl."""
    names = [f"--{word}-{action}" for action in ("set", "dec", "inc")]
    return tuple(
        Option(name, excludes=tuple(other for other in names if other != name)) for name in names
    )


def parse_hop(given: Given, word: str) -> tuple[str, int]:
    """Action and value. Raises RuleSyntaxError."""
    for action in ("set", "dec", "inc"):
        option = f"--{word}-{action}"
        if given.has(option):
            return action, given.number(option, 0 if action == "set" else 1, 255)
    raise RuleSyntaxError(f"{given.module}: You must specify an action")


def hop_listing(name: str, action: str, value: int) -> str:
    """`TTL set to 64`, `TTL decrement by 3`."""
    words = {"set": "set to", "dec": "decrement by", "inc": "increment by"}
    return f"{name} {words[action]} {value}"


def new_hops(ttl: int, action: str, value: int) -> int:
    """The new time to live, between 0 and 255."""
    if action == "set":
        return value
    return max(0, ttl - value) if action == "dec" else min(255, ttl + value)
