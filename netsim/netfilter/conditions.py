"""The conditions of a rule as expressions, and the part of them that an index can look up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from netsim.netfilter.addresses import FULL_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from netsim.netfilter.ruleset import AddressTest, InterfaceTest, Rule, RuleSpec

    Constant: TypeAlias = Callable[[object], str]
    """Gives a value a name that generated code can use."""

IndexKey: TypeAlias = tuple[int | None, int | None, int | None, int | None]
"""Destination address, protocol, destination port, source address; None: the rule does not name
it."""

_FULL: Final = tuple((1 << bits) - 1 for bits in FULL_LENGTH.values())
_NOTHING: Final = (None, None, None, None)


def index_key(spec: RuleSpec) -> IndexKey | None:
    """What exactly a rule wants; None if it names neither an address nor a protocol and port."""
    address, source = _exact_address(spec.destination), _exact_address(spec.source)
    test = spec.protocol
    protocol = test.protocol if test is not None and not test.inverted else None
    port = _exact_port(spec) if protocol is not None else None
    if address is None and port is None and source is None:
        return None
    return address, protocol, port, source


def _exact_address(test: AddressTest | None) -> int | None:
    return test.address if test and not test.inverted and test.mask in _FULL else None


def _exact_port(spec: RuleSpec) -> int | None:
    """The only destination port, if no match before it notices packets to other ports."""
    for match in spec.matches:
        if match.exact_dport is not None:
            return match.exact_dport
        if not match.pure:
            return None
    return None


def expressions(rule: Rule, key: IndexKey | None, constant: Constant) -> list[str]:
    """All that a packet must fulfil, but for what `key` has looked up already, in the order of the
    plain walk; expressions of `c`, the context, and `p`, its packet.
    """
    return list(_expressions(rule, key or _NOTHING, constant))


def _expressions(rule: Rule, key: IndexKey, constant: Constant) -> Iterator[str]:
    spec = rule.spec
    if spec.fragment:
        yield "None"
    if spec.source is not None and key[3] is None:
        yield _address("p.src", spec.source, constant)
    if spec.destination is not None and key[0] is None:
        yield _address("p.dst", spec.destination, constant)
    if spec.in_interface is not None:
        yield _interface("c.in_interface", spec.in_interface, constant)
    if spec.out_interface is not None:
        yield _interface("c.out_interface", spec.out_interface, constant)
    if spec.protocol is not None and key[1] is None:
        sign = "!=" if spec.protocol.inverted else "=="
        yield f"p.protocol {sign} {constant(spec.protocol.protocol)}"
    yield from _match_expressions(rule, key[2], constant)


def _match_expressions(rule: Rule, port: int | None, constant: Constant) -> Iterator[str]:
    for match, check in zip(rule.spec.matches, rule.checks, strict=True):
        known = port is not None and match.only_dport and match.exact_dport == port
        if not match.always and not known:
            yield match.inline(constant) or f"{constant(check)}(c)"


def _address(what: str, test: AddressTest, constant: Constant) -> str:
    sign = "!=" if test.inverted else "=="
    if test.mask in _FULL:
        return f"{what} {sign} {constant(test.address)}"
    return f"{what} & {constant(test.mask)} {sign} {constant(test.address)}"


def _interface(what: str, test: InterfaceTest, constant: Constant) -> str:
    if test.name.endswith("+"):
        return f"{constant(test.accepts)}({what})"
    return f"{what} {'!=' if test.inverted else '=='} {constant(test.name)}"
