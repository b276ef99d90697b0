"""`-j CONNMARK`: change the connection's mark, or copy it to or from the packet.

Models xt_CONNMARK.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import ALL_ONES, Option, Target
from netsim.netfilter.marks import MARK_FORMS, list_mark, parse_mark_form

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given, Walk
    from netsim.netfilter.hooks import Verdict

_ACTIONS: Final = (*MARK_FORMS, "--save-mark", "--restore-mark")


def _others(option: str) -> tuple[str, ...]:
    return tuple(other for other in _ACTIONS if other != option)


@dataclass(frozen=True, slots=True)
class ConnMarkTarget(Target):
    """set (value), save or restore, each under masks of the packet's and the connection's mark."""

    name: ClassVar[str] = "CONNMARK"
    options: ClassVar[tuple[Option, ...]] = (
        *(Option(option, excludes=_others(option)) for option in MARK_FORMS),
        *(Option(option, arguments=0, excludes=_others(option)) for option in _ACTIONS[-2:]),
        Option("--ctmask", excludes=("--mask",)),
        Option("--nfmask", excludes=("--mask",)),
        Option("--mask", excludes=("--ctmask", "--nfmask")),
    )

    action: str
    """set, save or restore."""
    value: int = 0
    nfmask: int = ALL_ONES
    ctmask: int = ALL_ONES

    @classmethod
    def parse(cls, given: Given) -> Self:
        """One action."""
        for action in ("save", "restore"):
            if given.has(f"--{action}-mark"):
                mask = given.number("--mask", 0, ALL_ONES, default=ALL_ONES)
                return cls(
                    action,
                    nfmask=given.number("--nfmask", 0, ALL_ONES, default=mask),
                    ctmask=given.number("--ctmask", 0, ALL_ONES, default=mask),
                )
        found = parse_mark_form(given)
        if found is None:
            raise RuleSyntaxError("CONNMARK target: No operation specified")
        return cls("set", value=found[0], ctmask=found[1])

    def save(self) -> str:
        """In hexadecimal."""
        if self.action == "set":
            return f"--set-xmark {self.value:#x}/{self.ctmask:#x}"
        return f"--{self.action}-mark --nfmask {self.nfmask:#x} --ctmask {self.ctmask:#x}"

    def listing(self, numeric: bool) -> str:
        """In the shortest form."""
        if self.action == "set":
            return f"CONNMARK {list_mark(self.value, self.ctmask)}"
        text = f"CONNMARK {self.action}"
        if self.nfmask == self.ctmask:
            return text if self.nfmask == ALL_ONES else f"{text} mask {self.nfmask:#x}"
        if self.action == "save":
            return f"{text} nfmask {self.nfmask:#x} ctmask ~{self.ctmask:#x}"
        return f"{text} ctmask {self.ctmask:#x} nfmask ~{self.nfmask:#x}"

    def act(self, context: Context) -> Verdict | Walk | None:
        """The walk goes on; packets without a connection are left alone."""
        connection = context.connection
        if connection is None:
            return None
        if self.action == "restore":
            kept = context.mark & (self.nfmask ^ ALL_ONES)
            context.mark = kept ^ (connection.mark & self.ctmask)
            return None
        value = self.value if self.action == "set" else context.mark & self.nfmask
        connection.set_mark((connection.mark & (self.ctmask ^ ALL_ONES)) ^ value)
        return None
