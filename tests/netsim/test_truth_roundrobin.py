"""Round robin: exact endpoints of successive connections, through the recorded rules themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from netsim.kubeproxy import Family
from netsim.kubeproxy.node_proxy import iptables_of, nftables_of
from netsim.netfilter.cli.restore import iptables_restore, restore
from netsim.nft import parse, parse_rule
from netsim.outcome import Connected
from tests.netsim.lab import Lab, failure, seen, split
from tests.netsim.truth import kit, names, needs_truth, scenarios

if TYPE_CHECKING:
    from netsim.netfilter.ruleset import Ruleset

pytestmark = needs_truth

SERVICE = "10.102.82.168:80"


def lab_with(scenario: dict[str, Any]) -> Lab:
    """The lab with the recorded rules on its node."""
    lab = Lab()
    lab.node.route_localnet = True
    if "iptables" in scenario:
        restore(iptables_of(lab.node, Family.IPV4), scenario["iptables"])
    else:
        parse(nftables_of(lab.node), scenario["nftables"])
    return lab


def who_answers(lab: Lab, source: str, to: str, port: int = 0) -> str:
    """Name of the endpoint that takes a connection or (with a port) a datagram."""
    address, number = split(to)
    if port:
        outcome: Any = lab.hosts[source].send_datagram(address, number, b"x", source_port=port)
    else:
        outcome = lab.hosts[source].connect(address, number)
    who = seen(outcome)
    if isinstance(outcome, Connected):
        outcome.close()
    return failure(outcome)[0] if who is None else who.by.partition(":")[0]


def destination(scenario: dict[str, Any], text: str) -> str:
    """The service that a step speaks of; else the one that the rules name last."""
    if found := re.search(r"to (10\.\S+)", text):
        return f"{found[1]}:80"
    if found := re.search(r"-d (\S+)/32 -p udp .*--dport (\d+)", scenario.get("iptables", "")):
        return f"{found[1]}:{found[2]}"
    return SERVICE


def clients(step: dict[str, Any]) -> list[tuple[str, int]]:
    """Who tries, and from which port (0: any, over TCP)."""
    text, count = step["do"], len(step["endpoints"])
    if found := re.search(r"in turn from ([^:]+):", text):
        return [(name, 0) for name in found[1].split(", ")]
    if found := re.search(r"from port (\d+)", text):
        return [("client", int(found[1]))] * count
    found = re.search(r"connection\(s\) from (\w+)", text)
    return [(found[1] if found else "client", 0)] * count


def rewrite(lab: Lab, scenario: dict[str, Any], text: str) -> None:
    """The change of rules that a step speaks of."""
    if "iptables" in scenario:
        change_iptables(iptables_of(lab.node, Family.IPV4), scenario["iptables"], text)
        return
    ruleset = nftables_of(lab.node)
    if "another chain is added" in text:
        parse(ruleset, "table ip kube-proxy {\n  chain other {\n  }\n}\n")
    elif "flushed and filled" in text:
        table = ruleset.tables["ip", "kube-proxy"]
        for name in [n for n in table.chains if n.startswith("service-")]:
            chain = table.chains[name]
            chain.replace([parse_rule(table, str(rule)) for rule in chain.rules])


def change_iptables(ruleset: Ruleset, whole: str, text: str) -> None:
    """Restore everything, or the service chain only."""
    if "of everything" in text:
        restore(ruleset, whole)
    elif "refills the service chain" in text:
        chain = next(c for c in re.findall(r"^:(KUBE-SVC-\S+)", whole, re.M)
                     if f"{SERVICE[:-3]}/32" in whole.partition(f"-j {c}")[0].splitlines()[-1])
        rules = [line for line in whole.splitlines() if line.startswith(f"-A {chain} ")]
        text = "\n".join(["*nat", f":{chain} - [0:0]", *rules, "COMMIT", ""])
        assert iptables_restore(ruleset, ["--noflush"], text).code == 0


def check_counters(ruleset: Ruleset, expected: list[str]) -> None:
    """'KUBE-SEP-... 15': packets of the rule that jumps there."""
    counts = {
        rule.spec.jump.chain: rule.packets
        for chain in ruleset.tables["nat"].chains.values() for rule in chain.rules
        if rule.spec.jump is not None
    }
    assert [f"{c} {counts[c]}" for c in (line.split()[0] for line in expected)] == expected


@pytest.mark.verified(source="truth/netfilter/roundrobin, Linux 6.18")
@pytest.mark.parametrize("name", names("roundrobin"))
def test_new_connections_take_turns_as_in_the_kernel(name: str) -> None:
    scenario = scenarios("roundrobin")[name]
    lab = lab_with(scenario)
    for step in scenario["steps"]:
        rewrite(lab, scenario, step["do"])
        if "restore" in step:
            ruleset = iptables_of(lab.node, Family.IPV4)
            assert iptables_restore(ruleset, step["args"].split(), step["restore"]).code == 0
        if "counters" in step:
            check_counters(iptables_of(lab.node, Family.IPV4), step["counters"])
        if "endpoints" in step:
            to = destination(scenario, step["do"])
            found = [who_answers(lab, client, to, port) for client, port in clients(step)]
            assert found == step["endpoints"], step["do"]


def check_probe(lab: Lab, probe: dict[str, Any]) -> None:
    """n connections of a v1.13 scenario."""
    expected = probe["result"]
    answered: dict[str, list[str]] = {}
    words = set()
    for _ in range(probe["n"]):
        outcome = lab.connect(probe["from"], probe["to"])
        who = seen(outcome)
        if who is None:
            words.add(failure(outcome)[0])
        else:
            answered.setdefault(who.by, []).append(who.source)
        lab.close(outcome)
    wanted = {by: set(what["source"]) for by, what in expected.get("answered", {}).items()}
    assert {by: set(sources) for by, sources in answered.items()} == wanted, probe
    assert words == {word for word in expected if word in ("refused", "timeout")}, probe
    if "sample" in expected:
        assert kit().evenly([len(sources) for sources in answered.values()])


@pytest.mark.verified(source="truth/netfilter/v113, Linux 6.18")
@pytest.mark.parametrize("name", names("v113"))
def test_connections_through_the_rules_of_2019(name: str) -> None:
    scenario = scenarios("v113")[name]
    lab = lab_with(scenario)
    for probe in scenario["probes"]:
        lab.node.conntrack.flush()
        check_probe(lab, probe)
