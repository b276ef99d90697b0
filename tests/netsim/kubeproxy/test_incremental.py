"""Syncs write what changed and nothing else, and end where writing everything anew would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netsim.kubeproxy import Balancing, Form, Mode, Node, Options, render
from netsim.netfilter.rule_text import parse_rule
from netsim.netfilter.ruleset import Rule
from netsim.netfilter.save_restore import save

from .strategies import histories
from .truth import Host

if TYPE_CHECKING:
    from netsim.kubeproxy import Proxier
    from netsim.nft import Ruleset as NftRuleset

NODE = Node(name="minikube", addresses=("10.211.55.120",))


def host(mode: Mode = Mode.IPTABLES, **more: Any) -> Host:
    return Host(Options(mode=mode, cluster_cidrs=("172.17.0.0/16",), **more), NODE)


def service(name: str, number: int, **spec: Any) -> dict[str, Any]:
    spec = {"clusterIP": f"10.96.0.{number}", "ports": [{"port": 80}], **spec}
    return {"metadata": {"name": name, "namespace": "default"}, "spec": spec}


def endpoint_slice(owner: str, *addresses: str, **port: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": f"{owner}-1",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": owner},
        },
        "addressType": "IPv4",
        "ports": [{"port": 8080, **port}],
        "endpoints": [{"addresses": [a], "nodeName": "minikube"} for a in addresses],
    }


def nft_content(ruleset: NftRuleset) -> dict[Any, Any]:
    """All chains, sets and maps with what is in them; their order does not count."""
    (table,) = ruleset.tables.values()
    chains = {name: [str(rule) for rule in chain.rules] for name, chain in table.chains.items()}
    sets = {
        name: {key: (str(e.verdict), e.comment) for key, e in item.elements.items()}
        for name, item in table.sets.items()
    }
    return {"chains": chains, "sets": sets}


def _play(proxier: Proxier, history: list[tuple[str, Any]]) -> None:
    for verb, argument in history:
        if verb == "sync":
            proxier.sync()
        else:
            getattr(proxier.services, verb)(argument)
    proxier.sync()


def _last_words(history: list[tuple[str, Any]]) -> tuple[list[Any], list[Any]]:
    """The objects that are there after a history."""
    found: dict[str, dict[Any, Any]] = {"service": {}, "slice": {}}
    for verb, argument in history:
        if verb == "sync":
            continue
        action, _, kind = verb.partition("_")
        if action == "remove":
            found[kind].pop(argument, None)
        else:
            key = (argument["metadata"]["namespace"], argument["metadata"]["name"])
            found[kind][key] = argument
    return list(found["service"].values()), list(found["slice"].values())


SETTINGS: list[dict[str, Any]] = [
    {},
    {"form": Form.V1_13},
    {"masquerade_all": True, "balancing": Balancing.RANDOM, "nfacct": False},
    {"node_port_addresses": ("primary",), "localhost_node_ports": False},
]


@settings(max_examples=80, deadline=None)
@given(histories, st.sampled_from(SETTINGS))
def test_iptables_rules_do_not_depend_on_how_they_came_about(
    history: list[tuple[str, Any]], more: dict[str, Any]
) -> None:
    grown, fresh = host(**more), host(**more)
    _play(grown.proxier, history)
    fresh.proxier.replace(*_last_words(history))
    assert save(grown.ruleset) == save(fresh.ruleset)
    rendered = render(*_last_words(history), node=NODE, options=fresh.options)
    assert _rules(rendered) == _rules(save(fresh.ruleset))


def _rules(text: str) -> dict[str, list[str]]:
    """The rules of nat and filter, chain by chain: texts may have the chains in another order."""
    tables = {part.split("\n", 1)[0]: part.splitlines() for part in text.split("*")[1:]}
    return {
        name: sorted((x for x in tables[name] if x.startswith("-A")), key=lambda x: x.split()[1])
        for name in ("nat", "filter")
    }


@settings(max_examples=60, deadline=None)
@given(histories)
def test_nftables_objects_do_not_depend_on_how_they_came_about(
    history: list[tuple[str, Any]],
) -> None:
    grown, fresh = host(Mode.NFTABLES), host(Mode.NFTABLES)
    _play(grown.proxier, history)
    fresh.proxier.replace(*_last_words(history))
    for one in (grown, fresh):
        one.now += 2
        one.proxier.sync()
    assert nft_content(grown.nft) == nft_content(fresh.nft)


@pytest.mark.parametrize("mode", list(Mode))
def test_a_sync_without_changes_does_nothing(mode: Mode) -> None:
    one = host(mode)
    one.proxier.services.apply_service(service("a", 1))
    one.proxier.sync()
    before = (one.ruleset.generation, one.nft.generation)
    one.proxier.services.apply_service(service("a", 1))
    assert one.proxier.sync().services == ()
    assert (one.ruleset.generation, one.nft.generation) == before


def test_rules_of_unchanged_services_keep_their_counters() -> None:
    one = host()
    for number, name in enumerate(("a", "b", "c"), 1):
        one.proxier.services.apply_service(service(name, number))
        one.proxier.services.apply_slice(endpoint_slice(name, f"172.17.0.{number}"))
    one.proxier.sync()
    nat = one.ruleset.tables["nat"].chains
    for chain in nat.values():
        for rule in chain.rules:
            rule.packets = 7
    one.proxier.services.apply_slice(endpoint_slice("b", "172.17.0.2", "172.17.0.20"))
    assert one.proxier.sync().services == (("default", "b"),)
    anew = [str(r.spec) for c in nat.values() for r in c.rules if r.packets == 0]
    assert anew
    assert not any("default/a" in text or "default/c" in text for text in anew)
    assert [rule.packets for rule in nat["KUBE-SERVICES"].rules] == [7, 0, 7, 7]


def test_a_service_that_goes_takes_its_chains_with_it() -> None:
    one = host()
    one.proxier.sync()
    empty = save(one.ruleset)
    one.proxier.services.apply_service(service("a", 1, type="NodePort"))
    one.proxier.services.apply_slice(endpoint_slice("a", "172.17.0.6"))
    one.proxier.sync()
    assert save(one.ruleset) != empty
    one.proxier.services.remove_service(("default", "a"))
    one.proxier.sync()
    assert save(one.ruleset) == empty


def test_leftover_chains_of_an_earlier_kube_proxy_are_deleted_and_foreign_ones_stay() -> None:
    one = host()
    nat = one.ruleset.tables["nat"]
    for name in ("KUBE-SVC-OLDOLDOLDOLDOLDO", "KUBE-SEP-OLDOLDOLDOLDOLDO", "KUBE-OTHER", "DOCKER"):
        nat.new_chain(name)
    nat.chain("KUBE-SVC-OLDOLDOLDOLDOLDO").append(Rule(parse_rule("-j KUBE-SEP-OLDOLDOLDOLDOLDO")))
    one.proxier.sync()
    left = {n for n in nat.chains if "OLD" in n or n in ("KUBE-OTHER", "DOCKER")}
    assert left == {"KUBE-OTHER", "DOCKER"}


def test_rules_of_others_in_shared_chains_vanish_with_the_next_sync() -> None:
    one = host()
    one.proxier.services.apply_service(service("a", 1))
    one.proxier.services.apply_slice(endpoint_slice("a", "172.17.0.6"))
    one.proxier.sync()
    wanted = save(one.ruleset)
    nat = one.ruleset.tables["nat"]
    nat.chain("KUBE-SERVICES").rules[0].packets = 3
    nat.chain("KUBE-SERVICES").insert(0, Rule(parse_rule("-s 10.9.9.9 -j ACCEPT")))
    nat.chain("KUBE-POSTROUTING").append(Rule(parse_rule("-j ACCEPT")))
    one.proxier.sync()
    assert save(one.ruleset) == wanted
    assert nat.chain("KUBE-SERVICES").rules[0].packets == 3


def test_a_flushed_rule_set_is_written_again() -> None:
    one = host()
    one.proxier.services.apply_service(service("a", 1))
    one.proxier.sync()
    wanted = save(one.ruleset)
    for table in one.ruleset.tables.values():
        user = [chain for chain in table.chains.values() if chain.policy is None]
        for chain in table.chains.values():
            chain.flush()
        for chain in user:
            table.delete_chain(chain.name)
    assert one.proxier.needs_sync()
    assert one.proxier.sync().full
    assert not one.proxier.needs_sync()
    assert save(one.ruleset) == wanted


def test_a_deleted_nftables_table_is_written_again() -> None:
    one = host(Mode.NFTABLES)
    one.proxier.services.apply_service(service("a", 1))
    one.proxier.sync()
    wanted = nft_content(one.nft)
    one.nft.flush()
    assert one.proxier.sync().full
    assert nft_content(one.nft) == wanted


def test_a_change_of_the_zone_writes_everything() -> None:
    one = host()
    one.proxier.services.apply_service(service("a", 1))
    one.proxier.sync()
    one.proxier.set_node(Node(name="minikube", addresses=NODE.addresses, zone="zb"))
    assert one.proxier.sync().full


def test_nftables_chains_are_emptied_at_once_and_deleted_a_second_later() -> None:
    one = host(Mode.NFTABLES)
    one.proxier.services.apply_service(service("a", 1))
    one.proxier.services.apply_slice(endpoint_slice("a", "172.17.0.6"))
    one.proxier.sync()
    (table,) = one.nft.tables.values()
    (chain,) = (c for name, c in table.chains.items() if "/" in name)
    one.proxier.services.remove_service(("default", "a"))
    one.proxier.sync()
    assert chain.rules == []
    assert chain.name in table.chains
    one.now += 1
    one.proxier.sync()
    assert chain.name not in table.chains


def test_affinity_outlives_a_full_sync_in_nftables_mode() -> None:
    one = host(Mode.NFTABLES)
    one.proxier.services.apply_service(service("a", 1, sessionAffinity="ClientIP"))
    one.proxier.services.apply_slice(endpoint_slice("a", "172.17.0.6"))
    one.proxier.sync()
    (table,) = one.nft.tables.values()
    (noted,) = (item for name, item in table.sets.items() if name.startswith("affinity-"))
    noted.add(1)
    one.proxier.request_full_sync()
    one.proxier.sync()
    assert table.sets[noted.name] is noted
    assert list(noted.elements) == [1]


def test_an_element_of_two_services_stays_until_both_are_gone() -> None:
    one = host(Mode.NFTABLES)
    for number, name in enumerate(("a", "b"), 1):
        one.proxier.services.apply_service(service(name, number))
        one.proxier.services.apply_slice(endpoint_slice(name, "172.17.0.6"))
    one.proxier.sync()
    (table,) = one.nft.tables.values()
    hairpins = table.sets["hairpin-connections"]
    assert len(hairpins.elements) == 1
    one.proxier.services.remove_service(("default", "a"))
    one.proxier.sync()
    assert len(hairpins.elements) == 1
    one.proxier.services.remove_service(("default", "b"))
    one.proxier.sync()
    assert not hairpins.elements
