"""Options: what they accept, what they derive, how they complain."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from minikube_sim.complaints import explain
from minikube_sim.config import ClusterOptions
from minikube_sim.profile import ServerOptions


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
