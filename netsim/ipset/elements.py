"""Elements as text: `10.0.0.0/24,tcp:80`, ranges, and how they are shown again."""

from __future__ import annotations

import ipaddress
import itertools
from typing import TYPE_CHECKING, Any, Final

from netsim.ipset.sets import PLAIN_PROTOCOLS, Element, Part
from netsim.netfilter.matches.icmp import TYPES
from netsim.netfilter.names import PROTOCOL_NUMBER, port_number
from netsim.packet import ICMP, SCTP, TCP, UDP, address_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netsim.ipset.sets import IpSet

_NAMES: Final = {TCP: "tcp", UDP: "udp", SCTP: "sctp", ICMP: "icmp", 136: "udplite"}
_BITS: Final = {4: 32, 6: 128}
_MOST: Final = 65536
_SEPARATORS: Final = (("Elem separator", "none"), ("Two elem separators", "one"),
                      ("Three elem separators", "two"))
"""What is too much for one, two and three dimensions, and what they take."""


class IpsetError(Exception):
    """What the command says, without `ipset v7.17: `."""


def parse_elements(ipset: IpSet, text: str) -> list[Element]:
    """The elements that a text stands for (a range is many). Raises IpsetError."""
    words = text.split(",")
    if len(words) > len(ipset.dimensions):
        many, few = _SEPARATORS[len(ipset.dimensions) - 1]
        raise IpsetError(f"Syntax error: {many} in {text}, but settype {ipset.kind} "
                         f"supports {few}.")
    if len(words) < len(ipset.dimensions):
        which = "Second" if len(words) == 1 else "Third"
        raise IpsetError(f"Syntax error: {which} element is missing from {text}.")
    parts = [list(_parts(ipset, word, kind))
             for word, kind in zip(words, ipset.dimensions, strict=True)]
    return list(itertools.islice(itertools.product(*parts), _MOST))


def _parts(ipset: IpSet, word: str, kind: str) -> Iterator[Part]:
    if kind == "port":
        yield from _ports(word, plain=ipset.kind == "bitmap:port")
    elif kind in ("ip", "net"):
        yield from _networks(ipset, word, whole=kind == "ip")
    elif kind == "mark":
        yield int(word, 0), 0
    else:
        yield word, 0


def _networks(ipset: IpSet, word: str, *, whole: bool) -> Iterator[Part]:
    """Networks; `whole`: each address of them for itself."""
    bits = _BITS[ipset.family]
    first, dash, last = word.partition("-")
    try:
        if dash:
            nets: Any = ipaddress.summarize_address_range(
                _ip(ipset.family, first), _ip(ipset.family, last))
        else:
            host, slash, length = word.partition("/")
            net = ipaddress.ip_network((_ip(ipset.family, host), int(length) if slash else bits),
                                       strict=False)
            nets = [net]
            if not net.prefixlen:
                raise IpsetError("The value of the CIDR parameter of the IP address is invalid")
    except (ValueError, TypeError):
        raise IpsetError(f"Syntax error: cannot parse {word}: resolving to IPv{ipset.family} "
                         "address failed") from None
    for net in nets:
        if not whole:
            yield int(net.network_address), net.prefixlen
            continue
        for number in range(min(net.num_addresses, _MOST)):
            yield int(net.network_address) + number, bits


def _ip(family: int, text: str) -> Any:
    return ipaddress.IPv4Address(text) if family == 4 else ipaddress.IPv6Address(text)


def _ports(word: str, *, plain: bool) -> Iterator[Part]:
    """'udp:53', '80', 'http', '1000-1010', 'icmp:echo-request'."""
    name, colon, numbers = word.rpartition(":")
    protocol = PROTOCOL_NUMBER.get(name, TCP) if colon else TCP
    if colon and name not in PROTOCOL_NUMBER:
        raise IpsetError(f"Syntax error: cannot parse '{name}' as a protocol")
    if protocol == ICMP:
        yield protocol, _icmp(numbers)
        return
    first, _, last = numbers.partition("-")
    low, high = port_number(first, protocol), port_number(last or first, protocol)
    if low is None or high is None:
        raise IpsetError(f"Syntax error: '{numbers}' is invalid as number")
    for number in range(min(low, high), max(low, high) + 1):
        for each in PLAIN_PROTOCOLS if plain else (protocol,):
            yield each, number


def _icmp(text: str) -> int:
    if text in TYPES:
        kind, low, _ = TYPES[text]
        return kind << 8 | low
    kind_text, _, code = text.partition("/")
    try:
        return int(kind_text) << 8 | int(code or 0)
    except ValueError:
        raise IpsetError(f"Syntax error: cannot parse {text} as an ICMP type") from None


def element_text(ipset: IpSet, element: Element) -> str:
    """As `ipset list` shows it."""
    return ",".join(_part_text(ipset, part, kind)
                    for part, kind in zip(element, ipset.dimensions, strict=True))


def _part_text(ipset: IpSet, part: Part, kind: str) -> str:
    value, number = part
    if kind == "port":
        return _port_text(value, number, plain=ipset.kind == "bitmap:port")
    if kind == "mark":
        return f"0x{value:08x}"
    if kind not in ("ip", "net"):
        return str(value)
    text = address_text(ipset.family, value)
    return text if number == _BITS[ipset.family] else f"{text}/{number}"


def _port_text(protocol: int, number: int, *, plain: bool) -> str:
    if plain:
        return str(number)
    if protocol == ICMP:
        known = (n for n, (kind, low, _) in TYPES.items() if kind << 8 | low == number)
        return f"icmp:{next(known, f'{number >> 8}/{number & 255}')}"
    return f"{_NAMES.get(protocol, protocol)}:{number}"
