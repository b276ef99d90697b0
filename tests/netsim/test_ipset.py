"""ipset: types, elements, the command, and what a changed set does to flows under way."""

from __future__ import annotations

import pytest

from netsim.netfilter.ipset import IpSet, IpsetError, ipset
from netsim.packet import parse_packet
from tests.netsim.router import Router

PACKET = "tcp 10.1.0.2:4000 > 10.2.0.2:80 S"


def holds(kind: str, element: str, directions: str, packet: str = PACKET) -> bool:
    sets: dict[str, IpSet] = {}
    ipset(sets, ["create", "s", kind])
    ipset(sets, ["add", "s", element])
    return sets["s"].holds(parse_packet(packet), directions.split(","))


@pytest.mark.parametrize(("kind", "element", "directions", "inside"), [
    ("hash:ip", "10.1.0.2", "src", True), ("hash:ip", "10.1.0.2", "dst", False),
    ("hash:ip", "10.1.0.1-10.1.0.9", "src", True), ("hash:net", "10.1.0.0/16", "src", True),
    ("hash:net", "10.2.0.0/24", "src", False), ("hash:ip,port", "10.2.0.2,80", "dst,dst", True),
    ("hash:ip,port", "10.2.0.2,udp:80", "dst,dst", False),
    ("hash:net,port", "10.2.0.0/16,tcp:80", "dst,dst", True),
    ("hash:ip,port,ip", "10.2.0.2,tcp:80,10.1.0.2", "dst,dst,src", True),
    ("bitmap:port", "75-85", "dst", True), ("bitmap:port", "75-79", "dst", False),
    ("hash:ip,port", "10.2.0.2,80", "dst", False),
])
def test_elements_cover_packets(kind: str, element: str, directions: str, inside: bool) -> None:
    assert holds(kind, element, directions) is inside


def test_a_set_of_the_other_family_holds_nothing() -> None:
    assert not holds("hash:ip", "10.1.0.2", "src", "udp [::1]:1 > [::2]:2")


def test_the_command_adds_deletes_lists_and_destroys() -> None:
    sets: dict[str, IpSet] = {}
    for line in ("create s hash:ip", "add s 10.0.0.1", "add s 10.0.0.2", "del s 10.0.0.1"):
        assert ipset(sets, line.split()) == ""
    assert ipset(sets, ["list", "s"]).endswith("Members:\n10.0.0.2\n")
    assert ipset(sets, ["test", "s", "10.0.0.2"]) == "10.0.0.2 is in set s.\n"
    ipset(sets, ["flush"])
    assert not sets["s"].lengths
    ipset(sets, ["destroy", "s"])
    assert sets == {}


@pytest.mark.parametrize("line", [
    "create s hash:ip", "create t hash:mac", "add t 10.0.0.1", "add s 10.0.0.1", "del s 10.0.0.9",
    "add s nowhere", "add s 10.0.0.1,80", "test s 10.0.0.9", "add s", "frobnicate", "destroy t",
])
def test_wrong_commands_are_refused_and_change_nothing(line: str) -> None:
    sets: dict[str, IpSet] = {}
    ipset(sets, ["create", "s", "hash:ip"])
    ipset(sets, ["add", "s", "10.0.0.1"])
    with pytest.raises(IpsetError):
        ipset(sets, line.split())
    assert list(sets) == ["s"]
    assert len(sets["s"].elements) == 1


def test_exist_forgives() -> None:
    sets: dict[str, IpSet] = {}
    for line in ("create s hash:ip", "create s hash:ip -exist", "add s 10.0.0.1 -exist",
                 "add s 10.0.0.1 -exist", "del s 10.0.0.9 -exist"):
        ipset(sets, line.split())
    assert len(sets["s"].elements) == 1


def test_a_changed_set_turns_an_established_flow() -> None:
    router = Router()
    router.command("ipset create bad hash:ip")
    router.restore("*filter\n:FORWARD ACCEPT\n"
                   "-A FORWARD -m set --match-set bad src -j DROP\nCOMMIT\n")
    there = "eth0 udp 10.1.0.2:1 > 10.2.0.2:2"
    for text in (there, "eth1 udp 10.2.0.2:2 > 10.1.0.2:1", there):
        assert len(router.send(text)) == 1
    router.command("ipset add bad 10.1.0.2")
    assert router.send(there) == []
