"""How a packet goes through the chains of one base chain. Models nft_do_chain()."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netsim.netfilter.hooks import Verdict
from netsim.nft.statements import BREAK, Break, Go

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.nft.ruleset import Chain, Rule
    from netsim.nft.statements import Outcome

__all__ = ["DEPTH", "walk"]

DEPTH: Final = 16
"""Jumps that may be open at once (NFT_JUMP_STACK_SIZE); one more drops the packet."""


def walk(base: Chain, context: Context) -> Verdict:
    """What a base chain decides about a packet: a rule's verdict, else its policy.

    Accept ends this base chain only; the next at the same hook is asked all the same.
    """
    assert base.base is not None
    if context.trace is None:
        outcome = _run(base, context, 0)
        return base.base.policy if outcome is None else outcome
    return _walk_traced(base, base.base.policy, context)


def _run(chain: Chain, context: Context, depth: int) -> Verdict | None:
    """What a chain decides without a trace, with `depth` jumps open; None: nothing."""
    for rule in chain.rules:
        outcome: Outcome | Break | Verdict | None = None
        for step in rule.steps:
            outcome = step(context)
            if outcome is not None:
                break
        if outcome is BREAK or outcome is None:
            continue
        if not isinstance(outcome, Go):
            return outcome
        if outcome.kind == "return":
            return None
        if outcome.kind == "goto":
            return _run(chain.table.chain(outcome.chain), context, depth)
        if depth >= DEPTH:
            return Verdict.DROP
        outcome = _run(chain.table.chain(outcome.chain), context, depth + 1)
        if outcome is not None:
            return outcome
    return None


def _walk_traced(base: Chain, policy: Verdict, context: Context) -> Verdict:
    """The same, noting every rule that matches."""
    stack: list[tuple[Chain, int]] = []
    chain, index = base, 0
    while True:
        if index >= len(chain.rules):
            if not stack:
                return _policy(base, policy, context)
            chain, index = stack.pop()
            continue
        rule = chain.rules[index]
        index += 1
        outcome = rule.run(context)
        if isinstance(outcome, Break):
            continue
        if context.trace is not None:
            _note(chain, index, rule, outcome, context)
        if isinstance(outcome, Verdict):
            return outcome
        if outcome is not None:
            chain, index = _go(outcome, chain, index, stack)
            if len(stack) > DEPTH:
                return Verdict.DROP


def _go(go: Go, chain: Chain, index: int, stack: list[tuple[Chain, int]]) -> tuple[Chain, int]:
    """Where the walk goes on after jump, goto or return."""
    if go.kind == "return":
        return chain, len(chain.rules)
    if go.kind == "jump":
        stack.append((chain, index))
    return chain.table.chain(go.chain), 0


def _policy(base: Chain, policy: Verdict, context: Context) -> Verdict:
    if context.trace is not None:
        context.trace.policy(_table(base), base.name, policy.name)
    return policy


def _table(chain: Chain) -> str:
    return f"{chain.table.family} {chain.table.name}"


def _note(
    chain: Chain, number: int, rule: Rule, outcome: Verdict | Go | None, context: Context
) -> None:
    verdict = outcome.name if isinstance(outcome, Verdict) else str(outcome or "continue")
    if context.trace is not None:
        context.trace.rule(_table(chain), chain.name, number, str(rule), verdict)
