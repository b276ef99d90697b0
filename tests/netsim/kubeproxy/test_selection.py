"""Which endpoints count: readiness, draining, policies, topology hints."""

from __future__ import annotations

from typing import Any

import pytest

from netsim.kubeproxy import Endpoint, Node, ServicePort
from netsim.kubeproxy.selection import select

NODE = Node(name="here", zone="za")
PORT = {
    "namespace": "ns", "name": "svc", "port_name": "", "protocol": "tcp",
    "cluster_ip": "10.96.0.1", "port": 80,
}  # fmt: skip


def port(**fields: Any) -> ServicePort:
    return ServicePort(**{**PORT, **fields})


def ends(*words: str) -> list[Endpoint]:
    """`local,terminating`: the endpoints, at addresses .1, .2, ..."""
    return [_end(number, set(word.split(","))) for number, word in enumerate(words, 1)]


def _end(number: int, words: set[str]) -> Endpoint:
    hints = {w.partition("=")[0]: w.partition("=")[2] for w in words if "=" in w}
    return Endpoint(
        address=f"10.0.0.{number}",
        port=80,
        local="local" in words,
        ready=not words & {"unready", "terminating", "dead"},
        serving=not words & {"unready", "dead"},
        terminating=bool(words & {"terminating", "dead"}),
        node_hints=frozenset({hints["node"]} if "node" in hints else ()),
        zone_hints=frozenset({hints["zone"]} if "zone" in hints else ()),
    )


def numbers(endpoints: tuple[Endpoint, ...]) -> str:
    return " ".join(e.address.rpartition(".")[2] for e in endpoints)


@pytest.mark.parametrize(
    ("endpoints", "cluster"),
    [
        (("local", "remote", "unready"), "1 2"),
        (("terminating", "local"), "2"),
        (("terminating", "dead", "unready"), "1"),
        (("unready", "dead"), ""),
        ((), ""),
        (("zone=za", "zone=zb"), "1"),
        (("zone=za", "remote"), "1 2"),
        (("zone=zb", "zone=zc"), "1 2"),
        (("zone=zb", "zone=za,unready"), "1"),
        (("node=here,zone=zb", "node=there,zone=za"), "1"),
        (("node=there,zone=zb", "node=there,zone=za"), "2"),
        (("node=here", "zone=za"), "1 2"),
    ],
)
def test_cluster_list(endpoints: tuple[str, ...], cluster: str) -> None:
    chosen = select(port(), ends(*endpoints), NODE)
    assert numbers(chosen.cluster) == numbers(chosen.reachable) == cluster
    assert chosen.any == bool(cluster)
    assert chosen.local == ()


@pytest.mark.parametrize(
    ("endpoints", "local", "found"),
    [
        (("local", "remote"), "1", True),
        (("remote",), "", True),
        (("local,terminating", "remote"), "1", True),
        (("local,terminating", "local"), "2", True),
        (("local,dead", "unready"), "", False),
        (("terminating",), "", True),
    ],
)
def test_local_list_of_internal_policy_local(
    endpoints: tuple[str, ...], local: str, found: bool
) -> None:
    chosen = select(port(internal_local=True), ends(*endpoints), NODE)
    assert (chosen.cluster, numbers(chosen.local), chosen.any) == ((), local, found)


def test_external_policy_local_needs_an_external_destination() -> None:
    endpoints = ends("local", "remote")
    assert select(port(external_local=True), endpoints, NODE).local == ()
    chosen = select(port(external_local=True, node_port=30000), endpoints, NODE)
    assert (numbers(chosen.cluster), numbers(chosen.local)) == ("1 2", "1")


def test_reachable_joins_both_lists_in_the_order_of_all() -> None:
    endpoints = ends("local,terminating", "remote")
    chosen = select(port(external_local=True, node_port=30000), endpoints, NODE)
    assert (numbers(chosen.cluster), numbers(chosen.local)) == ("2", "1")
    assert numbers(chosen.reachable) == "1 2"


def test_hints_mean_nothing_without_a_zone() -> None:
    chosen = select(port(), ends("zone=za", "zone=zb"), Node(name="here"))
    assert numbers(chosen.cluster) == "1 2"
