"""`-j MARK`: change the packet's mark. Models xt_MARK (`mark = (mark & ~mask) ^ value`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import ALL_ONES, Option, Target
from netsim.netfilter.marks import MARK_FORMS, list_mark, parse_mark_form

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given, Walk
    from netsim.netfilter.hooks import Verdict


def _others(option: str) -> tuple[str, ...]:
    return tuple(other for other in MARK_FORMS if other != option)


@dataclass(frozen=True, slots=True)
class SetMark(Target):
    """Value and mask."""

    name: ClassVar[str] = "MARK"
    options: ClassVar[tuple[Option, ...]] = tuple(
        Option(option, excludes=_others(option)) for option in MARK_FORMS
    )

    value: int
    mask: int

    @classmethod
    def parse(cls, given: Given) -> Self:
        """--set-mark, --or-mark, --and-mark and --xor-mark all become --set-xmark."""
        found = parse_mark_form(given)
        if found is None:
            raise RuleSyntaxError(
                "MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required"
            )
        return cls(*found)

    def save(self) -> str:
        """In hexadecimal."""
        return f"--set-xmark {self.value:#x}/{self.mask:#x}"

    def listing(self, numeric: bool) -> str:
        """In the shortest form."""
        return f"MARK {list_mark(self.value, self.mask)}"

    def act(self, context: Context) -> Verdict | Walk | None:
        """The walk goes on."""
        context.mark = (context.mark & (self.mask ^ ALL_ONES)) ^ self.value
        return None
