"""The fast walk decides, counts and remembers exactly what the plain walk does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from netsim.netfilter import compiled, traverse
from netsim.netfilter.rule_text import parse_rule
from netsim.netfilter.ruleset import Rule
from netsim.netfilter.save_restore import save
from netsim.trace import Trace
from tests.netsim.netfilter.generate import packets, rulesets
from tests.netsim.router import Router

if TYPE_CHECKING:
    from collections.abc import Callable

    from netsim.netfilter.ruleset import Chain


def router(text: str, attach: Callable[..., None], *, cache: bool = False) -> Router:
    made = Router(attach=attach)
    made.stack.flow_cache = cache
    made.restore(text)
    return made


def state(made: Router) -> tuple[str, list[str], list[str]]:
    return save(made.ruleset, counters=True), made.conntrack_lines(), list(made.stack.kernel_log)


@settings(max_examples=200, deadline=None)
@given(rulesets(), st.lists(packets(), min_size=1, max_size=12))
def test_the_compiled_walk_equals_the_plain_one(text: str, sent: list[str]) -> None:
    plain, fast = router(text, traverse.attach), router(text, compiled.attach)
    for packet in sent:
        assert fast.send(packet) == plain.send(packet), packet
        assert state(fast) == state(plain), packet


@settings(max_examples=40, deadline=None)
@given(rulesets(), st.lists(packets(), min_size=1, max_size=12))
def test_the_flow_cache_and_the_plain_walk_agree(text: str, sent: list[str]) -> None:
    plain, fast = router(text, traverse.attach), router(text, compiled.attach, cache=True)
    for packet in sent:
        assert fast.send(packet) == plain.send(packet), packet
        assert state(fast) == state(plain), packet


@settings(max_examples=25, deadline=None)
@given(rulesets(), st.lists(packets(), min_size=1, max_size=8))
def test_a_trace_changes_nothing_and_tells_each_counted_rule(text: str, sent: list[str]) -> None:
    quiet, traced = router(text, compiled.attach), router(text, compiled.attach)
    trace = Trace()
    for packet in sent:
        assert traced.send(packet, trace=trace) == quiet.send(packet)
    assert state(traced) == state(quiet)
    counted = sum(
        rule.packets
        for table in traced.ruleset.tables.values()
        for chain in table.chains.values()
        for rule in chain.rules
    )
    answers = sum(1 for step in trace.steps if step.kind == "rule")
    assert answers <= counted


def chain_with_an_index() -> tuple[Router, Chain]:
    made = Router()
    made.restore("*filter\n" + "".join(
        f"-A FORWARD -d 10.2.0.{n}/32 -p udp -m udp --dport 53 -j ACCEPT\n" for n in range(2, 12)
    ) + "COMMIT\n")
    made.send("eth0 udp 10.1.0.2:4000 > 10.2.0.2:53")
    return made, made.ruleset.tables["filter"].chains["FORWARD"]


def test_a_rule_put_into_an_index_leaves_the_rest_compiled() -> None:
    made, chain = chain_with_an_index()
    before = chain.compiled
    chain.insert(3, Rule(parse_rule("-d 10.2.0.3/32 -p udp -m udp --dport 53 -j DROP")))
    assert chain.compiled is before
    assert made.send("eth0 udp 10.1.0.2:4001 > 10.2.0.3:53") == [
        "eth1 udp 10.1.0.2:4001 > 10.2.0.3:53 len=0 ttl=63"
    ], "the rule before it accepts"
    chain.insert(0, Rule(parse_rule("-d 10.2.0.3/32 -p udp -m udp --dport 53 -j DROP")))
    assert chain.compiled is before
    assert made.send("eth0 udp 10.1.0.2:4002 > 10.2.0.3:53") == []


def test_a_rule_taken_out_of_an_index_no_longer_matches() -> None:
    made, chain = chain_with_an_index()
    before = chain.compiled
    chain.remove(chain.rules[1])
    chain.append(Rule(parse_rule("-d 10.2.0.3/32 -j DROP")))
    assert chain.compiled is before
    assert made.send("eth0 udp 10.1.0.2:4001 > 10.2.0.3:53") == []


def test_a_rule_that_no_index_can_take_makes_the_chain_compile_anew() -> None:
    made, chain = chain_with_an_index()
    chain.insert(0, Rule(parse_rule("-m mark --mark 0 -j DROP")))
    assert chain.compiled is None
    assert made.send("eth0 udp 10.1.0.2:4001 > 10.2.0.3:53") == []


def test_many_insertions_at_one_place_keep_the_order() -> None:
    made, chain = chain_with_an_index()
    for number in range(100):
        chain.insert(5, Rule(parse_rule(f"-d 10.2.0.99/32 -p udp -m udp --dport {number + 1}")))
    orders = [rule.order for rule in chain.rules]
    assert orders == sorted(set(orders))
    made.send("eth0 udp 10.1.0.2:4001 > 10.2.0.99:100")
    assert chain.rules[5].packets == 1


def test_chains_of_one_shape_share_their_code() -> None:
    made = Router()
    made.restore(
        "*filter\n:A - [0:0]\n:B - [0:0]\n-A FORWARD -s 10.1.0.2 -j A\n-A FORWARD -j B\n"
        "-A A -s 10.1.0.2 -j RETURN\n-A B -s 10.1.0.3 -j RETURN\nCOMMIT\n"
    )
    made.send("eth0 udp 10.1.0.2:4000 > 10.2.0.2:53")
    chains = made.ruleset.tables["filter"].chains
    assert chains["A"].run.__code__ is chains["B"].run.__code__
