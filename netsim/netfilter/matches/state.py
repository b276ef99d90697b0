"""`-m state`: the old form of the conntrack match. Models xt_state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.ctstate import inline_states, parse_states, state_bits, states_text
from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Match, Option

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given

_WORDS: Final = frozenset(("INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED"))


@dataclass(frozen=True, slots=True)
class State(Match):
    """How the packet relates to connections."""

    name: ClassVar[str] = "state"
    options: ClassVar[tuple[Option, ...]] = (Option("--state", required=True, invertible=True),)

    states: int
    inverted: bool = False

    @classmethod
    def parse(cls, given: Given) -> Self:
        """Words in any case, separated by commas."""
        states = parse_states(given.text("--state"), _WORDS)
        if isinstance(states, str):
            raise RuleSyntaxError(f'Bad state "{states}"')
        return cls(states, given.inverted("--state"))

    @property
    def pure(self) -> bool:
        """Yes."""
        return True

    def save(self) -> str:
        """In the kernel's order."""
        return f"{'! ' if self.inverted else ''}--state {states_text(self.states)}"

    def listing(self, numeric: bool) -> str:
        """In the kernel's order."""
        return f"{'! ' if self.inverted else ''}state {states_text(self.states)}"

    def inline(self, constant: Callable[[object], str]) -> str | None:
        """By identity."""
        return inline_states(self.states, self.inverted, constant)

    def matches(self, context: Context) -> bool:
        """One of the states."""
        return (state_bits(context) & self.states != 0) != self.inverted
