"""ipset: types, elements, the command, and what a changed set does to flows under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from netsim.ipset.command import IpsetError, ipset
from netsim.netfilter.cli import iptables
from netsim.packet import parse_packet
from tests.netsim.router import Router

if TYPE_CHECKING:
    from netsim.ipset.sets import IpSet

PACKET = "tcp 10.1.0.2:4000 > 10.2.0.2:80 S"


def holds(kind: str, element: str, directions: str, packet: str = PACKET) -> bool:
    sets: dict[str, IpSet] = {}
    ipset(sets, ["create", "s", *kind.split()])
    for each in element.split("; "):
        ipset(sets, ["add", "s", *each.split()])
    found = sets["s"].holds(parse_packet(packet), directions.split(","))
    return found is not None and not found.nomatch


@pytest.mark.parametrize(("kind", "element", "directions", "inside"), [
    ("hash:ip", "10.1.0.2", "src", True), ("hash:ip", "10.1.0.2", "dst", False),
    ("hash:ip", "10.1.0.1-10.1.0.9", "src", True), ("hash:net", "10.1.0.0/16", "src", True),
    ("hash:net", "10.2.0.0/24", "src", False), ("hash:ip,port", "10.2.0.2,80", "dst,dst", True),
    ("hash:ip,port", "10.2.0.2,udp:80", "dst,dst", False),
    ("hash:net,port", "10.2.0.0/16,tcp:80", "dst,dst", True),
    ("hash:ip,port,ip", "10.2.0.2,tcp:80,10.1.0.2", "dst,dst,src", True),
    ("bitmap:port range 1-100", "75-85", "dst", True),
    ("bitmap:port range 1-100", "75-79", "dst", False),
    ("hash:ip,port", "10.2.0.2,80", "dst", False),
    ("hash:net", "10.0.0.0/8; 10.1.0.0/16 nomatch", "src", False),
    ("hash:net", "10.0.0.0/8; 10.1.0.0/16 nomatch; 10.1.0.2", "src", True),
    ("hash:ip,port,net", "10.1.0.2,tcp:80,10.2.0.0/24", "src,dst,dst", True),
    ("hash:ip,port", "10.2.0.2,http", "dst,dst", True),
    ("bitmap:ip range 10.1.0.0/24", "10.1.0.2", "src", True),
    ("hash:ip family inet6", "fd00::1", "src", False),
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
    "create s hash:ip", "create t hash:foo", "add t 10.0.0.1", "add s 10.0.0.1", "del s 10.0.0.9",
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


def run(sets: dict[str, IpSet], *lines: str, now: float = 0.0) -> str:
    return [ipset(sets, line.split(), now=now) for line in lines][-1]


def test_an_element_with_a_timeout_runs_out() -> None:
    sets: dict[str, IpSet] = {}
    run(sets, "create s hash:ip timeout 10", "add s 10.0.0.1", "add s 10.0.0.2 timeout 99", now=100)
    listed = run(sets, "list s", now=105)
    assert "10.0.0.1 timeout 5\n10.0.0.2 timeout 94\n" in listed
    assert "10.0.0.1" not in run(sets, "list s", now=111)


def test_a_set_is_saved_as_restore_reads_it() -> None:
    sets: dict[str, IpSet] = {}
    run(sets, "create s hash:ip,port counters comment", "add s 10.0.0.1,udp:53 comment dns")
    saved = run(sets, "save")
    assert saved == (
        "create s hash:ip,port family inet hashsize 1024 maxelem 65536 counters comment "
        "bucketsize 12 initval 0x00000000\n"
        'add s 10.0.0.1,udp:53 packets 0 bytes 0 comment "dns"\n')
    again: dict[str, IpSet] = {}
    ipset(again, ["restore"], stdin=saved)
    assert run(again, "save") == saved


def test_swapped_sets_exchange_what_they_hold() -> None:
    sets: dict[str, IpSet] = {}
    run(sets, "create a hash:ip", "create b hash:ip", "add a 10.0.0.1", "swap a b")
    assert (len(sets["a"].elements), len(sets["b"].elements)) == (0, 1)
    with pytest.raises(IpsetError, match="their type does not match"):
        run(sets, "create c hash:net", "swap a c")


def test_a_list_of_sets_holds_what_its_members_hold() -> None:
    sets: dict[str, IpSet] = {}
    run(sets, "create a hash:ip", "add a 10.1.0.2", "create l list:set", "add l a")
    packet = parse_packet(PACKET)
    assert sets["l"].holds(packet, ["src"], sets) is not None
    with pytest.raises(IpsetError, match="in use by a kernel component"):
        run(sets, "destroy a")


def test_a_set_that_a_rule_names_is_not_destroyed() -> None:
    router = Router()
    router.command("ipset create bad hash:ip")
    router.restore("*filter\n-A FORWARD -m set --match-set bad src -j DROP\nCOMMIT\n")
    assert "References: 1" in ipset(router.stack.ipsets, ["list", "bad"])
    assert "in use by a kernel component" in router.run("ipset destroy bad").stderr
    router.command("iptables -F FORWARD")
    router.command("ipset destroy bad")


def test_a_rule_that_names_no_set_is_refused() -> None:
    argv = ["-A", "INPUT", "-m", "set", "--match-set", "nosuch", "src"]
    result = iptables(Router().ruleset, argv)
    assert (result.code, result.stderr.splitlines()[0]) == (
        2, "iptables v1.8.9 (nf_tables): Set nosuch doesn't exist.")


def test_the_target_puts_senders_into_a_set() -> None:
    router = Router()
    router.command("ipset create seen hash:ip timeout 60")
    router.restore("*filter\n-A FORWARD -m set --match-set seen src -j DROP\n"
                   "-A FORWARD -j SET --add-set seen src --exist --timeout 5\nCOMMIT\n")
    packet = "eth0 udp 10.1.0.2:1 > 10.2.0.2:2"
    assert len(router.send(packet)) == 1
    assert router.send(packet) == []
    router.time += 6
    assert len(router.send(packet)) == 1


def test_counters_of_elements_count_and_can_be_asked() -> None:
    router = Router()
    router.command("ipset create s hash:ip counters; ipset add s 10.1.0.2")
    router.restore("*filter\n"
                   "-A FORWARD -m set --match-set s src --packets-gt 2 -j DROP\nCOMMIT\n")
    sent = [len(router.send("eth0 udp 10.1.0.2:1 > 10.2.0.2:2")) for _ in range(4)]
    assert sent == [1, 1, 0, 0]
    assert router.stack.ipsets["s"].elements[(0x0A010002, 32),].packets == 4


@pytest.mark.parametrize(("line", "said"), [
    ("add s 10.0.0.1 timeout 5", "Timeout cannot be used: set was created without timeout support"),
    ("add s 10.0.0.1,80", "Syntax error: Elem separator in 10.0.0.1,80, but settype hash:ip "
                          "supports none."),
    ("add s foo", "Syntax error: cannot parse foo: resolving to IPv4 address failed"),
    ("create t hash:foo", "Syntax error: typename 'hash:foo' is unknown"),
    ("create t bitmap:port", "Mandatory option `range' is missing\n"
                             "Try `ipset help' for more information."),
    ("destroy t", "The set with the given name does not exist"),
    ("add s 0.0.0.0/0", "The value of the CIDR parameter of the IP address is invalid"),
    ("add", "Missing mandatory argument to command add\nTry `ipset help' for more information."),
])
def test_refusals_are_those_of_ipset(line: str, said: str) -> None:
    sets: dict[str, IpSet] = {}
    run(sets, "create s hash:ip")
    with pytest.raises(IpsetError) as refused:
        run(sets, line)
    assert str(refused.value) == said
