"""The plain walk: how a packet goes through the chains of one table. Models nft_do_chain().

    rule matches, target is         the walk goes on
      none, or one that returns None  with the next rule
      ACCEPT, DROP, REJECT, NAT       nowhere: the table has decided
      a chain (-j)                    in that chain; its end or RETURN: after the jump
      a chain (-g)                    in that chain; its end or RETURN: where this chain's would be
      RETURN                          after the jump that led here; in a built-in chain: the policy

`netsim.netfilter.compiled` does the same faster; this is the one to read, and the one that traces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from netsim.netfilter.extension import Walk
from netsim.netfilter.hooks import Hook, Verdict
from netsim.netfilter.rule_text import rule_text
from netsim.netfilter.ruleset import Jump

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.netfilter.context import Context
    from netsim.netfilter.ruleset import AddressTest, Chain, Rule, Ruleset, RuleSpec, Table

DEPTH: Final = 16
"""Jumps that may be open at once (NFT_JUMP_STACK_SIZE); one more drops the packet."""


def walk(table: Table, context: Context) -> Verdict:
    """What a table decides about a packet at the context's hook."""
    base = table.builtin[context.hook]
    chain, index = base, 0
    open_jumps: list[tuple[Chain, int]] = []
    while True:
        rule, index = next_match(chain, index, context)
        outcome = None if rule is None else apply(rule, context)
        if rule is not None:
            report(chain, index, rule, outcome, context)
        if isinstance(outcome, Verdict):
            return outcome
        if rule is None or outcome is Walk.RETURN:
            if not open_jumps:
                return decide_policy(base, context)
            chain, index = open_jumps.pop()
        elif isinstance(jump := rule.spec.target, Jump):
            if not jump.goto:
                open_jumps.append((chain, index))
            if len(open_jumps) > DEPTH:
                return Verdict.DROP
            chain, index = table.chains[jump.chain], 0


def next_match(chain: Chain, index: int, context: Context) -> tuple[Rule | None, int]:
    """The first rule from `index` on that matches, and the index after it."""
    rules = chain.rules
    while index < len(rules):
        rule = rules[index]
        index += 1
        if generic_match(rule.spec, context) and all(check(context) for check in rule.checks):
            return rule, index
    return None, index


def generic_match(spec: RuleSpec, context: Context) -> bool:
    """The part that needs no extension: addresses, interfaces, protocol, fragments."""
    packet = context.packet
    if not _address_match(spec.source, packet.src):
        return False
    if not _address_match(spec.destination, packet.dst):
        return False
    if spec.in_interface and not spec.in_interface.accepts(context.in_interface):
        return False
    if spec.out_interface and not spec.out_interface.accepts(context.out_interface):
        return False
    test = spec.protocol
    if test is not None and (packet.protocol == test.protocol) == test.inverted:
        return False
    return not spec.fragment


def _address_match(test: AddressTest | None, address: int) -> bool:
    return test is None or (address & test.mask == test.address) != test.inverted


def apply(rule: Rule, context: Context) -> Verdict | Walk | None:
    """Count the packet and let the target act."""
    count(rule, context)
    return None if rule.act is None else rule.act(context)


def count(counted: Rule | Chain, context: Context) -> None:
    """Raise the counters of a rule or policy."""
    counted.packets += 1
    counted.bytes += context.packet.length
    if context.hits is not None:
        context.hits.append(counted)


def decide_policy(base: Chain, context: Context) -> Verdict:
    """The end of a built-in chain."""
    assert base.policy is not None
    if base.counting:
        count(base, context)
    if context.trace is not None:
        counters = (base.packets, base.bytes) if base.counting else None
        context.trace.policy(base.table.name, base.name, base.policy.value, counters)
    return base.policy


def report(
    chain: Chain, number: int, rule: Rule, outcome: Verdict | Walk | None, context: Context
) -> None:
    """Tell the trace, if there is one, that a rule matched and what came of it."""
    if context.trace is None:
        return
    family = chain.table.ruleset.family
    text = f"-A {chain.name}{rule_text(rule.spec, family)}"
    verdict = outcome_text(rule.spec, outcome)
    counters = (rule.packets, rule.bytes)
    context.trace.rule(chain.table.name, chain.name, number, text, verdict, counters)


def outcome_text(spec: RuleSpec, outcome: Verdict | Walk | None) -> str:
    """`jump CHAIN`, `goto CHAIN`, RETURN, continue, the verdict, or the target that gave it."""
    target = spec.target
    if isinstance(target, Jump):
        return f"{'goto' if target.goto else 'jump'} {target.chain}"
    if outcome is None or target is None:
        return "continue"
    if outcome is Walk.RETURN or target.name in ("ACCEPT", "DROP"):
        return str(outcome.value)
    detail = target.listing(numeric=True)
    if outcome is Verdict.DROP and target.name != "REJECT":
        detail += " failed: DROP"
    return f"{target.name} {detail}".rstrip()


class HookOwner(Protocol):
    """The part of a namespace that rulesets register with."""

    ipsets: dict[str, Any]

    def register(
        self, family: int, hook: Hook, priority: int, function: Callable[[Context], Verdict],
        *, nat: bool = False,
    ) -> object:
        """Ask `function` about each packet at a hook."""


def attach(
    ruleset: Ruleset, owner: HookOwner, evaluate: Callable[[Table, Context], Verdict] = walk
) -> None:
    """Let a namespace ask the tables of a ruleset, each from the moment it comes into being."""
    ruleset.shared.ipsets = owner.ipsets

    registered: set[str] = set()

    def appeared(table: Table) -> None:
        if table.name in registered:
            return
        registered.add(table.name)

        def ask(context: Context) -> Verdict:
            return evaluate(table, context)

        for hook, priority in table.kind.hooks:
            owner.register(ruleset.family, hook, priority, ask, nat=table.name == "nat")

    ruleset.appeared = appeared
    for table in ruleset.tables.values():
        if table.present:
            appeared(table)
