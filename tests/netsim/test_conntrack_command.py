"""The conntrack command, held against the recorded transcript and by itself."""

from __future__ import annotations

import re
import shlex

import pytest

from netsim.conntrack import command
from tests.netsim.router import Router
from tests.netsim.truth import needs_truth, scenarios

FLOWS = ("eth0 udp 10.1.0.2:4000 > 10.2.0.2:53", "eth0 tcp 10.1.0.2:4001 > 10.2.0.2:80 S",
         "eth0 icmp 10.1.0.3 > 10.2.0.2 echo id=7 seq=1")


def run(router: Router, line: str) -> command.CommandResult:
    return command.run(router.stack.conntrack, shlex.split(line)[1:])


def with_flows() -> Router:
    router = Router()
    for text in FLOWS:
        router.send(text)
    return router


def same_text(expected: str, got: str) -> bool:
    """Listings are recorded sorted, with `*` for seconds."""
    shown = re.sub(r"^((?:ipv. +\d+ )?\S+ +\d+) \d+ ", r"\1 * ", got, flags=re.M)
    return sorted(expected.splitlines()) == sorted(shown.splitlines())


@needs_truth
@pytest.mark.verified(source="truth/netfilter/cli/conntrack.yaml, conntrack 1.4.7")
def test_the_recorded_transcript() -> None:
    router = Router()
    for step in scenarios("cli")["conntrack"]["commands"]:
        if "packets" in step:
            for text in step["packets"]:
                router.send(text)
        elif step["cmd"] == "iptables-restore":
            router.restore(step["stdin"])
        else:
            result = run(router, step["cmd"])
            assert result.exit_code == step["rc"], step
            assert result.stderr == step.get("err", ""), step
            assert same_text(step.get("out", ""), result.stdout), (step, result.stdout)


@pytest.mark.parametrize(("filters", "count"), [
    ("-p udp", 1), ("-p 6", 1), ("-s 10.1.0.2", 2), ("-d 10.2.0.2", 3), ("--orig-port-dst 80", 1),
    ("--reply-port-src 53", 1), ("-r 10.2.0.2 -p icmp", 1), ("-f ipv6", 0), ("-u UNSET", 3),
    ("--dport 81", 0),
])
def test_filters_choose_entries(filters: str, count: int) -> None:
    assert run(with_flows(), f"conntrack -L {filters}").stdout.count("\n") == count


def test_deleting_takes_only_what_the_filter_chooses() -> None:
    router = with_flows()
    run(router, "conntrack -D -p udp")
    assert len(router.stack.conntrack) == 2


@pytest.mark.parametrize("line", ["conntrack", "conntrack -L -s nowhere", "conntrack -Q",
                                  "conntrack -L --sport x"])
def test_wrong_arguments_are_refused_and_change_nothing(line: str) -> None:
    router = with_flows()
    result = run(router, line)
    assert result.exit_code == 2
    assert result.stderr.startswith("conntrack v1.4.7 (conntrack-tools): ")
    assert len(router.stack.conntrack) == 3
