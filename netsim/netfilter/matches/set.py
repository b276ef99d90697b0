"""`-m set`: whether an ipset holds the packet's addresses and ports. Models xt_set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Match, Option
from netsim.netfilter.setnames import SetName, parse_set

if TYPE_CHECKING:
    from netsim.ipset.sets import User
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Check, Given
    from netsim.netfilter.shared import Shared

_COUNTERS: Final = tuple(
    f"--{what}-{how}" for what in ("packets", "bytes") for how in ("eq", "lt", "gt")
)
_UPDATES: Final = ("--update-counters", "--update-subcounters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Set(Match):
    """The set's name, which end of the packet each of its dimensions looks at, and counters."""

    name: ClassVar[str] = "set"
    options: ClassVar[tuple[Option, ...]] = (
        Option("--match-set", "--set", arguments=2, invertible=True,
               repeated="--match-set can be specified only once",
               incomplete="--match-set requires two args."),
        Option("--return-nomatch", arguments=0),
        *(Option(option, arguments=0, invertible=True) for option in _UPDATES),
        *(Option(option, invertible=option.endswith("eq")) for option in _COUNTERS),
    )

    set_name: SetName
    inverted: bool = False
    return_nomatch: bool = False
    quiet: tuple[str, ...] = ()
    """Of _UPDATES, those that were inverted."""
    counters: tuple[tuple[str, int, bool], ...] = ()
    """Option of _COUNTERS, number, inverted."""

    @classmethod
    def parse(cls, given: Given) -> Self:
        """`name src,dst`."""
        if (value := given.get("--match-set")) is None:
            raise RuleSyntaxError("You must specify `--match-set' with proper arguments")
        return cls(
            set_name=parse_set(value.text, value.second), inverted=value.inverted,
            return_nomatch=given.has("--return-nomatch"),
            quiet=tuple(option for option in _UPDATES if given.inverted(option)),
            counters=tuple(
                (option, given.number(option, 0, (1 << 64) - 1), given.inverted(option))
                for option in _COUNTERS if given.has(option)
            ),
        )

    @property
    def pure(self) -> bool:
        """Unless it counts."""
        return not self.counters

    def _parts(self, dash: str) -> str:
        parts = [f"{'! ' if self.inverted else ''}{dash}match-set {self.set_name}"]
        parts += [f"{dash}return-nomatch"] if self.return_nomatch else []
        parts += [f"! {dash}{option[2:]}" for option in self.quiet]
        parts += [f"{'! ' if inverted else ''}{dash}{option[2:]} {number}"
                  for option, number, inverted in self.counters]
        return " ".join(parts)

    def save(self) -> str:
        """Name and directions, flags, counters."""
        return self._parts("--")

    def listing(self, numeric: bool) -> str:
        """As save, without dashes."""
        return self._parts("")

    def check(self, shared: Shared) -> Check:
        """Bound to a user of the set, which cannot be destroyed while the rule is there."""
        return partial(self._ask, shared.use_set(self.set_name.name))

    def _ask(self, _user: User | None, context: Context) -> bool:
        return self.matches(context)

    def matches(self, context: Context) -> bool:
        """Ask the set, which may change at any time; a destroyed one holds nothing."""
        context.volatile = True
        sets, packet = context.stack.ipsets, context.packet
        found = sets.get(self.set_name.name)
        now = context.stack.now()
        entry = found.holds(packet, self.set_name.directions, sets, context=context, now=now) if (
            found is not None) else None
        if found is None or entry is None:
            return self.inverted
        if found.has("counters") and "--update-counters" not in self.quiet:
            entry.packets += 1
            entry.bytes += packet.length
        inside = not entry.nomatch or self.return_nomatch
        counted = {"packets": entry.packets, "bytes": entry.bytes}
        for option, number, inverted in self.counters:
            what, _, how = option[2:].partition("-")
            inside = inside and _compare(counted[what], how, number) != inverted
        return inside != self.inverted


def _compare(value: int, how: str, number: int) -> bool:
    return value == number if how == "eq" else value < number if how == "lt" else value > number
