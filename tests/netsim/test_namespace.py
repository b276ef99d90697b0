"""One stack: addresses, hooks in order, answers of ICMP and REJECT, IPv6."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from netsim.bench import Tap
from netsim.link import Wire
from netsim.namespace import Namespace
from netsim.netfilter.cli.restore import restore
from netsim.netfilter.hooks import Hook, Priority, Verdict
from netsim.netfilter.ruleset import Ruleset
from netsim.netfilter.traverse import attach
from netsim.packet import parse_address, parse_packet
from tests.netsim.router import Router

if TYPE_CHECKING:
    from netsim.netfilter.context import Context
    from netsim.packet import Packet


class Router6(Router):
    """The router with an IPv6 address and rules on each side."""

    def __init__(self, rules: str = "") -> None:
        super().__init__()
        for name, address in (("eth0", "fd00:1::1/64"), ("eth1", "fd00:2::1/64")):
            self.stack.add_address(name, address)
        self.six = Ruleset(6, self.stack.rules_changed)
        attach(self.six, self.stack)
        if rules:
            restore(self.six, rules)


FILTER = "*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n{}\nCOMMIT\n"
NAT = "*nat\n{}\nCOMMIT\n"


def test_functions_at_a_hook_are_asked_in_order_of_priority() -> None:
    router, asked = Router(), []

    def at(priority: int) -> None:
        def ask(context: Context) -> Verdict:
            asked.append((priority, context.connection is not None))
            return Verdict.ACCEPT

        router.stack.register(4, Hook.PREROUTING, priority, ask)

    for priority in (Priority.MANGLE, Priority.RAW, Priority.FILTER):
        at(priority)
    router.send("eth0 udp 10.1.0.2:1 > 10.2.0.2:2")
    assert asked == [(-300, False), (-150, True), (0, True)]


def test_an_unregistered_function_is_not_asked_again() -> None:
    router = Router()
    entry = router.stack.register(4, Hook.FORWARD, 0, lambda _: Verdict.DROP)
    assert router.send("eth0 udp 10.1.0.2:1 > 10.2.0.2:2") == []
    router.stack.unregister(entry)
    assert len(router.send("eth0 udp 10.1.0.2:1 > 10.2.0.2:2")) == 1


def test_names_of_interfaces_are_unique() -> None:
    with pytest.raises(ValueError, match="exists"):
        Router().stack.add_interface("eth0")


def test_a_removed_address_is_no_longer_answered() -> None:
    router = Router()
    echo = "eth0 icmp 10.1.0.2 > 10.1.0.1 echo id=1 seq=1"
    assert len(router.send(echo)) == 1
    router.stack.remove_address("eth0", "10.1.0.1/24")
    assert router.send(echo) == ["eth1 icmp 10.1.0.2 > 10.1.0.1 echo id=1 seq=1 ttl=63"]
    with pytest.raises(KeyError):
        router.stack.remove_address("eth0", "10.1.0.1")


def test_a_removed_interface_takes_its_routes_along() -> None:
    router = Router()
    router.stack.remove_interface("eth1")
    (answer,) = router.send("eth0 udp 10.1.0.2:1 > 10.2.0.2:2")
    assert "type 3/0" in answer


@pytest.mark.parametrize("text", [
    "eth0 udp 10.1.0.1:1 > 10.2.0.2:2", "eth0 udp 127.0.0.1:1 > 10.2.0.2:2",
    "eth0 udp 10.1.0.2:1 > 127.0.0.1:2", "eth0 udp 224.0.0.1:1 > 10.2.0.2:2",
    "eth0 udp [fd00:9::2]:1 > [::1]:2",
])
def test_martians_are_dropped(text: str) -> None:
    assert Router6().send(text) == []


@pytest.mark.parametrize(("text", "out"), [
    ("udp [fd00:1::2]:1 > [fd00:2::2]:2", "eth1 udp [fd00:1::2]:1 > [fd00:2::2]:2 len=0 ttl=63"),
    ("udp [fd00:1::2]:1 > [fd00:2::2]:2 ttl=1",
     "eth0 icmpv6 fd00:1::1 > fd00:1::2 type 3/0 [udp [fd00:1::2]:1 > [fd00:2::2]:2] ttl=64"),
    ("udp [fd00:1::2]:1 > [fd00:2::2]:2 len=1600",
     "eth0 icmpv6 fd00:1::1 > fd00:1::2 type 2/0 [udp [fd00:1::2]:1 > [fd00:2::2]:2] ttl=64"),
    ("udp [fd00:1::2]:1 > [fd00:1::1]:2",
     "eth0 icmpv6 fd00:1::1 > fd00:1::2 type 1/4 [udp [fd00:1::2]:1 > [fd00:1::1]:2] ttl=64"),
    ("udp [fd00:1::2]:1 > [fd00:7::1]:2",
     "eth0 icmpv6 fd00:1::1 > fd00:1::2 type 1/0 [udp [fd00:1::2]:1 > [fd00:7::1]:2] ttl=64"),
    ("icmpv6 fd00:1::2 > fd00:2::1 echo id=3 seq=4",
     "eth0 icmpv6 fd00:2::1 > fd00:1::2 reply id=3 seq=4 ttl=64"),
    ("tcp [fd00:1::2]:1 > [fd00:1::1]:2 S", "eth0 tcp [fd00:1::1]:2 > [fd00:1::2]:1 AR ttl=64"),
])
def test_ipv6_goes_the_same_way(text: str, out: str) -> None:
    (got,) = Router6().send(f"eth0 {text}")
    assert got == out


def test_ipv6_nat_there_and_back() -> None:
    router = Router6(NAT.format(
        "-A PREROUTING -d fd00:1::1/128 -p udp -j DNAT --to-destination [fd00:2::2]:53\n"
        "-A POSTROUTING -o eth1 -j MASQUERADE"))
    there = router.send("eth0 udp [fd00:1::2]:4000 > [fd00:1::1]:99")
    assert there == ["eth1 udp [fd00:2::1]:4000 > [fd00:2::2]:53 len=0 ttl=63"]
    back = router.send("eth1 udp [fd00:2::2]:53 > [fd00:2::1]:4000")
    assert back == ["eth0 udp [fd00:1::1]:99 > [fd00:1::2]:4000 len=0 ttl=63"]


@pytest.mark.parametrize(("how", "out"), [
    ("icmp6-no-route", "type 1/0"), ("icmp6-adm-prohibited", "type 1/1"),
    ("icmp6-addr-unreachable", "type 1/3"), ("icmp6-port-unreachable", "type 1/4"),
    ("icmp6-policy-fail", "type 1/5"), ("icmp6-reject-route", "type 1/6"), ("tcp-reset", " AR "),
])
def test_ipv6_reject(how: str, out: str) -> None:
    router = Router6(FILTER.format(f"-A FORWARD -p tcp -j REJECT --reject-with {how}"))
    (answer,) = router.send("eth0 tcp [fd00:1::2]:1 > [fd00:2::2]:2 S")
    assert out in answer


def test_nothing_answers_an_error_or_a_multicast() -> None:
    router = Router6(FILTER.format("-A FORWARD -j REJECT"))
    error = "icmpv6 fd00:1::2 > fd00:2::2 type 1/4 [udp [fd00:2::2]:1 > [fd00:1::2]:2]"
    assert router.send(f"eth0 {error}") == []
    assert router.send("eth0 udp 10.1.0.2:1 > 224.0.0.5:2") == []


def test_a_reset_acknowledges_data_and_flags() -> None:
    router = Router()
    router.restore(FILTER.format("-A FORWARD -p tcp -j REJECT --reject-with tcp-reset"))
    caught: list[Packet] = []
    link = router.stack.interfaces["eth0"].link
    assert isinstance(link, Tap)
    link.transmit = lambda packet, _: bool(caught.append(packet)) or True  # type: ignore[method-assign]
    router.send("eth0 tcp 10.1.0.2:1 > 10.2.0.2:2 S seq=10 len=5")
    router.send("eth0 tcp 10.1.0.2:1 > 10.2.0.2:2 A seq=20 ack=77")
    assert [(p.seq, p.ack) for p in caught] == [(0, 16), (77, 0)]


def test_source_addresses_follow_the_route() -> None:
    stack = Router6().stack
    stack.add_address("eth0", "10.1.7.1/24")

    def source(text: str) -> int | None:
        return stack.source_toward(*parse_address(text))

    assert source("10.1.7.9") == parse_address("10.1.7.1")[1]
    assert source("10.2.0.9") == parse_address("10.2.0.1")[1]
    assert source("127.0.0.1") == parse_address("127.0.0.1")[1]
    assert source("10.1.0.1") == parse_address("10.1.0.1")[1]
    assert source("fd00:2::9") == parse_address("fd00:2::1")[1]
    assert source("fd00:9::9") is None


def test_rules_of_one_family_do_not_meet_packets_of_the_other() -> None:
    router = Router6(FILTER.format("-A FORWARD -j DROP"))
    assert len(router.send("eth0 udp 10.1.0.2:1 > 10.2.0.2:2")) == 1
    assert router.send("eth0 udp [fd00:1::2]:1 > [fd00:2::2]:2") == []


def test_a_namespace_of_its_own_reaches_itself() -> None:
    alone = Namespace("alone", Wire(), lambda: 0.0, random.Random(1))
    assert alone.send(parse_packet("udp 127.0.0.1:1 > 127.0.0.1:2")) == ""
    assert alone.send(parse_packet("udp 127.0.0.1:1 > 10.0.0.1:2")) == "ENETUNREACH"


def test_locally_made_packets_with_a_loopback_source_stay_inside() -> None:
    router = Router()
    assert router.send("local udp 127.0.0.1:1 > 10.2.0.2:2") == ["local send EINVAL"]
    router.command("sysctl -qw net.ipv4.conf.all.route_localnet=1")
    assert router.send("local udp 127.0.0.1:1 > 10.2.0.2:2") == [
        "eth1 udp 127.0.0.1:1 > 10.2.0.2:2 len=0 ttl=64"
    ]
