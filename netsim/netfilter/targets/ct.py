"""`-j CT`: how conntrack shall treat the packet. Models xt_CT.

--notrack acts. Zones, helpers, event masks and timeouts are kept in the text and do nothing: the
stack has one zone and no helpers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.extension import Option, Target

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given, Walk
    from netsim.netfilter.hooks import Verdict

_ZONES: Final = ("--zone-orig", "--zone-reply", "--zone")
_WORDS: Final = ("--helper", "--timeout", "--ctevents", "--expevents")


@dataclass(frozen=True, slots=True)
class Ct(Target):
    """Whether to leave the packet alone, and the options that only stand there."""

    name: ClassVar[str] = "CT"
    tables: ClassVar[tuple[str, ...]] = ("raw",)
    options: ClassVar[tuple[Option, ...]] = (
        Option("--notrack", arguments=0),
        *(Option(option) for option in (*_WORDS, *_ZONES)),
    )

    notrack: bool
    rest: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, given: Given) -> Self:
        """Zones are numbers or `mark`."""
        rest = []
        for option in (*_WORDS, *_ZONES):
            if (value := given.get(option)) is None:
                continue
            text = value.text
            if option in _ZONES and text != "mark":
                text = str(given.number(option, 0, 65535))
            if (option, text) != ("--zone", "0"):
                rest.append((option, text))
        return cls(given.has("--notrack"), tuple(rest))

    def save(self) -> str:
        """--notrack first."""
        parts = ["--notrack"] if self.notrack else []
        return " ".join(parts + [f"{option} {text}" for option, text in self.rest])

    def listing(self, numeric: bool) -> str:
        """Without dashes."""
        parts = ["notrack"] if self.notrack else []
        return " ".join(["CT", *parts, *(f"{option[2:]} {text}" for option, text in self.rest)])

    def act(self, context: Context) -> Verdict | Walk | None:
        """The walk goes on."""
        if self.notrack:
            context.notrack()
        return None
