"""What the kernel refuses although iptables understood it. Models nft_compat.c, nf_tables' checks.

A rule may be wrong in itself (`-m tcp` without -p tcp), in its table (REJECT in nat), or in a
built-in chain that leads to it (MASQUERADE reached from PREROUTING). Chains that lead to themselves
are refused once a built-in chain leads to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netsim.netfilter.errors import INVALID, LOOP, NOT_SUPPORTED
from netsim.netfilter.extension import Match
from netsim.netfilter.ruleset import Jump
from netsim.netfilter.traverse import DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netsim.netfilter.extension import Extension
    from netsim.netfilter.hooks import Hook
    from netsim.netfilter.ruleset import Chain, RuleSpec, Table



def spec_problem(spec: RuleSpec, table: str) -> str | None:
    """Why the kernel refuses the rule wherever it stands in the table; None if it does not."""
    for test in (spec.source, spec.destination):
        if test is not None and test.inverted and not test.mask:
            return INVALID
    wanted = spec.protocol
    protocol = None if wanted is None or wanted.inverted else wanted.protocol
    for extension in _extensions(spec):
        if extension.tables and table not in extension.tables:
            return INVALID
        if extension.protocols and protocol not in extension.protocols:
            return INVALID
        if refusal := extension.refusal(protocol):
            return refusal
    return None


def _extensions(spec: RuleSpec) -> Iterator[Extension]:
    yield from spec.matches
    if spec.target is not None and not isinstance(spec.target, Jump):
        yield spec.target


def hook_problem(spec: RuleSpec, hook: Hook) -> str | None:
    """Why the kernel refuses the rule in a chain that this hook reaches."""
    for extension in _extensions(spec):
        if extension.hooks and hook not in extension.hooks:
            return INVALID
        if isinstance(extension, Match) and hook in extension.forbidden_hooks():
            return INVALID
    return None


def reaching_hooks(table: Table, name: str) -> list[Hook]:
    """The hooks whose built-in chains lead to a chain."""
    return [hook for hook, base in table.builtin.items() if name in reached_chains(table, base)]


def reached_chains(table: Table, start: Chain) -> set[str]:
    """The names of the chains that a chain leads to, itself included."""
    seen = {start.name}
    waiting = [start]
    while waiting:
        for rule in waiting.pop().rules:
            jump = rule.spec.jump
            if jump is not None and jump.chain not in seen:
                seen.add(jump.chain)
                waiting.append(table.chains[jump.chain])
    return seen


def placement_problem(table: Table, chain: Chain, spec: RuleSpec) -> str | None:
    """Why the kernel refuses a rule that was just put into a chain, given all that leads there."""
    problem = spec_problem(spec, table.name)
    if problem is not None:
        return problem
    if spec.jump is not None and table.chains[spec.jump.chain].policy is not None:
        return NOT_SUPPORTED
    hooked = any(_has_hooks(extension) for extension in _extensions(spec))
    if not hooked and spec.jump is None:
        return None
    for hook in reaching_hooks(table, chain.name):
        problem = hook_problem(spec, hook)
        if problem is None and spec.jump is not None:
            problem = tree_problem(table, table.chains[spec.jump.chain], hook)
        if problem is not None:
            return problem
    return None


def _has_hooks(extension: Extension) -> bool:
    forbidden = isinstance(extension, Match) and extension.forbidden_hooks()
    return bool(extension.hooks or forbidden)


def tree_problem(table: Table, start: Chain, hook: Hook) -> str | None:
    """What is wrong with the chains that a hook reaches by way of `start`: a loop, or a rule."""
    depths: dict[str, int] = {}

    def depth(chain: Chain, above: tuple[str, ...]) -> int | None:
        if chain.name in above:
            return None
        if chain.name not in depths:
            below = [
                depth(table.chains[jump.chain], (*above, chain.name))
                for rule in chain.rules if (jump := rule.spec.jump) is not None
            ]
            deepest = 0
            for each in below:
                if each is None:
                    return None
                deepest = max(deepest, each + 1)
            depths[chain.name] = deepest
        return depths[chain.name]

    found = depth(start, ())
    if found is None or found >= DEPTH:
        return LOOP
    for name in depths:
        for rule in table.chains[name].rules:
            problem = hook_problem(rule.spec, hook)
            if problem is not None:
                return problem
    return None
