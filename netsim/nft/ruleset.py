"""Tables with chains, sets and maps. Models nf_tables.

    Ruleset (one a namespace)
      └ Table  family and name
          ├ Chain   base (type, hook, priority, policy) or regular
          │   └ Rule = statements + comment; the state of numgen lives and dies with it
          └ NamedSet  keys, or keys with verdicts; dynamic ones forget after their timeout

Every change of chains, rules, sets or maps calls `Ruleset.changed`; what packets put into dynamic
sets does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from netsim.netfilter.hooks import Hook, Verdict
from netsim.nft.errors import EXISTS, NOT_FOUND, NftError
from netsim.nft.walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from netsim.netfilter.context import Context
    from netsim.nft.datatypes import DataType
    from netsim.nft.expressions import Value
    from netsim.nft.statements import Break, Go, Outcome, Statement

__all__ = ["BaseChain", "Chain", "Element", "Rule", "Ruleset", "SetOrMap", "Table"]

NAME_LENGTH: Final = 255
"""Longest name of a chain, set or map."""
VERSIONS: Final = {"ip": (4,), "ip6": (6,), "inet": (4, 6)}
"""The IP versions of a table's family."""


class HookOwner(Protocol):
    """The part of a namespace that base chains register with."""

    def register(
        self,
        family: int,
        hook: Hook,
        priority: int,
        function: Callable[[Context], Verdict],
        *,
        nat: bool = False,
    ) -> Any:
        """Ask `function` about each packet at a hook; `nat`: about the first of a flow only."""

    def unregister(self, entry: Any) -> None:
        """Ask no more."""


@dataclass(slots=True)
class Element:
    """What a set knows of one key."""

    verdict: Go | None = None
    comment: str = ""
    expires: float = 0.0
    """Seconds since 1970; 0: never."""


_PLAIN: Final = Element()
"""Shared by all elements that are nothing but a key."""


class SetOrMap:
    """A named set, or with verdicts a map."""

    def __init__(
        self, table: Table, name: str, types: tuple[DataType, ...], *, verdicts: bool = False
    ) -> None:
        self.table = table
        self.name = name
        self.types = types
        self.verdicts = verdicts
        self.comment = ""
        self.flags: tuple[str, ...] = ()
        self.size = 0
        """Most elements; 0: no bound."""
        self.timeout = 0.0
        """Seconds after which an element is forgotten; 0: never."""
        self.elements: dict[Value, Element] = {}
        """To be read only; changed by the methods."""
        self.handle = 0

    @property
    def dynamic(self) -> bool:
        """Whether packets put elements in."""
        return "dynamic" in self.flags

    @property
    def kind(self) -> str:
        """`set` or `map`."""
        return "map" if self.verdicts else "set"

    def add(self, key: Value, verdict: Go | None = None, comment: str = "") -> None:
        """Put an element in, in place of one with the same key."""
        plain = verdict is None and not comment
        self.elements[key] = _PLAIN if plain else Element(verdict, comment)
        self.table.ruleset.touch()

    def delete(self, key: Value) -> None:
        """Take an element out. Raises NftError if it is not there."""
        if self.elements.pop(key, None) is None:
            raise NftError(NOT_FOUND)
        self.table.ruleset.touch()

    def lookup(self, key: Value, context: Context) -> Element | None:
        """The element, unless its time is up."""
        element = self.elements.get(key)
        if element is not None and element.expires and element.expires <= context.stack.now():
            del self.elements[key]
            return None
        return element

    def update(self, key: Value, context: Context, *, refresh: bool) -> bool:
        """A packet puts a key in, or starts its time anew. False when the set is full."""
        now = context.stack.now()
        expires = now + self.timeout if self.timeout else 0.0
        element = self.lookup(key, context)
        if element is not None:
            element.expires = expires if refresh else element.expires
            return True
        if self.size and len(self.elements) >= self.size:
            self.expire(now)
            if len(self.elements) >= self.size:
                return False
        self.elements[key] = Element(expires=expires)
        return True

    def expire(self, now: float) -> None:
        """Forget what is due."""
        gone = [key for key, e in self.elements.items() if e.expires and e.expires <= now]
        for key in gone:
            del self.elements[key]


class Rule:
    """One rule: its statements, and the functions that run them for its table."""

    __slots__ = ("comment", "handle", "statements", "steps", "table")

    def __init__(self, table: Table, statements: Iterable[Statement], comment: str = "") -> None:
        self.table = table
        self.statements = tuple(statements)
        self.comment = comment
        self.steps = tuple(statement.step(table) for statement in self.statements)
        self.handle = table.new_handle()

    def run(self, context: Context) -> Outcome | Break | None:
        """What the rule decides about a packet; None: it matched and decides nothing; BREAK: it
        did not match.
        """
        for step in self.steps:
            outcome = step(context)
            if outcome is not None:
                return outcome
        return None

    def __str__(self) -> str:
        words = " ".join(map(str, self.statements))
        return f'{words} comment "{self.comment}"' if self.comment else words


@dataclass(frozen=True, slots=True)
class BaseChain:
    """Where a base chain is hooked in."""

    type: str
    """filter, nat or route."""
    hook: Hook
    priority: int
    policy: Verdict = Verdict.ACCEPT


class Chain:
    """An ordered list of rules; with `base` it is asked at a hook."""

    __slots__ = ("base", "comment", "entries", "handle", "name", "rules", "table")

    def __init__(self, table: Table, name: str, comment: str = "") -> None:
        self.table = table
        self.name = name
        self.base: BaseChain | None = None
        """Set by `hook`."""
        self.comment = comment
        self.entries: list[object] = []
        """What the namespace gave for being asked; kept by the ruleset."""
        self.handle = table.new_handle()
        self.rules: list[Rule] = []
        """To be read only; changed by the methods."""

    def hook(self, base: BaseChain) -> None:
        """Make it a base chain, or hook it in anew."""
        self.table.ruleset.unhook(self)
        self.base = base
        self.table.ruleset.hook(self)

    def append(self, rule: Rule) -> None:
        """Put a rule at the end."""
        self.rules.append(rule)
        self.table.ruleset.touch()

    def insert(self, index: int, rule: Rule) -> None:
        """Put a rule before the one that is now at `index`, from 0."""
        self.rules.insert(index, rule)
        self.table.ruleset.touch()

    def delete(self, rule: Rule) -> None:
        """Take a rule out."""
        self.rules.remove(rule)
        self.table.ruleset.touch()

    def replace(self, rules: Iterable[Rule]) -> None:
        """Replace all rules at once."""
        self.rules = list(rules)
        self.table.ruleset.touch()

    def flush(self) -> None:
        """Take all rules out."""
        self.replace(())


class Table:
    """One table of one family."""

    def __init__(self, ruleset: Ruleset, family: str, name: str, comment: str = "") -> None:
        self.ruleset = ruleset
        self.family = family
        """ip or ip6."""
        self.name = name
        self.comment = comment
        self.sets: dict[str, SetOrMap] = {}
        """Sets and maps by name."""
        self.chains: dict[str, Chain] = {}
        self.handle = ruleset.new_handle()
        self._handles = 0

    def new_handle(self) -> int:
        """The number of a new chain, set or rule (nft -a)."""
        self._handles += 1
        return self._handles

    def chain(self, name: str) -> Chain:
        """The chain of that name. Raises NftError."""
        try:
            return self.chains[name]
        except KeyError:
            raise NftError(NOT_FOUND) from None

    def ensure_chain(self, name: str, base: BaseChain | None = None, comment: str = "") -> Chain:
        """The chain of that name, made if need be."""
        chain = self.chains.get(name)
        if chain is None:
            chain = self.chains[name] = Chain(self, _checked(name), comment)
            if base is not None:
                chain.hook(base)
            self.ruleset.touch()
        return chain

    def delete_chain(self, name: str) -> None:
        """Take a chain and its rules out."""
        self.ruleset.unhook(self.chains.pop(name))
        self.ruleset.touch()

    def add_set(self, item: SetOrMap) -> SetOrMap:
        """Put a set or map in. Raises NftError if the name is taken."""
        if item.name in self.sets:
            raise NftError(EXISTS)
        self.sets[_checked(item.name)] = item
        item.handle = self.new_handle()
        self.ruleset.touch()
        return item

    def delete_set(self, name: str) -> None:
        """Take a set or map out."""
        del self.sets[name]
        self.ruleset.touch()


def _checked(name: str) -> str:
    if len(name) > NAME_LENGTH:
        raise NftError("Could not process rule: File name too long")
    return name


class Ruleset:
    """All nftables tables of one namespace, by family and name."""

    def __init__(self, changed: Callable[[], None] | None = None) -> None:
        """`changed` is called after every change but those that packets make."""
        self.changed = changed
        self.generation = 0
        self.tables: dict[tuple[str, str], Table] = {}
        self._owner: HookOwner | None = None
        self._handles = 0

    def new_handle(self) -> int:
        """The number of a new table."""
        self._handles += 1
        return self._handles

    def attach(self, owner: HookOwner) -> None:
        """Let a namespace ask the base chains, those to come too."""
        self._owner = owner
        for table in self.tables.values():
            for chain in table.chains.values():
                self.hook(chain)

    def hook(self, chain: Chain) -> None:
        """Register a base chain with the namespace."""
        base, owner = chain.base, self._owner
        if base is None or owner is None:
            return
        chain.entries = [
            owner.register(
                family, base.hook, base.priority, partial(walk, chain), nat=base.type == "nat"
            )
            for family in VERSIONS[chain.table.family]
        ]

    def unhook(self, chain: Chain) -> None:
        """Take a base chain out of the namespace."""
        for entry in chain.entries:
            assert self._owner is not None
            self._owner.unregister(entry)
        chain.entries = []

    def ensure_table(self, family: str, name: str, comment: str = "") -> Table:
        """The table of that name, made if need be."""
        table = self.tables.get((family, name))
        if table is None:
            table = self.tables[family, name] = Table(self, family, name, comment)
            self.touch()
        return table

    def delete_table(self, family: str, name: str) -> None:
        """Take a table out. Raises NftError if there is none."""
        table = self.tables.pop((family, name), None)
        if table is None:
            raise NftError(NOT_FOUND)
        for chain in table.chains.values():
            self.unhook(chain)
        self.touch()

    def flush(self) -> None:
        """Take all tables out (nft flush ruleset)."""
        for family, name in list(self.tables):
            self.delete_table(family, name)

    def touch(self) -> None:
        """Note a change."""
        self.generation += 1
        if self.changed is not None:
            self.changed()
