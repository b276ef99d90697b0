"""The same iptables commands here and on a real kernel: same words, same end."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from netsim.netfilter.cli import Result, iptables, iptables_restore
from netsim.netfilter.ruleset import Ruleset
from netsim.netfilter.save_restore import save
from tests.netsim.kernel import ask, require
from tests.netsim.truth import names, needs_truth, scenarios

COMMANDS = sorted((Path(__file__).parent / "commands").glob("*.txt"))
COMMENT = re.compile(r"^#.*\n", re.MULTILINE)

RECORDED = sorted(COMMANDS[0].parent.glob("*.json"))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_commands_end_and_print_as_recorded(path: Path) -> None:
    recorded = [(line, Result(*ended)) for line, *ended in json.loads(path.read_text())]
    ours = simulated([line for line, _ in recorded])
    for (line, theirs), mine in zip(recorded, ours, strict=True):
        assert (line, mine) == (line, theirs)


def on_the_kernel(lines: list[str]) -> list[Result]:
    """What the real commands print, all in one fresh network namespace."""
    script = "".join(
        f"{{ {line}\n}} > $d/out 2> $d/err; printf '%s\\037' $?; cat $d/out; printf '\\037'; "
        f"cat $d/err; printf '\\036'\n"
        for line in lines
    )
    printed = ask(f"d=$(mktemp -d)\n{script}rm -r $d\n")
    results = [part.split("\037") for part in printed.split("\036")[:-1]]
    return [Result(int(code), out, err) for code, out, err in results]


def simulated(lines: list[str]) -> list[Result]:
    """What ours print."""
    rulesets = {"iptables": Ruleset(4), "ip6tables": Ruleset(6)}
    return [iptables(rulesets[words[0]], words[1:]) for words in map(shlex.split, lines)]


@pytest.mark.kernel
@pytest.mark.slow
@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_commands_end_and_print_as_the_real_ones(path: Path) -> None:
    require("iptables", "ip6tables")
    lines = [line for line in path.read_text().splitlines() if line]
    for line, ours, theirs in zip(lines, simulated(lines), on_the_kernel(lines), strict=True):
        assert (line, ours) == (line, theirs)


@needs_truth
@pytest.mark.kernel
@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in names("netfilter") if n != "ipset"])
def test_what_we_save_loads_in_a_kernel_and_comes_back(name: str) -> None:
    require("iptables")
    ruleset = Ruleset(4)
    assert iptables_restore(ruleset, [], scenarios("netfilter")[name]["rules"]).code == 0
    text = save(ruleset)
    theirs = ask("iptables-restore && iptables-save", text)
    assert COMMENT.sub("", theirs) == text


RESTORES = [
    ("", "*nope\nCOMMIT\n"),
    ("", "*filter\nfoo\nCOMMIT\n"),
    ("", ":A - [0:0]\nCOMMIT\n"),
    ("", "*filter\n:A\nCOMMIT\n"),
    ("", "*filter\n:A -\nCOMMIT\n"),
    ("", "*filter\n:INPUT FOO [0:0]\nCOMMIT\n"),
    ("", "*filter\n:INPUT - [0:0]\nCOMMIT\n"),
    ("-c", "*filter\n:INPUT ACCEPT [x]\nCOMMIT\n"),
    ("-c", "*filter\n[5:5 -A INPUT\nCOMMIT\n"),
    ("", "*filter\n[5:5] -A INPUT -j ACCEPT\nCOMMIT\n"),
    ("", "*filter\n-A INPUT -j ACCEPT\n-A NOPE -j ACCEPT\nCOMMIT\n"),
    ("", "*filter\n-t nat -A INPUT -j ACCEPT\nCOMMIT\n"),
    ("", "*filter\n-A INPUT -p udp -j REJECT --reject-with tcp-reset\nCOMMIT\n"),
    ("", "*filter\n:A - [0:0]\n-A A -j A\n-A INPUT -j A\nCOMMIT\n"),
    ("", "*nat\n:U - [0:0]\n-A PREROUTING -j U\n-A U -j MASQUERADE\nCOMMIT\n"),
    ("", "*nat\n:U - [0:0]\n-A U -j MASQUERADE\n-A PREROUTING -j U\nCOMMIT\n"),
    ("", "*filter\n*nat\nCOMMIT\n"),
    ("", "*filter\nCOMMIT\nCOMMIT\n"),
    ("", "*filter\n-A INPUT -j ACCEPT\n-D INPUT -j DROP\nCOMMIT\n"),
    ("", "*filter\n-N X1\n-N X1\nCOMMIT\n"),
    ("", "*filter\n:X1 - [0:0]\n:X1 - [0:0]\nCOMMIT\n"),
    ("", "*filter\n-P INPUT DROP\nCOMMIT\n"),
    ("-c", "*filter\n:INPUT DROP [5:500]\n:A - [4:4]\n[7:70] -A A -j ACCEPT\nCOMMIT\n"),
    ("-n", "*filter\n:INPUT ACCEPT [9:900]\n:FORWARD DROP [9:900]\n-A A -j DROP\nCOMMIT\n"),
    ("-n", "*filter\n:A - [0:0]\nCOMMIT\n"),
    ("-T nat", "*filter\n:FOO - [0:0]\nCOMMIT\n*nat\n:BAR - [0:0]\nCOMMIT\n"),
    ("-n", "*filter\n-E A AAA\nCOMMIT\n"),
    ("-n", "*filter\n-X AAA\n-F\nCOMMIT\n"),
    ("-n", "*filter\n-E A AAA\nCOMMIT\n"),
    ("-n", "*filter\n-Z\nCOMMIT\n"),
    ("--foo", "*filter\nCOMMIT\n"),
    ("-n", "*filter\n:averyveryverylongchainnamethatisover - [0:0]\nCOMMIT\n"),
    ("-n", '*filter\n-A INPUT -m comment --comment "a b" -m comment --comment "c\\"d"\nCOMMIT\n'),
    ("-n", '*filter\n-A INPUT -m comment --comment "a b"c -j ACCEPT\nCOMMIT\n'),
    ("-n", "*filter\n-A INPUT -m comment --comment 'a b' -j ACCEPT\nCOMMIT\n"),
    ("-n", "*filter\n  -A INPUT -j ACCEPT\nCOMMIT\n"),
    ("-n", "*filter\n-A INPUT -j ACCEPT\n COMMIT\n"),
    ("-n", "*filter\n-I INPUT -j DROP\n-I INPUT 2 -s 1.1.1.1,2.2.2.2 -j DROP\nCOMMIT\n"),
    ("-n", "*filter\n-N J\n-A J -j RETURN\n-A INPUT -j J\nCOMMIT\n"),
    ("-n", "*filter\n-X J\nCOMMIT\n"),
    ("-n", "*filter\n-D INPUT -j J\n-F J\n-X J\nCOMMIT\n"),
    ("-n", "*nat\n-A PREROUTING -j DROP\nCOMMIT\n"),
    ("-n", "*filter\n-A OUTPUT -i eth0\nCOMMIT\n"),
    ("-n -t", "*filter\n-A INPUT -j NOPE\nCOMMIT\n"),
    ("", "*filter\n:INPUT ACCEPT\n-A INPUT"),
    ("", ""),
    ("", "# only a comment\n"),
]


@pytest.mark.kernel
def test_restoring_ends_and_leaves_as_the_real_one() -> None:
    require("iptables")
    ruleset = Ruleset(4)
    ours = []
    for options, text in RESTORES:
        ours.append(iptables_restore(ruleset, options.split(), text))
        ours.append(Result(0, save(ruleset, counters=True)))
    theirs = on_the_kernel([
        line
        for options, text in RESTORES
        for line in (f"printf %s {shlex.quote(text)} | iptables-restore {options}",
                     "iptables-save -c | grep -v '^#' || true")
    ])
    for number, (mine, real) in enumerate(zip(ours, theirs, strict=True)):
        assert (RESTORES[number // 2], mine) == (RESTORES[number // 2], real)
