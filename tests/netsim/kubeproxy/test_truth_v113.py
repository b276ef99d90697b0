"""The form of v1.13: composed after the specification, saved by the real iptables."""

from __future__ import annotations

import pytest

from netsim.kubeproxy import Endpoint, Family, Form, ServicePort, render_ports
from netsim.kubeproxy.service_map import service_ports

from .truth import NODE, cluster, kit, names, needs_truth, options, scenario

pytestmark = [needs_truth, pytest.mark.verified(source="truth/netfilter/v113")]


def _endpoint(address: str, local: bool) -> Endpoint:
    host, _, port = address.rpartition(":")
    return Endpoint(address=host, port=int(port), local=local)


def _with_endpoints(
    name: str,
) -> list[tuple[ServicePort, list[Endpoint]]]:
    recorded = scenario("v113", name)
    own = {"default/kubernetes:https": [{"address": "10.211.55.120:8443", "local": True}]}
    endpoints = {**own, **recorded["endpoints"]}
    services = [*recorded["services"], cluster()["always_there"][0]]
    return [
        (port, [_endpoint(**e) for e in endpoints.get(_old_name(port), ())])
        for service in services
        for port in service_ports(service, Family.IPV4)
    ]


def _old_name(port: ServicePort) -> str:
    return f"{port.namespace}/{port.name}:{port.port_name}"


@pytest.mark.parametrize("name", names("v113"))
def test_rules_are_those_of_v1_13(name: str) -> None:
    settings = options(scenario("v113", name).get("proxy", {}), form=Form.V1_13)
    text = render_ports(_with_endpoints(name), node=NODE, options=settings)
    assert not kit().diff_save(scenario("v113", name)["iptables"], text)
