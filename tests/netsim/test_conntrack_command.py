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
    ("-p udp", 1), ("-p 6", 1), ("-s 10.1.0.2", 2), ("-d 10.2.0.2", 3),
    ("-p tcp --orig-port-dst 80", 1),
    ("-p udp --reply-port-src 53", 1), ("-r 10.2.0.2 -p icmp", 1), ("-f ipv6", 0), ("-u UNSET", 3),
    ("-p udp --dport 81", 0),
])
def test_filters_choose_entries(filters: str, count: int) -> None:
    assert run(with_flows(), f"conntrack -L {filters}").stdout.count("\n") == count


def test_deleting_takes_only_what_the_filter_chooses() -> None:
    router = with_flows()
    run(router, "conntrack -D -p udp")
    assert len(router.stack.conntrack) == 2


@pytest.mark.parametrize("line", ["conntrack -L -D", "conntrack -L -s nowhere", "conntrack -Q",
                                  "conntrack -L -p udp --sport x"])
def test_wrong_arguments_are_refused_and_change_nothing(line: str) -> None:
    router = with_flows()
    result = run(router, line)
    assert result.exit_code == 2
    assert result.stderr.startswith("conntrack v1.4.7 (conntrack-tools): ")
    assert len(router.stack.conntrack) == 3


@pytest.mark.verified(source="conntrack 1.4.7")
@pytest.mark.parametrize(("line", "said"), [
    ("-L -p foo", "`foo' unsupported protocol"),
    ("-L --dport 53 -p udp", "unknown option `--dport'"),
    ("-L -p udp --state ESTABLISHED", "unknown option `--state'"),
    ("-L -p tcp --state FOO", "unknown TCP state `FOO'"),
    ("-L -f ipv9", "`ipv9' unsupported protocol"),
    ("-L -u FOO", "Bad parameter `FOO'"), ("-L -o foo", "Bad parameter `foo'"),
    ("-L foo", "unknown type `foo'"), ("-X", "unknown option `-X'"),
    ("-L -D", "Invalid commands combination"), ("-L -s foo", "Invalid IP address `foo'"),
    ("-L --mask-src 255.0.0.0", "Can't use --mask-src without --src"),
    ("-L -e ALL", "Illegal option `--event-mask' with this command"),
    ("-A", "You need to supply the `--protonum' option for this command"),
    ("-I -p udp -s 1.1.1.1 -d 2.2.2.2",
     "You need to supply the `--timeout' option for this command"),
])
def test_what_it_says_of_wrong_arguments(line: str, said: str) -> None:
    result = run(with_flows(), f"conntrack {line}")
    assert result.exit_code == 2
    assert result.stderr == (f"conntrack v1.4.7 (conntrack-tools): {said}\n"
                             "Try `conntrack -h' or 'conntrack --help' for more information.\n")


@pytest.mark.parametrize(("filters", "count"), [
    ("-p tcp --state SYN_SENT", 1), ("-p icmp --icmp-type 8", 1), ("-s 10.1.0.0/24", 3),
    ("-s 10.1.0.0/30 -p udp", 1), ("-u UNREPLIED", 3), ("-u ASSURED", 0), ("-m 0", 3),
    ("-m 0x1/0x1", 0), ("expect", 0), ("-s 10.0.0.0 --mask-src 255.0.0.0", 3),
])
def test_more_filters_choose_entries(filters: str, count: int) -> None:
    assert run(with_flows(), f"conntrack -L {filters}").stdout.count("\n") == count


def test_entries_are_made_changed_and_found() -> None:
    router = Router()
    flow = "-p udp -s 1.1.1.1 -d 2.2.2.2 --sport 1 --dport 2"
    assert run(router, f"conntrack -I {flow} -t 50").stderr.endswith(
        ": 1 flow entries have been created.\n")
    assert run(router, f"conntrack -I {flow} -t 50").exit_code == 1
    assert run(router, "conntrack -U -p udp -m 5").stderr.endswith(
        ": 1 flow entries have been updated.\n")
    assert run(router, f"conntrack -G {flow}").stdout == (
        "udp      17 50 src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2 [UNREPLIED] "
        "src=2.2.2.2 dst=1.1.1.1 sport=2 dport=1 mark=5 use=1\n")
    assert run(router, "conntrack -G -p udp -s 1.1.1.1 -d 9.9.9.9").exit_code == 1


def test_entries_are_counted_and_written_as_xml() -> None:
    router = with_flows()
    assert run(router, "conntrack -C").stdout == "3\n"
    assert run(router, "conntrack -S").stdout.startswith("cpu=0   \tfound=0 invalid=0 insert=0 ")
    xml = run(router, "conntrack -L -o xml -p udp").stdout
    assert xml.startswith('<?xml version="1.0" encoding="utf-8"?>\n<conntrack>\n<flow><meta ')
    assert "<sport>4000</sport><dport>53</dport>" in xml
