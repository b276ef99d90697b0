"""How packets go through chains, and what the statements do."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from netsim.conntrack.connection import DST_NAT, SRC_NAT
from netsim.link import Wire
from netsim.namespace import Namespace
from netsim.netfilter.context import Context, RejectWith
from netsim.netfilter.hooks import Hook, Verdict
from netsim.nft import Ruleset, parse, walk
from netsim.packet import address_text, parse_packet
from netsim.trace import Trace

if TYPE_CHECKING:
    from netsim.nft import Table


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time


def _stack(clock: Clock | None = None) -> Namespace:
    stack = Namespace("host", Wire(), (clock or Clock()).now, random.Random(1), tracking=True)
    stack.add_interface("eth0")
    stack.add_address("eth0", "10.0.0.1/24")
    return stack


def _table(body: str) -> Table:
    ruleset = Ruleset()
    hook = "type filter hook input priority filter; policy accept;"
    parse(ruleset, "table ip t {\n" + body.replace("BASE", hook) + "\n}")
    return ruleset.tables["ip", "t"]


def _context(
    text: str = "tcp 10.0.0.9:4000 > 10.0.0.1:80 S", stack: Namespace | None = None
) -> Context:
    return Context(stack or _stack(), parse_packet(text), Hook.INPUT, "eth0")


def _verdict(body: str) -> Verdict:
    return walk(_table(body).chain("base"), _context())


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("chain base { BASE }", Verdict.ACCEPT),
        ("chain base { type filter hook input priority filter; policy drop; }", Verdict.DROP),
        ("chain base { BASE\n drop\n accept }", Verdict.DROP),
        ("chain base { BASE\n jump a\n drop }\n chain a { return\n accept }", Verdict.DROP),
        ("chain base { BASE\n jump a\n drop }\n chain a { accept }", Verdict.ACCEPT),
        ("chain base { BASE\n goto a\n drop }\n chain a { ct state new drop }", Verdict.ACCEPT),
        ("chain base { BASE\n jump a\n drop }\n chain a { goto b\n accept }\n chain b { }",
         Verdict.DROP),
        ("chain base { BASE\n return\n drop }", Verdict.ACCEPT),
        ("chain base { BASE\n tcp dport vmap { 80 : drop, 81 : accept } }", Verdict.DROP),
        ("chain base { BASE\n tcp dport vmap { 81 : accept }\n drop }", Verdict.DROP),
        ("chain base { BASE\n tcp dport vmap { 80 : continue } drop }", Verdict.DROP),
    ],
)  # fmt: skip
def test_verdicts(body: str, verdict: Verdict) -> None:
    assert _verdict(body) is verdict


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        ("ip saddr 10.0.0.0/24", True),
        ("ip saddr != 10.0.0.0/24", False),
        ("ip saddr { 10.0.0.1-10.0.0.9, 10.1.0.0/16 }", True),
        ("ip saddr { 10.0.0.10-10.0.0.99 }", False),
        ("ip saddr @known", True),
        ("ip daddr @known", False),
        ("ip6 saddr ::/0", False),
        ("th dport 80", True),
        ("udp dport 80", False),
        ("udp dport != 81", False),
        ("meta l4proto tcp", True),
        ("meta mark 0x0", True),
        ('iifname "eth*"', True),
        ('iifname "lo"', False),
        ('oifname ""', True),
        ("fib daddr type local", True),
        ("fib saddr type local", False),
        ("ct state invalid", True),
        ("ct status dnat", False),
        ("ip saddr . th dport @pairs", True),
    ],
)
def test_conditions(condition: str, matches: bool) -> None:
    sets = (
        "set known { type ipv4_addr; elements = { 10.0.0.9 } }\n"
        "set pairs { type ipv4_addr . inet_service; elements = { 10.0.0.9 . 80 } }\n"
    )
    verdict = _verdict(f"{sets} chain base {{ BASE\n {condition} drop }}")
    assert (verdict is Verdict.DROP) == matches


def test_marks_are_set_and_taken_off() -> None:
    table = _table(
        "chain base { BASE\n meta mark set meta mark | 0x00004000\n"
        " meta mark & 0x00004000 != 0x00000000 meta mark set meta mark ^ 0x00004000\n"
        " meta mark set 0x5 }"
    )
    context = _context()
    context.mark = 1
    walk(table.chain("base"), context)
    assert context.mark == 5


def test_reject_drops_and_leaves_the_answer() -> None:
    context = _context()
    table = _table("chain base { BASE\n reject }")
    assert walk(table.chain("base"), context) is Verdict.DROP
    assert context.rejection is RejectWith.PORT_UNREACHABLE


def test_numgen_inc_counts_in_turn_and_starts_anew_with_the_rule() -> None:
    table = _table(
        "chain base { BASE\n numgen inc mod 3 vmap { 0 : accept, 1 : drop, 2 : accept } }"
    )
    chain = table.chain("base")
    seen = [walk(chain, _context()).name[0] for _ in range(7)]
    assert "".join(seen) == "ADAADAA"
    chain.replace([type(chain.rules[0])(table, chain.rules[0].statements)])
    assert walk(chain, _context()) is Verdict.ACCEPT


def test_numgen_random_takes_the_chance_of_the_namespace() -> None:
    table = _table("chain base { BASE\n numgen random mod 2 vmap { 0 : accept, 1 : drop } }")
    stack = _stack()
    drops = sum(
        walk(table.chain("base"), _context(stack=stack)) is Verdict.DROP for _ in range(400)
    )
    assert 150 < drops < 250


AFFINITY = (
    "set seen { type ipv4_addr; size 2; flags dynamic,timeout; timeout 10s; }\n"
    "chain base { BASE\n ip saddr @seen drop\n update @seen { ip saddr } }"
)


def test_dynamic_sets_forget_after_their_timeout() -> None:
    clock = Clock()
    stack, table = _stack(clock), _table(AFFINITY)
    base = table.chain("base")
    assert walk(base, _context(stack=stack)) is Verdict.ACCEPT
    clock.time += 9.9
    assert walk(base, _context(stack=stack)) is Verdict.DROP
    clock.time += 0.1
    assert walk(base, _context(stack=stack)) is Verdict.ACCEPT


def test_update_starts_the_time_anew_and_a_full_set_takes_no_more() -> None:
    clock = Clock()
    stack = _stack(clock)
    item = _table(AFFINITY).sets["seen"]
    context = _context(stack=stack)
    assert item.update(1, context, refresh=True)
    clock.time += 6
    assert item.update(1, context, refresh=True)
    clock.time += 6
    assert item.lookup(1, context) is not None
    assert item.update(2, context, refresh=True)
    assert not item.update(3, context, refresh=True)
    clock.time += 5
    assert item.update(3, context, refresh=True)


def _flow(stack: Namespace, text: str) -> str:
    """Send the first packet of a flow; where to and from whom it goes after NAT."""
    stack.conntrack.flush()
    assert stack.send(parse_packet(text)) == ""
    (flow,) = stack.conntrack
    ends = (flow.reply[2], flow.reply[3])
    assert flow.status & (DST_NAT | SRC_NAT)
    return " ".join(address_text(4, end) for end in ends)


def test_base_chains_are_asked_by_the_namespace_until_they_are_deleted() -> None:
    stack = _stack()
    stack.interfaces["eth0"].link = _Everybody()  # type: ignore[assignment]
    ruleset = Ruleset(stack.rules_changed)
    ruleset.attach(stack)
    parse(
        ruleset,
        "table ip t {\n chain d { type nat hook output priority -100; policy accept;\n"
        " ip daddr 10.9.9.9 dnat ip to numgen inc mod 2"
        " map { 0 : 10.0.0.5 . 80, 1 : 10.0.0.6 . 80 } }\n"
        " chain s { type nat hook postrouting priority srcnat; policy accept;\n masquerade }\n}",
    )
    stack.add_route("10.9.0.0/16", interface="eth0")
    flow = "tcp 10.0.0.1:4000 > 10.9.9.9:80 S"
    assert [_flow(stack, flow) for _ in range(3)] == [
        "10.0.0.5 10.0.0.1",
        "10.0.0.6 10.0.0.1",
        "10.0.0.5 10.0.0.1",
    ]
    ruleset.delete_table("ip", "t")
    stack.conntrack.flush()
    assert stack.send(parse_packet(flow)) == ""
    (plain,) = stack.conntrack
    assert not plain.status & (DST_NAT | SRC_NAT)


class _Everybody:
    def transmit(self, packet: object, next_hop: int) -> bool:
        del packet, next_hop
        return True


def test_a_trace_names_the_rules_that_matched_and_policies() -> None:
    context = _context()
    context.trace = trace = Trace()
    table = _table(
        "chain base { BASE\n ip saddr 10.0.0.9 meta mark set 0x1\n jump a }\n"
        "chain a { th dport 81 drop }"
    )
    walk(table.chain("base"), context)
    steps = [(s.table, s.chain, s.number, s.verdict) for s in trace.steps]
    assert steps == [
        ("ip t", "base", 1, "continue"),
        ("ip t", "base", 2, "jump a"),
        ("ip t", "base", 0, "ACCEPT"),
    ]


def test_counters_count_what_reaches_them() -> None:
    table = _table("chain base { BASE\n counter tcp dport 81 counter drop }")
    walk(table.chain("base"), _context())
    text = str(table.chain("base").rules[0])
    assert text == "counter packets 1 bytes 40 tcp dport 81 counter packets 0 bytes 0 drop"


@pytest.mark.parametrize(("depth", "verdict"), [(16, Verdict.ACCEPT), (17, Verdict.DROP)])
def test_one_jump_too_deep_drops_the_packet(depth: int, verdict: Verdict) -> None:
    chains = [f"chain c{n} {{ jump c{n + 1} }}" for n in range(1, depth)]
    table = _table(
        "chain base { BASE\n jump c1 }\n" + "\n".join([*chains, f"chain c{depth} {{ }}"])
    )
    assert walk(table.chain("base"), _context()) is verdict
