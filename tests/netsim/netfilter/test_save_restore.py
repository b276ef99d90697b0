"""iptables-save text: what is read comes out again, or is refused in iptables' words."""

from __future__ import annotations

from typing import Any

import pytest

from netsim.netfilter.cli import RestoreOptions, iptables, iptables_restore, iptables_save, restore
from netsim.netfilter.errors import RuleSyntaxError
from netsim.netfilter.ruleset import Ruleset
from netsim.netfilter.save_restore import save
from tests.netsim.truth import names, needs_truth, scenarios

FILTER = """\
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:WEB - [0:0]
-A INPUT -p tcp -m tcp --dport 80 -j WEB
-A WEB -s 10.0.0.0/8 -m comment --comment "from \\"inside\\"" -j ACCEPT
COMMIT
"""


def texts(value: Any, key: str = "") -> list[tuple[int, str]]:
    """Every iptables-save text in a scenario, with its family."""
    if isinstance(value, dict):
        return [found for name, item in value.items() for found in texts(item, name)]
    if isinstance(value, list):
        return [found for item in value for found in texts(item, key)]
    if key in ("iptables", "ip6tables", "saved") and isinstance(value, str):
        return [(6 if key == "ip6tables" else 4, value)]
    return []


def loaded(text: str, family: int = 4, **options: Any) -> Ruleset:
    ruleset = Ruleset(family)
    restore(ruleset, text, RestoreOptions(**options))
    return ruleset


@needs_truth
@pytest.mark.verified(source="truth/netfilter/rules, v113 and netfilter: iptables-save 1.8.9")
@pytest.mark.parametrize(
    ("folder", "name"),
    [(folder, name) for folder in ("rules", "v113", "netfilter") for name in names(folder)],
)
def test_a_recorded_ruleset_comes_out_as_it_went_in(folder: str, name: str) -> None:
    for family, text in texts(scenarios(folder)[name]):
        kept = [line for line in text.splitlines() if line]
        counted = any(line.startswith("[") for line in kept)
        ruleset = loaded(text, family, counters=counted)
        lines = save(ruleset, counters=counted).splitlines()
        assert bare(lines) == bare(kept)


def bare(lines: list[str]) -> dict[str, list[str]]:
    """The rules of each chain in order, and the other lines sorted, as far as they are recorded."""
    found: dict[str, list[str]] = {"": []}
    table = ""
    for line in lines:
        table = line if line.startswith("*") else table
        chain = line.partition("-A ")[2].partition(" ")[0]
        if chain:
            found.setdefault(f"{table} {chain}", []).append(line)
        else:
            found[""].append(table + line.partition(" [0:0]")[0])
    found[""].sort()
    return found


def test_a_text_comes_out_as_it_went_in() -> None:
    assert save(loaded(FILTER)) == FILTER


def test_restoring_without_noflush_begins_the_table_anew() -> None:
    ruleset = loaded(FILTER)
    restore(ruleset, "*filter\n-A INPUT -j DROP\nCOMMIT\n")
    assert save(ruleset).splitlines()[1:5] == [
        ":INPUT ACCEPT [0:0]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]",
        "-A INPUT -j DROP",
    ]


def test_restoring_with_noflush_empties_only_declared_user_chains() -> None:
    ruleset = loaded(FILTER)
    text = "*filter\n:WEB - [0:0]\n-A WEB -j DROP\nCOMMIT\n"
    restore(ruleset, text, RestoreOptions(noflush=True))
    assert "-A INPUT -p tcp -m tcp --dport 80 -j WEB" in save(ruleset)
    assert [line for line in save(ruleset).splitlines() if "-A WEB" in line] == ["-A WEB -j DROP"]


@pytest.mark.parametrize("line", [
    "-A INPUT -j NOPE", "-A NOPE -j ACCEPT", "-A INPUT -m nosuch", "-D INPUT -j ACCEPT",
    "-A INPUT -p udp -j REJECT --reject-with tcp-reset", "-X WEB", "-P INPUT FOO", "rubbish",
])
def test_a_failed_transaction_leaves_everything_as_it_was(line: str) -> None:
    ruleset = loaded(FILTER)
    web = ruleset.tables["filter"].chains["WEB"].rules[0]
    text = f"*filter\n-F WEB\n-A INPUT -j DROP\n{line}\nCOMMIT\n"
    result = iptables_restore(ruleset, ["-n"], text)
    assert result.code != 0
    assert save(ruleset) == FILTER
    assert ruleset.tables["filter"].chains["WEB"].rules == [web]
    assert ruleset.tables["filter"].chains["WEB"].references == 1


def test_the_test_option_reads_and_changes_nothing() -> None:
    ruleset = loaded(FILTER)
    restore(ruleset, "*filter\n-A INPUT -j DROP\nCOMMIT\n", RestoreOptions(test=True))
    assert save(ruleset) == FILTER


def test_only_the_wanted_table_is_restored() -> None:
    ruleset = loaded("*filter\n:A - [0:0]\nCOMMIT\n*nat\n:B - [0:0]\nCOMMIT\n", table="nat")
    assert "*filter" not in save(ruleset)
    assert ":B - [0:0]" in save(ruleset)


def test_counters_are_read_and_written_if_wanted() -> None:
    text = "*filter\n:INPUT ACCEPT [5:500]\n[7:70] -A INPUT -j ACCEPT\nCOMMIT\n"
    assert "[7:70] -A INPUT" in save(loaded(text, counters=True), counters=True)
    assert "[0:0] -A INPUT" in save(loaded(text), counters=True)


def test_a_rule_that_is_not_rewritten_keeps_its_place_and_state() -> None:
    ruleset = loaded(FILTER)
    rule = ruleset.tables["filter"].chains["WEB"].rules[0]
    restore(ruleset, "*filter\n-A INPUT -j DROP\nCOMMIT\n", RestoreOptions(noflush=True))
    assert ruleset.tables["filter"].chains["WEB"].rules[0] is rule


def test_ip6tables_reads_and_writes_ipv6() -> None:
    rule = "-d fd00::1 -p tcp --dport 80 -j DNAT --to-destination [fd00::2]:8080"
    ruleset = loaded(f"*nat\n-A PREROUTING {rule}\nCOMMIT\n", family=6)
    assert (
        "-A PREROUTING -d fd00::1/128 -p tcp -m tcp --dport 80 -j DNAT --to-destination "
        "[fd00::2]:8080"
    ) in save(ruleset)
    with pytest.raises(RuleSyntaxError):
        restore(ruleset, "*filter\n-A INPUT -s 10.0.0.1\nCOMMIT\n")


def test_saving_names_program_and_date() -> None:
    ruleset = Ruleset(4)
    iptables(ruleset, ["-A", "INPUT", "-j", "ACCEPT"])
    text = iptables_save(ruleset, [], "Sun Nov 22 12:00:00 2026").stdout
    assert text.startswith(
        "# Generated by iptables-save v1.8.9 (nf_tables) on Sun Nov 22 12:00:00 2026\n*filter\n"
    )
    assert text.endswith("COMMIT\n# Completed on Sun Nov 22 12:00:00 2026\n")


def test_an_empty_ruleset_saves_as_nothing() -> None:
    assert iptables_save(Ruleset(4), [], "now").stdout == ""
