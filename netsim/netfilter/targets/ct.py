"""`-j CT`: how conntrack shall treat the packet. Models xt_CT.

--notrack acts. Zones, helpers, event masks and timeouts are kept in the text and do nothing: the
stack has one zone and no helpers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.errors import INVALID, MISSING, RuleSyntaxError
from netsim.netfilter.extension import Option, Target
from netsim.netfilter.integers import parse_integer
from netsim.packet import TCP, UDP

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given, Walk
    from netsim.netfilter.hooks import Verdict

_ZONES: Final = ("--zone-orig", "--zone-reply", "--zone")
_HELPERS: Final = frozenset((
    ("ftp", TCP), ("irc", TCP), ("pptp", TCP), ("sane", TCP), ("sip", TCP), ("Q.931", TCP),
    ("amanda", UDP), ("netbios-ns", UDP), ("RAS", UDP), ("sip", UDP), ("snmp", UDP), ("tftp", UDP),
))
_EVENTS: Final = ("--ctevents", "--expevents")
_EVENT_NAMES: Final = ("new", "related", "destroy", "reply", "assured", "protoinfo", "helper",
                       "mark", "natseqinfo", "secmark")
_WORDS: Final = ("--helper", "--timeout", "--ctevents", "--expevents")


@dataclass(frozen=True, slots=True)
class _Zone:
    """The zone, whether it is the packet's mark, and for which direction it counts."""

    number: int = 0
    from_mark: bool = False
    directions: frozenset[str] = frozenset()

    def after(self, option: str, text: str) -> _Zone:
        """As another option leaves it: the last number counts, both directions are all."""
        if option not in _ZONES:
            return self
        directions = self.directions | {option} - {"--zone"}
        if text == "mark":
            return replace(self, from_mark=True, directions=directions)
        number = parse_integer(text)
        if number is None or number > 65535:
            raise RuleSyntaxError(f"Cannot parse {text} as a zone ID")
        return replace(self, number=number, directions=directions)

    def words(self, dash: str) -> list[str]:
        """`--zone 5`; nothing for zone 0."""
        value = "mark" if self.from_mark else str(self.number)
        option = next(iter(self.directions)) if len(self.directions) == 1 else "--zone"
        return [] if value == "0" else [f"{dash}{option[2:]} {value}"]


def _check_events(text: str) -> None:
    for word in text.split(","):
        if word not in _EVENT_NAMES:
            raise RuleSyntaxError(f'Unknown event type "{word}"')


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
    zone: _Zone
    rest: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, given: Given) -> Self:
        """Zones are numbers or `mark`."""
        rest = []
        for option in _WORDS:
            value = given.get(option)
            if value is None or (not value.text and option not in _EVENTS):
                continue
            if option in _EVENTS:
                _check_events(value.text)
            rest.append((option, value.text))
        zone = _Zone()
        for option, value in given.values.items():
            zone = zone.after(option, value.text)
        return cls(given.has("--notrack"), zone, tuple(rest))

    def refusal(self, protocol: int | None) -> str:
        """Helpers are those of the kernel; named timeouts there are none."""
        for option, text in self.rest:
            if option == "--helper" and (text, protocol) not in _HELPERS:
                return MISSING
            if option == "--timeout":
                return MISSING if protocol else INVALID
        return ""

    def save(self) -> str:
        """--notrack first."""
        parts = ["--notrack"] if self.notrack else []
        parts += [f"{option} {text}" for option, text in self.rest]
        return " ".join(parts + self.zone.words("--"))

    def listing(self, numeric: bool) -> str:
        """Without dashes."""
        parts = ["notrack"] if self.notrack else []
        parts += [f"{option[2:]} {text}" for option, text in self.rest]
        return " ".join(["CT", *parts, *self.zone.words("")])

    def act(self, context: Context) -> Verdict | Walk | None:
        """The walk goes on."""
        if self.notrack:
            context.notrack()
        return None
