"""Address and port ranges in the options of NAT targets. Models libxt_NAT.c of iptables."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from netsim.netfilter.context import NatRange
from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.extension import Option
from netsim.netfilter.integers import parse_integer
from netsim.netfilter.names import port_number
from netsim.packet import address_text

if TYPE_CHECKING:
    from netsim.netfilter.extension import Given

_LEADING: Final = re.compile(r"0[xX][0-9a-fA-F]+|[0-9]+")
_PORTED: Final = (1, 6, 17, 33, 58, 132)
"""Protocols whose ports (or ICMP ids) NAT may change."""

FLAGS: Final = (
    Option("--random", arguments=0),
    Option("--random-fully", arguments=0),
    Option("--persistent", arguments=0),
)


def _require_ports(given: Given) -> None:
    protocol = given.protocol
    if protocol is None or protocol.protocol not in _PORTED:
        raise RuleSyntaxError("Need TCP, UDP, SCTP or DCCP with port specification")


def _leading_number(text: str, whole: str) -> tuple[int, str]:
    """The port that a text begins with, and what follows it."""
    found = _LEADING.match(text)
    number = parse_integer(found[0]) if found else None
    if number is None or number > 65535:
        raise RuleSyntaxError(f"Port `{whole}' not valid")
    return number, text[len(found[0]):] if found else ""


def parse_ports(given: Given, text: str) -> tuple[int, int, int | None]:
    """`80`, `80-90` or `80-90/100` as first, last and base port. Raises RuleSyntaxError."""
    _require_ports(given)
    service = port_number(text)
    if service is not None:
        return service, service, None
    low, rest = _leading_number(text, text)
    if rest.startswith(":"):
        raise RuleSyntaxError("Invalid port:port syntax - use dash")
    if not rest.startswith("-"):
        raise RuleSyntaxError(f"Garbage after port value: `{rest}'")
    return low, *_parse_last(low, rest[1:])


def _parse_last(low: int, text: str) -> tuple[int, int | None]:
    """`90` or `90/100` behind `80-`."""
    high, rest = _leading_number(text, text)
    if high < low:
        raise RuleSyntaxError(f"Port range `{text}' funky")
    if not rest:
        return high, None
    if not rest.startswith("/"):
        raise RuleSyntaxError(f"Garbage after port range: `{rest}'")
    base = port_number(rest[1:])
    if base is None:
        raise RuleSyntaxError(f"Port `{rest[1:]}' not valid")
    return high, base


def _split_ports(family: int, text: str) -> tuple[str, str | None]:
    """Addresses and ports of `a-b:p-q` or `[a-b]:p-q`."""
    if family == 6 and text.startswith("["):
        addresses, bracket, rest = text[1:].partition("]")
        if not bracket:
            raise RuleSyntaxError("Invalid address format")
        return addresses, rest[1:] if rest.startswith(":") else None
    if family == 6 and not text.startswith(":") and "." not in text:
        return text, None
    addresses, colon, ports = text.partition(":")
    return (addresses, ports) if colon and ":" not in ports else (text, None)


def _parse_ip(family: int, text: str) -> int:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        address = None
    if address is None or address.version != family:
        raise RuleSyntaxError(f'Bad IP address "{text}"')
    return int(address)


def parse_range(given: Given, text: str) -> NatRange:
    """The argument of --to-source or --to-destination with its flags. Raises RuleSyntaxError."""
    addresses, ports = _split_ports(given.family, text)
    low = high = base = first = last = None
    if ports is not None:
        low, high, base = parse_ports(given, ports)
    if addresses or ports is None:
        start, dash, end = addresses.partition("-")
        first = _parse_ip(given.family, start)
        last = _parse_ip(given.family, end) if dash else first
    return NatRange(
        min_address=first, max_address=last, min_port=low, max_port=high, base_port=base,
        random=given.has("--random"), fully_random=given.has("--random-fully"),
        persistent=given.has("--persistent"),
    )


def without_base(nat: NatRange) -> NatRange:
    """What SNAT and MASQUERADE make of `80-90/100`: their base is always 0."""
    return nat if nat.base_port is None else replace(nat, base_port=0)


def ports_text(nat: NatRange) -> str:
    """`80`, `80-90` or `80-90/100`."""
    text = f"{nat.min_port}"
    if nat.max_port != nat.min_port:
        text += f"-{nat.max_port}"
    return text if nat.base_port is None else f"{text}/{nat.base_port}"


def range_text(family: int, nat: NatRange) -> str:
    """Addresses and ports as iptables-save prints them, without the flags."""
    text = ""
    if nat.min_address is not None and nat.max_address is not None:
        text = address_text(family, nat.min_address)
        if nat.max_address != nat.min_address:
            text += f"-{address_text(family, nat.max_address)}"
    if nat.min_port is None:
        return text
    return f"{f'[{text}]' if family == 6 and text else text}:{ports_text(nat)}"


def flags_text(nat: NatRange, dash: str) -> str:
    """` --random --random-fully --persistent`, as far as they are set."""
    flags = (("random", nat.random), ("random-fully", nat.fully_random),
             ("persistent", nat.persistent))
    return "".join(f" {dash}{word}" for word, is_set in flags if is_set)
