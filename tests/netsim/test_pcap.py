"""Packets as bytes: read back by hand, checksums and all."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsim import packet as pk
from netsim.packet import Packet, parse_packet
from netsim.pcap import PcapWriter, checksum, frame, ip_bytes, mac


def folded(data):
    """The Internet sum of what has its checksum in it: zero when it is right."""
    return checksum(data)


def pseudo(packet, body):
    size = 4 if packet.family == 4 else 16
    ends = packet.src.to_bytes(size, "big") + packet.dst.to_bytes(size, "big")
    return ends + struct.pack("!HH", packet.protocol, len(body)) + body


def sized(text, data=0):
    packet = parse_packet(text)
    packet.length = packet.header_length + data
    return packet


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 65535),
       st.integers(0, 65535), st.binary(max_size=60), st.sampled_from([pk.TCP, pk.UDP]))
def test_ipv4_headers_read_back_with_right_checksums(src, dst, sport, dport, data, protocol):
    packet = Packet(4, protocol, src, dst, sport, dport)
    packet.flags, packet.options = pk.PSH | pk.ACK, 12 if protocol == pk.TCP else 0
    packet.length = packet.header_length + len(data)
    raw = ip_bytes(packet, data)
    assert len(raw) == packet.length == struct.unpack("!H", raw[2:4])[0]
    assert struct.unpack("!IIHH", raw[12:24]) == (src, dst, sport, dport)
    assert raw.endswith(data)
    assert folded(raw[:20]) == 0
    assert folded(pseudo(packet, raw[20:])) in (0, 0xFFFF)


@pytest.mark.parametrize("text", [
    "tcp [fd00::1]:1000 > [fd00::2]:80 S", "udp [fd00::1]:1000 > [fd00::2]:53"])
def test_ipv6(text):
    packet = sized(text, 4)
    raw = ip_bytes(packet, b"abcd")
    assert raw[0] >> 4 == 6
    assert struct.unpack("!H", raw[4:6])[0] == len(raw) - 40
    assert folded(pseudo(packet, raw[40:])) == 0


def test_an_echo_carries_its_numbers():
    raw = ip_bytes(sized("icmp 10.0.0.1 > 10.0.0.2 echo id=7 seq=3", 56))
    assert struct.unpack("!BB", raw[20:22]) == (8, 0)
    assert struct.unpack("!HH", raw[24:28]) == (7, 3)
    assert folded(raw[20:]) == 0


def test_an_error_quotes_the_packet():
    about = sized("udp 10.0.0.1:9 > 10.0.0.2:53", 3)
    raw = ip_bytes(pk.icmp_error(about.dst, about, 3, 3))
    assert raw[28:] == ip_bytes(about)
    assert folded(raw[20:]) == 0


def test_syn_options():
    packet = sized("tcp 10.0.0.1:1 > 10.0.0.2:2 S")
    packet.options, packet.mss, packet.wscale = 20, 1460, 7
    packet.length = packet.header_length
    raw = ip_bytes(packet)
    assert raw[32] >> 4 == 10
    assert raw[40:44] == struct.pack("!BBH", 2, 4, 1460)


def test_sctp_has_crc32c():
    packet = sized("sctp 10.0.0.1:1 > 10.0.0.2:2 init")
    raw = ip_bytes(packet)
    assert raw[32] == 1
    assert raw[28:32] != bytes(4)


def test_the_file_header_and_records():
    stream = io.BytesIO()
    writer = PcapWriter(stream)
    data = frame(sized("udp 10.0.0.1:9 > 10.0.0.2:53"), mac("a", "eth0"), mac("b", "eth0"))
    writer.write(5.25, data)
    value = stream.getvalue()
    assert value[:4] == b"\xa1\xb2\xc3\xd4"
    assert struct.unpack("!IIII", value[24:40]) == (5, 250000, len(data), len(data))
    assert value[40:] == data
    assert data[12:14] == b"\x08\x00"


def test_mac_addresses_are_unicast_and_locally_administered():
    assert mac("a", "eth0")[0] == 2
    assert mac("a", "eth0") != mac("b", "eth0")
