"""The same iptables commands here and on a real kernel: same words, same end."""

from __future__ import annotations

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

pytestmark = pytest.mark.kernel


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


@pytest.mark.slow
@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_commands_end_and_print_as_the_real_ones(path: Path) -> None:
    require("iptables", "ip6tables")
    lines = [line for line in path.read_text().splitlines() if line]
    for line, ours, theirs in zip(lines, simulated(lines), on_the_kernel(lines), strict=True):
        assert (line, ours) == (line, theirs)


@needs_truth
@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in names("netfilter") if n != "ipset"])
def test_what_we_save_loads_in_a_kernel_and_comes_back(name: str) -> None:
    require("iptables")
    ruleset = Ruleset(4)
    assert iptables_restore(ruleset, [], scenarios("netfilter")[name]["rules"]).code == 0
    text = save(ruleset)
    theirs = ask("iptables-restore && iptables-save", text)
    assert COMMENT.sub("", theirs) == text
