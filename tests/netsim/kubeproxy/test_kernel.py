"""What kube-proxy writes here loads into a real kernel, which lists the same again."""

from __future__ import annotations

import re
from typing import Any

import pytest

from netsim.kubeproxy import Balancing, Family, Form, Mode, Node, Options, render
from netsim.nft import list_table
from tests.netsim.kernel import ask, require, sorted_elements

from .truth import Host

pytestmark = pytest.mark.kernel

NODE = Node(name="minikube", addresses=("10.211.55.120", "fd00:10:211::120"))
_COUNTERS = re.compile(r" \[\d+:\d+\]$")


def _service(name: str, number: int, **spec: Any) -> dict[str, Any]:
    ports = spec.pop("ports", [{"port": 80, "nodePort": 30000 + number}])
    families = {"clusterIPs": [f"10.96.0.{number}", f"fd00:10:96::{number}"]}
    spec = {"clusterIP": f"10.96.0.{number}", "ports": ports, **families, **spec}
    vips = [{"ip": f"203.0.113.{number}"}, {"ip": f"fd00:203::{number}"}]
    status = {"loadBalancer": {"ingress": vips}} if spec.get("type") == "LoadBalancer" else {}
    return {"metadata": {"name": name, "namespace": "default"}, "spec": spec, "status": status}


def _slice(name: str, *addresses: str, **port: Any) -> dict[str, Any]:
    labels = {"kubernetes.io/service-name": name}
    family = Family.of(addresses[0]).value
    metadata = {"name": f"{name}-{family}", "namespace": "default", "labels": labels}
    ends = [{"addresses": [a], "nodeName": "minikube"} for a in addresses]
    ports = [{"port": 8080, **port}]
    return {"metadata": metadata, "addressType": family, "ports": ports, "endpoints": ends}


SERVICES = [
    _service("plain", 1, ports=[{"port": 80}]),
    _service("node", 2, type="NodePort", sessionAffinity="ClientIP"),
    _service("lb", 3, type="LoadBalancer", externalIPs=["198.51.100.3", "fd00:198::3"],
             loadBalancerSourceRanges=["10.0.0.0/8", "10.211.55.0/24", "fd00:10::/32"]),
    _service("local", 4, type="LoadBalancer", externalTrafficPolicy="Local",
             healthCheckNodePort=32004),
    _service("dns", 5, ports=[{"port": 53, "protocol": "UDP"}]),
    _service("sctp", 6, ports=[{"port": 7, "protocol": "SCTP"}]),
    _service("nobody", 7, type="NodePort"),
]  # fmt: skip
SLICES = [
    _slice(name, *ends, **port)
    for name, port in (("plain", {}), ("node", {}), ("lb", {}), ("local", {}),
                       ("dns", {"protocol": "UDP"}), ("sctp", {"protocol": "SCTP"}))
    for ends in (("172.17.0.6", "172.17.0.7", "172.17.0.8"), ("fd00:172:17::6", "fd00:172:17::7"))
]  # fmt: skip
CIDRS = {
    "cluster_cidrs": ("172.17.0.0/16", "fd00:172:17::/64"),
    "service_cidrs": ("10.96.0.0/12", "fd00:10:96::/112"),
}


def _lines(text: str) -> list[str]:
    lines = [_COUNTERS.sub("", line) for line in text.splitlines()]
    return sorted(line for line in lines if not line.startswith("#"))


@pytest.mark.parametrize("balancing", list(Balancing))
@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("family", list(Family))
def test_iptables_restore_takes_our_text_and_iptables_save_gives_it_back(
    balancing: Balancing, form: Form, family: Family
) -> None:
    ip = "iptables" if family is Family.IPV4 else "ip6tables"
    require(ip)
    options = Options(balancing=balancing, form=form, nfacct=False, **CIDRS)
    text = render(SERVICES, SLICES, node=NODE, options=options, family=family)
    listed = ask(f"{ip}-restore && {ip}-save", text)
    assert _lines(listed) == _lines(text)


@pytest.mark.parametrize("balancing", list(Balancing))
@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize("addresses", [(), ("0.0.0.0/0", "::/0")])
def test_nft_takes_our_text_and_lists_it_again(
    balancing: Balancing, family: Family, addresses: tuple[str, ...]
) -> None:
    require("nft")
    options = Options(
        mode=Mode.NFTABLES, balancing=balancing, node_port_addresses=addresses, **CIDRS
    )
    one = Host(options, NODE, family)
    one.proxier.replace(SERVICES, SLICES)
    (table,) = one.nft.tables.values()
    text = list_table(table)
    listed = ask("nft -f - && nft list ruleset", text)
    assert sorted_elements(listed) == sorted_elements(text)
