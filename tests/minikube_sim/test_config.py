"""Options: what they accept, what they derive, how they complain."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from minikube_sim.config import ClusterOptions, explain


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
    ({"kubernetes_version": "1.24"}, "--kubernetes-version 1.24: must be 1.25 to 1.37"),
    ({"kubernetes_version": "latest"}, "--kubernetes-version latest: must be 1.25 to 1.37"),
    ({"node_ip": "10.0.0"}, "--node-ip 10.0.0: must be an IPv4 address, such as 10.211.55.120"),
    ({"lb": "fair"}, "--lb fair: input should be 'round-robin' or 'random'"),
    ({"nodes": 0}, "--nodes 0: input should be greater than or equal to 1"),
    ({"proxy_mode": "nftables", "proxy_rules": "v1.13"},
     "proxy_rules v1.13 exists in proxy_mode iptables only"),
])
def test_a_bad_value_is_named_with_what_would_be_right(options, line):
    with pytest.raises(ValidationError) as caught:
        ClusterOptions.model_validate(options)
    assert explain(caught.value) == line


def test_a_range_with_host_bits_is_refused():
    with pytest.raises(ValidationError, match="must be an IPv4 range"):
        ClusterOptions(pod_cidr="172.17.0.1/16")
