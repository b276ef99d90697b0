"""Options: what they accept, what they derive, how they complain."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from minikube_sim import addressing
from minikube_sim.complaints import explain
from minikube_sim.config import ClusterOptions
from minikube_sim.profile import ServerOptions
from tests.integration.families import V4_FIRST, V6, V6_FIRST


def test_one_node_has_the_whole_pod_range():
    options = ClusterOptions()
    assert options.node_names() == ["minikube"]
    assert options.node_addresses() == [("10.211.55.120",)]
    assert options.node_pod_cidrs() == [("172.17.0.0/16",)]


def test_several_nodes_have_a_range_each():
    options = ClusterOptions(nodes=3)
    assert options.node_names() == ["minikube", "minikube-m02", "minikube-m03"]
    assert options.node_addresses() == [
        ("10.211.55.120",), ("10.211.55.121",), ("10.211.55.122",)]
    assert options.node_pod_cidrs() == [
        ("172.17.0.0/24",), ("172.17.1.0/24",), ("172.17.2.0/24",)]


def test_well_known_service_addresses():
    assert ClusterOptions().service_ip(1) == "10.96.0.1"
    assert ClusterOptions().service_ip(10) == "10.96.0.10"


@pytest.mark.parametrize(("text", "full"), [("1.32", "v1.32.0"), ("v1.37.1", "v1.37.1")])
def test_versions_are_completed(text, full):
    assert ClusterOptions(kubernetes_version=text).kubernetes_version == full


@pytest.mark.parametrize(("options", "line"), [
    ({"kubernetes_version": "1.24"}, "--kubernetes-version 1.24: must be v1.25 to v1.37"),
    ({"kubernetes_version": "latest"}, "--kubernetes-version latest: must be v1.25 to v1.37"),
    ({"node_ip": "10.0.0"}, "--node-ip 10.0.0: must be an IPv4 address, such as 10.211.55.120"),
    ({"node_ip": "fd00::1::2"},
     "--node-ip fd00::1::2: must be an IPv6 address, such as fd00:211:55::120"),
    ({"node_ip": "::1"}, "--node-ip ::1: must not be of the loopback addresses"),
    ({"node_ip": "fe80::1%eth0"},
     "--node-ip fe80::1%eth0: must be an IPv6 address, such as fd00:211:55::120"),
    ({"node_ip": "255.255.255.255"},
     "--node-ip 255.255.255.255: no network has room for all nodes"),
    ({"pod_cidr": "fe80::/64"}, "--pod-cidr fe80::/64: must not be of the link-local addresses"),
    ({"pod_cidr": "::ffff:10.0.0.0/104"},
     "--pod-cidr ::ffff:10.0.0.0/104: must not be of the IPv4-mapped addresses"),
    ({"service_cluster_ip_range": "224.0.0.0/12"},
     "--service-cluster-ip-range 224.0.0.0/12: must not be of the multicast addresses"),
    ({"node_ip": "10.0.0.1"}, "--node-ip 10.0.0.1: must not be the first address of 10.0.0.0/24, "
                              "which is its gateway's"),
    ({"node_ip": "10.0.0.5,10.0.0.6"}, "--node-ip 10.0.0.5,10.0.0.6: must not have two of one "
     "family: one IPv4 address and one IPv6 address at most"),
    ({"pod_cidr": "172.17.0.0/16,"}, "--pod-cidr 172.17.0.0/16,: must be an IPv4 range, such as "
     "172.17.0.0/16 (Address cannot be empty)"),
    ({"pod_cidr": "fd00:1::/64,fd00:2::/64"}, "--pod-cidr fd00:1::/64,fd00:2::/64: must not have "
     "two of one family: one IPv4 range and one IPv6 range at most"),
    ({"pod_cidr": "172.17.0.0/16,fd00:1::/64,fd00:2::/64"},
     "--pod-cidr 172.17.0.0/16,fd00:1::/64,fd00:2::/64: must not have two of one family: "
     "one IPv4 range and one IPv6 range at most"),
    ({"pod_cidr": "fd00:10:244::1/64"}, "--pod-cidr fd00:10:244::1/64: must be an IPv6 range, such "
     "as fd00:10:244::/64 (fd00:10:244::1/64 has host bits set)"),
    ({"pod_cidr": "fd00::/127"},
     "--pod-cidr fd00::/127: fd00::/127 is too small: it must have at least 4 addresses"),
    ({"service_cluster_ip_range": "10.96.0.0/12,fd00:10:96::/64"},
     "--service-cluster-ip-range 10.96.0.0/12,fd00:10:96::/64: fd00:10:96::/64 is too large; "
     "for 128-bit addresses, the mask must be >= 108"),
    ({"service_cluster_ip_range": "10.0.0.0/8"}, "--service-cluster-ip-range 10.0.0.0/8: "
     "10.0.0.0/8 is too large; for 32-bit addresses, the mask must be >= 12"),
    ({"service_cluster_ip_range": "10.96.0.0/12,fd00:10:96::/125"},
     "--service-cluster-ip-range 10.96.0.0/12,fd00:10:96::/125: fd00:10:96::/125 is too small: "
     "it must have at least 16 addresses"),
    ({"pod_cidr": "172.17.0.0/16,fd00:10:244::/64"},
     "--service-cluster-ip-range 10.96.0.0/12: must have the families of "
     "--pod-cidr 172.17.0.0/16,fd00:10:244::/64, IPv4 and IPv6"),
    ({"service_cluster_ip_range": "fd00:10:96::/108"},
     "--service-cluster-ip-range fd00:10:96::/108: must have the families of "
     "--pod-cidr 172.17.0.0/16, IPv4"),
    ({**V4_FIRST, "node_ip": V6_FIRST["node_ip"]},
     "--node-ip fd00:211:55::120,10.211.55.120: must begin with an IPv4 address, as "
     "--service-cluster-ip-range 10.96.0.0/12,fd00:10:96::/108 begins with IPv4"),
    ({"pod_cidr": "10.96.0.0/16"}, "--pod-cidr 10.96.0.0/16 overlaps with "
                                   "--service-cluster-ip-range 10.96.0.0/12"),
    ({**V4_FIRST, "pod_cidr": "172.17.0.0/16,fd00:10:96::/64"},
     "--pod-cidr fd00:10:96::/64 overlaps with --service-cluster-ip-range fd00:10:96::/108"),
    ({**V6, "node_ip": "fd00:10:244::5"}, "--pod-cidr fd00:10:244::/64 overlaps with "
     "fd00:10:244::/64, the network of --node-ip fd00:10:244::5"),
    ({**V6, "nodes": 2, "pod_cidr": "fd00:10:200::/40"}, "--pod-cidr fd00:10:200::/40 is too large "
     "to give a /64 to each node: the mask must be >= 48"),
    ({**V6, "nodes": 3, "pod_cidr": "fd00:10:244::/79"},
     "--pod-cidr fd00:10:244::/79: has no room for a /80 for each of 3 nodes"),
    ({"nodes": 3, "pod_cidr": "172.17.0.0/23"},
     "--pod-cidr 172.17.0.0/23: has no room for a /24 for each of 3 nodes"),
    ({"lb": "fair"}, "--lb fair: must be round-robin or random"),
    ({"nodes": 0}, "--nodes 0: must be a whole number, 1 to 500"),
    ({"proxy_mode": "nftables", "proxy_rules": "v1.13"},
     "--proxy-rules v1.13: exists in --proxy-mode iptables only"),
    ({"nodes": "two"}, "--nodes two: must be a whole number, 1 to 500"),
    ({"seed": "x y"}, "--seed 'x y': must be a whole number"),
    ({"max_pods": ""}, "--max-pods '': must be a whole number, at least 1"),
])
def test_a_bad_value_is_named_with_what_would_be_right(options, line):
    with pytest.raises(ValidationError) as caught:
        ClusterOptions.model_validate(options)
    assert explain(caught.value, ClusterOptions) == line


@pytest.mark.parametrize(("options", "line"), [
    ({"port": "x"}, "--port x: must be a whole number, 0 to 65535"),
    ({"time_scale": "nan"}, "--time-scale nan: must be a number, more than 0 and at most 100000"),
    ({"storage": "disk"}, "--storage disk: must be memory or sqlite"),
    ({"insecure_http": "perhaps"}, "--insecure-http perhaps: must be true or false"),
    ({"listen": ""},
     "--listen '': must be an address of this computer, such as 127.0.0.1 or 0.0.0.0"),
    ({"token": "a b"},
     "--token 'a b': must be of letters, digits and - . _ ~ + /, with = only at its end"),
    ({"cluster": {"nodes": 0}}, "--nodes 0: must be a whole number, 1 to 500"),
    ({"colour": 1}, "--colour 1: Extra inputs are not permitted"),
])
def test_a_bad_value_of_the_server_is_named_too(options, line):
    with pytest.raises(ValidationError) as caught:
        ServerOptions.model_validate(options)
    assert explain(caught.value, ClusterOptions, ServerOptions) == line


def test_a_range_with_host_bits_is_refused():
    with pytest.raises(ValidationError, match="must be an IPv4 range"):
        ClusterOptions(pod_cidr="172.17.0.1/16")


def test_two_families_make_lists_of_two():
    options = ClusterOptions(nodes=2, **V6_FIRST)
    assert options.families == ("IPv6", "IPv4")
    assert options.node_addresses() == [
        ("fd00:211:55::120", "10.211.55.120"), ("fd00:211:55::121", "10.211.55.121")]
    assert options.node_pod_cidrs() == [
        ("fd00:10:244::/80", "172.17.0.0/24"), ("fd00:10:244:0:1::/80", "172.17.1.0/24")]
    assert options.service_ips(10) == ("fd00:10:96::a", "10.96.0.10")


@pytest.mark.parametrize(("cidr", "nodes", "mask"), [
    ("fd00:10:244::/64", 1, 64), ("fd00:10::/48", 1, 48), ("fd00:10:200::/56", 2, 64),
    ("fd00:10:244::/64", 2, 80), ("fd00:10:244::/70", 8, 80)])
def test_each_node_gets_a_64_of_a_larger_range_and_an_80_of_a_smaller(cidr, nodes, mask):
    assert ClusterOptions(**{**V6, "pod_cidr": cidr}, nodes=nodes).node_masks() == (mask,)


def test_lists_and_odd_spellings_are_brought_into_one_form():
    ranges = ["172.17.0.0/16", " FD00:10:244:0::/64"]
    options = ClusterOptions(**{**V4_FIRST, "pod_cidr": ranges})
    assert options.pod_cidr == "172.17.0.0/16,fd00:10:244::/64"
    assert ClusterOptions.model_validate_json(options.model_dump_json()) == options


@pytest.mark.parametrize(("nodes", "network"), [
    (1, "10.211.55.0/24"), (135, "10.211.55.0/24"), (136, "10.211.48.0/20"),
    (256, "10.211.48.0/20")])
def test_the_nodes_network_has_room_for_all_of_them(nodes, network):
    assert str(addressing.lan("10.211.55.120", nodes)) == network
    assert ClusterOptions(nodes=nodes).node_addresses()[-1]
