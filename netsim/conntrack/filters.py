"""Which connections the options of the conntrack command choose."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Final

from netsim.conntrack.connection import ASSURED, DST_NAT_DONE, SEEN_REPLY, SRC_NAT_DONE
from netsim.conntrack.options import Asked, UsageError, protocol
from netsim.conntrack.sctp import SctpState
from netsim.conntrack.tcp import TcpState

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.conntrack.connection import Connection

    Test = Callable[[Connection], bool]

_STATUS: Final = {"ASSURED": (ASSURED, True), "SEEN_REPLY": (SEEN_REPLY, True),
                  "UNREPLIED": (SEEN_REPLY, False), "UNSET": (SEEN_REPLY, False),
                  "EXPECTED": (1, True), "FIXED_TIMEOUT": (1 << 10, True)}
_ADDRESSES: Final = {"orig-src": (False, 2), "orig-dst": (False, 3), "reply-src": (True, 2),
                     "reply-dst": (True, 3)}
_PORTS: Final = {"orig-port-src": (False, 4), "orig-port-dst": (False, 5),
                 "reply-port-src": (True, 4), "reply-port-dst": (True, 5)}


def tests(asked: Asked) -> list[Test]:
    """A test for each option that filters. Raises UsageError."""
    found: list[Test] = []
    for name, value in asked.options.items():
        make = _MAKERS.get(name)
        if make is not None:
            found.append(make(asked, name, value))
    return found + _nat_tests(asked.options)


def parse_ip(text: str) -> tuple[int, int, int]:
    """Family, address and prefix length. Raises UsageError."""
    try:
        interface = ipaddress.ip_interface(text)
    except ValueError:
        raise UsageError(f"Invalid IP address `{text}'") from None
    return interface.version, int(interface.ip), interface.network.prefixlen


def _address(asked: Asked, name: str, value: str) -> Test:
    reply, place = _ADDRESSES[name]
    family, address, length = parse_ip(value)
    mask = asked.options.get("mask-src" if name == "orig-src" else "mask-dst", "")
    bits = (1 << (32 if family == 4 else 128)) - 1
    keep = parse_ip(mask)[1] if mask and not reply else bits ^ (bits >> length)

    def test(connection: Connection) -> bool:
        flow = connection.reply if reply else connection.original
        return flow[0] == family and not (flow[place] ^ address) & keep

    return test


def _port(_: Asked, name: str, value: str) -> Test:
    reply, place = _PORTS[name]
    if not value.isdigit():
        raise UsageError(f"invalid port `{value}'")
    return lambda c: (c.reply if reply else c.original)[place] == int(value)


def _protocol(_: Asked, __: str, value: str) -> Test:
    number = protocol(value)
    return lambda connection: connection.original[1] == number


def _family(_: Asked, __: str, value: str) -> Test:
    family = {"ipv4": 4, "ipv6": 6}.get(value)
    if family is None:
        raise UsageError(f"`{value}' unsupported protocol")
    return lambda connection: connection.original[0] == family


def mark(value: str) -> tuple[int, int]:
    """`mark[/mask]`; what is no number is 0."""
    number, _, mask = value.partition("/")
    return _number(number), _number(mask) if mask else 0xFFFFFFFF


def _number(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        return 0


def _mark(_: Asked, __: str, value: str) -> Test:
    number, mask = mark(value)
    return lambda connection: connection.mark & mask == number


def _status(_: Asked, __: str, value: str) -> Test:
    wanted = []
    for word in value.upper().split(","):
        if word not in _STATUS:
            raise UsageError(f"Bad parameter `{value}'")
        wanted.append(_STATUS[word])
    return lambda c: all(bool(c.status & bit) == is_set for bit, is_set in wanted)


def _state(asked: Asked, _: str, value: str) -> Test:
    states: Any = TcpState if asked.protocol == 6 else SctpState
    if value not in states.__members__:
        raise UsageError(f"unknown {'TCP' if asked.protocol == 6 else 'SCTP'} state `{value}'")
    return lambda connection: connection.state == states[value].value


def _icmp(_: Asked, name: str, value: str) -> Test:
    wanted = _number(value)
    read: dict[str, Callable[[Connection], int]] = {
        "icmp-type": lambda c: c.original[5] >> 8, "icmp-code": lambda c: c.original[5] & 255,
        "icmp-id": lambda c: c.original[4],
    }
    return lambda connection: read[name](connection) == wanted


_MAKERS: Final[dict[str, Callable[[Asked, str, str], Test]]] = {
    "proto": _protocol, "family": _family, "mark": _mark, "status": _status, "state": _state,
    **dict.fromkeys(_ADDRESSES, _address), **dict.fromkeys(_PORTS, _port),
    **dict.fromkeys(("icmp-type", "icmp-code", "icmp-id"), _icmp),
    "zone": lambda _, __, value: lambda connection: _number(value) == 0,
}


def _source_moved(connection: Connection) -> bool:
    """As the command tells SNAT: it compares ids and types of ICMP as if they were ports, so that
    every ICMP flow counts.
    """
    original, reply = connection.original, connection.reply
    moved = reply[3] != original[2] or reply[5] != original[4]
    return bool(connection.status & SRC_NAT_DONE) and moved


def _destination_moved(connection: Connection) -> bool:
    """As the command tells DNAT."""
    original, reply = connection.original, connection.reply
    moved = reply[2] != original[3] or reply[4] != original[5]
    return bool(connection.status & DST_NAT_DONE) and moved


def _any_moved(connection: Connection) -> bool:
    return _source_moved(connection) or _destination_moved(connection)


_NAT: Final[dict[str, tuple[Test, tuple[int, ...]]]] = {
    "src-nat": (_source_moved, (3,)), "dst-nat": (_destination_moved, (2,)),
    "any-nat": (_any_moved, (2, 3)),
}
"""By option: the test, and where in the reply tuple the new address stands."""


def _nat_tests(options: dict[str, str]) -> list[Test]:
    """-n, -g, -j: translated at all, or to or from this address."""
    found: list[Test] = []
    for name, (test, places) in _NAT.items():
        if name in options:
            found.append(test)
        if options.get(name):
            found.append(_moved_to(options[name], places))
    return found


def _moved_to(value: str, places: tuple[int, ...]) -> Test:
    _, address, _ = parse_ip(value.split(":")[0])
    return lambda connection: address in [connection.reply[place] for place in places]
