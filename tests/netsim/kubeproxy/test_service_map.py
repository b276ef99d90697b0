"""From JSON to service ports and endpoints, and which Services changed."""

from __future__ import annotations

from typing import Any

import pytest

from netsim.kubeproxy import Endpoint, Family, ServiceMap, ServicePort
from netsim.kubeproxy.service_map import service_ports

KEY = ("ns", "web")


def service(metadata: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    spec = {"clusterIP": "10.96.0.1", "ports": [{"port": 80}], **spec}
    return {"metadata": {"name": "web", "namespace": "ns", **(metadata or {})}, "spec": spec}


def slice_of(*endpoints: dict[str, Any], name: str = "web-1", **more: Any) -> dict[str, Any]:
    labels = more.pop("labels", {"kubernetes.io/service-name": "web"})
    return {
        "metadata": {"name": name, "namespace": "ns", "labels": labels},
        "addressType": "IPv4",
        "ports": [{"port": 8080, "protocol": "TCP"}],
        "endpoints": list(endpoints),
        **more,
    }


def end(address: str, node: str = "", **conditions: bool) -> dict[str, Any]:
    return {"addresses": [address], "nodeName": node, "conditions": conditions}


def one_port(obj: dict[str, Any], family: Family = Family.IPV4) -> ServicePort:
    (found,) = service_ports(obj, family)
    return found


@pytest.mark.parametrize(
    "spec",
    [
        {"clusterIP": "None"},
        {"clusterIP": ""},
        {"type": "ExternalName", "externalName": "example.com"},
        {"clusterIP": "fd00::1"},
        {"clusterIP": "fd00::1", "clusterIPs": ["fd00::1"]},
        {"ports": []},
    ],
)
def test_services_without_service_ports_in_ipv4(spec: dict[str, Any]) -> None:
    assert service_ports(service(**spec), Family.IPV4) == ()


def test_a_service_of_another_proxy_is_none_of_ours() -> None:
    labels = {"service.kubernetes.io/service-proxy-name": "other"}
    assert service_ports(service({"labels": labels}), Family.IPV4) == ()


def test_dual_stack_services_have_an_address_in_each_family() -> None:
    both = service(
        clusterIPs=["10.96.0.1", "fd00:0:0::1"],
        externalIPs=["198.51.100.1", "fd00::2"],
        loadBalancerSourceRanges=["10.0.0.1/8", "fd00::/16"],
    )
    four, six = (one_port(both, family) for family in Family)
    assert (four.cluster_ip, four.external_ips) == ("10.96.0.1", ("198.51.100.1",))
    assert (six.cluster_ip, six.external_ips) == ("fd00::1", ("fd00::2",))
    assert (four.source_ranges, six.source_ranges) == (("10.0.0.0/8",), ("fd00::/16",))


@pytest.mark.parametrize(
    ("spec", "seconds"),
    [
        ({}, 0),
        ({"sessionAffinity": "None"}, 0),
        ({"sessionAffinity": "ClientIP"}, 10800),
        (
            {
                "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 7}},
            },
            7,
        ),
    ],
)
def test_affinity(spec: dict[str, Any], seconds: int) -> None:
    assert one_port(service(**spec)).affinity_seconds == seconds


def test_only_ingress_addresses_of_mode_vip_count() -> None:
    ingress = [{"ip": "203.0.113.1"}, {"ip": "203.0.113.2", "ipMode": "VIP"},
               {"ip": "203.0.113.3", "ipMode": "Proxy"}, {"hostname": "lb.example.com"},
               {"ip": "fd00::1"}]  # fmt: skip
    obj = service(type="LoadBalancer") | {"status": {"loadBalancer": {"ingress": ingress}}}
    assert one_port(obj).load_balancer_ips == ("203.0.113.1", "203.0.113.2")


@pytest.mark.parametrize(
    ("spec", "local"),
    [
        ({"type": "ClusterIP"}, False),
        ({"type": "ClusterIP", "externalIPs": ["198.51.100.1"]}, True),
        ({"type": "NodePort"}, True),
        ({"type": "LoadBalancer"}, True),
    ],
)
def test_external_policy_local_counts_for_services_reached_from_outside(
    spec: dict[str, Any], local: bool
) -> None:
    obj = service(externalTrafficPolicy="Local", healthCheckNodePort=32000, **spec)
    assert one_port(obj).external_local is local
    wanted = 32000 if spec["type"] == "LoadBalancer" else 0
    assert one_port(obj).health_check_node_port == wanted


def endpoints(*slices: dict[str, Any]) -> list[str]:
    service_map = ServiceMap(Family.IPV4)
    for one in slices:
        service_map.apply_slice(one)
    return [str(e) for e in service_map.endpoints(one_port(service()), "here")]


def test_endpoints_are_sorted_as_text_and_counted_once() -> None:
    first = slice_of(end("10.0.0.9"), end("10.0.0.10"))
    second = slice_of(end("10.0.0.9"), end("10.0.0.2"), name="web-2")
    assert endpoints(second, first) == ["10.0.0.10:8080", "10.0.0.2:8080", "10.0.0.9:8080"]


def _endpoint(*slices: dict[str, Any]) -> Endpoint:
    service_map = ServiceMap(Family.IPV4)
    for one in slices:
        service_map.apply_slice(one)
    (found,) = service_map.endpoints(one_port(service()), "here")
    return found


def test_of_two_entries_the_one_that_is_not_terminating_wins() -> None:
    leaving = end("10.0.0.9", ready=False, serving=True, terminating=True)
    for order in ((leaving, end("10.0.0.9")), (end("10.0.0.9"), leaving)):
        assert not _endpoint(slice_of(*order)).terminating


def test_conditions_that_are_absent_mean_ready_and_serving() -> None:
    found = _endpoint(slice_of({"addresses": ["10.0.0.9"]}))
    assert (found.ready, found.serving, found.terminating, found.local) == (
        True, True, False, False,
    )  # fmt: skip


def test_an_endpoint_of_this_node_is_local() -> None:
    assert _endpoint(slice_of(end("10.0.0.9", "here"))).local
    assert not _endpoint(slice_of(end("10.0.0.9", "there"))).local


@pytest.mark.parametrize(
    "change",
    [
        {"labels": {}},
        {"labels": {"kubernetes.io/service-name": "web", "service.kubernetes.io/headless": ""}},
        {"addressType": "IPv6"},
        {"addressType": "FQDN"},
        {"ports": [{"name": "other", "port": 8080}]},
        {"ports": [{"port": 8080, "protocol": "UDP"}]},
        {"ports": [{"protocol": "TCP"}]},
        {"ports": None},
        {"endpoints": None},
    ],
)
def test_slices_that_say_nothing_about_the_port(change: dict[str, Any]) -> None:
    assert endpoints({**slice_of(end("10.0.0.9")), **_relabelled(change)}) == []


def _relabelled(change: dict[str, Any]) -> dict[str, Any]:
    if "labels" not in change:
        return change
    return {"metadata": {"name": "web-1", "namespace": "ns", "labels": change["labels"]}}


def test_changes_name_each_service_once_and_only_when_something_differs() -> None:
    service_map = ServiceMap(Family.IPV4)
    service_map.apply_service(service())
    service_map.apply_slice(slice_of(end("10.0.0.9")))
    assert service_map.take_changes() == [KEY]
    service_map.apply_service(service({"resourceVersion": "7", "labels": {"a": "b"}}))
    renewed = slice_of(end("10.0.0.9"))
    renewed["metadata"]["resourceVersion"] = "8"
    service_map.apply_slice(renewed)
    assert service_map.take_changes() == []
    service_map.remove_slice(("ns", "web-1"))
    assert service_map.take_changes() == [KEY]
    service_map.remove_slice(("ns", "web-1"))
    service_map.remove_service(("ns", "nobody"))
    assert service_map.take_changes() == []


def test_a_slice_that_moves_to_another_service_leaves_the_first() -> None:
    service_map = ServiceMap(Family.IPV4)
    service_map.apply_slice(slice_of(end("10.0.0.9")))
    service_map.take_changes()
    labels = {"kubernetes.io/service-name": "other"}
    service_map.apply_slice(slice_of(end("10.0.0.9"), labels=labels))
    assert service_map.take_changes() == [("ns", "other"), KEY]
    assert service_map.endpoints(one_port(service()), "here") == ()


def test_objects_that_are_told_are_not_changed() -> None:
    obj, endpoint_slice = service(), slice_of(end("10.0.0.9"))
    service_map = ServiceMap(Family.IPV4)
    service_map.apply_service(obj)
    service_map.apply_slice(endpoint_slice)
    service_map.replace([], [])
    assert (obj, endpoint_slice) == (service(), slice_of(end("10.0.0.9")))
