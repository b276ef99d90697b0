"""`-m owner`: who made the packet on this host. Models xt_owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import ALL_ONES, Match, Option
from netsim.netfilter.hooks import Hook
from netsim.netfilter.integers import parse_integer

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Given

_ROOT: Final = "root"


@dataclass(frozen=True, slots=True)
class Ids:
    """`[!] low-high` of users or groups."""

    low: int
    high: int
    inverted: bool

    def accepts(self, ident: int) -> bool:
        """Whether the user or group passes."""
        return (self.low <= ident <= self.high) != self.inverted

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low}-{self.high}"


def _parse_ids(given: Given, option: str) -> Ids | None:
    if (value := given.get(option)) is None:
        return None
    if value.text == _ROOT:
        return Ids(0, 0, value.inverted)
    first, dash, second = value.text.partition("-")
    low = parse_integer(first)
    high = parse_integer(second) if dash else low
    if low is None or high is None or max(low, high) >= ALL_ONES:
        raise RuleSyntaxError(f'owner: Bad value for "{option}" option: "{value.text}"')
    return Ids(low, high, value.inverted)


@dataclass(frozen=True, slots=True)
class Owner(Match):
    """User and group of the sending process; packets without a socket have neither."""

    name: ClassVar[str] = "owner"
    hooks: ClassVar[tuple[Hook, ...]] = (Hook.OUTPUT, Hook.POSTROUTING)
    options: ClassVar[tuple[Option, ...]] = (
        Option("--uid-owner", invertible=True),
        Option("--gid-owner", invertible=True),
        Option("--socket-exists", arguments=0, invertible=True),
    )

    user: Ids | None = None
    group: Ids | None = None
    exists: bool | None = None

    @classmethod
    def parse(cls, given: Given) -> Self:
        """At least one of them."""
        if not given.values:
            raise RuleSyntaxError(
                "owner: At least one of --uid-owner, --gid-owner or --socket-exists is required"
            )
        exists = not given.inverted("--socket-exists") if given.has("--socket-exists") else None
        return cls(_parse_ids(given, "--uid-owner"), _parse_ids(given, "--gid-owner"), exists)

    @property
    def pure(self) -> bool:
        """Yes."""
        return True

    def save(self) -> str:
        """Existence, user, group."""
        parts = [] if self.exists is None else [f"{'' if self.exists else '! '}--socket-exists"]
        for option, ids in (("--uid-owner", self.user), ("--gid-owner", self.group)):
            if ids:
                parts.append(f"{'! ' if ids.inverted else ''}{option} {ids}")
        return " ".join(parts)

    def listing(self, numeric: bool) -> str:
        """Existence, user, group."""
        parts = [] if self.exists is None else [f"{'' if self.exists else '! '}owner socket exists"]
        for word, ids in (("UID", self.user), ("GID", self.group)):
            if ids:
                shown = _ROOT if not numeric and (ids.low, ids.high) == (0, 0) else str(ids)
                parts.append(f"{'! ' if ids.inverted else ''}owner {word} match {shown}")
        return " ".join(parts)

    def _asks_for_owner(self) -> bool:
        """Whether somebody in particular must have sent the packet."""
        return any(ids is not None and not ids.inverted for ids in (self.user, self.group))

    def matches(self, context: Context) -> bool:
        """All that was asked for."""
        if context.socket is None:
            return not self.exists and not self._asks_for_owner()
        if self.exists is False:
            return False
        if not context.socket:  # the kernel's own, which nobody opened
            return not self._asks_for_owner()
        user, group = context.socket
        if self.user and not self.user.accepts(user):
            return False
        return self.group is None or self.group.accepts(group)
