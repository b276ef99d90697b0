"""Reading tables, sets, chains and rules. Models libnftables' grammar for the part known here.

A `table` block is merged into the rule set, as nft does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netsim.netfilter.hooks import Hook, Verdict
from netsim.nft.datatypes import TYPES, parse_duration
from netsim.nft.errors import NftError, NftSyntaxError
from netsim.nft.listing import PRIORITIES
from netsim.nft.loops import refuse_loops
from netsim.nft.rule_parser import parse_statements, parse_verdict
from netsim.nft.ruleset import VERSIONS, BaseChain, Rule, SetOrMap
from netsim.nft.tokens import Tokens

if TYPE_CHECKING:
    from netsim.nft.ruleset import Chain, Ruleset, Table

__all__ = [
    "parse_chain_body",
    "parse_elements",
    "parse_family",
    "parse_rule",
    "parse_set",
    "parse_table",
    "read_rule",
]


def parse_rule(table: Table, text: str) -> Rule:
    """One rule of `table`. Raises NftSyntaxError."""
    tokens = Tokens(text)
    rule = read_rule(table, tokens)
    if tokens.skip_breaks():
        raise NftSyntaxError(f"syntax error, unexpected {tokens.next()}", tokens.span())
    return rule


def read_rule(table: Table, tokens: Tokens) -> Rule:
    """The rule that ends where the statement does. Raises NftSyntaxError."""
    try:
        statements, comment = parse_statements(table, tokens)
    except NftError as error:
        error.span = error.span or tokens.span()
        raise
    return Rule(table, statements, comment)


def parse_family(tokens: Tokens) -> str:
    """ip, ip6 or inet; ip when none is said."""
    return tokens.next() if tokens.peek() in VERSIONS else "ip"


def parse_table(ruleset: Ruleset, tokens: Tokens) -> None:
    """`[FAMILY] NAME [{ ... }]`, after the word `table`. Raises NftError."""
    family = parse_family(tokens)
    table = ruleset.ensure_table(family, tokens.name())
    if not tokens.accept("{"):
        return
    waiting: list[tuple[Chain, Tokens]] = []
    while not tokens.end_of_block():
        word = tokens.next()
        if word == "comment":
            table.comment = tokens.string()
        elif word in ("set", "map"):
            table.add_set(parse_set(table, tokens, verdicts=word == "map"))
        elif word == "chain":
            chain = table.ensure_chain(tokens.name())
            waiting.append((chain, tokens.block()))
        else:
            raise NftSyntaxError(f"syntax error, unexpected {word}", tokens.span())
    for chain, body in waiting:
        parse_chain_body(chain, body)
    refuse_loops(table)


def parse_set(table: Table, tokens: Tokens, *, verdicts: bool) -> SetOrMap:
    """`NAME { type ...; ... }`, not yet in the table. Raises NftSyntaxError."""
    item = SetOrMap(table, tokens.name(), (), verdicts=verdicts)
    tokens.expect("{")
    while not tokens.end_of_block():
        _parse_set_property(item, tokens)
    if not item.types:
        raise NftSyntaxError("set definition does not specify key", tokens.span())
    return item


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
        parse_elements(item, tokens.block())
    else:
        raise NftSyntaxError(f"syntax error, unexpected {word}", tokens.span())


def _parse_types(item: SetOrMap, tokens: Tokens) -> None:
    names = [tokens.next()]
    while tokens.accept("."):
        names.append(tokens.next())
    unknown = [name for name in names if name not in TYPES]
    if unknown:
        raise NftSyntaxError(f"unknown datatype {unknown[0]}", tokens.span())
    item.types = tuple(TYPES[name] for name in names)
    if item.verdicts:
        tokens.expect(":")
        tokens.expect("verdict")


def parse_elements(item: SetOrMap, tokens: Tokens, *, remove: bool = False) -> None:
    """What stands in the braces: put it in, or take it out. Raises NftError."""
    try:
        _parse_elements(item, tokens, remove)
    except NftError as error:
        error.span = error.span or tokens.span()
        raise


def _parse_elements(item: SetOrMap, tokens: Tokens, remove: bool) -> None:
    while tokens.skip_breaks():
        first, *others = item.types
        values = [first.parse(tokens.next())]
        for data_type in others:
            tokens.expect(".")
            values.append(data_type.parse(tokens.next()))
        key = tuple(values) if others else values[0]
        comment = _parse_element_notes(tokens)
        verdict = parse_verdict(tokens) if tokens.accept(":") else None
        if remove:
            item.delete(key)
        else:
            item.add(key, verdict, comment)
        tokens.accept(",")


def _parse_element_notes(tokens: Tokens) -> str:
    """The comment; times that a listing shows are passed over."""
    while tokens.peek() in ("timeout", "expires"):
        tokens.next()
        tokens.next()
    return tokens.string() if tokens.accept("comment") else ""


def parse_chain_body(chain: Chain, tokens: Tokens) -> None:
    """What stands in the braces of a chain: hook, policy, comment, rules. Raises NftSyntaxError."""
    while tokens.skip_breaks():
        if tokens.peek() == "type":
            chain.hook(_parse_base(tokens))
        elif tokens.accept("policy"):
            _set_policy(chain, tokens)
        elif tokens.peek() == "comment":
            tokens.next()
            chain.comment = tokens.string()
        else:
            chain.append(read_rule(chain.table, tokens))


def _set_policy(chain: Chain, tokens: Tokens) -> None:
    word = tokens.next()
    if chain.base is None or word not in ("accept", "drop"):
        raise NftSyntaxError(f"syntax error, unexpected {word}", tokens.span())
    base = chain.base
    chain.hook(BaseChain(base.type, base.hook, base.priority, Verdict[word.upper()]))


def _parse_base(tokens: Tokens) -> BaseChain:
    tokens.expect("type")
    kind = tokens.next()
    tokens.expect("hook")
    word = tokens.next().upper()
    if kind not in ("filter", "nat", "route") or word not in Hook.__members__:
        raise NftSyntaxError(f"unknown chain hook {word.lower()} or type {kind}", tokens.span())
    tokens.expect("priority")
    return BaseChain(kind, Hook[word], _parse_priority(tokens))


def _parse_priority(tokens: Tokens) -> int:
    word = tokens.next()
    if word not in PRIORITIES:
        try:
            return int(word)
        except ValueError:
            raise NftSyntaxError(f"invalid priority expression {word}", tokens.span()) from None
    standard = PRIORITIES[word][0]
    if tokens.peek() in ("+", "-"):
        sign = 1 if tokens.next() == "+" else -1
        return standard + sign * int(tokens.next())
    return standard
