"""`-m recent`: named lists of addresses seen before. Models xt_recent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.addresses import FULL_LENGTH, prefix_mask, resolve_host
from netsim.netfilter.errors import INVALID, RuleSyntaxError
from netsim.netfilter.extension import ALL_ONES, Match, Option
from netsim.packet import address_text

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Check, Given
    from netsim.netfilter.shared import RecentEntry, RecentList, Shared

_LONGEST_NAME: Final = 199
_ACTIONS: Final = {"--set": "SET", "--rcheck": "CHECK", "--update": "UPDATE", "--remove": "REMOVE"}


def _others(action: str) -> tuple[str, ...]:
    return tuple(other for other in _ACTIONS if other != action)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent(Match):
    """One action on one list, by source or destination address under a mask."""

    name: ClassVar[str] = "recent"
    options: ClassVar[tuple[Option, ...]] = (
        *(Option(word, arguments=0, invertible=True, excludes=_others(word)) for word in _ACTIONS),
        Option("--seconds"),
        Option("--reap", arguments=0, requires=("--seconds",)),
        Option("--hitcount"),
        Option("--rttl", arguments=0, excludes=("--set", "--remove")),
        Option("--name"),
        Option("--mask"),
        Option("--rsource", arguments=0),
        Option("--rdest", arguments=0),
    )

    family: int
    action: str
    inverted: bool = False
    seconds: int = 0
    reap: bool = False
    hits: int = 0
    same_ttl: bool = False
    list_name: str = "DEFAULT"
    mask: int
    destination: bool = False

    @classmethod
    def parse(cls, given: Given) -> Self:
        """One action; the list is DEFAULT unless named."""
        action = next((word for word in _ACTIONS if given.has(word)), None)
        if action is None:
            raise RuleSyntaxError(
                "recent: you must specify one of `--set', `--rcheck' `--update' or `--remove'"
            )
        return cls(
            family=given.family, action=action, inverted=given.inverted(action),
            seconds=given.number("--seconds", 1, ALL_ONES), reap=given.has("--reap"),
            hits=given.number("--hitcount", 0, ALL_ONES), same_ttl=given.has("--rttl"),
            list_name=given.text("--name", "DEFAULT")[:_LONGEST_NAME], mask=_parse_mask(given),
            destination=_by_destination(given),
        )

    def refusal(self, protocol: int | None) -> str:
        """A bad name, or a --set that looks back."""
        looks_back = bool(self.seconds or self.hits or self.reap)
        blind = self.action in ("--set", "--remove")
        bad_name = not self.list_name or "/" in self.list_name
        return INVALID if bad_name or (blind and looks_back) else ""

    def save(self) -> str:
        """Everything, in the kernel's order."""
        parts = [f"{'! ' if self.inverted else ''}{self.action}"]
        parts += [f"--seconds {self.seconds}"] if self.seconds else []
        parts += ["--reap"] if self.reap else []
        parts += [f"--hitcount {self.hits}"] if self.hits else []
        parts += ["--rttl"] if self.same_ttl else []
        parts += [f"--name {self.list_name}", f"--mask {address_text(self.family, self.mask)}"]
        return " ".join([*parts, "--rdest" if self.destination else "--rsource"])

    def listing(self, numeric: bool) -> str:
        """Everything, in words."""
        parts = [f"{'! ' if self.inverted else ''}recent: {_ACTIONS[self.action]}"]
        parts += [f"seconds: {self.seconds}"] if self.seconds else []
        parts += ["reap"] if self.reap else []
        parts += [f"hit_count: {self.hits}"] if self.hits else []
        parts += ["TTL-Match"] if self.same_ttl else []
        parts.append(f"name: {self.list_name} side: {'dest' if self.destination else 'source'}")
        return " ".join([*parts, f"mask: {address_text(self.family, self.mask)}"])

    def check(self, shared: Shared) -> Check:
        """Bound to the list, which lives as long as a rule names it."""
        return partial(self.ask, shared.recent_list(self.list_name, self.hits))

    def ask(self, entries: RecentList, context: Context) -> bool:
        """Do the action; the answer is what recent_mt() returns."""
        context.volatile = True
        packet = context.packet
        address = packet.dst if self.destination else packet.src
        key = (packet.family, address & self.mask)
        ttl = packet.ttl + (1 if context.out_interface and context.in_interface else 0)
        now = context.stack.now()
        entry = entries.lookup(key, ttl if self.same_ttl else 0)
        if entry is None:
            if self.action != "--set":
                return self.inverted
            entries.add(key, now, ttl)
            return not self.inverted
        found = self._found(entries, entry, key, now) != self.inverted
        if self.action == "--set" or (self.action == "--update" and found):
            entries.update(key, now, ttl)
        return found

    def _found(
        self, entries: RecentList, entry: RecentEntry, key: tuple[int, int], now: float
    ) -> bool:
        if self.action == "--set":
            return True
        if self.action == "--remove":
            del entries.entries[key]
            return True
        since = now - self.seconds
        seen = sum(1 for stamp in entry.stamps if not self.seconds or stamp >= since)
        if self.reap:
            entries.reap(key, since)
        return seen >= max(self.hits, 1)


def _by_destination(given: Given) -> bool:
    """The later of --rsource and --rdest holds."""
    sides = [option for option in given.values if option in ("--rsource", "--rdest")]
    return sides[-1:] == ["--rdest"]


def _parse_mask(given: Given) -> int:
    if (value := given.get("--mask")) is None:
        return prefix_mask(given.family, FULL_LENGTH[given.family])
    return resolve_host(given.family, value.text)
