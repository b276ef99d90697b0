"""What a match and a target are, and how they declare their options. Models struct xtables_match.

A match or target is a frozen value in a file of its own:

    class Length(Match):              name, options        declared once
      parse(given) -> Length          from the options that the text gave
      save() -> str                   the options as iptables-save prints them
      listing(numeric) -> str         as iptables -L prints them
      check(shared) -> Check          a function of Context, with state of its own if it needs any

`MATCHES` and `TARGETS` (in the packages `matches` and `targets`) are the tables of all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, Final, Self, TypeAlias

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.integers import parse_integer

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.netfilter.context import Context
    from netsim.netfilter.hooks import Hook, Verdict
    from netsim.netfilter.ruleset import ProtocolTest
    from netsim.netfilter.shared import Shared

Check: TypeAlias = "Callable[[Context], bool]"


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a match or target (struct xt_option_entry)."""

    name: str
    """With its dashes; errors use it."""
    alias: str = ""
    """Another spelling of the same option."""
    arguments: int = 1
    invertible: bool = False
    required: bool = False
    excludes: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    repeated: str = ""
    """What to say if it is given twice; '': the usual sentence."""
    incomplete: str = ""
    """What to say if the second of two arguments is missing."""


@dataclass(frozen=True, slots=True)
class Value:
    """An option as the text gave it."""

    text: str
    inverted: bool = False
    second: str = ""
    """The second argument of an option that takes two."""


@dataclass(slots=True)
class Given:
    """The options that the text gave to one match or target, and what surrounds it."""

    module: str
    family: int
    protocol: ProtocolTest | None = None
    """-p of the rule, as known when the rule's text has been read to its end."""
    values: dict[str, Value] = field(default_factory=dict)
    """By the option's name, in the order of the text."""
    warnings: list[str] = field(default_factory=list)
    """What the command says on stderr although it goes on."""

    def get(self, name: str) -> Value | None:
        """The option, or None if it was not given."""
        return self.values.get(name)

    def text(self, name: str, default: str = "") -> str:
        """The option's argument, or `default`."""
        value = self.values.get(name)
        return default if value is None else value.text

    def has(self, name: str) -> bool:
        """Whether the option was given."""
        return name in self.values

    def inverted(self, name: str) -> bool:
        """Whether it was given after a `!`."""
        value = self.values.get(name)
        return value is not None and value.inverted

    def number(self, name: str, low: int, high: int, default: int = 0) -> int:
        """An integer argument between bounds, decimal, 0x or 0 octal. Raises RuleSyntaxError."""
        value = self.values.get(name)
        if value is None:
            return default
        number = parse_integer(value.text)
        if number is None or not low <= number <= high:
            raise RuleSyntaxError(
                f'{self.module}: bad value for option "{name}", '
                f"or out of range ({low}-{high}).\n"
            )
        return number

    def mark(self, name: str) -> tuple[int, int]:
        """`value[/mask]`, 32 bits each; the mask is all ones if absent. Raises RuleSyntaxError."""
        first, slash, second = self.values[name].text.partition("/")
        value = parse_integer(first)
        mask = parse_integer(second) if slash else ALL_ONES
        if value is None or mask is None or value > ALL_ONES or mask > ALL_ONES:
            raise RuleSyntaxError(
                f'{self.module}: bad integer value for option "{name}", or out of range.\n'
            )
        return value, mask


ALL_ONES: Final = 0xFFFFFFFF


class Walk(Enum):
    """What a target may tell the walk besides a verdict."""

    RETURN = "RETURN"
    """Back to the calling chain; in a built-in chain: to the policy."""

    def __bool__(self) -> bool:
        """Only a Verdict is a decision."""
        return False


class Extension(ABC):
    """What matches and targets have in common."""

    name: ClassVar[str]
    options: ClassVar[tuple[Option, ...]] = ()
    families: ClassVar[tuple[int, ...]] = (4, 6)
    protocols: ClassVar[tuple[int, ...]] = ()
    """The kernel takes the extension only in rules with -p of one of these; (): in any."""
    tables: ClassVar[tuple[str, ...]] = ()
    """The kernel takes it in these tables only; (): in any."""
    hooks: ClassVar[tuple[Hook, ...]] = ()
    """The kernel takes it in chains that these hooks reach only; (): in any."""

    __slots__ = ()

    @classmethod
    @abstractmethod
    def parse(cls, given: Given) -> Self:
        """Make the value from its options. Raises RuleSyntaxError."""

    def save(self) -> str:
        """The options as iptables-save prints them, without the name in front."""
        return ""

    def refusal(self, protocol: int | None) -> str:
        """Why the kernel does not take these options in a rule of that protocol; '' if it does."""
        return ""

    def listing(self, numeric: bool) -> str:
        """What iptables -L prints about it, without the blank in front."""
        return ""


class Match(Extension):
    """`-m name ...`: a condition on a packet."""

    __slots__ = ()

    always: ClassVar[bool] = False
    """It is true for every packet and does nothing."""
    native: ClassVar[bool] = False
    """iptables-nft writes it as nft expressions of its own, and reads several back as one match."""

    @property
    def pure(self) -> bool:
        """It changes nothing, counts nothing and depends on the flow alone."""
        return False

    def inline(self, constant: Callable[[object], str]) -> str | None:
        """The condition as an expression of `c`, the context, and `p`, its packet; `constant` gives
        a value a name in it. None: the function that `check` made is to be called.
        """
        return None

    @property
    def exact_dport(self) -> int | None:
        """The only destination port that passes, if there is just one."""
        return None

    @property
    def only_dport(self) -> bool:
        """It tests nothing but the destination port."""
        return False

    def shown_after(self, earlier: Self) -> Self:
        """What iptables prints for this match when an `earlier` one like it stands in the rule."""
        raise NotImplementedError

    def matches(self, context: Context) -> bool:
        """Whether the packet passes; for matches without state."""
        raise NotImplementedError

    def forbidden_hooks(self) -> tuple[Hook, ...]:
        """Hooks for which the kernel does not take the match with these options."""
        return ()

    def check(self, shared: Shared) -> Check:
        """The condition as a function; matches with state make new state here, one a rule."""
        return self.matches


class Target(Extension):
    """`-j NAME ...`: what happens to a packet that passed all conditions."""

    __slots__ = ()

    listed_name: ClassVar[str] = ""
    """What iptables -L calls it, if not by its name."""
    constant: ClassVar[Verdict | Walk | None] = None
    """What `act` returns, if it does nothing else."""

    @abstractmethod
    def act(self, context: Context) -> Verdict | Walk | None:
        """Do it; None lets the walk go on with the next rule."""
