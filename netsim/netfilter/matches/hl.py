"""`-m hl`: the hop limit of IPv6. Models xt_hl's hl match."""

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
class HopLimit(Match):
    """Equal, not equal, less or greater."""

    name: ClassVar[str] = "hl"
    families: ClassVar[tuple[int, ...]] = (6,)
    options: ClassVar[tuple[Option, ...]] = (
        Option("--hl-lt", excludes=("--hl-gt", "--hl-eq")),
        Option("--hl-gt", excludes=("--hl-lt", "--hl-eq")),
        Option("--hl-eq", "--hl", invertible=True, excludes=("--hl-lt", "--hl-gt")),
    )

    comparison: str
    """eq, ne, lt or gt."""
    value: int

    @classmethod
    def parse(cls, given: Given) -> Self:
        """One of them."""
        if not given.values:
            raise RuleSyntaxError(
                "HL match: You must specify one of `--hl-eq', `--hl-lt', `--hl-gt'"
            )
        option = next(iter(given.values))
        value = given.number(option, 0, 255)
        return cls("ne" if given.inverted(option) else option[-2:], value)

    def save(self) -> str:
        """One comparison."""
        if self.comparison == "ne":
            return f"! --hl-eq {self.value}"
        return f"--hl-{self.comparison} {self.value}"

    def listing(self, numeric: bool) -> str:
        """With the signs of C."""
        return f"HL match HL {_SIGNS[self.comparison]} {self.value}"

    def matches(self, context: Context) -> bool:
        """As compared."""
        context.volatile = True
        limit = context.packet.ttl
        if self.comparison == "lt":
            return limit < self.value
        if self.comparison == "gt":
            return limit > self.value
        return (limit == self.value) == (self.comparison == "eq")
