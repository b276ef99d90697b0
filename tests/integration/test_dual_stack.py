"""Clusters with IPv6: two families, either first, and IPv6 alone; all that carries traffic."""

from __future__ import annotations

import json

import pytest

from apiserver.machinery.errors import Invalid
from apiserver.machinery.gvk import SERVICES
from controllers.drive import drive
from minikube_sim import Cluster
from minikube_sim.dns import wire
from tests.integration.families import FAMILIES, V4_FIRST, V6, V6_FIRST
from tests.integration.pods import in_pod, out_of_pod

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


@pytest.fixture(params=[("IPv4,IPv6", "iptables"), ("IPv4,IPv6", "nftables"),
                        ("IPv6,IPv4", "iptables"), ("IPv6", "nftables")], ids=" ".join)
def each(request):
    """A cluster of each choice of families, in one mode of kube-proxy or the other."""
    chosen, mode = request.param
    with Cluster(proxy_mode=mode, strict=True, **FAMILIES[chosen]) as made:
        made.apply(PODS)
        made.advance(5)
        yield made


@pytest.fixture
def families(each):
    """What the cluster's options say, in their order."""
    return ["IPv6" if ":" in text else "IPv4" for text in each.options.service_cidrs]


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


# ---------------------------------------------------------------- one Service through its changes


def change(cluster, name, **spec):
    """The Service's spec after a merge patch, as kubectl patch sends it."""
    drive(cluster.client.patch(SERVICES, name, "default", {"spec": spec}))
    cluster.advance(2)
    return cluster.get("svc", name)["spec"]


@pytest.mark.cluster(**V4_FIRST)
def test_a_service_gets_a_second_family_and_gives_it_up(cluster):
    cluster.apply(PODS, service("web"))
    cluster.advance(5)
    single = cluster.get("svc", "web")["spec"]
    both = change(cluster, "web", ipFamilyPolicy="RequireDualStack")
    assert both["ipFamilies"] == ["IPv4", "IPv6"]
    assert both["clusterIPs"][0] == single["clusterIP"]
    assert sorted(slices(cluster, "web")) == ["IPv4", "IPv6"]
    second = both["clusterIPs"][1]
    assert cluster.run(f"curl -s {url(second)}").exit_code == 0
    back = change(cluster, "web", ipFamilyPolicy="SingleStack")
    assert (back["clusterIPs"], back["ipFamilies"]) == (single["clusterIPs"], ["IPv4"])
    assert list(slices(cluster, "web")) == ["IPv4"]
    assert cluster.run(f"curl -s -m 1 {url(second)}").exit_code == 28
    assert second not in cluster.run("ip6tables-save").stdout.decode()


@pytest.mark.cluster(**V4_FIRST)
def test_a_service_leaves_the_cluster_and_comes_back(cluster):
    cluster.apply(service("web", ipFamilyPolicy="PreferDualStack"))
    before = cluster.get("svc", "web")["spec"]["clusterIPs"]
    gone = change(cluster, "web", type="ExternalName", externalName="example.org", clusterIP=None,
                  clusterIPs=None, ipFamilies=None, ipFamilyPolicy=None)
    assert not gone.keys() & {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"}
    cluster.apply(service("heir", clusterIP=before[0], clusterIPs=before,
                          ipFamilyPolicy="RequireDualStack"))
    back = change(cluster, "web", type="ClusterIP", externalName=None)
    assert back["ipFamilies"] == ["IPv4"]
    assert back["clusterIP"] not in before


@pytest.mark.cluster(**V6_FIRST)
def test_headless_services(cluster):
    cluster.apply(PODS, service("prefer", clusterIP="None", ipFamilyPolicy="PreferDualStack"),
                  service("plain", clusterIP="None"),
                  {**service("bare"), "spec": {"clusterIP": "None", "ports": [{"port": 80}]}})
    cluster.advance(5)
    found = {name: cluster.get("svc", name)["spec"] for name in ("prefer", "plain", "bare")}
    assert {name: (spec["ipFamilyPolicy"], spec["ipFamilies"]) for name, spec in found.items()} == {
        "prefer": ("PreferDualStack", ["IPv6", "IPv4"]), "plain": ("SingleStack", ["IPv6"]),
        "bare": ("RequireDualStack", ["IPv6", "IPv4"])}
    assert {name: sorted(slices(cluster, name)) for name in found} == {
        "prefer": ["IPv4", "IPv6"], "plain": ["IPv6"], "bare": []}
    short = "dig +short {} {}.default.svc.cluster.local"
    for kind, of_family in (("A", "IPv4"), ("AAAA", "IPv6")):
        got = out_of_pod(cluster, "client", short.format(kind, "prefer")).split()
        assert sorted(got) == slices(cluster, "prefer")[of_family]
    assert out_of_pod(cluster, "client", short.format("A", "plain")) == ""


def test_endpoints_show_the_first_family_only(each, families):
    each.apply(service("web", ipFamilyPolicy="PreferDualStack"))
    each.advance(2)
    subsets = each.get("endpoints", "web")["subsets"]
    assert sorted(a["ip"] for a in subsets[0]["addresses"]) == slices(each, "web")[families[0]]


@pytest.mark.cluster(**V4_FIRST)
def test_a_slice_made_by_hand_serves_its_family(cluster):
    cluster.apply(PODS, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "byhand"},
                         "spec": {"ports": [{"port": 80}], "ipFamilies": ["IPv6"]}})
    cluster.advance(5)
    target = cluster.get("pod", "client")["status"]["podIPs"][1]["ip"]
    cluster.apply({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "byhand"},
                   "subsets": [{"addresses": [{"ip": target}], "ports": [{"port": 80}]}]})
    cluster.advance(2)
    assert slices(cluster, "byhand") == {"IPv6": [target]}
    address = addresses(cluster, "byhand")["IPv6"]
    assert cluster.run(f"curl -s {url(address)}").exit_code == 7
    assert f"--to-destination [{target}]:80" in cluster.run("ip6tables-save").stdout.decode()


@pytest.mark.parametrize(("options", "spec", "error"), [
    (V6, {"ipFamilyPolicy": "RequireDualStack"}, "spec.ipFamilyPolicy: Invalid value: "
     '"RequireDualStack": this cluster is not configured for dual-stack services'),
    (V6, {"ipFamilies": ["IPv4"]},
     'spec.ipFamilies[0]: Invalid value: "IPv4": not configured on this cluster'),
    (V6, {"clusterIP": "10.96.0.9"}, 'spec.clusterIPs[0]: Invalid value: ["10.96.0.9"]: '
                                     "IPv4 is not configured on this cluster"),
    (V4_FIRST, {"clusterIP": "fd00:99::1"}, 'spec.clusterIPs: Invalid value: ["fd00:99::1"]: '
     "failed to allocate IP fd00:99::1: the provided network does not match the current range"),
    (V4_FIRST, {"ipFamilies": ["IPv4", "IPv6"]}, "spec.ipFamilyPolicy: Invalid value: "
     "\"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families "
     "are specified"),
    (V4_FIRST, {"ipFamilies": ["IPv4"], "clusterIP": "fd00:10:96::9"}, "spec.clusterIPs[0]: "
     'Invalid value: "fd00:10:96::9": expected an IPv4 value as indicated by `ipFamilies[0]`'),
    (V4_FIRST, {"clusterIP": "fd00::x", "ports": [{"port": 0}]}, "spec.clusterIPs[0]: Invalid "
     'value: "fd00::x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'),
])
def test_what_the_clusters_families_do_not_allow(options, spec, error):
    with Cluster(strict=True, **options) as cluster:
        with pytest.raises(Invalid) as caught:
            drive(cluster.client.create(SERVICES, service("x", **spec), "default"))
        assert str(caught.value) == f'Service "x" is invalid: {error}'


def test_one_address_of_ipv6_is_all_that_prefer_gets_in_a_cluster_without_ipv4():
    with Cluster(strict=True, **V6) as cluster:
        cluster.apply(service("web", ipFamilyPolicy="PreferDualStack"))
        spec = cluster.get("svc", "web")["spec"]
    assert (spec["ipFamilies"], len(spec["clusterIPs"])) == (["IPv6"], 1)


@pytest.mark.cluster(**V6_FIRST)
def test_the_service_ranges_are_an_object(cluster):
    (one,) = cluster.list("servicecidrs")
    assert one["spec"]["cidrs"] == ["fd00:10:96::/108", "10.96.0.0/12"]
    assert [(c["type"], c["status"]) for c in one["status"]["conditions"]] == [("Ready", "True")]


# ---------------------------------------------------------------- policies


POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: guard}
spec:
  podSelector: {matchLabels: {app: api}}
  ingress: [{from: [%s], ports: [{port: 5000}]}]
"""


@pytest.mark.parametrize(("peer", "passes"), [
    ("{podSelector: {matchLabels: {app: client}}}", {4, 6}),
    ("{podSelector: {matchLabels: {app: other}}}", set()),
    ("{ipBlock: {cidr: 'fd00:10:244::/64'}}", {6}),
    ("{ipBlock: {cidr: 172.17.0.0/16}}", {4}),
    ("{ipBlock: {cidr: 'fd00::/8', except: ['fd00:10:244::6/128']}}", set()),
    ("{ipBlock: {cidr: 'fd00::/8', except: ['fd00:10:244::99/128']}}, {ipBlock: {cidr: 0.0.0.0/0}}",
     {4, 6}),
])
@pytest.mark.cluster(**V4_FIRST)
def test_a_policy_speaks_of_the_addresses_of_each_family(cluster, peer, passes):
    cluster.apply(PODS.rpartition("---")[2], PODS, service("web", ipFamilyPolicy="PreferDualStack"))
    cluster.advance(5)
    assert cluster.get("pod", "client")["status"]["podIPs"][1]["ip"] == "fd00:10:244::6"
    cluster.apply(POLICY % peer)
    cluster.advance(2)
    codes = {version: in_pod(cluster, "client", f"curl -{version} -s -m 1 web").exit_code
             for version in (4, 6)}
    assert codes == {version: 0 if version in passes else 28 for version in (4, 6)}
    cluster.delete("networkpolicy", "guard")
    cluster.advance(2)
    assert in_pod(cluster, "client", "curl -6 -s -m 1 web").exit_code == 0
    assert "NETPOL" not in cluster.run("ip6tables-save").stdout.decode()


# ---------------------------------------------------------------- several nodes


SPREAD = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: api}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers: [{name: c, image: "simpleapi:1.0", ports: [{containerPort: 5000}]}]
"""
ONE = """
apiVersion: v1
kind: Pod
metadata: {name: one, labels: {app: one}}
spec:
  nodeName: minikube-m02
  containers: [{name: c, image: "simpleapi:1.0", ports: [{containerPort: 5000}]}]
"""


def asked(cluster, source, target):
    """Who answered, and as whom it saw the client; or what became of it."""
    answer = cluster.trace(source, target).answer
    return (answer.by, answer.client) if answer.result == "answered" else answer.result


@pytest.mark.cluster(nodes=3, **V6_FIRST)
def test_pods_of_several_nodes_reach_each_other_by_ipv6(cluster):
    cluster.apply(SPREAD, service("web", ipFamilyPolicy="PreferDualStack"))
    cluster.advance(5)
    pods = cluster.list("pods", "default")
    assert [p["status"]["podIP"] for p in pods if p["spec"]["nodeName"] == "minikube-m03"] == [
        "fd00:10:244:0:2::2"]
    for pod in pods:
        for other in pods:
            name, ip = other["metadata"]["name"], other["status"]["podIP"]
            client = pod["status"]["podIP"]
            assert asked(cluster, f"pod/{pod['metadata']['name']}", f"http://[{ip}]:5000/") == (
                f"pod/{name}", client)
    routes = cluster.run("ip -6 route").stdout.decode()
    assert "fd00:10:244:0:2::/80 via fd00:211:55::122 dev eth0 metric 1024 pref medium" in routes
    address = addresses(cluster, "web")["IPv6"]
    hosts = {asked(cluster, "node/minikube-m02", url(address))[0] for _ in range(3)}
    assert len(hosts) == 3


@pytest.mark.parametrize("mode", ["iptables", "nftables"])
def test_traffic_policies_and_health_checks(mode):
    with Cluster(nodes=2, strict=True, proxy_mode=mode, **V4_FIRST) as cluster:
        cluster.apply(ONE, service("inside", selector={"app": "one"}, ipFamilies=["IPv6"],
                                   internalTrafficPolicy="Local"),
                      service("outside", selector={"app": "one"}, ipFamilies=["IPv6"],
                              type="LoadBalancer", externalTrafficPolicy="Local",
                              healthCheckNodePort=32000,
                              ports=[{"port": 80, "targetPort": 5000, "nodePort": 30080}]))
        cluster.advance(5)
        inside = url(addresses(cluster, "inside")["IPv6"])
        assert asked(cluster, "node/minikube-m02", inside) == ("pod/one", "fd00:10:244:0:1::1")
        assert asked(cluster, "node/minikube", inside) in ("dropped", "refused")
        client = "fd00:211:55::2"
        assert asked(cluster, "outside", "http://[fd00:211:55::121]:30080/") == ("pod/one", client)
        assert asked(cluster, "outside", "http://[fd00:211:55::120]:30080/") == "dropped"
        for node, status, local in (("120", "503", 0), ("121", "200", 1)):
            said = cluster.run(f"curl -s -w ' %{{http_code}}' http://[fd00:211:55::{node}]:32000/")
            body, _, code = said.stdout.decode().rpartition(" ")
            assert (json.loads(body)["localEndpoints"], code) == (local, status)


@pytest.mark.cluster(nodes=2, **V4_FIRST)
def test_external_and_load_balancer_addresses_of_ipv6(cluster):
    cluster.apply(ONE, service("web", selector={"app": "one"}, type="LoadBalancer",
                               ipFamilyPolicy="PreferDualStack", externalIPs=["fd00:9::9"],
                               loadBalancerSourceRanges=["fd00:211:55::/64"]))
    drive(cluster.client.patch(SERVICES, "web", "default", {"status": {"loadBalancer": {
        "ingress": [{"ip": "fd00:9::8"}, {"ip": "10.9.0.8"}]}}}, subresource="status"))
    cluster.advance(5)
    for address in ("fd00:9::9", "fd00:9::8"):
        assert asked(cluster, "node/minikube", url(address))[0] == "pod/one"
    columns = cluster.client.get(SERVICES, "web", "default")
    assert drive(columns)["status"]["loadBalancer"]["ingress"][0]["ipMode"] == "VIP"


@pytest.mark.cluster(**V6)
def test_a_client_keeps_its_endpoint_by_ipv6(cluster):
    cluster.apply(PODS, service("sticky", sessionAffinity="ClientIP"))
    cluster.advance(5)
    address = addresses(cluster, "sticky")["IPv6"]
    said = cluster.run(f"for i in 1 2 3 4; do curl -s {url(address)}; done").stdout.splitlines()
    assert len({json.loads(line)["host"] for line in said}) == 1


@pytest.mark.cluster(**V4_FIRST)
def test_containers_learn_all_addresses_and_probes_ask_the_first(cluster):
    names = {"IPS": "status.podIPs", "IP": "status.podIP", "HOSTS": "status.hostIPs",
             "HOST": "status.hostIP"}
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "knows"}, "spec": {
        "containers": [{"name": "c", "image": "nginx:1.27",
                        "readinessProbe": {"httpGet": {"port": 80}, "periodSeconds": 1},
                        "env": [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
                                for name, path in names.items()]}]}})
    cluster.advance(5)
    assert out_of_pod(cluster, "knows", "echo $IPS $IP $HOSTS $HOST").split() == [
        "172.17.0.6,fd00:10:244::6", "172.17.0.6", "10.211.55.120,fd00:211:55::120",
        "10.211.55.120"]
    assert cluster.get("pod", "knows")["status"]["containerStatuses"][0]["ready"]


@pytest.mark.cluster(**V6)
def test_probes_ask_by_ipv6_where_there_is_nothing_else(cluster):
    probe = {"httpGet": {"port": 81}, "periodSeconds": 1}
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "deaf"}, "spec": {
        "containers": [{"name": "c", "image": "nginx:1.27", "readinessProbe": probe}]}})
    cluster.advance(5)
    told = [event["message"] for event in cluster.list("events", "default")
            if event["reason"] == "Unhealthy"]
    assert told == ['Readiness probe failed: Get "http://[fd00:10:244::6]:81/": dial tcp '
                    "[fd00:10:244::6]:81: connect: connection refused"]


# ---------------------------------------------------------------- nodes and their Pods


@pytest.mark.cluster(nodes=2, **V6_FIRST)
def test_a_node_that_a_client_makes_gets_a_range_of_each_family(cluster):
    cluster.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "extra"}})
    cluster.advance(1)
    assert cluster.get("node", "extra")["spec"] == {
        "podCIDR": "fd00:10:244:0:2::/80",
        "podCIDRs": ["fd00:10:244:0:2::/80", "172.17.2.0/24"],
        "taints": cluster.get("node", "extra")["spec"]["taints"]}
    cluster.delete("node", "extra")


@pytest.mark.cluster(**V6_FIRST)
def test_pods_on_the_nodes_network_have_its_addresses(cluster):
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "host"}, "spec": {
        "hostNetwork": True, "containers": [{"name": "c", "image": "nginx:1.27"}]}})
    cluster.advance(3)
    assert cluster.get("pod", "host")["status"]["podIPs"] == [
        {"ip": "fd00:211:55::120"}, {"ip": "10.211.55.120"}]
    for node in ("10.211.55.120", "fd00:211:55::120"):
        assert cluster.run(f"curl -s {url(node)}").exit_code == 0


def test_both_addresses_come_back_after_a_restart(tmp_path):
    first = Cluster(strict=True, database=tmp_path / "state.db", **V4_FIRST).start()
    first.apply(PODS, service("web", ipFamilyPolicy="PreferDualStack"))
    first.advance(5)
    before = addresses(first, "web"), slices(first, "web")
    first.close()
    with Cluster(strict=True, database=tmp_path / "state.db", **V4_FIRST) as again:
        again.advance(5)
        assert (addresses(again, "web"), slices(again, "web")) == before
        assert again.run(f"curl -s {url(before[0]['IPv6'])}").exit_code == 0
        with pytest.raises(Invalid, match="provided IP is already allocated"):
            drive(again.client.create(SERVICES, service("x", clusterIP=before[0]["IPv6"]),
                                      "default"))


def test_a_full_range_of_one_family_keeps_the_pod_waiting_and_takes_nothing():
    options = {**V4_FIRST, "pod_cidr": "172.17.0.0/29,fd00:10:244::/64"}
    with Cluster(strict=True, **options) as cluster:
        pod = {"apiVersion": "v1", "kind": "Pod", "spec": {
            "containers": [{"name": "c", "image": "nginx:1.27"}]}}
        for name in ("a", "b"):
            cluster.apply({**pod, "metadata": {"name": name}})
            cluster.advance(3)
        assert "podIPs" not in cluster.get("pod", "b")["status"]
        assert "172.17.0.1-172.17.0.6" in next(
            event["message"] for event in cluster.list("events", "default")
            if event["reason"] == "FailedCreatePodSandBox")
        cluster.delete("pod", "a")
        cluster.advance(60)
        assert cluster.get("pod", "b")["status"]["podIPs"][0] == {"ip": "172.17.0.6"}


@pytest.mark.cluster(**V6)
def test_a_udp_flow_by_ipv6_goes_on_when_its_pod_is_gone(cluster):
    cluster.apply(PODS)
    cluster.advance(3)
    client = cluster.network.fabric.namespace("client.default")

    def answered_by():
        query = wire.ask(wire.Query(ident=7, name="kubernetes.default.svc.cluster.local",
                                    type="AAAA"))
        return client.send_datagram("fd00:10:96::a", 53, query, source_port=33333).server.name

    first = answered_by()
    assert answered_by() == first
    cluster.delete("pod", first.partition(".")[0], "kube-system")
    cluster.advance(5)
    assert answered_by() not in ("", first)
