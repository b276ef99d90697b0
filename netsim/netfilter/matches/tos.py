"""`-m tos`: the type of service byte under a mask. Models xt_dscp's tos match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from netsim.netfilter.extension import Match, Option
from netsim.netfilter.tosnames import list_tos, parse_tos

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given


@dataclass(frozen=True, slots=True)
class Tos(Match):
    """`tos & mask == value`."""

    name: ClassVar[str] = "tos"
    options: ClassVar[tuple[Option, ...]] = (Option("--tos", required=True, invertible=True),)

    value: int
    mask: int
    inverted: bool = False

    @classmethod
    def parse(cls, given: Given) -> Self:
        """`value[/mask]` or a name."""
        return cls(*parse_tos(given, "--tos", default_mask=0xFF), given.inverted("--tos"))

    def save(self) -> str:
        """In hexadecimal."""
        return f"{'! ' if self.inverted else ''}--tos {self.value:#04x}/{self.mask:#04x}"

    def listing(self, numeric: bool) -> str:
        """By name if names are wanted."""
        shown = list_tos(self.value, self.mask, numeric)
        blank = "" if shown.startswith("0x") else " "
        return f"tos match{'!' if self.inverted else ''}{blank}{shown}"

    def matches(self, context: Context) -> bool:
        """The value under the mask."""
        context.volatile = True
        return (context.packet.tos & self.mask == self.value) != self.inverted
