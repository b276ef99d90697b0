"""Which UDP flows a sync deletes, and what health check ports answer."""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Any

import pytest

from netsim.conntrack.connection import Connection
from netsim.kubeproxy import Endpoint, Form, HealthCheck, PortState, ServicePort
from netsim.kubeproxy.stale import OldUdpFlows, UdpFlows

from .test_incremental import endpoint_slice, host, service

VIP, OTHER = "10.96.0.53", "10.96.0.54"


def state(*endpoints: str, serving: bool = True, **fields: Any) -> PortState:
    values = {"namespace": "ns", "name": "dns", "port_name": "", "protocol": "udp",
              "cluster_ip": VIP, "port": 53, **fields}  # fmt: skip
    found = (Endpoint(address=e, port=5353, ready=serving, serving=serving) for e in endpoints)
    return PortState(ServicePort(**values), tuple(found))


def flow(to: str, port: int, by: str, by_port: int = 5353, protocol: int = 17) -> Connection:
    client, target, server = (int(ip_address(a)) for a in ("172.17.0.100", to, by))
    return Connection(
        (4, protocol, client, target, 41000, port), (4, protocol, server, client, by_port, 41000)
    )


@pytest.mark.parametrize(
    ("entry", "stale"),
    [
        (flow(VIP, 53, "172.17.0.6"), False),
        (flow(VIP, 53, "172.17.0.7"), True),
        (flow(VIP, 53, "172.17.0.6", by_port=53), True),
        (flow(VIP, 54, "172.17.0.7"), False),
        (flow(OTHER, 53, "172.17.0.7"), False),
        (flow("198.51.100.1", 53, "172.17.0.7"), True),
        (flow("203.0.113.1", 53, "172.17.0.7"), True),
        (flow("10.211.55.120", 30053, "172.17.0.7"), True),
        (flow("10.211.55.120", 30053, "172.17.0.6"), False),
        (flow(VIP, 53, "172.17.0.7", protocol=6), False),
    ],
)
def test_entries_that_lead_to_no_serving_endpoint_go(entry: Connection, stale: bool) -> None:
    flows = UdpFlows(4)
    outside = {"external_ips": ("198.51.100.1",), "load_balancer_ips": ("203.0.113.1",)}
    flows.change((), (state("172.17.0.6", node_port=30053, **outside),))
    assert flows.stale([entry]) == [entry] * stale


def test_flows_live_on_when_nothing_serves_any_more() -> None:
    flows, entry = UdpFlows(4), flow(VIP, 53, "172.17.0.7")
    flows.change((), (state("172.17.0.7"),))
    flows.change((state("172.17.0.7"),), (state("172.17.0.7", serving=False),))
    assert flows.stale([entry]) == []
    flows.change((state("172.17.0.7", serving=False),), ())
    assert flows.stale([entry]) == []


def test_flows_of_the_other_family_are_left_alone() -> None:
    flows = UdpFlows(6)
    flows.change((), (state("fd00::6", cluster_ip="fd00::53", node_port=30053),))
    assert flows.stale([flow("10.211.55.120", 30053, "172.17.0.7")]) == []


@pytest.mark.parametrize(
    ("old", "new", "gone"),
    [
        (("172.17.0.6", "172.17.0.7"), ("172.17.0.6",), [False, True, False]),
        (("172.17.0.6",), (), [True, False, False]),
        ((), ("172.17.0.6",), [True, True, False]),
        (("172.17.0.6",), ("172.17.0.6",), [False, False, False]),
    ],
)
def test_v1_13_deletes_for_endpoints_gone_and_first_endpoints(
    old: tuple[str, ...], new: tuple[str, ...], gone: list[bool]
) -> None:
    flows = OldUdpFlows(4)
    entries = [flow(VIP, 53, "172.17.0.6"), flow(VIP, 53, "172.17.0.7"),
               flow(OTHER, 53, "172.17.0.7")]  # fmt: skip
    flows.change((state(*old),), (state(*new),))
    assert flows.stale(entries) == [e for e, is_gone in zip(entries, gone, strict=True) if is_gone]
    assert flows.stale(entries) == []


def test_v1_13_deletes_the_flows_of_services_and_node_ports_gone() -> None:
    flows = OldUdpFlows(4)
    by_port, by_name = flow("10.211.55.120", 30053, "172.17.0.6"), flow(VIP, 53, "172.17.0.9")
    flows.change((state("172.17.0.6", node_port=30053),), ())
    assert flows.stale([by_port, by_name]) == [by_port, by_name]


@pytest.mark.parametrize("form", list(Form))
def test_a_sync_says_when_udp_endpoints_changed(form: Form) -> None:
    one = host(form=form)
    ports = [{"port": 53, "protocol": "UDP"}]
    one.proxier.services.apply_service(service("dns", 1, ports=ports))
    one.proxier.services.apply_service(service("web", 2))
    assert one.proxier.sync().udp
    one.proxier.services.apply_slice(endpoint_slice("web", "172.17.0.6"))
    assert not one.proxier.sync().udp
    one.proxier.services.apply_slice(endpoint_slice("dns", "172.17.0.6", protocol="UDP"))
    assert one.proxier.sync().udp


def test_health_check_ports_count_ready_local_addresses() -> None:
    one = host()
    spec = {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 32000}
    one.proxier.services.apply_service(service("lb", 1, **spec))
    one.proxier.sync()
    assert one.proxier.health_checks() == {32000: HealthCheck("default", "lb", 0)}
    one.proxier.services.apply_slice(endpoint_slice("lb", "172.17.0.6", "172.17.0.7"))
    one.proxier.sync()
    check = one.proxier.health_checks()[32000]
    assert check.status == 200
    assert json.loads(check.body) == {
        "service": {"namespace": "default", "name": "lb"},
        "localEndpoints": 2,
        "serviceProxyHealthy": True,
    }
    assert HealthCheck("default", "lb", 0).status == 503
