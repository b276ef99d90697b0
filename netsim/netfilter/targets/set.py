"""`-j SET`: put the packet's ends into an ipset, or take them out. Models xt_SET."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.ipset.elements import element_text
from netsim.ipset.sets import Entry
from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import ALL_ONES, Option, Target
from netsim.netfilter.setnames import SetName, parse_set

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given, Walk
    from netsim.netfilter.hooks import Verdict

_ACTIONS: Final = ("--add-set", "--del-set")


@dataclass(frozen=True, slots=True)
class SetTarget(Target):
    """What to do with which set."""

    name: ClassVar[str] = "SET"
    options: ClassVar[tuple[Option, ...]] = (
        *(Option(option, arguments=2, incomplete=f"{option} requires two args.")
          for option in _ACTIONS),
        Option("--exist", arguments=0),
        Option("--timeout"),
    )

    actions: tuple[tuple[str, SetName], ...]
    exist: bool = False
    timeout: int | None = None

    @classmethod
    def parse(cls, given: Given) -> Self:
        """`--add-set NAME src,dst`."""
        actions = tuple((option, parse_set(value.text, value.second))
                        for option in _ACTIONS if (value := given.get(option)))
        if not actions:
            raise RuleSyntaxError(
                "You must specify either `--add-set' or `--del-set' or `--map-set'")
        timeout = given.number("--timeout", 0, ALL_ONES) if given.has("--timeout") else None
        return cls(actions, given.has("--exist"), timeout)

    def _text(self, dash: str) -> str:
        parts = [f"{dash}{option[2:]} {name}" for option, name in self.actions]
        parts += [f"{dash}exist"] if self.exist else []
        parts += [f"{dash}timeout {self.timeout}"] if self.timeout is not None else []
        return " ".join(parts)

    def save(self) -> str:
        """The sets, then the flags."""
        return self._text("--")

    def listing(self, numeric: bool) -> str:
        """As save, without dashes."""
        return self._text("")

    def act(self, context: Context) -> Verdict | Walk | None:
        """The walk goes on."""
        context.volatile = True
        for option, name in self.actions:
            self._change(context, option, name)
        return None

    def _change(self, context: Context, option: str, name: SetName) -> None:
        found = context.stack.ipsets.get(name.name)
        element = found.key_of(context.packet, name.directions, context) if found else None
        if found is None or element is None:
            return
        now = context.stack.now()
        found.expire(now)
        if option == "--del-set":
            if element in found.elements:
                found.remove(element)
        elif element not in found.elements or self.exist:
            usual = float(found.options.get("timeout", "0"))
            seconds = usual if self.timeout is None else float(self.timeout)
            found.add(element, Entry(element_text(found, element),
                                     expires=now + seconds if seconds and usual else 0.0))
        context.stack.rules_changed()
