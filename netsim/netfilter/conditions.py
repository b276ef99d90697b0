"""The conditions of a rule as one closure, and the part of them that an index can look up."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from netsim.netfilter.addresses import BITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netsim.netfilter.context import Context
    from netsim.netfilter.extension import Check
    from netsim.netfilter.ruleset import (
        AddressTest,
        InterfaceTest,
        ProtocolTest,
        Rule,
        RuleSpec,
    )

IndexKey: TypeAlias = tuple[int | None, int | None, int | None]
"""Destination address, protocol, destination port; None: the rule does not name it."""

_FULL = tuple((1 << bits) - 1 for bits in BITS.values())


def index_key(spec: RuleSpec) -> IndexKey | None:
    """What exactly a rule wants; None if it names neither an address nor a protocol and port."""
    address = _exact_address(spec.destination)
    test = spec.protocol
    protocol = test.protocol if test is not None and not test.inverted else None
    port = None
    if protocol is not None:
        port = next((p for m in spec.matches if (p := m.exact_dport) is not None), None)
    if address is None and port is None:
        return None
    return address, protocol, port


def _exact_address(test: AddressTest | None) -> int | None:
    return test.address if test and not test.inverted and test.mask in _FULL else None


def condition(rule: Rule, key: IndexKey | None = None) -> Check | None:
    """All that a packet must fulfil, but for what `key` has looked up already; None: nothing."""
    checks = list(_checks(rule, key or (None, None, None)))
    if not checks:
        return None
    if len(checks) == 1:
        return checks[0]
    if len(checks) == 2:
        return _both(*checks)
    return _all(tuple(checks))


def _both(first: Check, second: Check) -> Check:
    return lambda context: first(context) and second(context)


def _all(checks: tuple[Check, ...]) -> Check:
    def every(context: Context) -> bool:
        for check in checks:  # noqa: SIM110 - a generator would cost a frame a packet
            if not check(context):
                return False
        return True

    return every


def _checks(rule: Rule, key: IndexKey) -> Iterator[Check]:
    """In the order of the plain walk, so that the same checks are asked."""
    spec = rule.spec
    if spec.fragment:
        yield _never
    if spec.source is not None:
        yield source_check(spec.source)
    if spec.destination is not None and key[0] is None:
        yield destination_check(spec.destination)
    if spec.in_interface is not None:
        yield _in_check(spec.in_interface)
    if spec.out_interface is not None:
        yield _out_check(spec.out_interface)
    if spec.protocol is not None and key[1] is None:
        yield _protocol_check(spec.protocol)
    for match, check in zip(spec.matches, rule.checks, strict=True):
        looked_up = key[2] is not None and match.only_dport and match.exact_dport == key[2]
        if not match.always and not looked_up:
            yield check


def _never(context: Context) -> bool:
    return False


def source_check(test: AddressTest) -> Check:
    """`[!] -s`."""
    address, mask = test.address, test.mask
    if test.inverted:
        return lambda context: context.packet.src & mask != address
    if mask in _FULL:
        return lambda context: context.packet.src == address
    return lambda context: context.packet.src & mask == address


def destination_check(test: AddressTest) -> Check:
    """`[!] -d`."""
    address, mask = test.address, test.mask
    if test.inverted:
        return lambda context: context.packet.dst & mask != address
    if mask in _FULL:
        return lambda context: context.packet.dst == address
    return lambda context: context.packet.dst & mask == address


def _in_check(test: InterfaceTest) -> Check:
    name = test.name
    if name.endswith("+") or test.inverted:
        return lambda context: test.accepts(context.in_interface)
    return lambda context: context.in_interface == name


def _out_check(test: InterfaceTest) -> Check:
    name = test.name
    if name.endswith("+") or test.inverted:
        return lambda context: test.accepts(context.out_interface)
    return lambda context: context.out_interface == name


def _protocol_check(test: ProtocolTest) -> Check:
    protocol = test.protocol
    if test.inverted:
        return lambda context: context.packet.protocol != protocol
    return lambda context: context.packet.protocol == protocol
