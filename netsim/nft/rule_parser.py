"""Reading the statements of a rule."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final

from netsim.netfilter.context import RejectWith
from netsim.nft.datatypes import ADDRESS, INTERFACE, SERVICE
from netsim.nft.errors import NftSyntaxError
from netsim.nft.expressions import Address, Binary, Concat, Ct, Fib, Meta, Numgen, Port
from netsim.nft.statements import (
    Compare,
    Counter,
    Go,
    Reject,
    SetMark,
    Update,
    VerdictMap,
)
from netsim.nft.translations import Destination, MapLookup, Masquerade, Redirect, Translate
from netsim.nft.values import Bits, Braces, Literal, NamedSet, Range, Wildcard, merged

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.nft.datatypes import DataType
    from netsim.nft.expressions import Expression, Value
    from netsim.nft.ruleset import Table
    from netsim.nft.statements import Statement
    from netsim.nft.tokens import Tokens
    from netsim.nft.values import Right

__all__ = ["parse_expression", "parse_statements", "parse_verdict"]

_NAT_FLAGS: Final = ("random", "fully-random", "persistent")
_OPERATOR_WORDS: Final = {"and": "&", "or": "|", "xor": "^", "&": "&", "|": "|", "^": "^"}


def parse_statements(table: Table, tokens: Tokens) -> tuple[list[Statement], str]:
    """The statements up to the end of the rule, and its comment. Raises NftSyntaxError."""
    statements: list[Statement] = []
    comment = ""
    while not tokens.at_break():
        if tokens.accept("comment"):
            comment = tokens.string()
            continue
        parser = _STATEMENTS.get(tokens.peek())
        statements.append(parser(table, tokens) if parser else _parse_match(table, tokens))
    return statements, comment


def parse_verdict(tokens: Tokens) -> Go:
    """accept, drop, return, continue, jump CHAIN, goto CHAIN. Raises NftSyntaxError."""
    word = tokens.next()
    if word in ("jump", "goto"):
        return Go(word, tokens.next())
    if word in ("accept", "drop", "return", "continue"):
        return Go(word)
    raise NftSyntaxError(f"syntax error, unexpected {word}")


def _parse_go(table: Table, tokens: Tokens) -> Statement:
    del table
    return parse_verdict(tokens)


def _parse_counter(table: Table, tokens: Tokens) -> Statement:
    del table
    tokens.expect("counter")
    if not tokens.accept("packets"):
        return Counter()
    packets = int(tokens.next())
    tokens.expect("bytes")
    return Counter(packets, int(tokens.next()))


def _parse_reject(table: Table, tokens: Tokens) -> Statement:
    del table
    tokens.expect("reject")
    if not tokens.accept("with"):
        return Reject()
    kind = tokens.next()
    tokens.accept("type")
    word = tokens.next()
    if kind == "tcp":
        return Reject(RejectWith.TCP_RESET)
    prefix = "icmp6-" if kind in ("icmpv6", "icmp6") else "icmp-"
    try:
        answer = RejectWith(prefix + word)
    except ValueError:
        raise NftSyntaxError(f"invalid reject type {word}") from None
    return Reject(answer)


def _parse_masquerade(table: Table, tokens: Tokens) -> Statement:
    del table
    tokens.expect("masquerade")
    return Masquerade(_parse_nat_flags(tokens))


def _parse_nat_flags(tokens: Tokens) -> tuple[str, ...]:
    return tuple(tokens.comma_list()) if tokens.peek() in _NAT_FLAGS else ()


def _parse_redirect(table: Table, tokens: Tokens) -> Statement:
    del table
    tokens.expect("redirect")
    return Redirect(int(tokens.next().lstrip(":"))) if tokens.accept("to") else Redirect()


def _parse_translate(table: Table, tokens: Tokens) -> Statement:
    kind = tokens.next()
    family = tokens.next() if tokens.peek() in ("ip", "ip6") else ""
    tokens.expect("to")
    to: Destination | MapLookup
    if tokens.peek() == "numgen":
        to = _parse_map(parse_expression(tokens), ADDRESS[family or table.family], tokens)
    else:
        to = _parse_destination(tokens.next())
    return Translate(kind, to, family, _parse_nat_flags(tokens))


def _parse_destination(text: str) -> Destination:
    """`10.0.0.1`, `10.0.0.1:80`, `fd00::1`, `[fd00::1]:80`."""
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.lstrip(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        return Destination(int(ip_address(host)), int(port) if port else None, text)
    except ValueError:
        raise NftSyntaxError(f"Could not resolve hostname: {text}") from None


def _parse_map(key: Expression, address: DataType, tokens: Tokens) -> MapLookup:
    """`map { 0 : 10.0.0.1 . 80, ... }`: addresses, perhaps with ports."""
    tokens.expect("map")
    body, pairs, width = tokens.block(), [], 1
    while body.skip_breaks():
        value = key.types[0].parse(body.next())
        body.expect(":")
        data = [int(address.parse(body.next()))]
        if body.accept("."):
            data.append(int(SERVICE.parse(body.next())))
        width = len(data)
        pairs.append((value, tuple(data)))
        body.accept(",")
    return MapLookup(key, tuple(pairs), (address, SERVICE)[:width])


def _parse_update(table: Table, tokens: Tokens) -> Statement:
    del table
    verb, name = tokens.next(), tokens.next().lstrip("@")
    body = tokens.block()
    return Update(name, parse_expression(body), verb)


def _parse_match(table: Table, tokens: Tokens) -> Statement:
    """A comparison, a verdict map, or `meta mark set ...`."""
    del table
    if tokens.peek() in ("meta", "mark"):
        mark = _parse_meta(tokens)
        if tokens.accept("set"):
            return SetMark(_parse_mark_value(tokens))
        left: Expression = _parse_rest(mark, tokens)
    else:
        left = parse_expression(tokens)
    if tokens.accept("vmap"):
        return _parse_vmap(left, tokens)
    negated = tokens.accept("!=")
    tokens.accept("==")
    return Compare(left, _parse_right(left, tokens), negated)


def _parse_mark_value(tokens: Tokens) -> Expression | int:
    if tokens.peek() in ("meta", "mark", "ct"):
        return parse_expression(tokens)
    return int(tokens.next(), 0)


def _parse_vmap(key: Expression, tokens: Tokens) -> Statement:
    if tokens.peek().startswith("@"):
        return VerdictMap(key, tokens.next()[1:])
    body, pairs = tokens.block(), []
    while body.skip_breaks():
        value = _parse_key(key.types, body)
        body.expect(":")
        pairs.append((value, parse_verdict(body)))
        body.accept(",")
    return VerdictMap(key, "", tuple(pairs))


def _parse_key(types: tuple[DataType, ...], tokens: Tokens) -> Value:
    values = [types[0].parse(tokens.next())]
    for data_type in types[1:]:
        tokens.expect(".")
        values.append(data_type.parse(tokens.next()))
    return tuple(values) if len(values) > 1 else values[0]


def _parse_right(left: Expression, tokens: Tokens) -> Right:
    data_type = left.types[0]
    if tokens.peek().startswith("@"):
        return NamedSet(tokens.next()[1:])
    if tokens.peek() == "{":
        words = _words(tokens.block())
        return Braces(merged(_range(word, data_type) for word in words))
    if data_type.bitmask:
        return Bits(int(data_type.parse(",".join(tokens.comma_list()))), data_type)
    word = tokens.next()
    if data_type is INTERFACE:
        name = word.replace('"', "")
        return Wildcard(name[:-1]) if name.endswith("*") else Literal(name, data_type)
    if "/" in word or "-" in word:
        return _range(word, data_type)
    return Literal(data_type.parse(word), data_type)


def _words(tokens: Tokens) -> list[str]:
    words = []
    while tokens.skip_breaks():
        words.append(tokens.next())
        tokens.accept(",")
    return words


def _range(word: str, data_type: DataType) -> Range:
    if "/" in word:
        network = ip_network(word, strict=False)
        return Range(int(network.network_address), int(network.broadcast_address), data_type)
    low, _, high = word.partition("-")
    return Range(int(data_type.parse(low)), int(data_type.parse(high or low)), data_type)


def parse_expression(tokens: Tokens) -> Expression:
    """An expression, with `.` and one operator. Raises NftSyntaxError."""
    return _parse_rest(_parse_primary(tokens), tokens)


def _parse_rest(first: Expression, tokens: Tokens) -> Expression:
    parts = [first]
    while tokens.accept("."):
        parts.append(_parse_primary(tokens))
    if len(parts) > 1:
        return Concat(tuple(parts))
    operator = _OPERATOR_WORDS.get(tokens.peek())
    if operator:
        tokens.next()
        return Binary(first, operator, int(tokens.next(), 0))
    return first


def _parse_primary(tokens: Tokens) -> Expression:
    parser = _EXPRESSIONS.get(tokens.peek())
    if parser is None:
        raise NftSyntaxError(f"syntax error, unexpected {tokens.next()}", tokens.span())
    return parser(tokens)


def _parse_address(tokens: Tokens) -> Expression:
    family, end = tokens.next(), tokens.next()
    if end not in ("saddr", "daddr"):
        raise NftSyntaxError(f"syntax error, unexpected {end}")
    return Address(family, end)


def _parse_port(tokens: Tokens) -> Expression:
    protocol, end = tokens.next(), tokens.next()
    if end not in ("sport", "dport"):
        raise NftSyntaxError(f"syntax error, unexpected {end}")
    return Port(protocol, end)


def _parse_meta(tokens: Tokens) -> Expression:
    tokens.accept("meta")
    key = tokens.next()
    if key not in ("l4proto", "mark", "iifname", "oifname", "length"):
        raise NftSyntaxError(f"unknown meta key {key}")
    return Meta(key)


def _parse_ct(tokens: Tokens) -> Expression:
    tokens.expect("ct")
    key = tokens.next()
    if key not in ("state", "status", "mark"):
        raise NftSyntaxError(f"unknown ct key {key}")
    return Ct(key)


def _parse_fib(tokens: Tokens) -> Expression:
    tokens.expect("fib")
    end = tokens.next()
    tokens.expect("type")
    return Fib(end)


def _parse_numgen(tokens: Tokens) -> Expression:
    tokens.expect("numgen")
    mode = tokens.next()
    tokens.expect("mod")
    modulus = int(tokens.next())
    return Numgen(mode, modulus, int(tokens.next()) if tokens.accept("offset") else 0)


_EXPRESSIONS: Final[dict[str, Callable[[Tokens], Expression]]] = {
    "ip": _parse_address,
    "ip6": _parse_address,
    "th": _parse_port,
    "tcp": _parse_port,
    "udp": _parse_port,
    "sctp": _parse_port,
    "meta": _parse_meta,
    "mark": _parse_meta,
    "iifname": _parse_meta,
    "oifname": _parse_meta,
    "ct": _parse_ct,
    "fib": _parse_fib,
    "numgen": _parse_numgen,
}
_STATEMENTS: Final[dict[str, Callable[[Table, Tokens], Statement]]] = {
    "accept": _parse_go,
    "drop": _parse_go,
    "return": _parse_go,
    "continue": _parse_go,
    "jump": _parse_go,
    "goto": _parse_go,
    "counter": _parse_counter,
    "reject": _parse_reject,
    "masquerade": _parse_masquerade,
    "redirect": _parse_redirect,
    "dnat": _parse_translate,
    "snat": _parse_translate,
    "update": _parse_update,
    "add": _parse_update,
}
