"""Packets and their text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsim.packet import (
    Packet,
    address_text,
    icmp_error,
    parse_address,
    parse_packet,
    protocol_name,
)

TEXTS = (
    "tcp 10.1.0.2:4000 > 10.2.0.2:80 S seq=1 ack=2 len=3 ttl=64",
    "udp [fd00::1]:4000 > [fd00::2]:53 len=12 ttl=7 tos=0x28",
    "icmp 10.1.0.2 > 10.2.0.2 echo id=7 seq=1 ttl=64",
    "icmpv6 fd00::1 > fd00::2 reply id=7 seq=9 ttl=64",
    "icmp 10.2.0.2 > 10.1.0.2 type 3/3 [udp 10.1.0.2:4000 > 10.2.0.2:53] ttl=64",
    "icmp 10.2.0.2 > 10.1.0.2 type 11/0 [tcp 10.1.0.2:4000 > 10.2.0.2:53] ttl=64",
    "sctp 10.1.0.2:1 > 10.2.0.2:2 init ttl=64",
    "proto89 10.1.0.2 > 10.2.0.2 ttl=64",
)


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_read_and_written_back(text: str) -> None:
    assert str(parse_packet(text)) == text


@pytest.mark.parametrize(("text", "length"), [
    ("tcp 1.0.0.1:1 > 1.0.0.2:2 S", 40),
    ("udp 1.0.0.1:1 > 1.0.0.2:2 len=5", 33),
    ("udp [::1]:1 > [::2]:2 len=5", 53),
    ("icmp 1.0.0.1 > 1.0.0.2 echo id=1 seq=1 len=56", 84),
    ("sctp 1.0.0.1:1 > 1.0.0.2:2 init", 52),
    ("icmp 1.0.0.1 > 1.0.0.2 type 3/3 [udp 1.0.0.1:1 > 1.0.0.2:2]", 56),
])
def test_length_is_that_of_the_whole_packet(text: str, length: int) -> None:
    assert parse_packet(text).length == length


@pytest.mark.parametrize("text", ["", "tcp", "tcp a > b", "nonsense 1.0.0.1 > 1.0.0.2"])
def test_other_text_is_no_packet(text: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        parse_packet(text)


def test_a_copy_is_independent_down_to_the_quoted_packet() -> None:
    packet = parse_packet(TEXTS[4])
    twin = packet.copy()
    assert packet.inner is not None
    packet.src = packet.inner.src = 1
    assert str(twin) == TEXTS[4]


@pytest.mark.parametrize(("family", "most"), [(4, 576), (6, 1280)])
def test_an_error_quotes_no_more_than_fits(family: int, most: int) -> None:
    about = Packet(family, 17, 1, 2, 3, 4)
    about.length = 5000
    assert icmp_error(9, about, 3, 3).length == most


def test_unknown_protocols_are_named_by_number() -> None:
    assert protocol_name(89) == "proto89"
    assert protocol_name(132) == "sctp"


@given(st.ip_addresses())
def test_addresses_go_to_numbers_and_back(address: object) -> None:
    assert address_text(*parse_address(str(address))) == str(address)
