"""Cluster IPs and node ports inside the write, with the words of a real kube-apiserver v1.36."""

from __future__ import annotations

import copy
import ipaddress
import random
from typing import Any

import pytest

from apiserver.machinery.errors import InternalError
from controllers.serviceips import ServiceAllocator

VERIFIED = pytest.mark.verified(source="truth/api/services.golden.jsonl, kube-apiserver v1.36")


def service(name: str = "s", **spec: Any) -> dict[str, Any]:
    ports = [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    return {"metadata": {"name": name},
            "spec": {"type": "ClusterIP", "selector": {"a": "b"}, "ports": ports, **spec}}


def ports(*wanted: int) -> list[dict[str, Any]]:
    return [{"name": f"p{i}", "port": 80 + i, "protocol": "TCP", "nodePort": port}
            for i, port in enumerate(wanted)]


@pytest.fixture
def allocator() -> ServiceAllocator:
    return ServiceAllocator(random.Random(1))


@pytest.fixture
def dual() -> ServiceAllocator:
    return ServiceAllocator(random.Random(1), ("10.96.0.0/12", "fd00:10:96::/112"))


def store(allocator: ServiceAllocator, obj: dict[str, Any],
          old: dict[str, Any] | None = None) -> dict[str, Any]:
    """A write that succeeds."""
    allocation = allocator.begin(obj, old, dry_run=False)
    assert not allocation.errors, [str(error) for error in allocation.errors]
    allocation.commit()
    return obj


def refusals(allocator: ServiceAllocator, obj: dict[str, Any],
             old: dict[str, Any] | None = None) -> list[str]:
    """What a write that is refused hears."""
    allocation = allocator.begin(obj, old, dry_run=False)
    allocation.rollback()
    return [str(error) for error in allocation.errors]


def changed(obj: dict[str, Any], **spec: Any) -> dict[str, Any]:
    fresh = copy.deepcopy(obj)
    fresh["spec"].update(spec)
    return fresh


def test_new_service_gets_an_address_above_the_static_band(allocator: ServiceAllocator) -> None:
    spec = store(allocator, service())["spec"]
    address = ipaddress.IPv4Address(spec["clusterIP"])
    low, high = ipaddress.IPv4Address("10.96.1.0"), ipaddress.IPv4Address("10.111.255.255")
    assert low < address < high
    assert (spec["clusterIPs"], spec["ipFamilies"]) == ([spec["clusterIP"]], ["IPv4"])
    assert spec["ipFamilyPolicy"] == "SingleStack"


def test_same_seed_gives_the_same_addresses() -> None:
    first, second = (ServiceAllocator(random.Random(7)) for _ in range(2))
    assert [store(first, service())["spec"]["clusterIP"] for _ in range(5)] == [
        store(second, service())["spec"]["clusterIP"] for _ in range(5)]


@VERIFIED
@pytest.mark.parametrize(("address", "why"), [
    ("10.104.201.17", "provided IP is already allocated"),
    ("10.200.0.1", "the provided network does not match the current range"),
    ("10.96.0.0", "the provided network does not match the current range"),
    ("10.111.255.255", "the provided network does not match the current range"),
])
def test_requested_address_that_cannot_be_had(allocator: ServiceAllocator, address: str,
                                              why: str) -> None:
    store(allocator, service(clusterIP="10.104.201.17"))
    assert refusals(allocator, service("x", clusterIP=address)) == [
        f'spec.clusterIPs: Invalid value: ["{address}"]: failed to allocate IP {address}: {why}']


@VERIFIED
def test_deleted_service_frees_its_address(allocator: ServiceAllocator) -> None:
    allocator.release(store(allocator, service(clusterIP="10.104.201.17")))
    again = store(allocator, service("s4", clusterIP="10.104.201.17"))
    assert again["spec"]["clusterIPs"] == ["10.104.201.17"]


def test_rolled_back_write_frees_what_it_took(allocator: ServiceAllocator) -> None:
    wish: dict[str, Any] = {"type": "NodePort", "clusterIP": "10.97.0.5", "ports": ports(30067)}
    allocator.begin(service(**copy.deepcopy(wish)), None, dry_run=False).rollback()
    store(allocator, service(**wish))


def test_failed_allocation_keeps_nothing(allocator: ServiceAllocator) -> None:
    store(allocator, service(type="NodePort", ports=ports(30067)))
    assert refusals(allocator, service("x", type="NodePort", clusterIP="10.97.0.5",
                                       ports=ports(30080, 30067)))
    store(allocator, service("y", type="NodePort", clusterIP="10.97.0.5", ports=ports(30080)))


def test_adopted_values_count_as_taken(allocator: ServiceAllocator) -> None:
    allocator.adopt(service(type="NodePort", clusterIP="10.97.0.5", clusterIPs=["10.97.0.5"],
                            ports=ports(30067)))
    assert refusals(allocator, service(clusterIP="10.97.0.5"))
    assert refusals(allocator, service(type="NodePort", ports=ports(30067)))


@VERIFIED
def test_dry_run_with_an_address_in_use_succeeds_and_takes_nothing(
        allocator: ServiceAllocator) -> None:
    store(allocator, service(clusterIP="10.97.0.5"))
    assert not allocator.begin(service(clusterIP="10.97.0.5"), None, dry_run=True).errors
    dry = service(type="NodePort", ports=ports(0, 0))
    allocator.begin(dry, None, dry_run=True).rollback()
    assert [port["nodePort"] for port in dry["spec"]["ports"]] == [32769, 32770]


@VERIFIED
@pytest.mark.parametrize(("wanted", "field", "why"), [
    ((30067,), 0, "30067: provided port is already allocated"),
    ((80,), 0, "80: provided port is not in the valid range. "
               "The range of valid ports is 30000-32767"),
    ((30069, 30069), 1, "30069: provided port is already allocated"),
])
def test_requested_node_port_that_cannot_be_had(allocator: ServiceAllocator, field: int, why: str,
                                                wanted: tuple[int, ...]) -> None:
    store(allocator, service(type="NodePort", ports=ports(30067)))
    assert refusals(allocator, service("x", type="NodePort", ports=ports(*wanted))) == [
        f"spec.ports[{field}].nodePort: Invalid value: {why}"]


@VERIFIED
def test_tcp_and_udp_of_one_port_share_a_node_port(allocator: ServiceAllocator) -> None:
    both = [{"name": "t", "port": 80, "protocol": "TCP"},
            {"name": "u", "port": 80, "protocol": "UDP", "nodePort": 30068}]
    got = store(allocator, service(type="NodePort", ports=both))["spec"]["ports"]
    assert [port["nodePort"] for port in got] == [30068, 30068]


def test_node_ports_come_from_above_the_static_band(allocator: ServiceAllocator) -> None:
    got = [store(allocator, service(str(i), type="NodePort"))["spec"]["ports"][0]["nodePort"]
           for i in range(50)]
    assert min(got) >= 30086
    assert len(set(got)) == 50


def test_update_keeps_what_the_client_left_out(allocator: ServiceAllocator) -> None:
    old = store(allocator, service(type="NodePort"))
    new = store(allocator, service(type="NodePort"), old)
    assert new["spec"] == old["spec"]


def test_update_frees_the_node_port_it_drops(allocator: ServiceAllocator) -> None:
    old = store(allocator, service(type="NodePort", ports=ports(30067)))
    store(allocator, changed(old, ports=ports(30068)), old)
    store(allocator, service("y", type="NodePort", ports=ports(30067)))


def test_type_change_to_cluster_ip_frees_node_ports(allocator: ServiceAllocator) -> None:
    old = store(allocator, service(type="NodePort", ports=ports(30067)))
    store(allocator, changed(old, type="ClusterIP", ports=service()["spec"]["ports"]), old)
    store(allocator, service("y", type="NodePort", ports=ports(30067)))


def test_type_change_to_external_name_and_back(allocator: ServiceAllocator) -> None:
    old = store(allocator, service(clusterIP="10.97.0.5"))
    external = store(allocator, changed(old, type="ExternalName", externalName="a.b"), old)
    store(allocator, service("y", clusterIP="10.97.0.5"))
    bare = {"metadata": external["metadata"], "spec": {"type": "ExternalName"}}
    assert store(allocator, service(), bare)["spec"]["clusterIP"] not in ("", "10.97.0.5")


def test_failed_update_keeps_the_old_values(allocator: ServiceAllocator) -> None:
    old = store(allocator, service(type="NodePort", ports=ports(30067)))
    allocator.begin(changed(old, ports=ports(30068)), old, dry_run=False).rollback()
    assert refusals(allocator, service("y", type="NodePort", ports=ports(30067)))
    store(allocator, service("z", type="NodePort", ports=ports(30068)))


@VERIFIED
def test_cleared_cluster_ip_is_filled_in_again(allocator: ServiceAllocator) -> None:
    old = store(allocator, service())
    assert store(allocator, changed(old, clusterIP=""), old)["spec"] == old["spec"]


@VERIFIED
def test_headless_without_selector_is_dual_stack(allocator: ServiceAllocator) -> None:
    spec = store(allocator, {"metadata": {"name": "h"},
                             "spec": {"type": "ClusterIP", "clusterIP": "None"}})["spec"]
    assert spec["ipFamilies"] == ["IPv4", "IPv6"]
    assert (spec["clusterIPs"], spec["ipFamilyPolicy"]) == (["None"], "RequireDualStack")


@VERIFIED
def test_health_check_port_comes_and_goes_with_the_policy(allocator: ServiceAllocator) -> None:
    old = store(allocator, service(type="LoadBalancer", externalTrafficPolicy="Cluster"))
    local = store(allocator, changed(old, externalTrafficPolicy="Local"), old)
    port = local["spec"]["healthCheckNodePort"]
    store(allocator, changed(local, externalTrafficPolicy="Cluster"), local)
    store(allocator, service("y", type="NodePort", ports=ports(port)))


def test_health_check_port_in_use_is_an_internal_error(allocator: ServiceAllocator) -> None:
    store(allocator, service(type="NodePort", ports=ports(30067)))
    wish = service("x", type="LoadBalancer", externalTrafficPolicy="Local",
                   healthCheckNodePort=30067, clusterIP="10.97.0.5")
    with pytest.raises(InternalError, match="failed to allocate requested HealthCheck NodePort"):
        allocator.begin(wish, None, dry_run=False)
    store(allocator, service(clusterIP="10.97.0.5"))


def test_load_balancer_without_node_ports(allocator: ServiceAllocator) -> None:
    spec = store(allocator, service(type="LoadBalancer",
                                    allocateLoadBalancerNodePorts=False))["spec"]
    assert "nodePort" not in spec["ports"][0]


@VERIFIED
@pytest.mark.parametrize(("spec", "error"), [
    ({"ipFamilyPolicy": "RequireDualStack"}, 'spec.ipFamilyPolicy: Invalid value: '
     '"RequireDualStack": this cluster is not configured for dual-stack services'),
    ({"ipFamilies": ["IPv6"]},
     'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'),
    ({"clusterIP": "fd00::1"}, 'spec.clusterIPs[0]: Invalid value: ["fd00::1"]: '
                               'IPv6 is not configured on this cluster'),
])
def test_second_family_on_a_single_stack_cluster(allocator: ServiceAllocator, error: str,
                                                 spec: dict[str, Any]) -> None:
    assert refusals(allocator, service(**spec)) == [error]


@pytest.mark.parametrize(("spec", "error"), [
    ({"clusterIP": "bogus"}, 'spec.clusterIPs[0]: Invalid value: "bogus": must be a valid IP '
                             "address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
    ({"clusterIP": "10.97.1.1", "clusterIPs": ["10.97.1.2"]}, "spec.clusterIPs: Invalid value: "
     '["10.97.1.2"]: first value must match `clusterIP`'),
    ({"ipFamilies": ["IPv5"]},
     'spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"'),
    ({"ipFamilyPolicy": "Nope"}, 'spec.ipFamilyPolicy: Unsupported value: "Nope": supported '
     'values: "PreferDualStack", "RequireDualStack", "SingleStack"'),
])
def test_malformed_fields_are_told_before_anything_is_taken(allocator: ServiceAllocator,
                                                            spec: dict[str, Any],
                                                            error: str) -> None:
    assert refusals(allocator, service(type="NodePort", ports=ports(30067), **spec)) == [error]
    store(allocator, service(type="NodePort", ports=ports(30067)))


def test_dual_stack_service_gets_one_address_of_each_family(dual: ServiceAllocator) -> None:
    spec = store(dual, service(ipFamilyPolicy="PreferDualStack"))["spec"]
    versions = [ipaddress.ip_address(text).version for text in spec["clusterIPs"]]
    assert (versions, spec["ipFamilies"]) == ([4, 6], ["IPv4", "IPv6"])


def test_upgrade_to_dual_stack_and_back_frees_the_second_address(dual: ServiceAllocator) -> None:
    old = store(dual, service())
    wide = store(dual, changed(old, ipFamilyPolicy="RequireDualStack"), old)
    narrow = store(dual, changed(wide, ipFamilyPolicy="SingleStack"), wide)
    assert (narrow["spec"]["clusterIPs"], narrow["spec"]["ipFamilies"]) == (
        [old["spec"]["clusterIP"]], ["IPv4"])
    store(dual, service("y", clusterIP=wide["spec"]["clusterIPs"][1], ipFamilies=["IPv6"]))


def test_second_address_is_not_released_without_single_stack(dual: ServiceAllocator) -> None:
    old = store(dual, service(ipFamilyPolicy="PreferDualStack"))
    first = old["spec"]["clusterIPs"][:1]
    assert refusals(dual, changed(old, clusterIPs=first), old) == [
        'spec.ipFamilyPolicy: Invalid value: "PreferDualStack": '
        "must be 'SingleStack' to release the secondary cluster IP"]


def test_full_range_is_an_internal_error() -> None:
    small = ServiceAllocator(random.Random(1), ("10.96.0.0/29",), (30000, 30000))
    got = {store(small, service(str(i)))["spec"]["clusterIP"] for i in range(6)}
    assert got == {f"10.96.0.{i}" for i in range(1, 7)}
    with pytest.raises(InternalError, match="failed to allocate a serviceIP: range is full"):
        small.begin(service("x"), None, dry_run=False)


RANGES = {"IPv4,IPv6": ("10.96.0.0/12", "fd00:10:96::/108"),
          "IPv6,IPv4": ("fd00:10:96::/108", "10.96.0.0/12"), "IPv6": ("fd00:10:96::/108",)}


@pytest.mark.parametrize("configured", RANGES)
@pytest.mark.parametrize(("policy", "wanted"), [
    (None, 1), ("SingleStack", 1), ("PreferDualStack", 2), ("RequireDualStack", 2)])
def test_policy_decides_how_many_of_the_clusters_families(configured: str, policy: str | None,
                                                          wanted: int) -> None:
    families = configured.split(",")
    allocator = ServiceAllocator(random.Random(1), RANGES[configured])
    obj = service(**({"ipFamilyPolicy": policy} if policy else {}))
    if policy == "RequireDualStack" and len(families) == 1:
        assert refusals(allocator, obj)
        return
    spec = store(allocator, obj)["spec"]
    assert spec["ipFamilies"] == families[:wanted]
    assert [f"IPv{ipaddress.ip_address(one).version}" for one in spec["clusterIPs"]] == (
        spec["ipFamilies"])
    assert spec["clusterIP"] == spec["clusterIPs"][0]
    assert spec["ipFamilyPolicy"] == (policy or "SingleStack")


def test_wanted_order_of_families_goes_before_the_clusters(dual: ServiceAllocator) -> None:
    spec = store(dual, service(ipFamilies=["IPv6"], ipFamilyPolicy="PreferDualStack"))["spec"]
    assert spec["ipFamilies"] == ["IPv6", "IPv4"]
    assert ":" in spec["clusterIP"]


def test_families_are_inferred_from_wanted_addresses(dual: ServiceAllocator) -> None:
    spec = store(dual, service(clusterIP="fd00:10:96::50"))["spec"]
    assert (spec["ipFamilies"], spec["clusterIPs"]) == (["IPv6"], ["fd00:10:96::50"])
    both = store(dual, service(clusterIP="fd00:10:96::51",
                               clusterIPs=["fd00:10:96::51", "10.96.0.51"],
                               ipFamilyPolicy="RequireDualStack"))["spec"]
    assert both["ipFamilies"] == ["IPv6", "IPv4"]


def test_new_addresses_of_ipv6_are_above_the_static_band(dual: ServiceAllocator) -> None:
    network = ipaddress.IPv6Network("fd00:10:96::/112")
    for number in range(50):
        spec = store(dual, service(str(number), ipFamilies=["IPv6"]))["spec"]
        offset = int(ipaddress.IPv6Address(spec["clusterIP"])) - int(network[0])
        assert 256 < offset <= 0xFFFF


@pytest.mark.parametrize(("address", "why"), [
    ("fd00:10:96::", "the provided network does not match the current range"),
    ("fd00:10:97::1", "the provided network does not match the current range"),
    ("fd00:10:96::ffff", ""),
    ("FD00:10:96:0::1", ""),
    ("fd00:10:96:0:0::77", "provided IP is already allocated"),
])
def test_wanted_addresses_of_ipv6(dual: ServiceAllocator, address: str, why: str) -> None:
    store(dual, service(clusterIP="fd00:10:96::77"))
    refused = refusals(dual, service("x", clusterIP=address))
    assert refused == ([f'spec.clusterIPs: Invalid value: ["{address}"]: failed to allocate IP '
                        f"{address}: {why}"] if why else [])


def test_wanted_second_address_is_taken_when_a_service_is_widened(dual: ServiceAllocator) -> None:
    old = store(dual, service(clusterIP="10.96.0.9"))
    wide = store(dual, changed(old, clusterIPs=["10.96.0.9", "fd00:10:96::9"],
                               ipFamilyPolicy="PreferDualStack"), old)
    assert wide["spec"]["ipFamilies"] == ["IPv4", "IPv6"]
    assert refusals(dual, service("x", clusterIP="fd00:10:96::9"))


def test_failed_widening_keeps_nothing(dual: ServiceAllocator) -> None:
    store(dual, service("other", clusterIP="fd00:10:96::9"))
    old = store(dual, service(clusterIP="10.96.0.9"))
    wish = changed(old, clusterIPs=["10.96.0.9", "fd00:10:96::9"], ipFamilyPolicy="PreferDualStack")
    assert refusals(dual, wish, old)
    dual.begin(changed(old, ipFamilyPolicy="PreferDualStack"), old, dry_run=False).rollback()
    assert store(dual, changed(old), old)["spec"]["clusterIPs"] == ["10.96.0.9"]


def test_a_prefer_dual_stack_service_stays_as_it_is_when_the_cluster_grows() -> None:
    single = ServiceAllocator(random.Random(1))
    old = store(single, service(ipFamilyPolicy="PreferDualStack"))
    grown = ServiceAllocator(random.Random(1), RANGES["IPv4,IPv6"])
    grown.adopt(old)
    assert store(grown, changed(old, sessionAffinity="ClientIP"), old)["spec"]["ipFamilies"] == [
        "IPv4"]
    assert len(store(grown, changed(old, ipFamilyPolicy="RequireDualStack"), old)[
        "spec"]["clusterIPs"]) == 2


def test_dry_run_shows_the_networks_own_addresses(dual: ServiceAllocator) -> None:
    dry = service(ipFamilyPolicy="RequireDualStack")
    dual.begin(dry, None, dry_run=True).rollback()
    assert dry["spec"]["clusterIPs"] == ["10.96.0.0", "fd00:10:96::"]


def test_one_full_range_refuses_the_whole_service() -> None:
    small = ServiceAllocator(random.Random(1), ("10.96.0.0/12", "fd00:10:96::/126"))
    got = {store(small, service(str(i), ipFamilyPolicy="RequireDualStack"))["spec"]["clusterIPs"][1]
           for i in range(3)}
    assert got == {f"fd00:10:96::{i}" for i in (1, 2, 3)}
    wish = service("x", clusterIP="10.96.0.77", ipFamilyPolicy="RequireDualStack")
    with pytest.raises(InternalError, match="failed to allocate a serviceIP: range is full"):
        small.begin(wish, None, dry_run=False)
    store(small, service("x", clusterIP="10.96.0.77"))
