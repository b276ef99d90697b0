"""The fast walk: what `traverse.walk` does, at a cost that does not grow with the rules.

A chain is compiled when a packet first comes to it, into blocks:

    function   some rules one after the other, as Python code (see codegen)
    Index      a run of rules that each want one destination or source address, or one protocol
               and port: looked up by hash, so that ten thousand Services cost what ten do

One rule put into or taken out of an index changes just that entry; any other change of a chain
drops the chain's compiled form, never another's. A jump is a call, so RETURN and the end of a chain
are returns, and a goto is a call whose answer is the caller's own.

Counters are raised at the end of a walk, from the list of rules that matched. With a trace wanted
the plain walk is used.
"""

from __future__ import annotations

from bisect import insort
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from netsim.netfilter.codegen import block
from netsim.netfilter.conditions import index_key
from netsim.netfilter.traverse import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from netsim.netfilter.codegen import Answer, Block
    from netsim.netfilter.conditions import IndexKey
    from netsim.netfilter.context import Context
    from netsim.netfilter.hooks import Hook, Verdict
    from netsim.netfilter.ruleset import Chain, Rule, Ruleset, Table
    from netsim.netfilter.traverse import HookOwner
    from netsim.packet import Packet

    _Shape = tuple[bool, bool, bool, bool]

SHORT: Final = 4
"""Runs of fewer rules are walked one by one."""
LONG: Final = 16
"""Rules in one function; longer blocks are cut, so that their code can be shared."""


class Entry(NamedTuple):
    """One rule in an index."""

    order: int
    rule: Rule
    run: Block


class Index:
    """A run of rules that want exact addresses or ports, in buckets."""

    __slots__ = ("buckets",)

    def __init__(self) -> None:
        self.buckets: dict[_Shape, dict[IndexKey, list[Entry]]] = {}
        """By which of addresses, protocol and port a rule names; then by what they are."""

    def add(self, key: IndexKey, entry: Entry) -> None:
        """Put a rule in its place among those with the same key."""
        bucket = self.buckets.setdefault(_shape(key), {}).setdefault(key, [])
        insort(bucket, entry, key=_entry_order)

    def remove(self, key: IndexKey, rule: Rule) -> None:
        """Take a rule out."""
        shape = self.buckets[_shape(key)]
        left = [entry for entry in shape[key] if entry.rule is not rule]
        if left:
            shape[key] = left
        else:
            del shape[key]

    def find(self, packet: Packet) -> Sequence[Entry]:
        """The rules that the packet may match, in the order of the chain."""
        found: list[Entry] | None = None
        for (address, protocol, port, source), buckets in self.buckets.items():
            key = (
                packet.dst if address else None,
                packet.protocol if protocol else None,
                packet.dport if port else None,
                packet.src if source else None,
            )
            bucket = buckets.get(key)
            if bucket is not None:
                found = bucket if found is None else sorted(found + bucket, key=_entry_order)
        return found if found is not None else ()

    def __call__(self, context: Context, hit: Callable[[Any], None], depth: int) -> Answer:
        """Try the rules that the packet may match."""
        for entry in self.find(context.packet):
            answer = entry.run(context, hit, depth)
            if answer is not None:
                return answer
        return None


def _shape(key: IndexKey) -> _Shape:
    return key[0] is not None, key[1] is not None, key[2] is not None, key[3] is not None


def _entry_order(entry: Entry) -> int:
    return entry.order


class CompiledChain:
    """The blocks of one chain, and `run`, which does what they say."""

    __slots__ = ("index_of", "run")

    def __init__(self, chain: Chain) -> None:
        self.index_of: dict[Rule, Index] = {}
        blocks = [self._block(chain, rules, indexed) for indexed, rules in _cut(chain.rules)]
        self.run: Block = blocks[0] if len(blocks) == 1 else _in_turn(tuple(blocks))

    def _block(self, chain: Chain, rules: list[Rule], indexed: bool) -> Block:
        if not indexed:
            return block(chain, rules)
        index = Index()
        for rule in rules:
            self._enter(chain, rule, index)
        return index

    def _enter(self, chain: Chain, rule: Rule, index: Index) -> None:
        key = index_key(rule.spec)
        assert key is not None
        index.add(key, Entry(rule.order, rule, block(chain, [rule], key)))
        self.index_of[rule] = index

    def added(self, chain: Chain, rule: Rule) -> bool:
        """A rule was put into the chain. False: the compiled form no longer holds."""
        if index_key(rule.spec) is None:
            return False
        place = chain.index(rule)
        for neighbour in chain.rules[max(place - 1, 0) : place + 2]:
            index = self.index_of.get(neighbour)
            if index is not None:
                self._enter(chain, rule, index)
                return True
        return False

    def removed(self, chain: Chain, rule: Rule) -> bool:
        """A rule was taken out of the chain. False: the compiled form no longer holds."""
        index = self.index_of.pop(rule, None)
        key = index_key(rule.spec)
        if index is None or key is None:
            return False
        index.remove(key, rule)
        return True


def _cut(rules: Sequence[Rule]) -> list[tuple[bool, list[Rule]]]:
    """Rules in blocks: runs for an index (True), and up to LONG of the others each."""
    blocks: list[tuple[bool, list[Rule]]] = []
    for indexed, run in _runs(rules):
        if indexed:
            blocks.append((True, run))
            continue
        for rule in run:
            if blocks and not blocks[-1][0] and len(blocks[-1][1]) < LONG:
                blocks[-1][1].append(rule)
            else:
                blocks.append((False, [rule]))
    return blocks


def _runs(rules: Sequence[Rule]) -> Iterator[tuple[bool, list[Rule]]]:
    """Neighbours that an index can take, if they are enough (True), and the others."""
    for keyed, group in groupby(rules, key=lambda rule: index_key(rule.spec) is not None):
        run = list(group)
        yield keyed and len(run) >= SHORT, run


def _in_turn(blocks: tuple[Block, ...]) -> Block:
    def run(context: Context, hit: Callable[[Any], None], depth: int) -> Answer:
        for each in blocks:
            answer = each(context, hit, depth)
            if answer is not None:
                return answer
        return None

    return run


# ---------------------------------------------------------------- walking


def run_chain(chain: Chain) -> Block:
    """The chain as a function, compiled now if it is not yet."""
    compiled = chain.compiled = CompiledChain(chain)
    return compiled.run


def evaluate_hook(table: Table, hook: Hook) -> Callable[[Context], Verdict]:
    """What a table decides at one hook, as a function of the packet."""
    base = table.builtin[hook]

    def evaluate(context: Context) -> Verdict:
        if context.trace is not None:
            return walk(table, context)
        length = context.packet.length
        if base.rules:
            hits: list[Any] = []
            verdict = base.run(context, hits.append, 0)
            for rule in hits:
                rule.packets += 1
                rule.bytes += length
            if context.hits is not None:
                context.hits += hits
            if verdict:
                return verdict  # type: ignore[no-any-return]
        if base.counting:
            base.packets += 1
            base.bytes += length
            if context.hits is not None:
                context.hits.append(base)
        return base.policy  # type: ignore[return-value]

    return evaluate


def attach(ruleset: Ruleset, owner: HookOwner) -> None:
    """Let a namespace ask the tables of a ruleset, each from the moment it comes into being."""

    registered: set[str] = set()
    ruleset.shared.ipsets = owner.ipsets

    def appeared(table: Table) -> None:
        if table.name in registered:
            return
        registered.add(table.name)
        for hook, priority in table.kind.hooks:
            function = evaluate_hook(table, hook)
            owner.register(ruleset.family, hook, priority, function, nat=table.name == "nat")

    ruleset.appeared = appeared
    ruleset.compile_chain = run_chain
    for table in ruleset.tables.values():
        if table.present:
            appeared(table)
