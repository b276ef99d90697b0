"""IPv4 packets as bytes and back, for a real kernel."""

from __future__ import annotations

import struct

from netsim.packet import ICMP, TCP, UDP, Packet


def _checksum(data: bytes) -> int:
    even = data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(even) // 2}H", even))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def encode(packet: Packet) -> bytes:
    """The bytes of a TCP or UDP packet; its data are zeros."""
    data = b"\0" * (packet.length - packet.header_length)
    if packet.protocol == TCP:
        head = struct.pack("!HHIIBBHHH", packet.sport, packet.dport, packet.seq, packet.ack, 5 << 4,
                           packet.flags, packet.window, 0, 0)
        place = 16
    else:
        head = struct.pack("!HHHH", packet.sport, packet.dport, 8 + len(data), 0)
        place = 6
    body = head + data
    ends = struct.pack("!II", packet.src, packet.dst)
    pseudo = ends + struct.pack("!BBH", 0, packet.protocol, len(body))
    body = body[:place] + struct.pack("!H", _checksum(pseudo + body)) + body[place + 2 :]
    ip = struct.pack("!BBHHHBBH", 0x45, packet.tos, 20 + len(body), 0, 0x4000, packet.ttl,
                     packet.protocol, 0) + ends
    return ip[:10] + struct.pack("!H", _checksum(ip)) + ip[12:] + body


def decode(data: bytes) -> Packet:
    """A packet from bytes; a quoted one may be cut."""
    header = (data[0] & 15) * 4
    tos, length = data[1], struct.unpack("!H", data[2:4])[0]
    ttl, protocol = data[8], data[9]
    src, dst = struct.unpack("!II", data[12:20])
    packet = Packet(4, protocol, src, dst)
    packet.tos, packet.ttl, packet.length = tos, ttl, length
    body = data[header:]
    if protocol in (TCP, UDP):
        packet.sport, packet.dport = struct.unpack("!HH", body[:4])
    if protocol == TCP and len(body) >= 14:
        packet.flags = body[13] & 0x3F
        packet.options = (body[12] >> 4) * 4 - 20
    if protocol == ICMP:
        packet.icmp_type, packet.icmp_code = body[0], body[1]
        if packet.icmp_type in (0, 8):
            packet.icmp_id, packet.icmp_seq = struct.unpack("!HH", body[4:8])
        else:
            packet.inner = decode(body[8:])
    return packet
