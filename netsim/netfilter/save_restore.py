"""iptables-save text, written. Reading it is `cli.restore`. Models xtables-save.c.

    *table
    :CHAIN POLICY [packets:bytes]
    [packets:bytes] -A CHAIN rule
    COMMIT
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netsim.netfilter.rule_text import rule_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netsim.netfilter.ruleset import Chain, Ruleset, Table


def save(ruleset: Ruleset, *, table: str | None = None, counters: bool = False) -> str:
    """All tables that were written to (or one), without the comments that iptables-save adds.

    `counters`: the packets:bytes of every rule, too.
    """
    return "".join(save_table(each, counters=counters) for each in saved_tables(ruleset, table))


def saved_tables(ruleset: Ruleset, name: str | None = None) -> Iterator[Table]:
    """The tables that iptables-save shows, in its order."""
    for table in ruleset.tables.values():
        if table.present and name in (None, table.name):
            yield table


def save_table(table: Table, *, counters: bool = False) -> str:
    """One table."""
    lines = [f"*{table.name}"]
    chains = table.ordered_chains()
    lines += [_declaration(chain) for chain in chains]
    for chain in chains:
        lines += _rules(chain, counters)
    return "\n".join([*lines, "COMMIT", ""])


def _declaration(chain: Chain) -> str:
    policy = "-" if chain.policy is None else chain.policy.value
    packets, size = (chain.packets, chain.bytes) if chain.policy else (0, 0)
    return f":{chain.name} {policy} [{packets}:{size}]"


def _rules(chain: Chain, counters: bool) -> Iterator[str]:
    family = chain.table.ruleset.family
    for rule in chain.rules:
        front = f"[{rule.packets}:{rule.bytes}] " if counters else ""
        yield f"{front}-A {chain.name}{rule_text(rule.spec, family)}"
