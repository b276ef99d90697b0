"""Packets as a capture file: libpcap format, Ethernet frames, real headers and checksums.

    writer = PcapWriter(stream)
    writer.write(1700000000.25, frame(packet, source_mac, destination_mac, data))

Models what tcpdump -w writes. Application data that the simulation does not keep is zeros.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, BinaryIO, Final

from netsim import packet as pk

if TYPE_CHECKING:
    from netsim.medium import End
    from netsim.packet import Packet

_MAGIC: Final = 0xA1B2C3D4
_ETHERNET: Final = 1
_SNAPLEN: Final = 262_144
_ETHERTYPE: Final = {4: 0x0800, 6: 0x86DD}
_ADDRESS_BYTES: Final = {4: 4, 6: 16}
_CRC32C: Final = 0x82F63B78
_ECHO_TYPES: Final = {4: (0, 8), 6: (128, 129)}


class PcapWriter:
    """Writes one capture file (version 2.4, microseconds, big endian)."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        stream.write(struct.pack("!IHHiIII", _MAGIC, 2, 4, 0, 0, _SNAPLEN, _ETHERNET))

    def write(self, time: float, data: bytes) -> None:
        """One frame, at a time in seconds since 1970."""
        micros = round(time * 1_000_000)
        self._stream.write(struct.pack("!IIII", micros // 1_000_000, micros % 1_000_000,
                                       len(data), len(data)))
        self._stream.write(data)


def frame(packet: Packet, source: bytes, destination: bytes, data: bytes = b"") -> bytes:
    """The packet in an Ethernet frame. `data`: what the application put in; zeros fill it up."""
    header = destination + source + struct.pack("!H", _ETHERTYPE[packet.family])
    return header + ip_bytes(packet, data)


def ip_bytes(packet: Packet, data: bytes = b"") -> bytes:
    """The packet from its IP header on."""
    body = _body(packet, data)
    return (_ipv4_header(packet, len(body)) if packet.family == 4
            else _ipv6_header(packet, len(body))) + body


def _ipv4_header(packet: Packet, length: int) -> bytes:
    fragment = 0x4000 if packet.df else 0
    ident = 0 if packet.df else packet.seq + packet.icmp_seq & 0xFFFF
    fields = struct.pack("!BBHHHBBH4s4s", 0x45, packet.tos, 20 + length, ident, fragment,
                         packet.ttl, packet.protocol, 0, packet.src.to_bytes(4, "big"),
                         packet.dst.to_bytes(4, "big"))
    return fields[:10] + struct.pack("!H", checksum(fields)) + fields[12:]


def _ipv6_header(packet: Packet, length: int) -> bytes:
    return struct.pack("!IHBB16s16s", 6 << 28 | packet.tos << 20, length, packet.protocol,
                       packet.ttl, packet.src.to_bytes(16, "big"), packet.dst.to_bytes(16, "big"))


def _body(packet: Packet, data: bytes) -> bytes:
    """What follows the IP header, with its checksum."""
    size = max(0, packet.length - packet.header_length)
    filled = data[:size].ljust(size, b"\0")
    if packet.protocol == pk.TCP:
        return _summed(packet, _tcp_header(packet) + filled, 16)
    if packet.protocol == pk.UDP:
        header = struct.pack("!HHHH", packet.sport, packet.dport, 8 + size, 0)
        summed = _summed(packet, header + filled, 6)
        return summed if summed[6:8] != b"\0\0" else summed[:6] + b"\xff\xff" + summed[8:]
    if packet.is_icmp:
        return _icmp(packet, filled)
    if packet.protocol == pk.SCTP:
        return _sctp(packet, filled)
    return filled


def _tcp_header(packet: Packet) -> bytes:
    options = _tcp_options(packet)
    offset = (20 + len(options)) // 4
    return struct.pack("!HHIIBBHHH", packet.sport, packet.dport, packet.seq, packet.ack,
                       offset << 4, packet.flags, packet.window & 0xFFFF, 0, 0) + options


def _tcp_options(packet: Packet) -> bytes:
    """As many bytes as the packet has: MSS, SACK permitted and window scale of a SYN, and a
    timestamp (of zeros, since the stack keeps none) where there is room.
    """
    options = b""
    room = packet.options
    if packet.mss and room >= 4:
        options += struct.pack("!BBH", 2, 4, packet.mss)
    if packet.mss and room >= 20:
        scale = struct.pack("!BBBB", 3, 3, packet.wscale, 1) if packet.wscale >= 0 else b"\x01" * 4
        options += struct.pack("!BBBBII", 4, 2, 8, 10, 0, 0) + scale
    elif room - len(options) >= 12:
        options += struct.pack("!BBBBII", 1, 1, 8, 10, 0, 0)
    return options.ljust(room, b"\x01")


def _icmp(packet: Packet, filled: bytes) -> bytes:
    """Echoes with their numbers; errors with as much of the quoted packet as fits."""
    echo = packet.icmp_type in _ECHO_TYPES[packet.family]
    rest = struct.pack("!HH", packet.icmp_id if echo else 0, packet.icmp_seq)
    data = filled
    if packet.inner is not None:
        data = ip_bytes(packet.inner)[: len(filled)]
    message = struct.pack("!BBH", packet.icmp_type, packet.icmp_code, 0) + rest + data
    if packet.family == 6:
        return _summed(packet, message, 2)
    return message[:2] + struct.pack("!H", checksum(message)) + message[4:]


def _sctp(packet: Packet, filled: bytes) -> bytes:
    """The common header and one chunk."""
    chunk = b""
    if packet.chunk >= 0:
        value = (b"\0" * 16 if packet.chunk == 1 else b"") + filled
        chunk = struct.pack("!BBH", packet.chunk, 0, 4 + len(value)) + value
    header = struct.pack("!HHI", packet.sport, packet.dport, 0)
    return header + struct.pack("<I", _crc32c(header + bytes(4) + chunk)) + chunk


def _summed(packet: Packet, body: bytes, at: int) -> bytes:
    """The body with its checksum over the pseudo header put in `at`."""
    size = _ADDRESS_BYTES[packet.family]
    ends = packet.src.to_bytes(size, "big") + packet.dst.to_bytes(size, "big")
    pseudo = ends + (struct.pack("!BBH", 0, packet.protocol, len(body)) if packet.family == 4
                     else struct.pack("!II", len(body), packet.protocol))
    return body[:at] + struct.pack("!H", checksum(pseudo + body)) + body[at + 2:]


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    padded = data + b"\0" if len(data) % 2 else data
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _crc32c(data: bytes) -> int:
    """The checksum of SCTP (RFC 9260, appendix A)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_CRC32C if crc & 1 else 0)
    return ~crc & 0xFFFFFFFF


def end_mac(end: End) -> bytes:
    """Who speaks at an end of a link: a veth's end on the node has docker0's address, Pods have
    their name's.
    """
    if end.interface.startswith("veth"):
        return mac(end.host, "docker0")
    return mac(end.host.partition(".")[0], end.interface)


def mac(host: str, interface: str) -> bytes:
    """The address that the simulated `ip link` shows: made of the names, locally administered."""
    digest = hashlib.sha256(f"{host}/{interface}".encode()).digest()
    return b"\x02" + digest[:5]
