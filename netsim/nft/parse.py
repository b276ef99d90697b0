"""Reading nft text: what `nft -f` takes and `nft list` prints, in the part known here.

A `table` block is merged into the ruleset, as nft does. Also `flush ruleset`, `add table`,
`delete table` and `flush table`. Models libnftables' grammar for this subset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netsim.netfilter.hooks import Hook, Verdict
from netsim.nft.datatypes import TYPES, parse_duration
from netsim.nft.errors import NftSyntaxError
from netsim.nft.listing import PRIORITIES
from netsim.nft.loops import refuse_loops
from netsim.nft.rule_parser import parse_statements, parse_verdict
from netsim.nft.ruleset import BaseChain, Rule, SetOrMap
from netsim.nft.tokens import Tokens

if TYPE_CHECKING:
    from netsim.nft.ruleset import Chain, Ruleset, Table

__all__ = ["parse", "parse_rule"]

_FAMILIES = ("ip", "ip6", "inet")


def parse(ruleset: Ruleset, text: str) -> None:
    """Carry out the text on the ruleset. Raises NftError; then part of it may have been done."""
    tokens = Tokens(text)
    while tokens.skip_breaks():
        word = tokens.next()
        if word == "table" or (word == "add" and tokens.accept("table")):
            _parse_table(ruleset, tokens)
        elif word == "flush" and tokens.accept("ruleset"):
            ruleset.flush()
        elif word in ("delete", "flush") and tokens.accept("table"):
            family, name = _family(tokens), tokens.next()
            if word == "delete":
                ruleset.delete_table(family, name)
                continue
            for chain in ruleset.ensure_table(family, name).chains.values():
                chain.flush()
        else:
            raise NftSyntaxError(f"syntax error, unexpected {word}")


def parse_rule(table: Table, text: str) -> Rule:
    """One rule of `table`. Raises NftSyntaxError."""
    tokens = Tokens(text)
    rule = _parse_rule(table, tokens)
    if tokens.skip_breaks():
        raise NftSyntaxError(f"syntax error, unexpected {tokens.peek()}")
    return rule


def _family(tokens: Tokens) -> str:
    return tokens.next() if tokens.peek() in _FAMILIES else "ip"


def _parse_table(ruleset: Ruleset, tokens: Tokens) -> None:
    family = _family(tokens)
    table = ruleset.ensure_table(family, tokens.next())
    if not tokens.accept("{"):
        return
    waiting: list[tuple[Chain, Tokens]] = []
    while not tokens.end_of_block():
        word = tokens.next()
        if word == "comment":
            table.comment = tokens.string()
        elif word in ("set", "map"):
            _parse_set(table, tokens, verdicts=word == "map")
        elif word == "chain":
            chain = table.ensure_chain(tokens.next())
            waiting.append((chain, tokens.block()))
        else:
            raise NftSyntaxError(f"syntax error, unexpected {word}")
    for chain, body in waiting:
        _parse_chain(chain, body)
    refuse_loops(table)


def _parse_set(table: Table, tokens: Tokens, *, verdicts: bool) -> None:
    item = SetOrMap(table, tokens.next(), (), verdicts=verdicts)
    tokens.expect("{")
    while not tokens.end_of_block():
        _parse_set_property(item, tokens)
    if not item.types:
        raise NftSyntaxError("set definition does not specify key")
    table.add_set(item)


def _parse_set_property(item: SetOrMap, tokens: Tokens) -> None:
    word = tokens.next()
    if word == "type":
        _parse_types(item, tokens)
    elif word == "comment":
        item.comment = tokens.string()
    elif word == "size":
        item.size = int(tokens.next())
    elif word == "flags":
        item.flags = tuple(tokens.comma_list())
    elif word == "timeout":
        item.timeout = parse_duration(tokens.next())
    elif word == "elements":
        tokens.expect("=")
        _parse_elements(item, tokens.block())
    else:
        raise NftSyntaxError(f"syntax error, unexpected {word}")


def _parse_types(item: SetOrMap, tokens: Tokens) -> None:
    names = [tokens.next()]
    while tokens.accept("."):
        names.append(tokens.next())
    unknown = [name for name in names if name not in TYPES]
    if unknown:
        raise NftSyntaxError(f"unknown datatype {unknown[0]}")
    item.types = tuple(TYPES[name] for name in names)
    if item.verdicts:
        tokens.expect(":")
        tokens.expect("verdict")


def _parse_elements(item: SetOrMap, tokens: Tokens) -> None:
    while tokens.skip_breaks():
        first, *others = item.types
        values = [first.parse(tokens.next())]
        for data_type in others:
            tokens.expect(".")
            values.append(data_type.parse(tokens.next()))
        comment = ""
        while tokens.peek() in ("timeout", "expires"):
            tokens.next()
            tokens.next()
        if tokens.accept("comment"):
            comment = tokens.string()
        verdict = parse_verdict(tokens) if tokens.accept(":") else None
        item.add(tuple(values) if others else values[0], verdict, comment)
        tokens.accept(",")


def _parse_chain(chain: Chain, tokens: Tokens) -> None:
    while tokens.skip_breaks():
        if tokens.peek() == "type":
            chain.hook(_parse_base(tokens))
        elif tokens.accept("policy"):
            _set_policy(chain, tokens.next())
        elif tokens.peek() == "comment":
            tokens.next()
            chain.comment = tokens.string()
        else:
            chain.append(_parse_rule(chain.table, tokens))


def _set_policy(chain: Chain, word: str) -> None:
    if chain.base is None:
        raise NftSyntaxError("policy of a chain that is no base chain")
    base = chain.base
    chain.hook(BaseChain(base.type, base.hook, base.priority, Verdict[word.upper()]))


def _parse_base(tokens: Tokens) -> BaseChain:
    tokens.expect("type")
    kind = tokens.next()
    tokens.expect("hook")
    hook = Hook[tokens.next().upper()]
    tokens.expect("priority")
    return BaseChain(kind, hook, _parse_priority(tokens))


def _parse_priority(tokens: Tokens) -> int:
    word = tokens.next()
    if word not in PRIORITIES:
        return int(word)
    standard = PRIORITIES[word][0]
    if tokens.peek() in ("+", "-"):
        sign = 1 if tokens.next() == "+" else -1
        return standard + sign * int(tokens.next())
    return standard


def _parse_rule(table: Table, tokens: Tokens) -> Rule:
    statements, comment = parse_statements(table, tokens)
    return Rule(table, statements, comment)
