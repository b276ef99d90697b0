"""Tables, chains and rules with their counters. Models nf_tables as iptables-nft uses it.

    Ruleset (one a family and namespace)
      └ Table raw | mangle | nat | filter | security
          └ Chain  built-in (policy) or user-made (references)
              └ Rule = RuleSpec (what it says; a value) + counters + state of its matches

A `RuleSpec` is a value: equal text, equal spec. A `Rule` is one place in one chain: its counters
and its matches' state (`statistic nth`, `limit`) live and die with it, so a chain that is not
rewritten keeps them. Every change of rules bumps `Ruleset.generation` and calls `Ruleset.changed`.

Chains keep the order of their making; listings show built-in chains in hook order, then user
chains by name, as iptables 1.8.9 does.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from netsim.netfilter.errors import CHAIN_EXISTS, NO_CHAIN, MissingTableError, RefusedError
from netsim.netfilter.hooks import Hook, Priority, Verdict
from netsim.netfilter.shared import Shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Check, Match, Target

Answer: TypeAlias = Any
"""What a compiled chain says: a verdict, RETURN, or nothing (see netsim.netfilter.codegen)."""
Block: TypeAlias = "Callable[[Context, Callable[[Any], None], int], Answer]"


class CompiledForm(Protocol):
    """The fast form of a chain, as the chain sees it; `netsim.netfilter.compiled` makes it."""

    run: Block

    def added(self, chain: Chain, rule: Rule) -> bool:
        """Take a new rule in; False: compile anew."""

    def removed(self, chain: Chain, rule: Rule) -> bool:
        """Let a rule go; False: compile anew."""


GAP: Final = 1 << 32
"""Distance between the order keys of neighbours that were appended."""


@dataclass(frozen=True, slots=True)
class AddressTest:
    """`[!] -s address/mask`: ints of the ruleset's family."""

    address: int
    mask: int
    inverted: bool = False


@dataclass(frozen=True, slots=True)
class InterfaceTest:
    """`[!] -i eth0` or, with a trailing +, any name with that prefix."""

    name: str
    inverted: bool = False

    def accepts(self, interface: str) -> bool:
        """Whether a packet on that interface ('' for none) passes."""
        if self.name.endswith("+"):
            return interface.startswith(self.name[:-1]) != self.inverted
        return (interface == self.name) != self.inverted


@dataclass(frozen=True, slots=True)
class ProtocolTest:
    """`[!] -p tcp`, by number."""

    protocol: int
    inverted: bool = False


@dataclass(frozen=True, slots=True)
class Jump:
    """`-j CHAIN` or `-g CHAIN` to a user-made chain."""

    chain: str
    goto: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSpec:
    """What a rule says, without its place, counters and state."""

    source: AddressTest | None = None
    destination: AddressTest | None = None
    in_interface: InterfaceTest | None = None
    out_interface: InterfaceTest | None = None
    protocol: ProtocolTest | None = None
    fragment: bool | None = None
    """-f (True): later fragments only; ! -f (False): all but those. The stack never fragments."""
    matches: tuple[Match, ...] = ()
    target: Target | Jump | None = None

    @property
    def jump(self) -> Jump | None:
        """The target if it is a user-made chain."""
        return self.target if isinstance(self.target, Jump) else None


class Rule:
    """One rule in one chain: its spec, counters and the state of its matches."""

    __slots__ = ("act", "bytes", "checks", "order", "packets", "spec")

    def __init__(self, spec: RuleSpec, packets: int = 0, bytes_: int = 0) -> None:
        self.spec = spec
        self.packets = packets
        self.bytes = bytes_
        self.checks: tuple[Check, ...] = ()
        """The matches as functions of a Context, with state of their own; made by `bind`."""
        target = spec.target
        self.act = None if target is None or isinstance(target, Jump) else target.act
        self.order = 0
        """Grows along the chain, with gaps; only `Chain` sets it."""

    def bind(self, shared: Shared) -> None:
        """Give the matches their state; done once, when the rule enters a chain."""
        if len(self.checks) != len(self.spec.matches):
            self.checks = tuple(match.check(shared) for match in self.spec.matches)

    def zero(self) -> None:
        """Set the counters to nothing (-Z); the matches' state stays."""
        self.packets = self.bytes = 0


class Chain:
    """An ordered list of rules; with a policy if it is built in."""

    __slots__ = (
        "_compiled", "bytes", "counting", "name", "packets", "policy", "references", "rules", "run",
        "table",
    )

    def __init__(self, table: Table, name: str, policy: Verdict | None = None) -> None:
        self.table = table
        self.name = name
        self.policy = policy
        """None: user-made; its end is a return."""
        self.counting = False
        """Whether the policy counts: not until a command names the chain's policy (-P, or a line
        `:CHAIN POLICY` of iptables-restore), since iptables-nft makes it without a counter.
        """
        self.packets = 0
        """Packets that the policy decided about (or that returned to it)."""
        self.bytes = 0
        self.rules: list[Rule] = []
        """To be read only; changed by the methods."""
        self.references = 0
        """Rules of the table that jump or go here."""
        self._compiled: CompiledForm | None = None
        self.run: Block = self._compile
        """The chain as a function; compiled when it is first called after a change."""

    @property
    def compiled(self) -> CompiledForm | None:
        """The fast form (see netsim.netfilter.compiled); None: not made yet, or dropped."""
        return self._compiled

    @compiled.setter
    def compiled(self, compiled: CompiledForm | None) -> None:
        self._compiled = compiled
        self.run = self._compile if compiled is None else compiled.run

    def _compile(self, context: Context, hit: Callable[[Any], None], depth: int) -> Answer:
        compile_chain = self.table.ruleset.compile_chain
        assert compile_chain is not None, "attach the ruleset by netsim.netfilter.compiled"
        return compile_chain(self)(context, hit, depth)

    def append(self, rule: Rule) -> None:
        """Put a rule at the end (-A)."""
        rule.order = self.rules[-1].order + GAP if self.rules else 0
        self.rules.append(rule)
        self._added(rule)

    def insert(self, index: int, rule: Rule) -> None:
        """Put a rule before the one that is now at `index`, from 0 (-I)."""
        if index >= len(self.rules):
            self.append(rule)
            return
        after = self.rules[index].order
        before = self.rules[index - 1].order if index else after - 2 * GAP
        if after - before < 2:
            self._spread()
            self.insert(index, rule)
            return
        rule.order = (before + after) // 2
        self.rules.insert(index, rule)
        self._added(rule)

    def delete(self, index: int) -> Rule:
        """Take the rule at `index`, from 0, out (-D)."""
        rule = self.rules.pop(index)
        self._removed(rule)
        return rule

    def remove(self, rule: Rule) -> None:
        """Take this very rule out. Raises ValueError if it does not stand here."""
        self.delete(self.index(rule))

    def index(self, rule: Rule) -> int:
        """Place of this very rule, from 0. Raises ValueError if it does not stand here."""
        place = bisect_left(self.rules, rule.order, key=_order)
        if place == len(self.rules) or self.rules[place] is not rule:
            raise ValueError(f"not a rule of chain {self.name}")
        return place

    def replace_at(self, index: int, rule: Rule) -> Rule:
        """Put a rule in the place of another, with counters and state of its own (-R)."""
        old = self.rules[index]
        rule.order = old.order
        self.rules[index] = rule
        self._removed(old)
        self._added(rule)
        return old

    def replace(self, rules: Iterable[Rule]) -> None:
        """Replace all rules at once. Rules that are handed in again keep counters and state."""
        old, self.rules = self.rules, list(rules)
        for order, rule in zip(count(0, GAP), self.rules, strict=False):
            rule.order = order
            self._reference(rule)
        for rule in old:
            self._dereference(rule)
        self.compiled = None
        self.table.touch()

    def flush(self) -> None:
        """Take all rules out (-F)."""
        if self.rules:
            self.replace(())

    def zero(self) -> None:
        """Set the counters of the chain and its rules to nothing (-Z)."""
        self.packets = self.bytes = 0
        for rule in self.rules:
            rule.zero()

    def _spread(self) -> None:
        for order, rule in zip(count(0, GAP), self.rules, strict=False):
            rule.order = order
        self.compiled = None

    def _added(self, rule: Rule) -> None:
        self._reference(rule)
        if self.compiled is not None and not self.compiled.added(self, rule):
            self.compiled = None
        self.table.touch()

    def _removed(self, rule: Rule) -> None:
        self._dereference(rule)
        if self.compiled is not None and not self.compiled.removed(self, rule):
            self.compiled = None
        self.table.touch()

    def _reference(self, rule: Rule) -> None:
        rule.bind(self.table.ruleset.shared)
        if (jump := rule.spec.jump) is not None:
            self.table.chains[jump.chain].references += 1

    def _dereference(self, rule: Rule) -> None:
        if (jump := rule.spec.jump) is not None:
            self.table.chains[jump.chain].references -= 1


def _order(rule: Rule) -> int:
    return rule.order


@dataclass(frozen=True, slots=True)
class TableKind:
    """A table as iptables makes it: its built-in chains and their priorities."""

    name: str
    hooks: tuple[tuple[Hook, int], ...]


_ALL = (Hook.PREROUTING, Hook.INPUT, Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING)
_MIDDLE = (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT)
_NAT = (
    (Hook.PREROUTING, Priority.NAT_DST),
    (Hook.INPUT, Priority.NAT_SRC),
    (Hook.OUTPUT, Priority.NAT_DST),
    (Hook.POSTROUTING, Priority.NAT_SRC),
)

TABLES: Final = (
    TableKind("mangle", tuple((hook, Priority.MANGLE) for hook in _ALL)),
    TableKind("security", tuple((hook, Priority.SECURITY) for hook in _MIDDLE)),
    TableKind("raw", ((Hook.PREROUTING, Priority.RAW), (Hook.OUTPUT, Priority.RAW))),
    TableKind("filter", tuple((hook, Priority.FILTER) for hook in _MIDDLE)),
    TableKind("nat", _NAT),
)
"""All tables, in the order in which iptables-save (nf_tables) prints them."""

TABLE_KINDS: Final = {kind.name: kind for kind in TABLES}


class Table:
    """One table: its chains by name, built-in ones first in hook order."""

    __slots__ = ("builtin", "chains", "kind", "present", "ruleset")

    def __init__(self, ruleset: Ruleset, kind: TableKind) -> None:
        self.ruleset = ruleset
        self.kind = kind
        self.present = False
        """Whether a command wrote to it: iptables-save shows only those."""
        self.builtin = {hook: Chain(self, hook.name, Verdict.ACCEPT) for hook, _ in kind.hooks}
        self.chains: dict[str, Chain] = {chain.name: chain for chain in self.builtin.values()}

    @property
    def name(self) -> str:
        """The table's name."""
        return self.kind.name

    def touch(self) -> None:
        """Note a change, which also brings the table into being."""
        if not self.present:
            self.make_present()
        self.ruleset.touch()

    def make_present(self) -> None:
        """Bring the table into being, as any command that writes to it does."""
        if self.present:
            return
        self.present = True
        for chain in self.builtin.values():
            chain.zero()
        if self.ruleset.appeared is not None:
            self.ruleset.appeared(self)

    def set_policy(self, hook: Hook, policy: Verdict) -> None:
        """Set the policy of a built-in chain (-P)."""
        chain = self.builtin[hook]
        chain.policy, chain.counting = policy, True
        chain.packets = chain.bytes = 0
        self.touch()

    def chain(self, name: str) -> Chain:
        """The chain of that name. Raises RefusedError."""
        chain = self.chains.get(name)
        if chain is None:
            raise RefusedError(NO_CHAIN)
        return chain

    def new_chain(self, name: str) -> Chain:
        """Make an empty user chain (-N). Raises RefusedError if the name is taken."""
        if name in self.chains:
            raise RefusedError(CHAIN_EXISTS)
        chain = self.chains[name] = Chain(self, name)
        self.touch()
        return chain

    def ensure_chain(self, name: str) -> Chain:
        """The chain of that name, made if need be."""
        return self.chains.get(name) or self.new_chain(name)

    def delete_chain(self, name: str) -> None:
        """Delete a user chain that nothing refers to (-X); its rules go with it.

        Raises RefusedError if there is no such chain, ValueError if it is in use or built in.
        """
        chain = self.chain(name)
        if chain.policy is not None or chain.references:
            raise ValueError(f"chain {name} is in use")
        chain.flush()
        del self.chains[name]
        self.touch()

    def rename_chain(self, old: str, new: str) -> None:
        """Give a user chain another name (-E); rules that refer to it follow."""
        chain = self.chain(old)
        if new in self.chains:
            raise RefusedError(CHAIN_EXISTS)
        chain.name = new
        self.chains[new] = self.chains.pop(old)
        for other in self.chains.values():
            for rule in other.rules:
                if (jump := rule.spec.jump) is not None and jump.chain == old:
                    rule.spec = _redirected(rule.spec, Jump(new, jump.goto))
            other.compiled = None
        self.touch()

    def recount(self) -> None:
        """Count all references anew and drop all compiled forms: chains were changed wholesale."""
        for chain in self.chains.values():
            chain.references = 0
        for chain in self.chains.values():
            rules, chain.rules = chain.rules, []
            chain.replace(rules)

    def ordered_chains(self) -> list[Chain]:
        """Built-in chains in hook order, then user chains by name."""
        user = sorted(name for name, chain in self.chains.items() if chain.policy is None)
        return [*self.builtin.values(), *(self.chains[name] for name in user)]


def _redirected(spec: RuleSpec, jump: Jump) -> RuleSpec:
    return RuleSpec(
        source=spec.source, destination=spec.destination, in_interface=spec.in_interface,
        out_interface=spec.out_interface, protocol=spec.protocol, fragment=spec.fragment,
        matches=spec.matches, target=jump,
    )


class Ruleset:
    """All iptables tables of one family in one namespace."""

    def __init__(
        self, family: int = 4, changed: Callable[[], None] | None = None,
        shared: Shared | None = None,
    ) -> None:
        """`changed` is called after every change of rules, chains or policies; `shared` is what the
        rulesets of both families of a namespace have in common.
        """
        self.family = family
        self.changed = changed
        self.appeared: Callable[[Table], None] | None = None
        """Called for each table that comes into being (see compiled.attach)."""
        self.shared = Shared() if shared is None else shared
        self.compile_chain: Callable[[Chain], Block] | None = None
        """Makes the fast form of a chain; set by compiled.attach."""
        self.generation = 0
        """Grows with every change of rules, chains or policies; counters do not count."""
        self.tables = {kind.name: Table(self, kind) for kind in TABLES}

    def table(self, name: str) -> Table:
        """The table of that name. Raises MissingTableError."""
        try:
            return self.tables[name]
        except KeyError:
            raise MissingTableError(f"table '{name}' does not exist") from None

    def touch(self) -> None:
        """Note a change; called by whatever changes a table."""
        self.generation += 1
        if self.changed is not None:
            self.changed()
