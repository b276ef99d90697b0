"""The short path changes nothing but the time it takes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netsim.netfilter.save_restore import save
from tests.netsim.router import Router

RULES = """
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -d 10.1.0.1/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.2.0.2:8080
-A PREROUTING -d 10.1.0.1/32 -p udp -m udp --dport 53 -j DNAT --to-destination 10.2.0.2:5353
-A POSTROUTING -s 10.1.0.3/32 -o eth1 -j SNAT --to-source 10.2.0.1
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -p udp -m udp --dport 54 -m length --length 0:30 -j MARK --set-mark 0x9
-A FORWARD -m mark --mark 0x9 -j CONNMARK --save-mark
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A FORWARD -m connmark --mark 0x9
-A FORWARD -p udp -m udp --dport 5353 -m statistic --mode nth --every 3 --packet 0
-A FORWARD -s 10.1.0.3/32 -m conntrack --ctstatus ASSURED
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -m conntrack --ctstate NEW -j ACCEPT
COMMIT
"""

CLIENTS = ("10.1.0.2", "10.1.0.3")


@st.composite
def packet_texts(draw: st.DrawFn) -> str:
    """A packet of one of a few flows, in either direction, TCP or UDP."""
    client = draw(st.sampled_from(CLIENTS))
    port = draw(st.sampled_from((4000, 4001)))
    length = draw(st.sampled_from((0, 1, 700)))
    ttl = draw(st.sampled_from((64, 64, 2, 1)))
    tail = f"len={length} ttl={ttl}"
    back = client if client == "10.1.0.2" else "10.2.0.1"
    if draw(st.booleans()):
        to = draw(st.sampled_from(("10.1.0.1:53", "10.2.0.2:54")))
        inner = "10.2.0.2:5353" if to == "10.1.0.1:53" else "10.2.0.2:54"
        there, here = f"udp {client}:{port} > {to}", f"udp {inner} > {back}:{port}"
    else:
        flags = draw(st.sampled_from(("S", "SA", "A", "A", "A", "PA", "FA", "R")))
        numbers = f"seq={draw(st.integers(1000, 1004))} ack={draw(st.integers(1000, 1004))}"
        there = f"tcp {client}:{port} > 10.1.0.1:80 {flags} {numbers}"
        here = f"tcp 10.2.0.2:8080 > {back}:{port} {flags} {numbers}"
    return draw(st.sampled_from((f"eth0 {there} {tail}", f"eth1 {here} {tail}")))


def router(*, cache: bool) -> Router:
    made = Router()
    made.stack.flow_cache = cache
    made.restore(RULES)
    return made


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(packet_texts(), st.sampled_from((0.0, 0.0, 0.0, 1.5, 40.0))),
                min_size=1, max_size=40))
def test_with_and_without_the_cache_everything_comes_out_the_same(
    steps: list[tuple[str, float]],
) -> None:
    fast, slow = router(cache=True), router(cache=False)
    for text, pause in steps:
        assert fast.send(text) == slow.send(text), text
        fast.time += pause
        slow.time += pause
    assert fast.conntrack_lines() == slow.conntrack_lines()
    assert save(fast.ruleset, counters=True) == save(slow.ruleset, counters=True)


def establish(made: Router) -> None:
    made.send("eth0 udp 10.1.0.2:4000 > 10.2.0.2:99")
    made.send("eth1 udp 10.2.0.2:99 > 10.1.0.2:4000")
    made.send("eth0 udp 10.1.0.2:4000 > 10.2.0.2:99")


def test_a_new_rule_meets_the_next_packet_of_an_established_flow() -> None:
    made = router(cache=True)
    establish(made)
    made.command("iptables -I FORWARD -p udp --dport 99 -j DROP")
    assert made.send("eth0 udp 10.1.0.2:4000 > 10.2.0.2:99") == []


@pytest.mark.parametrize("change", [
    lambda stack: stack.add_route("10.2.0.2/32", via="10.1.0.9"),
    lambda stack: stack.add_address("eth0", "10.2.0.2/32"),
])
def test_a_new_route_or_address_turns_an_established_flow(change: object) -> None:
    made = router(cache=True)
    establish(made)
    change(made.stack)  # type: ignore[operator]
    assert made.send("eth0 udp 10.1.0.2:4000 > 10.2.0.2:99") != [
        "eth1 udp 10.1.0.2:4000 > 10.2.0.2:99 len=0 ttl=63"
    ]


def test_an_established_flow_really_takes_the_short_path() -> None:
    made = router(cache=True)
    establish(made)
    (connection,) = made.stack.conntrack
    assert connection.flows is not None
    assert connection.flows[0] is not None
