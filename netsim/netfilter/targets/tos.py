"""`-j TOS`: change the type of service byte. Models xt_DSCP's TOS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Option, Target
from netsim.netfilter.tosnames import NAMED_MASK, TOS, list_tos, parse_tos

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given, Walk
    from netsim.netfilter.hooks import Verdict

_OPTIONS: Final = ("--set-tos", "--and-tos", "--or-tos", "--xor-tos")


@dataclass(frozen=True, slots=True)
class TosTarget(Target):
    """`tos = (tos & ~mask) ^ value`."""

    name: ClassVar[str] = "TOS"
    tables: ClassVar[tuple[str, ...]] = ("mangle",)
    options: ClassVar[tuple[Option, ...]] = tuple(
        Option(option, excludes=tuple(other for other in _OPTIONS if other != option))
        for option in _OPTIONS
    )

    value: int
    mask: int

    @classmethod
    def parse(cls, given: Given) -> Self:
        """--and-tos, --or-tos and --xor-tos all become --set-tos."""
        if given.has("--set-tos"):
            return cls(*parse_tos(given, "--set-tos", default_mask=0xFF))
        if given.has("--and-tos"):
            return cls(0, given.number("--and-tos", 0, 255) ^ 0xFF)
        if given.has("--or-tos"):
            value = given.number("--or-tos", 0, 255)
            return cls(value, value)
        if given.has("--xor-tos"):
            return cls(given.number("--xor-tos", 0, 255), 0)
        raise RuleSyntaxError("TOS: An action is required")

    def save(self) -> str:
        """In hexadecimal."""
        return f"--set-tos {self.value:#04x}/{self.mask:#04x}"

    def listing(self, numeric: bool) -> str:
        """In the shortest form if names are wanted."""
        if numeric:
            return f"TOS set {self.value:#04x}/{self.mask:#04x}"
        if self.mask == NAMED_MASK and self.value in TOS.values():
            return f" TOS set{list_tos(self.value, self.mask, numeric)}"
        if self.value == 0:
            return f"TOS and {self.mask ^ 0xFF:#04x}"
        if self.value == self.mask:
            return f"TOS or {self.value:#04x}"
        if self.mask == 0:
            return f"TOS xor {self.value:#04x}"
        return f"TOS set {self.value:#04x}/{self.mask:#04x}"

    def act(self, context: Context) -> Verdict | Walk | None:
        """The walk goes on."""
        context.volatile = True
        context.packet.tos = (context.packet.tos & ~self.mask & 0xFF) ^ self.value
        return None
