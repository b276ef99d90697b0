"""The nft command: what it prints, how it ends, and that errors change nothing."""

from __future__ import annotations

import shlex

import pytest

from netsim.nft import Ruleset, list_ruleset
from netsim.nft.command import CommandResult, run
from tests.netsim.kernel import ask, require

TRANSCRIPT = """\
add table ip t
list tables
add chain ip t c
add rule ip t c ip saddr 10.0.0.1 drop
add rule ip t nope drop
add rule ip nope c drop
add rule t c accept comment "x y"
list table t
add set ip t s { type ipv4_addr; comment "q"; }
add set ip t s { type ipv4_addr; }
create table ip t
create chain ip t c
add chain ip t c
add map ip t m { type inet_service : verdict; }
add element ip t m { 80 : jump c }
add element ip t s { 1.2.3.4 }
list set ip t s
list map ip t m
list set ip t m
list set ip t s2
delete element ip t s { 1.2.3.4 }
list ruleset
list ruleset ip6
delete chain ip t nope
flush chain ip t nope
flush table ip nope
delete set ip t nope
delete set ip t s
delete table ip nope
insert rule ip t c counter
list chain ip t c
list chain t c
list chain ip t nope
list table ip nope
add chain ip t base { type filter hook input priority 0; policy drop; }
add rule ip t base tcp dport { 80, 443 } accept
list chain ip t base
list chains
list sets
list maps
flush chain ip t c
add table ip6 six
add chain ip6 six c { type nat hook postrouting priority srcnat; }
add rule ip6 six c masquerade
list ruleset ip6
list tables
list table
list chain ip t
list
delete table t
list tables
flush ruleset
list ruleset
--version
"""
SAME_WITH_OTHER_HANDLES = "add table ip t\nadd chain ip t c\nadd rule ip t c drop\n"


def _ours(lines: list[str], ruleset: Ruleset | None = None) -> list[CommandResult]:
    ruleset = ruleset or Ruleset()
    return [run(ruleset, line.split(" ")) for line in lines]


def _shown(result: CommandResult) -> str:
    return f"{result.stdout}{result.stderr}rc={result.exit_code}\n"


@pytest.mark.kernel
def test_the_real_nft_says_the_same() -> None:
    require("nft")
    lines = TRANSCRIPT.splitlines()
    script = "\n".join(f"echo '#'; nft {shlex.quote(line)} 2>&1; echo rc=$?" for line in lines)
    real = ask(script).split("#\n")[1:]
    for line, said, ours in zip(lines, real, _ours(lines), strict=True):
        assert _shown(ours) == said, line


def test_handles_are_shown_and_rules_are_deleted_by_them() -> None:
    ruleset = Ruleset()
    _ours([*SAME_WITH_OTHER_HANDLES.splitlines(), "add rule ip t c accept"], ruleset)
    listed = run(ruleset, ["-a", "list", "chain", "ip", "t", "c"]).stdout
    assert listed == (
        "table ip t { # handle 1\n\tchain c { # handle 1\n\t\tdrop # handle 2\n"
        "\t\taccept # handle 3\n\t}\n}\n"
    )
    assert _shown(run(ruleset, ["delete", "rule", "ip", "t", "c", "handle", "2"])) == "rc=0\n"
    assert run(ruleset, ["list", "chain", "ip", "t", "c"]).stdout.count("\n\t\t") == 1


def test_rules_are_placed_and_replaced_by_handle() -> None:
    ruleset = Ruleset()
    _ours([*SAME_WITH_OTHER_HANDLES.splitlines(), "add rule ip t c accept"], ruleset)
    _ours(["insert rule ip t c handle 3 counter", "add rule ip t c handle 2 return",
           "replace rule ip t c handle 3 continue"], ruleset)  # fmt: skip
    rules = [str(rule) for rule in ruleset.tables["ip", "t"].chains["c"].rules]
    assert rules == ["drop", "return", "counter packets 0 bytes 0", "continue"]


def test_a_chain_in_use_is_not_deleted() -> None:
    ruleset = Ruleset()
    _ours(["add table ip t", "add chain ip t c", "add chain ip t d", "add rule ip t d jump c"],
          ruleset)  # fmt: skip
    result = run(ruleset, ["delete", "chain", "ip", "t", "c"])
    assert "Device or resource busy" in result.stderr
    assert "c" in ruleset.tables["ip", "t"].chains


def test_a_rule_that_makes_a_loop_is_refused_and_not_there() -> None:
    ruleset = Ruleset()
    _ours(["add table ip t", "add chain ip t c"], ruleset)
    result = run(ruleset, ["add", "rule", "ip", "t", "c", "jump", "c"])
    assert "Too many links" in result.stderr
    assert ruleset.tables["ip", "t"].chains["c"].rules == []


def test_a_file_is_carried_out_wholly_or_not_at_all() -> None:
    ruleset = Ruleset()
    text = "table ip t {\n\tchain c {\n\t\taccept\n\t\tfrobnicate\n\t}\n}\n"
    result = run(ruleset, ["-f", "-"], read_file=lambda _: text)
    assert result.exit_code == 1
    assert result.stderr.startswith("/dev/stdin:4:3-12: Error: syntax error, unexpected frobnicate")
    assert list_ruleset(ruleset) == ""
    good = text.replace("frobnicate", "drop")
    assert run(ruleset, ["-f", "x.nft"], read_file=lambda _: good).exit_code == 0
    assert list_ruleset(ruleset) == good


def test_a_file_that_is_not_there() -> None:
    result = run(Ruleset(), ["-f", "/nonexistent"])
    assert _shown(result) == (
        'internal:0:0-0: Error: Could not open file "/nonexistent": No such file or directory\n'
        "\n\nrc=1\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [([], "nft: no command specified\n"), (["--frob"], "nft: unrecognized option '--frob'\n")],
)
def test_wrong_options(arguments: list[str], said: str) -> None:
    assert run(Ruleset(), arguments) == CommandResult(exit_code=1, stderr=said)
