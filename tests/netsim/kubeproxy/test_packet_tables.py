"""kube-proxy's own packet-flow tables: its rules, walked by our engine, end where its tests say.

The tables list every endpoint that a packet may reach, in the order of the rules; with balancing in
turn that is where as many new flows go, one after the other.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest

from netsim.kubeproxy import Mode, Node, NodeProxy, Options

from .lab import node, try_packet
from .truth import FOLDER, needs_truth

pytestmark = [
    needs_truth,
    pytest.mark.verified(source="kube-proxy v1.36 proxier_test.go, truth/netfilter/packet-table-*"),
]


@cache
def _table(mode: Mode) -> list[dict[str, Any]]:
    path = FOLDER / f"packet-table-{mode.value}.json"
    return json.loads(path.read_text()) if path.exists() else []  # type: ignore[no-any-return]


def _options(config: dict[str, Any], mode: Mode) -> Options:
    local = re.search(r"ifLocal:\[-s (\S+)\]", config["localDetector"])
    return Options(
        mode=mode,
        cluster_cidrs=(local[1],) if local else (),
        masquerade_all=config["masqueradeAll"],
        localhost_node_ports=config.get("localhostNodePorts", False),
        node_port_addresses=tuple(config["nodePortAddresses"].strip("[]").split()),
        service_cidrs=("172.30.0.0/16", "fd00:172:30::/112"),
    )


def _node(state: dict[str, Any]) -> Node:
    config = state["config"]
    addresses = [config["nodeIP"], *state["nodeIPs"]]
    return Node(name=config["nodeName"], addresses=tuple(dict.fromkeys(addresses)))


CASES = [(mode, number) for mode in Mode for number in range(len(_table(mode)))]


@pytest.mark.parametrize(("mode", "number"), CASES)
def test_packets_end_where_kube_proxy_says(mode: Mode, number: int) -> None:
    state = _table(mode)[number]
    for packet in state["packets"]:
        stack = node(state["nodeIPs"])
        proxy = NodeProxy(stack, node=_node(state), options=_options(state["config"], mode))
        for service in state["services"]:
            proxy.apply_service(service)
        for endpoint_slice in state["endpointSlices"]:
            proxy.apply_slice(endpoint_slice)
        proxy.sync()
        wanted = packet["output"].split(", ")
        protocol = (packet["protocol"] or "TCP").lower()
        tries = [
            try_packet(stack, packet["sourceIP"], protocol, packet["destIP"], packet["destPort"])
            for _ in wanted
        ]
        explained = f"{state['test']}: {packet['name']}\n{tries[0].trace}"
        assert [t.output for t in tries] == wanted, explained
        assert any(t.masqueraded for t in tries) == packet["masq"], explained


def test_every_packet_of_the_tables_is_tried() -> None:
    assert [sum(len(s["packets"]) for s in _table(mode)) for mode in Mode] == [239, 207]
