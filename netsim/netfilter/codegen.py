"""Rules as Python functions. Chains of one shape share their code.

A block of rules becomes the source of one function of (c, hit, d): the context, what to call with
each rule that matches, and how many jumps are open. What differs between chains of one shape
(addresses, rules, the chains they lead to) stands in the function's defaults, so the source is the
same and is compiled once; a chain then costs one function object. The endpoint chain of a Service:

    def block(c, hit, d, k0=address, k1=rule, k2=KUBE-MARK-MASQ, k3=6, k4=rule, k5=act):
        p = c.packet
        if p.src == k0:
            hit(k1)
            o = k2.run(c, hit, d + 1) if d < DEPTH else DROP
            if o: return o
        if p.protocol == k3:
            hit(k4)
            o = k5(c)
            if o: return o

A block's answer is a Verdict, RETURN (which counts as false) or None: go on behind it.
"""

from __future__ import annotations

from functools import lru_cache
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from netsim.netfilter.conditions import expressions
from netsim.netfilter.extension import Walk
from netsim.netfilter.hooks import Verdict
from netsim.netfilter.ruleset import Jump
from netsim.netfilter.traverse import DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netsim.netfilter.conditions import IndexKey
    from netsim.netfilter.context import Context
    from netsim.netfilter.ruleset import Chain, Rule

    Answer: TypeAlias = Verdict | Walk | None
    Block: TypeAlias = Callable[[Context, Callable[[Any], None], int], Answer]

GLOBALS: Final[dict[str, Any]] = {
    "__builtins__": {}, "DEPTH": DEPTH, "ACCEPT": Verdict.ACCEPT, "DROP": Verdict.DROP,
    "RETURN": Walk.RETURN,
}
"""The names that generated code may use besides its arguments."""


class _Source:
    """A function in the making: its lines and its constants."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.constants: list[object] = []

    def constant(self, value: object) -> str:
        """A name for a value that stands in the function's defaults."""
        self.constants.append(value)
        return f"k{len(self.constants) - 1}"

    def function(self) -> Block:
        """The function. Compiled only if no other one has the same source."""
        names = "".join(f", k{number}" for number in range(len(self.constants)))
        body = "\n".join(self.lines)
        code = _compiled(f"def block(c, hit, d{names}):\n p = c.packet\n{body}\n")
        return FunctionType(code, GLOBALS, "block", tuple(self.constants))


@lru_cache(maxsize=1024)
def _compiled(source: str) -> CodeType:
    module = compile(source, "<netfilter>", "exec")
    return next(const for const in module.co_consts if isinstance(const, CodeType))


def block(chain: Chain, rules: Sequence[Rule], key: IndexKey | None = None) -> Block:
    """The function of some rules of a chain; `key`: what an index has looked at already."""
    source = _Source()
    for rule in rules:
        _write_rule(source, chain, rule, key)
    return source.function()


def _write_rule(source: _Source, chain: Chain, rule: Rule, key: IndexKey | None) -> None:
    conditions = expressions(rule, key, source.constant)
    indent = " "
    if conditions:
        source.lines.append(f" if {' and '.join(conditions)}:")
        indent = "  "
    steps = [f"hit({source.constant(rule)})", *_outcome(source, chain, rule)]
    source.lines += [indent + step for step in steps]


def _outcome(source: _Source, chain: Chain, rule: Rule) -> list[str]:
    """What happens after a match."""
    target = rule.spec.target
    if isinstance(target, Jump):
        led_to = source.constant(chain.table.chains[target.chain])
        if target.goto:
            return [f"return {led_to}.run(c, hit, d) or RETURN"]
        return [f"o = {led_to}.run(c, hit, d + 1) if d < DEPTH else DROP", "if o: return o"]
    if target is None or rule.act is None:
        return []
    if target.constant is not None:
        return [f"return {target.constant.name}"]
    return [f"o = {source.constant(rule.act)}(c)", "if o: return o"]
