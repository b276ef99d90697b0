"""The packet: what travels on links and what rules look at. Models struct sk_buff and IP headers.

A packet is mutable, as in the kernel: NAT and forwarding rewrite it in place, and whoever wants to
keep one copies it. Addresses are ints and ports are ints; text exists only at the edges
(`parse_packet`, `str(packet)`), in the form of the netfilter recordings:

    tcp 10.1.0.2:4000 > 10.2.0.2:80 S seq=1 ack=2 len=3 ttl=64
    icmp 10.1.0.2 > 10.2.0.2 echo id=7 seq=1
    icmp 10.2.0.2 > 10.1.0.2 type 3/3 [udp 10.1.0.2:4000 > 10.2.0.2:53]
"""

from __future__ import annotations

import ipaddress
import re
from enum import IntEnum, IntFlag
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from netsim.trace import Trace


class Protocol(IntEnum):
    """IP protocol numbers (IPPROTO_*) that the stack knows more about than the number."""

    ICMP = 1
    TCP = 6
    UDP = 17
    ICMPV6 = 58
    SCTP = 132


class TcpFlags(IntFlag):
    """The flag bits of a TCP header."""

    FIN = 0x01
    SYN = 0x02
    RST = 0x04
    PSH = 0x08
    ACK = 0x10
    URG = 0x20


ICMP: Final = 1
TCP: Final = 6
UDP: Final = 17
ICMPV6: Final = 58
SCTP: Final = 132
FIN: Final = 0x01
SYN: Final = 0x02
RST: Final = 0x04
PSH: Final = 0x08
ACK: Final = 0x10
URG: Final = 0x20

LIMITED_BROADCAST: Final = 0xFFFFFFFF
"""255.255.255.255: everybody on the link, never routed."""
EVERYBODY: Final = {
    4: frozenset((LIMITED_BROADCAST, 0xE0000001)), 6: frozenset((0xFF02 << 112 | 1,)),
}
"""By family: addresses that every host on the link takes as its own."""

_FLAG_LETTERS: Final = (("S", SYN), ("A", ACK), ("F", FIN), ("R", RST), ("P", PSH), ("U", URG))
_IP_HEADER: Final = {4: 20, 6: 40}
_HEADER: Final = {TCP: 20, UDP: 8, ICMP: 8, ICMPV6: 8, SCTP: 12}
_SCTP_CHUNK: Final = {
    "data": 0, "init": 1, "init_ack": 2, "sack": 3, "heartbeat": 4, "heartbeat_ack": 5, "abort": 6,
    "shutdown": 7, "shutdown_ack": 8, "error": 9, "cookie_echo": 10, "cookie_ack": 11,
    "shutdown_complete": 14,
}
_SCTP_CHUNK_NAME: Final = {number: name for name, number in _SCTP_CHUNK.items()}
_ECHO: Final = {4: (8, 0), 6: (128, 129)}
ICMP_ERRORS: Final = {4: frozenset((3, 4, 5, 11, 12)), 6: frozenset((1, 2, 3, 4))}
"""ICMP types by family that report a problem with another packet."""


class Packet:
    """One IP packet. `length` is the whole packet with its IP header, in bytes; `payload` is what
    an application put in (any object), which the network never looks at.
    """

    __slots__ = (
        "ack",
        "chunk",
        "df",
        "dport",
        "dst",
        "family",
        "flags",
        "icmp_code",
        "icmp_id",
        "icmp_seq",
        "icmp_type",
        "inner",
        "length",
        "mss",
        "options",
        "payload",
        "protocol",
        "seq",
        "sport",
        "src",
        "tos",
        "trace",
        "ttl",
        "window",
        "wscale",
    )

    def __init__(
        self, family: int, protocol: int, src: int, dst: int, sport: int = 0, dport: int = 0,
    ) -> None:
        self.family = family
        self.protocol = protocol
        self.src = src
        self.dst = dst
        self.sport = sport
        self.dport = dport
        self.flags = 0
        self.seq = 0
        self.ack = 0
        self.window = 65535
        self.length = 0
        self.ttl = 64
        self.tos = 0
        self.df = True
        self.payload: object = None
        self.trace: Trace | None = None
        """Recorder of the packet's way; answers to the packet inherit it."""
        self.inner: Packet | None = None
        self.icmp_type = 0
        self.icmp_code = 0
        self.icmp_id = 0
        self.icmp_seq = 0
        self.options = 0
        """Bytes of TCP options."""
        self.mss = 0
        self.wscale = -1
        """Window scale offered in a SYN; -1: none."""
        self.chunk = -1
        """Type of the first SCTP chunk; -1: none."""

    def copy(self) -> Packet:
        """An independent packet with the same content; the quoted packet is copied too."""
        twin = Packet.__new__(Packet)
        for name in Packet.__slots__:
            setattr(twin, name, getattr(self, name))
        if self.inner is not None:
            twin.inner = self.inner.copy()
        return twin

    @property
    def header_length(self) -> int:
        """Bytes before the application's data."""
        chunk = 20 if self.chunk == 1 else 4 if self.chunk >= 0 else 0
        return _IP_HEADER[self.family] + _HEADER.get(self.protocol, 0) + self.options + chunk

    @property
    def is_icmp(self) -> bool:
        """ICMP or ICMPv6."""
        return self.protocol == (ICMP if self.family == 4 else ICMPV6)

    @property
    def is_icmp_error(self) -> bool:
        """An ICMP message about another packet, which it quotes in `inner`."""
        return self.is_icmp and self.icmp_type in ICMP_ERRORS[self.family]

    def __str__(self) -> str:
        return format_packet(self)

    def __repr__(self) -> str:
        return f"<Packet {format_packet(self)}>"


# ---------------------------------------------------------------- making packets


def tcp(packet: Packet, flags: int, seq: int, ack: int, data_length: int = 0) -> Packet:
    """Make `packet` a TCP segment with this much data."""
    packet.flags = flags
    packet.seq = seq
    packet.ack = ack
    packet.length = packet.header_length + data_length
    return packet


def udp(
    family: int, src: int, dst: int, sport: int, dport: int,
) -> Packet:
    """A UDP datagram without data."""
    packet = Packet(family, UDP, src, dst, sport, dport)
    packet.length = _IP_HEADER[family] + 8
    return packet


def icmp_echo(family: int, src: int, dst: int, ident: int, seq: int) -> Packet:
    """An echo request."""
    packet = Packet(family, ICMP if family == 4 else ICMPV6, src, dst)
    packet.icmp_type = _ECHO[family][0]
    packet.icmp_id = ident
    packet.icmp_seq = seq
    packet.length = packet.header_length
    return packet


def icmp_error(source: int, about: Packet, icmp_type: int, code: int) -> Packet:
    """The ICMP error that `source` sends to the sender of `about`; quotes it, up to 576 bytes in
    all (IPv6: 1280). IPv4: of the precedence of internetwork control, with the other's TOS bits.
    """
    family = about.family
    packet = Packet(family, ICMP if family == 4 else ICMPV6, source, about.src)
    packet.icmp_type = icmp_type
    packet.icmp_code = code
    packet.inner = about.copy()
    packet.trace = about.trace
    packet.tos = 0xC0 | about.tos & 0x1E if family == 4 else 0
    packet.length = min(576 if family == 4 else 1280, packet.header_length + about.length)
    packet.df = False
    return packet


# ---------------------------------------------------------------- text


_REMEMBERED: Final = 8192
"""Texts of IPv6 addresses: they are slow to read and to write."""
_DECIMAL = "(0|[1-9][0-9]{0,2})"
_IPV4 = re.compile(rf"{_DECIMAL}\.{_DECIMAL}\.{_DECIMAL}\.{_DECIMAL}")


def parse_address(text: str) -> tuple[int, int]:
    """'10.0.0.1' -> (4, 167772161). Raises ValueError."""
    found = _IPV4.fullmatch(text)
    if found is not None:
        a, b, c, d = map(int, found.groups())
        if a < 256 and b < 256 and c < 256 and d < 256:
            return 4, a << 24 | b << 16 | c << 8 | d
    return _parse_slowly(text)


def address_text(family: int, address: int) -> str:
    """(4, 167772161) -> '10.0.0.1'; IPv6 in its shortest form."""
    if family == 4:
        return f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"
    return _text_6(address)


@lru_cache(maxsize=_REMEMBERED)
def _parse_slowly(text: str) -> tuple[int, int]:
    address = ipaddress.ip_address(text)
    return address.version, int(address)


@lru_cache(maxsize=_REMEMBERED)
def _text_6(address: int) -> str:
    return str(ipaddress.IPv6Address(address))


def is_multicast(family: int, address: int) -> bool:
    """224.0.0.0/4 or ff00::/8."""
    return address >> 28 == 0xE if family == 4 else address >> 120 == 0xFF


def endpoint_text(family: int, address: int, port: int) -> str:
    """'10.0.0.1:80' or '[fd00::1]:80'."""
    return join_host_port(address_text(family, address), port)


def join_host_port(host: str, port: int) -> str:
    """`10.0.0.1:80`, `[fd00::1]:80` (Go's net.JoinHostPort)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def protocol_name(protocol: int) -> str:
    """6 -> 'tcp', 89 -> 'proto89'."""
    try:
        return Protocol(protocol).name.lower()
    except ValueError:
        return f"proto{protocol}"


def _body_text(packet: Packet) -> str:
    """What follows the addresses, after a blank: flags, echo, type of an ICMP message."""
    if packet.protocol == TCP:
        return " " + ("".join(c for c, bit in _FLAG_LETTERS if packet.flags & bit) or "-")
    if packet.protocol == SCTP:
        return f" {_SCTP_CHUNK_NAME[packet.chunk]}" if packet.chunk >= 0 else ""
    if not packet.is_icmp:
        return ""
    request, reply = _ECHO[packet.family]
    if packet.icmp_type in (request, reply):
        word = "echo" if packet.icmp_type == request else "reply"
        return f" {word} id={packet.icmp_id} seq={packet.icmp_seq}"
    quoted = f" [{format_packet(packet.inner, tail=False, flags=False)}]" if packet.inner else ""
    return f" type {packet.icmp_type}/{packet.icmp_code}{quoted}"


def format_packet(packet: Packet, *, tail: bool = True, flags: bool = True) -> str:
    """The packet as one line; with `tail` also seq, ack, len, ttl and tos; without `flags` no TCP
    flags, as quoted packets are written.
    """
    ports = packet.protocol in (TCP, UDP, SCTP)
    ends = [
        endpoint_text(packet.family, address, port) if ports
        else address_text(packet.family, address)
        for address, port in ((packet.src, packet.sport), (packet.dst, packet.dport))
    ]
    body = _body_text(packet) if flags or packet.protocol != TCP else ""
    text = f"{protocol_name(packet.protocol)} {ends[0]} > {ends[1]}{body}"
    if not tail:
        return text
    if packet.protocol == TCP:
        text += f" seq={packet.seq} ack={packet.ack}"
    data = packet.length - packet.header_length
    if data and packet.inner is None:
        text += f" len={data}"
    return text + f" ttl={packet.ttl}" + (f" tos={packet.tos:#x}" if packet.tos else "")


_PACKET = re.compile(r"(?P<proto>\S+) (?P<src>\S+) > (?P<dst>\S+)(?P<rest>.*)")


def _parse_end(text: str, has_port: bool) -> tuple[int, int, int]:
    """-> family, address, port."""
    port = "0"
    if has_port:
        text, _, port = text.rpartition(":")
    family, address = parse_address(text.strip("[]"))
    return family, address, int(port)


def _parse_protocol(name: str) -> int:
    if name.startswith("proto"):
        return int(name[5:])
    return int(Protocol[name.upper()])


def _apply_word(packet: Packet, word: str) -> None:
    """One blank-separated word of what follows the addresses."""
    key, has_value, value = word.partition("=")
    number = int(value, 0) if has_value else 0
    if key in ("ttl", "tos", "ack", "window"):
        setattr(packet, key, number)
    elif key == "seq":
        setattr(packet, "icmp_seq" if packet.is_icmp else "seq", number)
    elif key == "id":
        packet.icmp_id = number
    elif key in ("echo", "reply"):
        packet.icmp_type = _ECHO[packet.family][key == "reply"]
    elif "/" in word:
        packet.icmp_type, packet.icmp_code = (int(x) for x in word.split("/"))
    elif word in _SCTP_CHUNK:
        packet.chunk = _SCTP_CHUNK[word]
    elif packet.protocol == TCP and word != "-":
        packet.flags = sum(bit for letter, bit in _FLAG_LETTERS if letter in word)


def parse_packet(text: str) -> Packet:
    """Read the text form; absent: ttl 64, seq 1000 (icmp 1), else 0. Raises ValueError."""
    quoted = re.search(r"\[(\w+ .*)\]", text)
    if quoted:
        text = text[: quoted.start()] + text[quoted.end():]
    found = _PACKET.match(text.strip())
    if found is None:
        raise ValueError(f"not a packet: {text!r}")
    protocol = _parse_protocol(found["proto"])
    ports = protocol in (TCP, UDP, SCTP)
    family, src, sport = _parse_end(found["src"], ports)
    _, dst, dport = _parse_end(found["dst"], ports)
    packet = Packet(family, protocol, src, dst, sport, dport)
    packet.seq, packet.icmp_seq = 1000, 1
    words = found["rest"].split()
    for word in words:
        if not word.startswith("len="):
            _apply_word(packet, word)
    packet.inner = parse_packet(quoted[1]) if quoted else None
    data = sum(int(word[4:]) for word in words if word.startswith("len="))
    packet.length = packet.header_length + data + (packet.inner.length if packet.inner else 0)
    return packet
