"""What random packets through a real kernel taught, told one by one (no kernel needed)."""

from __future__ import annotations

import pytest

from netsim.jhash import jhash_words
from tests.netsim.router import Router, conntrack_lines, in_ipv6


def filtering(*rules: str, table: str = "filter") -> str:
    """Restore text of one table."""
    return "\n".join([f"*{table}", *rules, "COMMIT", ""])


def test_words_are_hashed_as_the_kernel_does() -> None:
    assert jhash_words([]) == 0xDEADBEEF
    assert len({jhash_words([1, 2, 3, number]) for number in range(1000)}) == 1000
    assert jhash_words([1, 2, 3, 4]) != jhash_words([1, 2, 3, 4], 1)


@pytest.mark.parametrize(("client", "server"), [(2, 3), (3, 5), (4, 4), (5, 2), (6, 5), (7, 3)])
def test_client_gets_the_address_of_a_range_that_the_kernel_gives_it(
    client: int, server: int
) -> None:
    router = Router()
    router.restore(
        filtering("-A PREROUTING -j DNAT --to-destination 10.2.0.2-10.2.0.5", table="nat")
    )
    (left,) = router.send(f"eth0 udp 10.1.0.{client}:4000 > 10.96.0.1:53")
    assert f"> 10.2.0.{server}:53" in left


def test_icmp_error_keeps_the_tos_bits_of_what_it_is_about() -> None:
    router = Router()
    router.restore(filtering("-A FORWARD -j REJECT"))
    (left,) = router.send("eth0 udp 10.1.0.2:4000 > 10.2.0.2:53 tos=0x10")
    assert left.endswith("tos=0xd0")


def test_rst_of_a_closed_port_has_the_tos_of_the_segment_but_that_of_reject_has_none() -> None:
    router = Router()
    router.restore(filtering("-A FORWARD -p tcp -j REJECT --reject-with tcp-reset"))
    (socket,) = router.send("eth0 tcp 10.1.0.2:4000 > 10.1.0.1:81 S tos=0x10")
    (rule,) = router.send("eth0 tcp 10.1.0.2:4000 > 10.2.0.2:81 S tos=0x10")
    assert socket.endswith("tos=0x10")
    assert "tos" not in rule


def test_length_counts_the_header_of_ipv6() -> None:
    router = Router(family=6)
    router.restore(filtering("-A FORWARD -m length --length 48 -j DROP"))
    assert router.send(in_ipv6("eth0 udp 10.1.0.2:4000 > 10.2.0.2:53")) == []


def test_own_addresses_are_unicast_in_ipv6_but_not_in_ipv4() -> None:
    packet = "local udp 10.2.0.1:4000 > 10.1.0.1:53"
    rules = filtering("-A OUTPUT -m addrtype --dst-type UNICAST -j DROP")
    four, six = Router(), Router(family=6)
    four.restore(rules)
    six.restore(rules)
    assert "local send EPERM" not in four.send(packet)
    assert "local send EPERM" in six.send(in_ipv6(packet))


def test_nothing_is_said_about_an_echo_reply_that_is_rejected() -> None:
    router = Router()
    router.restore(filtering("-A OUTPUT -j REJECT"))
    assert router.send("eth0 icmp 10.1.0.2 > 10.1.0.1 echo id=7 seq=1") == []
    assert router.ruleset.tables["filter"].chains["OUTPUT"].rules[0].packets == 1


def test_sctp_begins_closed_and_not_with_data() -> None:
    router = Router()
    router.send("eth0 sctp 10.1.0.2:4000 > 10.2.0.2:7 data")
    assert conntrack_lines(router.stack) == []
    router.send("eth0 sctp 10.1.0.2:4000 > 10.2.0.2:7 init")
    (line,) = conntrack_lines(router.stack, states=True)
    assert line.startswith("sctp CLOSED")


def test_rst_outside_the_window_makes_the_next_one_be_looked_at() -> None:
    router = Router()
    router.restore(filtering("-A FORWARD -m conntrack --ctstate INVALID -j DROP"))
    for packet in (
        "eth0 tcp 10.1.0.2:4000 > 10.2.0.2:80 S seq=1000 ack=0",
        "eth1 tcp 10.2.0.2:80 > 10.1.0.2:4000 SA seq=5000 ack=1001",
        "eth0 tcp 10.1.0.2:4000 > 10.2.0.2:80 A seq=1001 ack=5001",
        "eth0 tcp 10.1.0.2:4000 > 10.2.0.2:80 S seq=1001 ack=0",
        "eth1 tcp 10.2.0.2:80 > 10.1.0.2:4000 RA seq=5001 ack=1004",
    ):
        router.send(packet)
    assert router.send("eth1 tcp 10.2.0.2:80 > 10.1.0.2:4000 R seq=4000 ack=0") == []
    assert conntrack_lines(router.stack)[0].startswith("tcp ESTABLISHED")


def test_a_connection_that_is_not_confirmed_has_no_time_left() -> None:
    router = Router()
    router.restore(filtering("-A FORWARD -m conntrack --ctexpire 0 -j DROP"))
    assert router.send("eth0 udp 10.1.0.2:4000 > 10.2.0.2:53") == []


@pytest.mark.parametrize("kind", ["9/0", "10/0", "4/0", "19/0"])
def test_what_the_kernel_takes_for_an_icmp_error_is_not_answered(kind: str) -> None:
    router = Router()
    router.restore(filtering("-A FORWARD -j REJECT"))
    assert router.send(f"eth0 icmp 10.1.0.2 > 10.2.0.2 {kind}") == []
    assert len(router.send("eth0 icmp 10.1.0.2 > 10.2.0.2 13/0")) == 1


@pytest.mark.parametrize("everybody", ["255.255.255.255", "224.0.0.1", "10.1.0.255"])
def test_what_is_for_everybody_is_for_this_host_and_goes_no_further(everybody: str) -> None:
    router = Router()
    router.listen("udp/53")
    (taken,) = router.send(f"eth0 udp 10.1.0.2:4000 > {everybody}:53")[:1]
    assert taken.startswith("local udp 10.1.0.2:4000 > ")
    assert router.send(f"eth0 udp 10.1.0.2:4000 > {everybody}:54 ttl=1") == []


def test_zeros_are_no_source_of_a_packet_to_somebody() -> None:
    assert Router().send("eth0 udp 0.0.0.0:68 > 10.2.0.2:67") == []
    assert Router().send("eth0 udp 10.1.0.2:68 > 0.0.0.0:67") == []


def test_an_option_belongs_to_the_match_or_target_that_came_last() -> None:
    router = Router()
    router.restore(filtering("-A FORWARD -m recent --set --mask 255.255.255.0 "
                             "-j CONNMARK --restore-mark --mask 0x3", table="filter"))
    assert router.send("eth0 udp 10.1.0.2:4000 > 10.2.0.2:53") != []


def test_a_policy_counts_once_a_command_has_named_it() -> None:
    router = Router()
    packet = "eth0 udp 10.1.0.2:4000 > 10.2.0.2:53"
    router.run("iptables -A FORWARD -p tcp -j ACCEPT")
    router.send(packet)
    assert ":FORWARD ACCEPT [0:0]" in router.run("iptables-save -c").stdout
    router.run("iptables -P FORWARD ACCEPT")
    router.send(packet)
    assert ":FORWARD ACCEPT [1:28]" in router.run("iptables-save -c").stdout
    router.run("iptables -P FORWARD ACCEPT")
    assert ":FORWARD ACCEPT [0:0]" in router.run("iptables-save -c").stdout


@pytest.mark.parametrize(("packet", "hit"), [
    ("local udp 10.2.0.1:1 > 10.2.0.2:53", [1, 0, 1, 0, 0]),
    ("eth0 icmp 10.1.0.2 > 10.1.0.1 echo id=7 seq=1", [0, 1, 1, 0, 1]),
    ("eth0 tcp 10.1.0.2:1 > 10.1.0.1:2 S", [0, 1, 1, 0, 1]),
    ("eth0 tcp 10.1.0.2:1 > 10.2.0.2:99 S", [0, 1, 0, 1, 1]),
])
def test_programs_own_their_packets_and_the_kernel_its_answers(
    packet: str, hit: list[int]
) -> None:
    owners = ("--uid-owner 0", "! --uid-owner 0", "--socket-exists", "! --socket-exists",
              "! --gid-owner 0")
    router = Router()
    router.restore(filtering("-A FORWARD -p tcp -j REJECT --reject-with tcp-reset",
                             *(f"-A OUTPUT -m owner {owner}" for owner in owners)))
    router.send(packet)
    rules = router.ruleset.tables["filter"].chains["OUTPUT"].rules
    assert [rule.packets for rule in rules] == hit


def test_a_log_line_has_what_its_options_ask_for() -> None:
    router = Router()
    router.restore(filtering("-A INPUT -j LOG --log-tcp-sequence", "-A FORWARD -j LOG"))
    router.send("eth0 tcp 10.1.0.2:4000 > 10.1.0.1:81 S seq=7")
    assert " DPT=81 SEQ=7 ACK=0 WINDOW=65535 " in router.stack.kernel_log[-1]
    router.send("eth0 sctp 10.1.0.2:1 > 10.2.0.2:2 init")
    assert router.stack.kernel_log[-1].endswith(" ID=0 DF PROTO=132 ")


def test_connections_of_one_client_are_limited_until_one_ends() -> None:
    router = Router()
    router.restore(filtering("-A FORWARD -p tcp -m connlimit --connlimit-above 2 -j DROP"))

    def opened(port: int) -> bool:
        through = bool(router.send(f"eth0 tcp 10.1.0.2:{port} > 10.2.0.2:80 S seq=1"))
        router.send(f"eth1 tcp 10.2.0.2:80 > 10.1.0.2:{port} SA seq=1 ack=2")
        return through

    assert [opened(port) for port in (4000, 4001, 4002, 4003)] == [True, True, False, False]
    assert router.send("eth0 tcp 10.1.0.3:4000 > 10.2.0.2:80 S seq=1") != []
    router.send("eth0 tcp 10.1.0.2:4001 > 10.2.0.2:80 RA seq=2 ack=2")
    assert opened(4004)
