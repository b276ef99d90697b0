"""The rules that a real kube-proxy v1.36 wrote, step by step on one node, in both modes."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from netsim.kubeproxy import Family, Mode, render
from netsim.netfilter.hooks import Verdict
from netsim.netfilter.rule_text import parse_rule
from netsim.netfilter.ruleset import Rule
from netsim.netfilter.save_restore import save
from netsim.nft import list_ruleset

from .truth import FOLDER, NODE, Host, cluster, kit, names, needs_truth, options, scenario, seen

pytestmark = [
    needs_truth,
    pytest.mark.verified(source="kube-proxy v1.36 recordings, truth/netfilter/rules"),
]
TEXTS = {
    (Mode.IPTABLES, Family.IPV4): "iptables",
    (Mode.IPTABLES, Family.IPV6): "ip6tables",
    (Mode.NFTABLES, Family.IPV4): "nftables",
    (Mode.NFTABLES, Family.IPV6): "nftables6",
}


def _command(host: Host, command: str) -> None:
    """The few forms of `iptables` that the recordings use."""
    words = command.split()[1:]
    table = host.ruleset.tables["filter"]
    if words[0] == "-t":
        table, words = host.ruleset.tables[words[1]], words[2:]
    verb, chain, *rest = words
    if verb == "-P":
        table.chain(chain).policy = Verdict[rest[0]]
    elif verb == "-N":
        table.new_chain(chain)
    elif verb == "-I":
        table.chain(chain).insert(int(rest[0]) - 1, Rule(parse_rule(rest[1:])))
    else:
        table.chain(chain).append(Rule(parse_rule(rest)))


def _bulk(step: dict[str, Any]) -> list[dict[str, Any]]:
    """The EndpointSlices that a step describes by a count."""
    return [_bulk_slice(bulk) for bulk in step.get("bulk", ())]


def _bulk_slice(bulk: dict[str, Any]) -> dict[str, Any]:
    first = ip_address(bulk["first"])
    return {
        "metadata": {
            "name": bulk["slice"],
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": bulk["service"]},
        },
        "addressType": "IPv4",
        "ports": [{"name": bulk["name"], "port": bulk["port"], "protocol": "TCP"}],
        "endpoints": [
            {"addresses": [str(first + i)], "nodeName": "minikube"} for i in range(bulk["count"])
        ],
    }


def _sync(host: Host, step: dict[str, Any]) -> None:
    services = host.proxier.services
    if "seen" in step:
        services.replace(*seen(step))
    else:
        objects = [*step.get("apply", ()), *cluster()["always_there"], *_bulk(step)]
        for obj in objects:
            is_service = "spec" in obj
            (services.apply_service if is_service else services.apply_slice)(obj)
    host.proxier.sync()
    host.now += 2
    host.proxier.sync()


def _text(host: Host) -> str:
    if host.options.mode is Mode.NFTABLES:
        return list_ruleset(host.nft, host.now)
    return save(host.ruleset)


def _compare(key: str, step: dict[str, Any], got: str) -> str:
    truth = kit()
    difference = truth.diff_nft if key.startswith("nft") else truth.diff_save
    digest = truth.digest_nft if key.startswith("nft") else truth.digest_save
    report = difference(step[key], got) if key in step else ""
    if f"{key}_sha256" in step and digest(got) != step[f"{key}_sha256"]:
        report += f"\n{key} has another digest"
    for line in step.get(f"{key}_extract", "").splitlines():
        if line not in got.splitlines():
            report += f"\nmissing: {line}"
    return report


def _families(name: str) -> list[Family]:
    recorded = (FOLDER / "rules" / f"{name}.yaml").read_text()
    return [Family.IPV4, Family.IPV6] if "ip6tables:" in recorded else [Family.IPV4]


CASES = [(n, mode, family) for n in names("rules") for mode in Mode for family in _families(n)]


@pytest.mark.parametrize(("name", "mode", "family"), CASES)
def test_rules_after_every_step_are_those_of_kube_proxy(
    name: str, mode: Mode, family: Family
) -> None:
    recorded, key = scenario("rules", name), TEXTS[mode, family]
    host = Host(options(recorded["proxy"], mode=mode), family=family)
    if mode is Mode.IPTABLES:
        for command in recorded.get("before", ()):
            _command(host, command)
    for step in recorded["steps"]:
        if mode is Mode.IPTABLES:
            for command in step.get("node", ()):
                _command(host, command)
        _sync(host, step)
        report = _compare(key, step, _text(host))
        assert not report, f"{step['note']}\n{report}"


BY_HAND = {"foreign-rules", "large-cluster"}
"""Scenarios with rules of others, or with objects given by number only."""


@pytest.mark.parametrize("name", [n for n in names("rules") if n not in BY_HAND])
def test_rendered_text_is_what_the_recordings_say(name: str) -> None:
    recorded = scenario("rules", name)
    for step in recorded["steps"]:
        text = render(*seen(step), node=NODE, options=options(recorded["proxy"]))
        assert not kit().diff_save(step["iptables"], text)


@pytest.mark.parametrize("name", ["nodeport", "everything", "ipv6-single"])
def test_a_kernel_without_nfacct_gets_the_rules_without_it(name: str) -> None:
    recorded = scenario("rules", name)
    settings = options(recorded["proxy"], nfacct=False)
    for step in recorded["steps"]:
        text = render(*seen(step), node=NODE, options=settings)
        assert not kit().diff_save(kit().without_nfacct(step["iptables"]), text)


def test_all_recordings_are_tried() -> None:
    assert len(names("rules")) == len(list((FOLDER / "rules").glob("*.yaml"))) >= 51
