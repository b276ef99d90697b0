"""Port numbers and ranges in rule text. Models the port parsing of libxt_tcp and xtoptions.c."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.names import parse_port, port_text, resolve_port
from netsim.packet import UDP

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.netfilter.extension import Given
    from netsim.packet import Packet


@dataclass(frozen=True, slots=True)
class PortTest:
    """`[!] low:high`, both inclusive."""

    low: int
    high: int
    inverted: bool = False

    @property
    def empty(self) -> bool:
        """The whole range: iptables-nft writes no test for it, inverted or not."""
        return self.low == 0 and self.high == 65535

    def accepts(self, port: int) -> bool:
        """Whether the port passes."""
        return self.empty or (self.low <= port <= self.high) != self.inverted

    @property
    def exact(self) -> int | None:
        """The port, if the test takes just one."""
        return self.low if self.low == self.high and not self.inverted else None

    def range_text(self, numeric: bool = True, protocol: int = 6) -> str:
        """`80` or `80:90`, without the `!`."""
        low = port_text(self.low, numeric, protocol)
        if self.low == self.high:
            return low
        return f"{low}:{port_text(self.high, numeric, protocol)}"


def parse_port_range(text: str, inverted: bool, protocol: int = 6) -> PortTest:
    """`80`, `http`, `80:90`, `:90`, `80:`. Raises RuleSyntaxError."""
    first, colon, second = text.partition(":")
    if not colon:
        port = parse_port(first, protocol)
        return PortTest(port, port, inverted)
    low = parse_port(first, protocol) if first else 0
    high = parse_port(second, protocol) if second else 65535
    if low > high:
        raise RuleSyntaxError("invalid portrange (min > max)")
    return PortTest(low, high, inverted)


def resolve_port_range(given: Given, name: str) -> PortTest | None:
    """The same of an option that libxtables itself reads (XTTYPE_PORTRC): names of any protocol,
    and a range may be empty. Raises RuleSyntaxError.
    """
    value = given.get(name)
    if value is None:
        return None
    first, colon, second = value.text.partition(":")
    if ":" in second:
        raise RuleSyntaxError(
            f'{given.module}: Too many components for option "{name}" (max: 2)\n'
        )
    low = resolve_port(first)
    high = resolve_port(second) if second else 65535
    return PortTest(low, high if colon else low, value.inverted)


def parse_both_ports(given: Given, protocol: int) -> list[PortTest | None]:
    """--source-port and --destination-port; a whole range that is not inverted is no test."""
    tests = []
    for name in ("--source-port", "--destination-port"):
        value = given.get(name)
        if protocol == UDP:
            test = resolve_port_range(given, name)
        else:
            test = parse_port_range(value.text, value.inverted, protocol) if value else None
        tests.append(None if test and test.empty and not test.inverted else test)
    return tests


def save_ports(option: str, test: PortTest | None) -> str:
    """` --dport 80`, ` ! --dport 80`, or nothing if every port passes."""
    if test is None or test.empty:
        return ""
    return f"{' !' if test.inverted else ''} {option} {test.range_text()}"


def inverted_together(sport: PortTest | None, dport: PortTest | None) -> bool:
    """Whether `! --sport a ! --dport b` passes packets that differ in either port.

    iptables-nft 1.8.9 compares both ports of -m tcp and -m udp at once if each test is of one port
    other than 0 and both are inverted, or neither is: inverted, that reads "not both".
    """
    return all(
        test is not None and test.inverted and test.low == test.high != 0
        for test in (sport, dport)
    )


def ports_pass(sport: PortTest | None, dport: PortTest | None, packet: Packet) -> bool:
    """Whether a packet passes the port tests of -m tcp or -m udp."""
    passes = [
        test is None or test.accepts(port)
        for test, port in ((sport, packet.sport), (dport, packet.dport))
    ]
    return any(passes) if inverted_together(sport, dport) else all(passes)


def inline_ports(
    sport: PortTest | None, dport: PortTest | None, constant: Callable[[object], str],
    *, together: bool = True,
) -> str:
    """Tests of both ports as an expression of `p`; `together`: see inverted_together."""
    parts = []
    for what, test in (("p.sport", sport), ("p.dport", dport)):
        if test is None or test.empty:
            continue
        if test.low == test.high:
            parts.append(f"{what} {'!=' if test.inverted else '=='} {constant(test.low)}")
        else:
            within = f"{constant(test.low)} <= {what} <= {constant(test.high)}"
            parts.append(f"not {within}" if test.inverted else within)
    if together and inverted_together(sport, dport):
        return f"({' or '.join(parts)})"
    return " and ".join(parts)


def list_ports(word: str, test: PortTest | None, numeric: bool, protocol: int) -> str:
    """` dpt:80`, ` dpts:80:90`, ` dpt:!80`."""
    if test is None or test.empty:
        return ""
    plural = "" if test.low == test.high else "s"
    invert = "!" if test.inverted else ""
    return f" {word}{plural}:{invert}{test.range_text(numeric, protocol)}"
