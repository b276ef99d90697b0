"""`-m set`: whether an ipset holds the packet's addresses and ports. Models xt_set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Match, Option

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given

_DIRECTIONS: Final = ("src", "dst")
_MISSING: Final = "You must specify `--match-set' with proper arguments"


@dataclass(frozen=True, slots=True)
class Set(Match):
    """The set's name, and which end of the packet each of its dimensions looks at."""

    name: ClassVar[str] = "set"
    options: ClassVar[tuple[Option, ...]] = (
        Option("--match-set", arguments=2, invertible=True,
               repeated="--match-set can be specified only once",
               incomplete="--match-set requires two args."),
    )

    set_name: str
    directions: tuple[str, ...]
    inverted: bool = False

    @classmethod
    def parse(cls, given: Given) -> Self:
        """`name src,dst`."""
        if (value := given.get("--match-set")) is None:
            raise RuleSyntaxError(_MISSING)
        directions = tuple(value.second.split(","))
        if any(word not in _DIRECTIONS for word in directions):
            raise RuleSyntaxError(
                "You must specify (the comma separated list of) 'src' or 'dst'."
            )
        if len(directions) > 6:
            raise RuleSyntaxError("Can't be more src/dst options than 6.")
        return cls(value.text, directions, value.inverted)

    def _text(self) -> str:
        return f"{self.set_name} {','.join(self.directions)}"

    @property
    def pure(self) -> bool:
        """Yes."""
        return True

    def save(self) -> str:
        """Name and directions."""
        return f"{'! ' if self.inverted else ''}--match-set {self._text()}"

    def listing(self, numeric: bool) -> str:
        """Name and directions."""
        return f"{'! ' if self.inverted else ''}match-set {self._text()}"

    def matches(self, context: Context) -> bool:
        """Ask the set, which may change at any time; a destroyed one holds nothing."""
        context.volatile = True
        found = context.stack.ipsets.get(self.set_name)
        inside = found is not None and found.holds(context.packet, self.directions)
        return bool(inside) != self.inverted
