"""tcpdump on a node, and the background jobs that make it useful."""

from __future__ import annotations

import re

import pytest

from minikube_sim.shell.commands.tcpdump.filter import FilterError, read_filter
from netsim.packet import parse_packet


def test_a_capture_shows_what_another_command_sends(world):
    _, out, err = world.run(
        "tcpdump -n -i docker0 -c 2 icmp & ping -c 1 172.17.0.6 > /dev/null; wait")
    times = re.sub(r"^[\d:.]+ ", "", out, flags=re.MULTILINE)
    request, reply = re.sub(r"id \d+", "id N", times).splitlines()
    assert request == "IP 172.17.0.1 > 172.17.0.6: ICMP echo request, id N, seq 1, length 64"
    assert reply == "IP 172.17.0.6 > 172.17.0.1: ICMP echo reply, id N, seq 1, length 64"
    assert "listening on docker0, link-type EN10MB (Ethernet)" in err
    assert err.endswith("2 packets captured\n2 packets received by filter\n"
                        "0 packets dropped by kernel\n")


def test_a_handshake_has_relative_numbers(world):
    _, out, _ = world.run("tcpdump -nt -i docker0 tcp & curl -s 172.17.0.6:5000/ > /dev/null; wait")
    syn, syn_ack, ack, data, *_ = out.splitlines()
    assert re.fullmatch(
        r"IP 172\.17\.0\.1\.\d+ > 172\.17\.0\.6\.5000: Flags \[S\], seq \d+, win 65535, options "
        r"\[mss 1460,sackOK,TS val 0 ecr 0,nop,wscale 7\], length 0", syn)
    assert "Flags [S.], seq" in syn_ack
    assert ": Flags [.], ack 1, win 502" in ack
    assert re.search(r"Flags \[P\.\], seq 1:\d+, ack 1,", data)


def test_any_names_the_device_and_the_direction(world):
    _, out, err = world.run("tcpdump -nt -i any -c 1 & ping -c 1 172.17.0.6 > /dev/null; wait")
    assert out.startswith("veth0web Out IP 172.17.0.1 > 172.17.0.6: ICMP echo request")
    assert err.startswith("tcpdump: data link type LINUX_SLL2\n")


def test_it_ends_by_itself_when_nothing_comes(world):
    before = world.clock.now()
    code, out, err = world.run("tcpdump -i eth0")
    assert (code, out) == (0, "")
    assert "0 packets captured" in err
    assert world.clock.now() - before == pytest.approx(10)


def test_an_interrupted_capture_tells_what_it_saw(world):
    _, out, err = world.run("tcpdump -nt -i docker0 & ping -c 1 172.17.0.6 >/dev/null; "
                            "kill -INT %1; wait")
    assert len(out.splitlines()) == 2
    assert "2 packets captured" in err


def test_jobs_are_listed_and_waited_for(world):
    code, out, _ = world.run("sleep 3 & jobs; echo started; wait; jobs")
    assert (code, out) == (0, "[1]+  Running                 sleep 3 &\nstarted\n")
    assert world.run("kill %7")[2] == "bash: kill: (%7) - no such job\n"


@pytest.mark.parametrize(("line", "said"), [
    ("tcpdump -i nosuch",
     "tcpdump: nosuch: No such device exists\n(SIOCGIFHWADDR: No such device)\n"),
    ("tcpdump port", "tcpdump: can't parse filter expression: syntax error\n"),
    ("tcpdump host nosuch", "tcpdump: unknown host 'nosuch'\n"),
])
def test_what_it_refuses(world, line, said):
    assert world.run(line) == (1, "", said)


SYN = "tcp 10.0.0.1:4000 > 10.0.0.2:80 S"
DNS = "udp 10.0.0.1:4000 > 10.0.0.3:53"
PING = "icmp 10.0.0.1 > 10.0.0.2 echo id=1"


@pytest.mark.parametrize(("expression", "caught"), [
    ("", {SYN, DNS, PING}), ("tcp", {SYN}), ("icmp or udp", {DNS, PING}), ("not tcp", {DNS, PING}),
    ("port 80", {SYN}), ("port 80 or 53", {SYN, DNS}), ("dst port 4000", set()),
    ("src port 4000", {SYN, DNS}), ("tcp port 53", set()), ("udp dst port domain", {DNS}),
    ("host 10.0.0.3", {DNS}), ("dst host 10.0.0.2", {SYN, PING}), ("10.0.0.3", {DNS}),
    ("src 10.0.0.1 and dst 10.0.0.2 and not icmp", {SYN}), ("net 10.0.0.0/30", {SYN, DNS, PING}),
    ("src net 10.0.0.2/31", set()), ("portrange 50-60", {DNS}),
    ("(tcp or udp) and host 10.0.0.2", {SYN}), ("tcp[tcpflags] & tcp-syn != 0", {SYN}),
    ("tcp[13] & (tcp-syn|tcp-ack) == tcp-syn", {SYN}), ("icmp[icmptype] == icmp-echo", {PING}),
    ("! port 80 && ip", {DNS, PING}), ("ip6", set()), ("greater 2000", set()), ("arp", set()),
    ("src or dst port 80", {SYN}),
])
def test_filters_let_through_what_they_name(expression, caught):
    test = read_filter([expression])
    assert {text for text in (SYN, DNS, PING) if test(parse_packet(text))} == caught


@pytest.mark.parametrize("expression", ["port", "tcp and", "(tcp", "port nosuch", "tcp tcp tcp"])
def test_what_is_no_filter_is_refused(expression):
    with pytest.raises(FilterError):
        read_filter([expression])
