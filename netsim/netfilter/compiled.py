"""The fast walk: what `traverse.walk` does, at a cost that does not grow with the rules.

A chain is compiled when a packet first comes to it, into blocks:

    linear block   the rules one after the other, their conditions as closures
    index          a run of rules that each want one destination address, or one protocol and port:
                   looked up by hash, so that ten thousand Services cost what ten do

One rule put into or taken out of an index changes just that entry; any other change of a chain
drops the chain's compiled form, never another's. A jump is a call, so RETURN and the end of a chain
are returns, and a goto is a call whose answer is the caller's own.

Counters are raised at the end of a walk, from the list of rules that matched. With a trace wanted
the plain walk is used.
"""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING, Final, NamedTuple

from netsim.netfilter.conditions import IndexKey, condition, index_key
from netsim.netfilter.extension import Walk
from netsim.netfilter.hooks import Verdict
from netsim.netfilter.ruleset import Jump
from netsim.netfilter.traverse import DEPTH, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Check
    from netsim.netfilter.hooks import Hook
    from netsim.netfilter.ruleset import Chain, Rule, Ruleset, Table
    from netsim.netfilter.traverse import HookOwner
    from netsim.packet import Packet

    Hits: TypeAlias = list[Rule | Chain]

SHORT: Final = 4
"""Runs of fewer rules are walked one by one."""

_RETURN: Final = Walk.RETURN


class Step(NamedTuple):
    """One rule, ready to be tried."""

    order: int
    condition: Check | None
    """None: always."""
    rule: Rule
    result: Verdict | Walk | None
    """What ACCEPT, DROP and RETURN say; None for other targets."""
    act: Callable[[Context], Verdict | Walk | None] | None
    chain: Chain | None
    goto: bool


class Index:
    """A run of rules that want exact addresses or ports, in buckets."""

    __slots__ = ("buckets",)

    def __init__(self) -> None:
        self.buckets: dict[tuple[bool, bool, bool], dict[IndexKey, list[Step]]] = {}
        """By which of address, protocol and port a rule names; then by what they are."""

    def add(self, key: IndexKey, step: Step) -> None:
        """Put a rule in its place among those with the same key."""
        bucket = self.buckets.setdefault(_shape(key), {}).setdefault(key, [])
        insort(bucket, step, key=_step_order)

    def remove(self, key: IndexKey, rule: Rule) -> None:
        """Take a rule out."""
        shape = self.buckets[_shape(key)]
        left = [step for step in shape[key] if step.rule is not rule]
        if left:
            shape[key] = left
        else:
            del shape[key]

    def find(self, packet: Packet) -> Sequence[Step]:
        """The rules that the packet may match, in the order of the chain."""
        found: list[Step] | None = None
        for (address, protocol, port), buckets in self.buckets.items():
            key = (
                packet.dst if address else None,
                packet.protocol if protocol else None,
                packet.dport if port else None,
            )
            bucket = buckets.get(key)
            if bucket is not None:
                found = bucket if found is None else sorted(found + bucket, key=_step_order)
        return found if found is not None else ()


def _shape(key: IndexKey) -> tuple[bool, bool, bool]:
    return key[0] is not None, key[1] is not None, key[2] is not None


def _step_order(step: Step) -> int:
    return step.order


class CompiledChain:
    """The blocks of one chain."""

    __slots__ = ("blocks", "index_of")

    def __init__(self, chain: Chain) -> None:
        self.blocks: list[list[Step] | Index] = []
        self.index_of: dict[Rule, Index] = {}
        run: list[Rule] = []
        for rule in chain.rules:
            if index_key(rule.spec) is None:
                self._close_run(chain, run)
                self._linear([_step(chain, rule)])
            else:
                run.append(rule)
        self._close_run(chain, run)

    def _close_run(self, chain: Chain, run: list[Rule]) -> None:
        if len(run) < SHORT:
            self._linear([_step(chain, rule) for rule in run])
        else:
            index = Index()
            for rule in run:
                self._enter(chain, rule, index)
            self.blocks.append(index)
        run.clear()

    def _linear(self, steps: list[Step]) -> None:
        if self.blocks and isinstance(last := self.blocks[-1], list):
            last.extend(steps)
        elif steps:
            self.blocks.append(steps)

    def _enter(self, chain: Chain, rule: Rule, index: Index) -> None:
        key = index_key(rule.spec)
        assert key is not None
        index.add(key, _step(chain, rule, key))
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


def _step(chain: Chain, rule: Rule, key: IndexKey | None = None) -> Step:
    """A rule as a step; `key`: what an index has looked at already."""
    target = rule.spec.target
    result: Verdict | Walk | None = None
    act = rule.act
    led_to = None
    if isinstance(target, Jump):
        led_to = chain.table.chains[target.chain]
    elif target is not None and target.constant is not None:
        result, act = target.constant, None
    goto = isinstance(target, Jump) and target.goto
    return Step(rule.order, condition(rule, key), rule, result, act, led_to, goto)


# ---------------------------------------------------------------- walking


def _try_steps(
    steps: Sequence[Step], context: Context, hits: Hits, depth: int
) -> Verdict | Walk | None:
    """The rules of one block; None: go on with the next."""
    for _, test, rule, result, act, chain, goto in steps:
        if test is not None and not test(context):
            continue
        hits.append(rule)
        if result is not None:
            return result
        if act is not None:
            outcome = act(context)
        elif chain is None:
            continue
        elif goto:
            return run(chain, context, hits, depth) or _RETURN
        else:
            outcome = run(chain, context, hits, depth + 1) if depth < DEPTH else Verdict.DROP
        if outcome is not None:
            return outcome
    return None


def run(chain: Chain, context: Context, hits: Hits, depth: int) -> Verdict | None:
    """What a chain decides; None: it came to its end, or returned."""
    compiled = chain.compiled
    if compiled is None:
        compiled = chain.compiled = CompiledChain(chain)
    for block in compiled.blocks:
        steps = block.find(context.packet) if isinstance(block, Index) else block
        outcome = _try_steps(steps, context, hits, depth)
        if outcome is not None:
            return outcome if isinstance(outcome, Verdict) else None
    return None


def evaluate_hook(table: Table, hook: Hook) -> Callable[[Context], Verdict]:
    """What a table decides at one hook, as a function of the packet."""
    base = table.builtin[hook]

    def evaluate(context: Context) -> Verdict:
        if context.trace is not None:
            return walk(table, context)
        hits: Hits = []
        verdict = run(base, context, hits, 0)
        if verdict is None:
            hits.append(base)
            verdict = base.policy
        length = context.packet.length
        for counted in hits:
            counted.packets += 1
            counted.bytes += length
        if context.hits is not None:
            context.hits += hits
        return verdict  # type: ignore[return-value]

    return evaluate


def attach(ruleset: Ruleset, owner: HookOwner) -> None:
    """Let a namespace ask the tables of a ruleset, each from the moment it comes into being."""

    def appeared(table: Table) -> None:
        for hook, priority in table.kind.hooks:
            function = evaluate_hook(table, hook)
            owner.register(ruleset.family, hook, priority, function, nat=table.name == "nat")

    ruleset.appeared = appeared
    for table in ruleset.tables.values():
        if table.present:
            appeared(table)
