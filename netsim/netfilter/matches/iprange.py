"""`-m iprange`: addresses between two others. Models xt_iprange."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from netsim.netfilter.addresses import read_address
from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Match, Option
from netsim.packet import address_text

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given


@dataclass(frozen=True, slots=True)
class Range:
    """`[!] first-last`, both inclusive."""

    first: int
    last: int
    inverted: bool

    def accepts(self, address: int) -> bool:
        """Whether the address passes."""
        return (self.first <= address <= self.last) != self.inverted

    def text(self, family: int) -> str:
        """`10.0.0.1-10.0.0.9`."""
        return f"{address_text(family, self.first)}-{address_text(family, self.last)}"


def _parse_range(given: Given, option: str) -> Range | None:
    if (value := given.get(option)) is None:
        return None
    first, dash, last = value.text.partition("-")
    ends = []
    for part in (first, last if dash else first):
        address = read_address(given.family, part)
        if address is None:
            raise RuleSyntaxError(f'iprange: Bad value for "{option}" option: "{part}"')
        ends.append(address)
    if ends[0] > ends[1]:
        given.warnings.append(f"xt_iprange: range {value.text} is reversed and will never match")
    return Range(ends[0], ends[1], value.inverted)


@dataclass(frozen=True, slots=True)
class IpRange(Match):
    """Ranges of source and destination."""

    name: ClassVar[str] = "iprange"
    options: ClassVar[tuple[Option, ...]] = (
        Option("--src-range", invertible=True),
        Option("--dst-range", invertible=True),
    )

    family: int
    source: Range | None
    destination: Range | None

    @classmethod
    def parse(cls, given: Given) -> Self:
        """At least one of them."""
        source, destination = _parse_range(given, "--src-range"), _parse_range(given, "--dst-range")
        if source is None and destination is None:
            raise RuleSyntaxError(
                "iprange match: You must specify `--src-range' or `--dst-range'"
            )
        return cls(given.family, source, destination)

    @property
    def pure(self) -> bool:
        """Yes."""
        return True

    def save(self) -> str:
        """Source, destination."""
        return " ".join(
            f"{'! ' if test.inverted else ''}{option} {test.text(self.family)}"
            for option, test in (("--src-range", self.source), ("--dst-range", self.destination))
            if test
        )

    def listing(self, numeric: bool) -> str:
        """Source, destination."""
        return " ".join(
            f"{word} IP range{' !' if test.inverted else ''} {test.text(self.family)}"
            for word, test in (("source", self.source), ("destination", self.destination))
            if test
        )

    def matches(self, context: Context) -> bool:
        """Both, where asked for."""
        if self.source and not self.source.accepts(context.packet.src):
            return False
        return self.destination is None or self.destination.accepts(context.packet.dst)
