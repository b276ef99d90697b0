"""Clusters with IPv6: two families, either first, and IPv6 alone; all that carries traffic."""

from __future__ import annotations

import json

import pytest

from minikube_sim import Cluster
from tests.integration.families import FAMILIES, V4_FIRST, V6, V6_FIRST
from tests.integration.pods import out_of_pod

PODS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 3
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers: [{name: c, image: "simpleapi:1.0", ports: [{containerPort: 5000}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: client, labels: {app: client}}
spec: {containers: [{name: c, image: "debian:12", command: [sleep, "36000"]}]}
"""


def service(name, **spec):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {
        "selector": {"app": "api"}, "ports": [{"port": 80, "targetPort": 5000}], **spec}}


def addresses(cluster, name):
    """The Service's addresses by family."""
    spec = cluster.get("svc", name)["spec"]
    return dict(zip(spec["ipFamilies"], spec["clusterIPs"], strict=True))


def slices(cluster, name):
    """Addresses of the Service's endpoints by address type."""
    found = cluster.list("endpointslices", "default", f"kubernetes.io/service-name={name}")
    return {one["addressType"]: sorted(a for e in one["endpoints"] or () for a in e["addresses"])
            for one in found}


def url(address, path="/"):
    return f"http://[{address}]{path}" if ":" in address else f"http://{address}{path}"


@pytest.fixture(params=FAMILIES)
def families(request):
    return request.param.split(",")


@pytest.fixture(params=["iptables", "nftables"])
def each(request, families):
    """A cluster of each choice of families, in each mode of kube-proxy."""
    with Cluster(proxy_mode=request.param, strict=True, **FAMILIES[",".join(families)]) as made:
        made.apply(PODS)
        made.advance(5)
        yield made


# ---------------------------------------------------------------- objects


@pytest.mark.cluster(nodes=2, **V4_FIRST)
def test_nodes_have_addresses_and_pod_ranges_of_both_families(cluster):
    nodes = cluster.list("nodes")
    assert [[a["address"] for a in n["status"]["addresses"]] for n in nodes] == [
        ["10.211.55.120", "fd00:211:55::120", "minikube"],
        ["10.211.55.121", "fd00:211:55::121", "minikube-m02"]]
    assert [n["spec"]["podCIDRs"] for n in nodes] == [
        ["172.17.0.0/24", "fd00:10:244::/80"], ["172.17.1.0/24", "fd00:10:244:0:1::/80"]]
    assert [n["spec"]["podCIDR"] for n in nodes] == ["172.17.0.0/24", "172.17.1.0/24"]


@pytest.mark.parametrize(("options", "ips", "hosts"), [
    (V4_FIRST, ["172.17.0.6", "fd00:10:244::6"], ["10.211.55.120", "fd00:211:55::120"]),
    (V6_FIRST, ["fd00:10:244::6", "172.17.0.6"], ["fd00:211:55::120", "10.211.55.120"]),
    (V6, ["fd00:10:244::6"], ["fd00:211:55::120"]),
    ({**V6_FIRST, "pod_cidr": V4_FIRST["pod_cidr"]},
     ["fd00:10:244::6", "172.17.0.6"], ["fd00:211:55::120", "10.211.55.120"]),
])
def test_pods_show_an_address_of_each_family_the_nodes_first_one_first(options, ips, hosts):
    with Cluster(strict=True, **options) as cluster:
        cluster.apply(PODS.rpartition("---")[2])
        cluster.advance(2)
        status = cluster.get("pod", "client")["status"]
    assert (status["podIP"], status["podIPs"]) == (ips[0], [{"ip": ip} for ip in ips])
    assert (status["hostIP"], status["hostIPs"]) == (hosts[0], [{"ip": ip} for ip in hosts])


def test_a_service_says_nothing_and_gets_the_default_family(each, families):
    each.apply(service("web"))
    spec = each.get("svc", "web")["spec"]
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (families[:1], "SingleStack")
    assert list(slices(each, "web")) == families[:1]
    assert spec["clusterIPs"] == [spec["clusterIP"]]


def test_the_services_of_the_system(each, families):
    kubernetes, dns = (each.get("svc", name, space)["spec"] for name, space in (
        ("kubernetes", "default"), ("kube-dns", "kube-system")))
    assert (kubernetes["ipFamilies"], kubernetes["ipFamilyPolicy"]) == (families[:1], "SingleStack")
    assert dns["ipFamilies"] == families
    wanted = {"IPv4": "10.96.0.10", "IPv6": "fd00:10:96::a"}
    assert dns["clusterIPs"] == [wanted[family] for family in families]


# ---------------------------------------------------------------- traffic


def test_every_vip_answers_in_turn_and_is_on_no_interface(each, families):
    each.apply(service("web", ipFamilyPolicy="PreferDualStack"))
    each.advance(2)
    assert list(addresses(each, "web")) == families
    for address in addresses(each, "web").values():
        said = each.run(f"for i in 1 2 3 4 5 6; do curl -s {url(address)}; done").stdout
        hosts = [json.loads(line)["host"] for line in said.splitlines()]
        assert [hosts.count(host) for host in sorted(set(hosts))] == [2, 2, 2]
        assert address not in each.run("ip addr").stdout.decode()
        assert each.run(f"ping -c 1 -W 1 {address}").exit_code == 1


def test_a_pod_reaches_every_vip_by_name_and_address(each):
    each.apply(service("web", ipFamilyPolicy="PreferDualStack"))
    each.advance(2)
    for where in (*addresses(each, "web").values(), "web", "web.default.svc.cluster.local"):
        assert "client" in json.loads(out_of_pod(each, "client", f"curl -s {url(where)}"))


def test_node_ports_answer_at_every_address_of_the_node_from_outside(each, families):
    each.apply(service("web", type="NodePort", ipFamilyPolicy="PreferDualStack",
                       ports=[{"port": 80, "targetPort": 5000, "nodePort": 30080}]))
    each.advance(2)
    nodes = [a["address"] for a in each.list("nodes")[0]["status"]["addresses"][:-1]]
    assert len(nodes) == len(families)
    for address in nodes:
        flow = each.trace("outside", url(address, ":30080/"))
        assert flow.answer.result == "answered", flow


def test_deletion_takes_every_rule_and_address_away(each):
    shown = "ip6tables-save; iptables-save; nft list ruleset"
    before = sorted(each.run(shown).stdout.decode().splitlines())
    each.apply(service("web", ipFamilyPolicy="PreferDualStack"))
    each.advance(2)
    assert sorted(each.run(shown).stdout.decode().splitlines()) != before
    taken = list(addresses(each, "web").values())
    each.delete("svc", "web")
    each.advance(2)
    after = each.run(shown).stdout.decode()
    assert not any(address in after for address in taken)
    assert all(each.run(f"curl -s -m 1 {url(address)}").exit_code for address in taken)
    assert slices(each, "web") == {}
    each.apply(service("heir", clusterIP=taken[0], clusterIPs=taken,
                       ipFamilyPolicy="PreferDualStack"))
    assert each.get("svc", "heir")["spec"]["clusterIPs"] == taken
