"""`-m ttl`: the time to live. Models xt_hl's ttl match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Match, Option

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given

_SIGNS: Final = {"eq": "==", "ne": "!=", "lt": "<", "gt": ">"}


@dataclass(frozen=True, slots=True)
class Ttl(Match):
    """Equal, not equal, less or greater."""

    name: ClassVar[str] = "ttl"
    families: ClassVar[tuple[int, ...]] = (4,)
    options: ClassVar[tuple[Option, ...]] = (
        Option("--ttl-lt", excludes=("--ttl-gt", "--ttl-eq")),
        Option("--ttl-gt", excludes=("--ttl-lt", "--ttl-eq")),
        Option("--ttl-eq", "--ttl", invertible=True, excludes=("--ttl-lt", "--ttl-gt")),
    )

    comparison: str
    """eq, ne, lt or gt."""
    value: int

    @classmethod
    def parse(cls, given: Given) -> Self:
        """One of them."""
        if not given.values:
            raise RuleSyntaxError(
                "TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt"
            )
        option = next(iter(given.values))
        value = given.number(option, 0, 255)
        return cls("ne" if given.inverted(option) else option[-2:], value)

    def save(self) -> str:
        """One comparison."""
        if self.comparison == "ne":
            return f"! --ttl-eq {self.value}"
        return f"--ttl-{self.comparison} {self.value}"

    def listing(self, numeric: bool) -> str:
        """With the signs of C."""
        return f"TTL match TTL {_SIGNS[self.comparison]} {self.value}"

    def matches(self, context: Context) -> bool:
        """As compared."""
        context.volatile = True
        ttl = context.packet.ttl
        if self.comparison == "lt":
            return ttl < self.value
        if self.comparison == "gt":
            return ttl > self.value
        return (ttl == self.value) == (self.comparison == "eq")
