"""Chains may not lead back to themselves. Models nf_tables_check_loops()."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netsim.nft.errors import LOOP, NOT_FOUND, NftError
from netsim.nft.statements import Go, VerdictMap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netsim.nft.ruleset import Chain, Table

__all__ = ["refuse_loops"]


def refuse_loops(table: Table) -> None:
    """Raise NftError if a chain of the table leads to itself, or to a chain that is not there."""
    done: set[str] = set()
    for name in table.chains:
        _visit(table, name, done, ())


def _visit(table: Table, name: str, done: set[str], path: tuple[str, ...]) -> None:
    if name in path:
        raise NftError(LOOP)
    if name in done:
        return
    if name not in table.chains:
        raise NftError(NOT_FOUND)
    for target in set(_targets(table.chains[name])):
        _visit(table, target, done, (*path, name))
    done.add(name)


def _targets(chain: Chain) -> Iterator[str]:
    """The chains that the rules of a chain lead to, through maps too."""
    for rule in chain.rules:
        for statement in rule.statements:
            for go in _verdicts(chain.table, statement):
                if go.chain:
                    yield go.chain


def _verdicts(table: Table, statement: object) -> Iterator[Go]:
    if isinstance(statement, Go):
        yield statement
    elif isinstance(statement, VerdictMap):
        yield from (go for _, go in statement.elements)
        named = table.sets[statement.name].elements.values() if statement.name in table.sets else ()
        yield from (element.verdict for element in named if element.verdict)
