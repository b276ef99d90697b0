"""Matches and targets: all are listed, and what they save reads as themselves."""

from __future__ import annotations

import pkgutil
from pathlib import Path

import pytest
from hypothesis import given, settings

from netsim.netfilter import matches, targets
from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.rule_text import parse_rule, rule_text
from netsim.netfilter.ruleset import Rule
from netsim.netfilter.shared import Shared
from tests.netsim.netfilter.generate import rules
from tests.netsim.router import Router

SAVED = [
    line.split(" ", 3)[3].removeprefix(f"{line.split(' ', 3)[2]} ")
    for line in (Path(__file__).parent / "commands" / "matches.txt").read_text().splitlines()
    if " -A " in line and "'" not in line and '"' not in line
]


def test_every_match_module_is_in_the_table() -> None:
    modules = {module.name for module in pkgutil.iter_modules(matches.__path__)}
    assert {kind.__module__.rpartition(".")[2] for kind in matches.MATCHES.values()} == modules


def test_every_target_module_is_in_the_table() -> None:
    modules = {module.name for module in pkgutil.iter_modules(targets.__path__)}
    assert {kind.__module__.rpartition(".")[2] for kind in targets.TARGETS.values()} == modules


@pytest.mark.parametrize("text", SAVED)
def test_saved_text_reads_as_the_same_rule(text: str) -> None:
    try:
        spec = parse_rule(text)
    except RuleSyntaxError:
        return  # the command list holds wrong ones, too
    again = parse_rule(rule_text(spec, 4))
    assert rule_text(again, 4) == rule_text(spec, 4)


@settings(max_examples=200, deadline=None)
@given(rules("filter", "FORWARD"))
def test_saved_random_rules_read_as_the_same_rule(line: str) -> None:
    spec = parse_rule(line.removeprefix("-A FORWARD "))
    assert rule_text(parse_rule(rule_text(spec, 4)), 4) == rule_text(spec, 4)


def test_an_nth_counter_begins_anew_only_with_its_own_rule() -> None:
    made = Router()
    made.restore(
        "*filter\n:A - [0:0]\n-A FORWARD -m statistic --mode nth --every 2 --packet 0 -j DROP\n"
        "COMMIT\n"
    )
    packet = "eth0 udp 10.1.0.2:4000 > 10.2.0.2:53"
    assert made.send(packet) == []
    made.command("iptables -A A -j RETURN")
    made.command("iptables -I FORWARD -p tcp -j A")
    assert made.send(packet) != []
    assert made.send(packet) == []
    made.command("iptables -R FORWARD 2 -m statistic --mode nth --every 2 --packet 0 -j DROP")
    assert made.send(packet) == []


def test_a_recent_list_lives_as_long_as_a_rule_names_it() -> None:
    shared = Shared()
    spec = parse_rule("-m recent --set --name seen")
    first, second = Rule(spec), Rule(spec)
    first.bind(shared)
    second.bind(shared)
    entries = shared.recent["seen"]
    entries.add((4, 1), 0.0, 64)
    del first, entries
    assert shared.recent["seen"].entries
    del second
    assert "seen" not in shared.recent


def test_a_log_line_shows_the_packet() -> None:
    made = Router()
    made.restore('*filter\n-A FORWARD -p tcp -j LOG --log-prefix "web: "\nCOMMIT\n')
    made.send("eth0 tcp 10.1.0.2:4000 > 10.2.0.2:80 S")
    assert made.stack.kernel_log[-1] == (
        "web: IN=eth0 OUT=eth1 SRC=10.1.0.2 DST=10.2.0.2 LEN=40 TOS=0x00 PREC=0x00 TTL=63 ID=0 DF "
        "PROTO=TCP SPT=4000 DPT=80 WINDOW=65535 RES=0x00 SYN URGP=0 "
    )


def test_two_inverted_ports_pass_what_differs_in_one_as_iptables_nft_writes_it() -> None:
    made = Router()
    made.restore("*filter\n-A FORWARD -p udp -m udp ! --sport 53 ! --dport 80 -j DROP\nCOMMIT\n")
    assert made.send("eth0 udp 10.1.0.2:53 > 10.2.0.2:80") != []
    assert made.send("eth0 udp 10.1.0.2:53 > 10.2.0.2:81") == []
