"""Packets as bytes and back, for a real kernel: IPv4 and IPv6 with TCP, UDP, SCTP and ICMP."""

from __future__ import annotations

import struct

from netsim.packet import ICMP, ICMPV6, SCTP, TCP, UDP, Packet

_CHECKSUM_AT = {TCP: 16, UDP: 6, ICMP: 2, ICMPV6: 2}
_CHUNK_LENGTH = {1: 20}
"""Bytes of an SCTP chunk; 4 if it is only a header."""


def _checksum(data: bytes) -> int:
    even = data + b"\0" * (len(data) % 2)
    total = int(sum(struct.unpack(f"!{len(even) // 2}H", even)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def _crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def _ends(packet: Packet) -> bytes:
    size = 4 if packet.family == 4 else 16
    return packet.src.to_bytes(size) + packet.dst.to_bytes(size)


def _options(packet: Packet) -> bytes:
    """A window scale, if the packet has one: then `options` is 4."""
    scale = b"\3\3" + bytes([packet.wscale, 1]) if packet.wscale >= 0 else b""
    return scale.ljust(packet.options, b"\1")


def _tcp(packet: Packet, data: bytes) -> bytes:
    options = _options(packet)
    head = struct.pack("!HHIIBBHHH", packet.sport, packet.dport, packet.seq, packet.ack,
                       (20 + len(options)) // 4 << 4, packet.flags, packet.window, 0, 0)
    return head + options + data


def _sctp(packet: Packet, data: bytes) -> bytes:
    length = _CHUNK_LENGTH.get(packet.chunk, 4)
    chunk = struct.pack("!BBH", packet.chunk, 0, length + len(data)).ljust(length, b"\1") + data
    head = struct.pack("!HHI", packet.sport, packet.dport, 0 if packet.chunk == 1 else 7)
    crc = struct.pack("<I", _crc32c(head + b"\0\0\0\0" + chunk))
    return head + crc + chunk


def _icmp(packet: Packet, data: bytes) -> bytes:
    rest = struct.pack("!HH", packet.icmp_id, packet.icmp_seq)
    if packet.inner is not None:
        rest, data = b"\0\0\0\0", encode(packet.inner)
    return bytes([packet.icmp_type, packet.icmp_code, 0, 0]) + rest + data


def _body(packet: Packet) -> bytes:
    data = b"\0" * (packet.length - packet.header_length)
    if packet.protocol == TCP:
        return _tcp(packet, data)
    if packet.protocol == SCTP:
        return _sctp(packet, data)
    if packet.is_icmp:
        return _icmp(packet, data)
    return struct.pack("!HHHH", packet.sport, packet.dport, 8 + len(data), 0) + data


def encode(packet: Packet) -> bytes:
    """The bytes of a packet; its data are zeros."""
    body = _body(packet)
    place = _CHECKSUM_AT.get(packet.protocol)
    if place is not None:
        pseudo = _ends(packet) + struct.pack("!IBBBB", len(body), 0, 0, 0, packet.protocol)
        total = _checksum((b"" if packet.protocol == ICMP else pseudo) + body)
        if packet.protocol == UDP:
            total = total or 0xFFFF
        body = body[:place] + struct.pack("!H", total) + body[place + 2 :]
    if packet.family == 6:
        head = struct.pack("!IHBB", 6 << 28 | packet.tos << 20, len(body), packet.protocol,
                           packet.ttl)
        return head + _ends(packet) + body
    head = struct.pack("!BBHHHBBH", 0x45, packet.tos, 20 + len(body), 0, 0x4000, packet.ttl,
                       packet.protocol, 0) + _ends(packet)
    return head[:10] + struct.pack("!H", _checksum(head)) + head[12:] + body


def _ip(data: bytes) -> tuple[Packet, bytes]:
    """The header, and what follows."""
    if data[0] >> 4 == 6:
        first, length, protocol, hops = struct.unpack("!IHBB", data[:8])
        packet = Packet(6, protocol, int.from_bytes(data[8:24]), int.from_bytes(data[24:40]))
        packet.tos, packet.ttl, packet.length = first >> 20 & 0xFF, hops, 40 + length
        return packet, data[40:]
    src, dst = struct.unpack("!II", data[12:20])
    packet = Packet(4, data[9], src, dst)
    packet.tos, packet.ttl, packet.length = data[1], data[8], struct.unpack("!H", data[2:4])[0]
    return packet, data[(data[0] & 15) * 4 :]


def decode(data: bytes) -> Packet:
    """A packet from bytes; a quoted one may be cut."""
    packet, body = _ip(data)
    if packet.protocol in (TCP, UDP, SCTP):
        packet.sport, packet.dport = struct.unpack("!HH", body[:4])
    if packet.protocol == TCP and len(body) >= 14:
        packet.flags = body[13] & 0x3F
        packet.options = (body[12] >> 4) * 4 - 20
    if packet.protocol == SCTP and len(body) >= 13:
        packet.chunk = body[12]
    if packet.is_icmp:
        packet.icmp_type, packet.icmp_code = body[0], body[1]
        if packet.is_icmp_error:
            packet.inner = decode(body[8:])
        else:
            packet.icmp_id, packet.icmp_seq = struct.unpack("!HH", body[4:8])
    return packet
