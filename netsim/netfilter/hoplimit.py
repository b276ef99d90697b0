"""What TTL and HL share, as matches and as targets. Models xt_hl and xt_HL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Match, Option

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given

_SIGNS: Final = {"eq": "==", "ne": "!=", "lt": "<", "gt": ">"}


def comparison_options(word: str) -> tuple[Option, ...]:
    """--ttl-lt, --ttl-gt and --ttl-eq (also --ttl), or the same with hl."""
    less, greater, equal = f"--{word}-lt", f"--{word}-gt", f"--{word}-eq"
    return (
        Option(less, excludes=(greater, equal)),
        Option(greater, excludes=(less, equal)),
        Option(equal, f"--{word}", invertible=True, excludes=(less, greater)),
    )


@dataclass(frozen=True, slots=True)
class HopMatch(Match):
    """Equal, not equal, less or greater."""

    incomplete: ClassVar[str]
    """What iptables says when no comparison is given."""

    comparison: str
    """eq, ne, lt or gt."""
    value: int

    @classmethod
    def parse(cls, given: Given) -> Self:
        """One of them."""
        if not given.values:
            raise RuleSyntaxError(cls.incomplete)
        option = next(iter(given.values))
        value = given.number(option, 0, 255)
        return cls("ne" if given.inverted(option) else option[-2:], value)

    def save(self) -> str:
        """One comparison."""
        if self.comparison == "ne":
            return f"! --{self.name}-eq {self.value}"
        return f"--{self.name}-{self.comparison} {self.value}"

    def listing(self, numeric: bool) -> str:
        """With the signs of C."""
        title = self.name.upper()
        return f"{title} match {title} {_SIGNS[self.comparison]} {self.value}"

    def matches(self, context: Context) -> bool:
        """As compared."""
        context.volatile = True
        hops = context.packet.ttl
        if self.comparison == "lt":
            return hops < self.value
        if self.comparison == "gt":
            return hops > self.value
        return (hops == self.value) == (self.comparison == "eq")


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
