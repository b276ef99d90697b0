"""Transcripts of the real iptables 1.8.9, command by command."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
import yaml

from netsim.netfilter.cli import Result, iptables, iptables_restore, iptables_save
from netsim.netfilter.ruleset import Ruleset
from tests.truth import NETFILTER, needs_truth

CLI = NETFILTER / "cli"
SOURCE = pytest.mark.verified(source="truth/netfilter/cli: iptables 1.8.9 on Linux 6.18")
NAMES = ["basic", "errors", "kube-listing", "listing", "normal-form", "restore"]

pytestmark = [
    SOURCE,
    needs_truth,
]


def run(ruleset: Ruleset, command: str, stdin: str) -> Result:
    """One command of a transcript, perhaps piped into grep."""
    command, _, pipe = command.partition(" | grep ")
    program, *argv = shlex.split(command)
    if program == "iptables":
        result = iptables(ruleset, argv)
    elif program == "iptables-restore":
        result = iptables_restore(ruleset, argv, stdin)
    else:
        result = iptables_save(ruleset, argv, "Sun Nov 22 12:00:00 2026")
    if not pipe:
        return result
    kept = "".join(line + "\n" for line in result.stdout.splitlines() if pipe in line)
    return Result(0, kept, result.stderr)


def lines(text: str) -> list[str]:
    """Lines without trailing blanks and without iptables-save's comments."""
    kept = [line.rstrip() for line in text.splitlines() if not line.startswith("# ")]
    while kept and not kept[-1]:
        kept.pop()
    return kept


@pytest.mark.parametrize("name", NAMES)
def test_every_command_of_a_transcript_prints_what_iptables_printed(name: str) -> None:
    transcript: dict[str, Any] = yaml.safe_load((CLI / f"{name}.yaml").read_text())
    ruleset = Ruleset(4)
    for number, step in enumerate(transcript["commands"], 1):
        result = run(ruleset, step["cmd"], step.get("stdin", ""))
        where = f"{number}: {step['cmd']}"
        assert (where, result.code) == (where, step["rc"]), result.stderr
        assert lines(result.stdout) == lines(step.get("out", "")), where
        assert lines(result.stderr) == lines(step.get("err", "")), where
