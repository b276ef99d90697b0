"""Addresses with masks in rule text. Models xtables_ipparse_any(), xtables_ipmask_to_numeric()."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.integers import parse_integer
from netsim.netfilter.ruleset import AddressTest
from netsim.packet import address_text

FULL_LENGTH: Final = {4: 32, 6: 128}
_FULL: Final = {4: (1 << 32) - 1, 6: (1 << 128) - 1}
_UNRESOLVED: Final = "Temporary failure in name resolution"
_NO_NAME: Final = "Name or service not known"
_HOSTS: Final = {4: {"localhost": 0x7F000001}, 6: {"localhost": 1}}


def prefix_mask(family: int, length: int) -> int:
    """The mask with that many leading ones."""
    return _FULL[family] ^ (_FULL[family] >> length)


def mask_length(family: int, mask: int) -> int | None:
    """How many leading ones a mask has; None if it has others too."""
    length = mask.bit_count()
    return length if mask == prefix_mask(family, length) else None


def read_address(family: int, text: str) -> int | None:
    """An address, a network like `10.1` (zeros follow), or a name in /etc/hosts; None otherwise."""
    if family == 6:
        try:
            return int(ipaddress.IPv6Address(text))
        except ValueError:
            return _HOSTS[6].get(text)
    octets = [number for part in text.split(".") if (number := parse_integer(part)) is not None]
    if text.count(".") + 1 == len(octets) <= 4 and max(octets) < 256:
        return int.from_bytes(octets + [0] * (4 - len(octets)), "big")
    return resolve_address(4, text)


def resolve_address(family: int, text: str) -> int | None:
    """An address as getaddrinfo(3) reads it (`10.1` is 10.0.0.1), or a name in /etc/hosts."""
    if family == 6:
        return read_address(6, text)
    parts = [parse_integer(part) for part in text.split(".")]
    numbers = [part for part in parts if part is not None]
    *octets, last = numbers or [0]
    if len(numbers) < len(parts) or len(parts) > 4 or any(octet > 255 for octet in octets):
        return _HOSTS[4].get(text)
    if last >> 8 * (4 - len(octets)):
        return _HOSTS[4].get(text)
    return int.from_bytes(octets + [0] * (4 - len(octets)), "big") + last


def _read_mask(family: int, text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= FULL_LENGTH[family]:
        return prefix_mask(family, int(text))
    try:
        return int(ipaddress.ip_address(text)) if "." in text or ":" in text else _bad_mask(text)
    except ValueError:
        return _bad_mask(text)


def _bad_mask(text: str) -> int:
    raise RuleSyntaxError(f"invalid mask `{text}' specified")


def parse_addresses(family: int, text: str, inverted: bool) -> list[AddressTest]:
    """`a[/mask][,b[/mask]...]`; one rule comes of each. Raises RuleSyntaxError."""
    return [_parse_one(family, part, inverted) for part in text.split(",")]


def _parse_one(family: int, text: str, inverted: bool) -> AddressTest:
    host, slash, mask_part = text.rpartition("/") if "/" in text else (text, "", "")
    mask = _read_mask(family, mask_part) if slash else _FULL[family]
    if mask == 0 and not host:
        return AddressTest(0, 0, inverted)
    address = read_address(family, host)
    if address is None:
        raise RuleSyntaxError(f"host/network `{host}' not found")
    return AddressTest(address & mask, mask, inverted)


def parse_host(family: int, text: str, inverted: bool) -> AddressTest:
    """`a[/mask]` with the address left as it is. Raises RuleSyntaxError."""
    host, slash, mask_part = text.partition("/")
    address = resolve_host(family, host)
    mask = _read_mask(family, mask_part) if slash else _FULL[family]
    return AddressTest(address, mask, inverted)


def resolve_host(family: int, text: str) -> int:
    """An address of an option that libxtables itself reads (XTTYPE_HOST). Raises RuleSyntaxError.
    """
    address = resolve_address(family, text)
    if address is None:
        is_name = re.fullmatch(r"(?=.*[^\d.])[\w.-]+", text)
        raise RuleSyntaxError(f"getaddrinfo: {_UNRESOLVED if is_name else _NO_NAME}\n")
    return address


def mask_text(family: int, mask: int) -> str:
    """`/24`, or `/255.0.255.0` if the ones are not in front."""
    length = mask_length(family, mask)
    return f"/{length if length is not None else address_text(family, mask)}"


def network_text(family: int, test: AddressTest) -> str:
    """As iptables-save prints it: always with its mask."""
    return address_text(family, test.address) + mask_text(family, test.mask)


def host_text(family: int, address: int, numeric: bool) -> str:
    """An address as iptables -L prints it: by its name in /etc/hosts if names are wanted."""
    if not numeric and family == 4 and address == _HOSTS[4]["localhost"]:
        return "localhost"
    return address_text(family, address)


def listed_network(family: int, test: AddressTest | None, numeric: bool) -> str:
    """As iptables -L prints it: a single address without mask, nothing as 0.0.0.0/0 or anywhere."""
    if test is None or not test.mask:
        return ("0.0.0.0/0" if family == 4 else "::/0") if numeric else "anywhere"
    if not numeric and family == 6 and not test.address:
        return "anywhere"
    host = host_text(family, test.address, numeric)
    return host if test.mask == _FULL[family] else host + mask_text(family, test.mask)
