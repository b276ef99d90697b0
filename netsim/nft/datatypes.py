"""The data types of nftables values: how each reads and prints. Models libnftables' datatype.c."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Final

from netsim.netfilter.context import AddressType, CtState
from netsim.nft.errors import NftSyntaxError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "ADDRESS",
    "ADDRESS_TYPE",
    "CT_STATE",
    "CT_STATE_BITS",
    "CT_STATUS",
    "INTEGER",
    "INTERFACE",
    "MARK",
    "PROTOCOL",
    "SERVICE",
    "TYPES",
    "DataType",
    "duration_text",
    "parse_duration",
]

Scalar = int | str
"""A value in a register; names of interfaces are text, all else is a number."""


@dataclass(frozen=True, slots=True)
class DataType:
    """One type: its name, how it reads and prints, how many elements of it stand in a line."""

    name: str
    read: Callable[[str], Scalar]
    show: Callable[[Scalar], str]
    bits: int = 32
    bitmask: bool = False
    """Several values may stand with commas, and one bit in common is a match."""
    in_a_line: int = 1

    def parse(self, text: str) -> Scalar:
        """The value of a word. Raises NftSyntaxError."""
        try:
            return self.read(text)
        except (ValueError, KeyError):
            raise NftSyntaxError(f"Could not parse {self.name} '{text}'") from None


def _number(text: str) -> int:
    return int(text, 0)


_PROTOCOL_NUMBERS: Final = {
    "icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "ah": 51, "ipv6-icmp": 58,
    "sctp": 132, "udplite": 136,
}  # fmt: skip
_PROTOCOL_NAMES: Final = {number: name for name, number in _PROTOCOL_NUMBERS.items()}
CT_STATE_BITS: Final = {
    CtState.INVALID: 1,
    CtState.ESTABLISHED: 2,
    CtState.RELATED: 4,
    CtState.NEW: 8,
    CtState.UNTRACKED: 64,
}
_STATES: Final = {state.name.lower(): bit for state, bit in CT_STATE_BITS.items()}
_STATUSES: Final = {
    "expected": 1, "seen-reply": 2, "assured": 4, "confirmed": 8, "snat": 16, "dnat": 32,
    "dying": 512,
}  # fmt: skip


def _read_protocol(text: str) -> int:
    return _PROTOCOL_NUMBERS.get(text) or int(text)


def _show_protocol(value: Scalar) -> str:
    return _PROTOCOL_NAMES.get(int(value), str(value))


def _read_bits(names: dict[str, int]) -> Callable[[str], int]:
    return lambda text: sum(names[word] for word in text.split(","))


def _show_bits(names: dict[str, int]) -> Callable[[Scalar], str]:
    def show(value: Scalar) -> str:
        return ",".join(name for name, bit in names.items() if int(value) & bit)

    return show


IPV4: Final = DataType(
    "ipv4_addr", lambda t: int(IPv4Address(t)), lambda v: str(IPv4Address(v)), in_a_line=2
)
IPV6: Final = DataType(
    "ipv6_addr", lambda t: int(IPv6Address(t)), lambda v: str(IPv6Address(v)), bits=128
)
PROTOCOL: Final = DataType("inet_proto", _read_protocol, _show_protocol, bits=8, in_a_line=5)
SERVICE: Final = DataType("inet_service", _number, str, bits=16, in_a_line=5)
MARK: Final = DataType("mark", _number, lambda v: f"0x{int(v):08x}")
INTEGER: Final = DataType("integer", _number, str, in_a_line=5)
INTERFACE: Final = DataType("ifname", lambda t: t.strip('"'), lambda v: f'"{v}"', bits=128)
CT_STATE: Final = DataType("ct_state", _read_bits(_STATES), _show_bits(_STATES), bitmask=True)
CT_STATUS: Final = DataType("ct_status", _read_bits(_STATUSES), _show_bits(_STATUSES), bitmask=True)
ADDRESS_TYPE: Final = DataType(
    "fib_addrtype",
    lambda t: int(AddressType[t.upper()]),
    lambda v: AddressType(int(v)).name.lower(),
)
ADDRESS: Final = {"ip": IPV4, "ip6": IPV6}
"""The address type of a table's family."""
TYPES: Final = {
    t.name: t
    for t in (IPV4, IPV6, PROTOCOL, SERVICE, MARK, INTEGER, INTERFACE, CT_STATE, ADDRESS_TYPE)
}
"""The types that a set may be made of."""

_UNITS: Final = (("d", 86400.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0), ("ms", 0.001))
_DURATION: Final = re.compile(r"(\d+)(ms|[dhms])")


def duration_text(seconds: float) -> str:
    """10800 -> 3h, 90 -> 1m30s, 0.25 -> 250ms."""
    left, text = round(seconds * 1000), ""
    for unit, size in _UNITS:
        count, left = divmod(left, round(size * 1000))
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def parse_duration(text: str) -> float:
    """3h, 1m30s, 250ms or 10800 in seconds. Raises NftSyntaxError."""
    if text.isdigit():
        return float(text)
    parts = _DURATION.findall(text)
    if not parts or "".join(count + unit for count, unit in parts) != text:
        raise NftSyntaxError(f"Could not parse time '{text}'")
    sizes = dict(_UNITS)
    return sum(int(count) * sizes[unit] for count, unit in parts)
