"""Services and what stands behind them."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.resources.core.endpoints import ENDPOINTS
from apiserver.resources.core.services import SERVICES
from apiserver.resources.discovery.endpointslices import ENDPOINTSLICES
from apiserver.resources.networking.ingresses import INGRESSES
from apiserver.resources.networking.networkpolicies import NETWORKPOLICIES
from tests.apiserver.resources.kinds import (
    cells,
    create_errors,
    made,
    update_errors,
    warnings,
)

PORT = {"port": 80}


def test_defaults() -> None:
    spec = made(SERVICES, spec={"ports": [PORT]})["spec"]
    assert spec["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    assert (spec["type"], spec["sessionAffinity"]) == ("ClusterIP", "None")


@pytest.mark.parametrize(("spec", "field"), [
    ({}, "spec.ports"),
    ({"ports": [{"port": 0}]}, "spec.ports[0].port"),
    ({"ports": [PORT, {"port": 81}]}, "spec.ports[0].name"),
    ({"ports": [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]}, "spec.ports[1]"),
    ({"ports": [PORT], "type": "X"}, "spec.type"),
    ({"ports": [{"port": 80, "nodePort": 30000}]}, "spec.ports[0].nodePort"),
    ({"type": "ExternalName"}, "spec.externalName"),
    ({"ports": [PORT], "selector": {"a b": "c"}}, "spec.selector"),
    ({"ports": [PORT], "sessionAffinity": "Y"}, "spec.sessionAffinity"),
    ({"ports": [PORT], "externalIPs": ["127.0.0.1"]}, "spec.externalIPs[0]"),
])
def test_each_fault_is_found(spec: dict[str, Any], field: str) -> None:
    assert field in [error.partition(": ")[0] for error in create_errors(SERVICES, spec=spec)]


def test_the_cluster_address_stays() -> None:
    old = made(SERVICES, spec={"ports": [PORT], "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"],
                               "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"})
    errors = update_errors(SERVICES, old, lambda new: new["spec"].update(
        clusterIP="10.0.0.2", clusterIPs=["10.0.0.2"]))
    assert errors == ['spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set']


def test_rows() -> None:
    obj = made(SERVICES, spec={"type": "LoadBalancer", "clusterIP": "10.0.0.1",
                               "clusterIPs": ["10.0.0.1"], "selector": {"a": "b"},
                               "ports": [{"port": 80, "nodePort": 30080}]})
    row = cells(SERVICES, obj)
    assert (row["Type"], row["Cluster-IP"], row["External-IP"], row["Port(s)"]) == (
        "LoadBalancer", "10.0.0.1", "<pending>", "80:30080/TCP")
    assert row["Selector"] == "a=b"


def test_endpoints() -> None:
    subset = {"addresses": [{"ip": f"10.0.0.{i}"} for i in range(1, 5)], "ports": [{"port": 80}]}
    assert create_errors(ENDPOINTS, subsets=[subset]) == []
    assert cells(ENDPOINTS, made(ENDPOINTS, subsets=[subset]))["Endpoints"] == (
        "10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 1 more...")
    assert create_errors(ENDPOINTS, subsets=[{"addresses": [{"ip": "127.0.0.1"}],
                                              "ports": [{"port": 80}]}])


def test_slices() -> None:
    errors = create_errors(ENDPOINTSLICES, addressType="IPv4",
                           endpoints=[{"addresses": ["fd00::1"]}])
    assert errors == [
        'endpoints[0].addresses: Invalid value: "fd00::1": must be an IPv4 address']


def test_policies() -> None:
    obj = made(NETWORKPOLICIES, spec={"podSelector": {}, "egress": [{}]})
    assert obj["spec"]["policyTypes"] == ["Ingress", "Egress"]
    errors = create_errors(NETWORKPOLICIES, spec={"podSelector": {}, "ingress": [{"from": [
        {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}}, {}]}]})
    assert [error.partition(": ")[0] for error in errors] == [
        "spec.ingress[0].from[0].ipBlock.except[0]", "spec.ingress[0].from[1]"]


def test_ingresses() -> None:
    backend = {"service": {"name": "s", "port": {"number": 80}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    rule = {"host": "a.example.com", "http": {"paths": [path]}}
    assert create_errors(INGRESSES, spec={"rules": [rule]}) == []
    assert create_errors(INGRESSES, spec={}) == [
        "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"]
    wrong = {"http": {"paths": [path | {"path": "a//b"}, path | {"backend": {}},
                                {"backend": backend}]}}
    assert [e.partition(": ")[0] for e in create_errors(INGRESSES, spec={"rules": [wrong]})] == [
        "spec.rules[0].http.paths[0].path", "spec.rules[0].http.paths[0].path",
        "spec.rules[0].http.paths[1].backend", "spec.rules[0].http.paths[2].pathType"]
    row = cells(INGRESSES, made(INGRESSES, spec={"rules": [rule] * 4, "tls": [{}]}))
    assert (row["Hosts"], row["Ports"], row["Class"]) == (
        "a.example.com,a.example.com,a.example.com + 1 more...", "80, 443", "<none>")


@pytest.mark.parametrize(("body", "expected"), [
    ({"externalIPs": ["10.1.1.1"]},
     ["spec.externalIPs is deprecated and may no longer be implemented in some clusters"]),
    ({"clusterIP": "None", "clusterIPs": ["None"], "externalIPs": ["10.1.1.1"],
      "sessionAffinity": "ClientIP"},
     ["spec.externalIPs is ignored for headless services",
      "spec.SessionAffinity is ignored for headless services"]),
    ({"trafficDistribution": "PreferClose"},
     ['spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"']),
    ({"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.1/8"]},
     ['spec.loadBalancerSourceRanges[0]: CIDR value "10.0.0.1/8" is ambiguous in this context '
      '(should be "10.0.0.0/8" or "10.0.0.1/32"?)']),
    ({"type": "ExternalName", "externalName": "a.b", "externalIPs": ["10.1.1.1"]},
     ['spec.externalIPs is ignored when spec.type is "ExternalName"']),
])
def test_doubtful_services(body: dict[str, Any], expected: list[str]) -> None:
    assert warnings(SERVICES, spec={"ports": [{"port": 80}]} | body) == expected
