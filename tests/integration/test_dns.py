"""Names in a whole cluster: Pods ask CoreDNS through kube-dns's VIP."""

from __future__ import annotations

import pytest

from minikube_sim import Cluster
from tests.integration.pods import in_pod, out_of_pod

MANIFESTS = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {hostname: w1, subdomain: peers, containers: [{name: c, image: "nginx:1.27"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {containers: [{name: c, image: "debian:12", command: [sleep, "36000"]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: small}
spec: {containers: [{name: c, image: "busybox:1.36", command: [sleep, "36000"]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, clusterIP: 10.96.7.7, ports: [{port: 80, name: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: peers}
spec: {selector: {app: web}, clusterIP: None, ports: [{port: 80, name: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: alias}
spec: {type: ExternalName, externalName: web.default.svc.cluster.local}
"""
NSLOOKUP = """Server:\t\t10.96.0.10
Address:\t10.96.0.10#53

Name:\tweb.default.svc.cluster.local
Address: 10.96.7.7

"""


@pytest.fixture(scope="module", params=["iptables", "nftables"])
def cluster(request):
    with Cluster(nodes=2, proxy_mode=request.param, strict=True) as made:
        made.apply(MANIFESTS)
        made.advance(5)
        yield made


@pytest.mark.parametrize("host", ["web", "web.default", "web.default.svc",
                                  "web.default.svc.cluster.local", "peers", "w1.peers", "alias"])
def test_curl_takes_names(cluster, host):
    assert "Welcome to nginx" in out_of_pod(cluster, "client", f"curl -s http://{host}/")


def test_a_name_that_is_not_there(cluster):
    result = in_pod(cluster, "client", "curl -s -S http://nosuch/")
    assert (result.exit_code, result.stderr) == (6, b"curl: (6) Could not resolve host: nosuch\n")


def test_nodes_do_not_know_the_names_of_the_cluster(cluster):
    before = cluster.clock.now()
    result = cluster.run("curl -s -S http://web.default.svc.cluster.local/")
    assert (result.exit_code, cluster.clock.now()) == (6, before)
    assert cluster.run("dig +short @10.96.0.10 web.default.svc.cluster.local"
                       ).stdout == b"10.96.7.7\n"


def test_nslookup_prints_as_binds(cluster):
    assert out_of_pod(cluster, "client", "nslookup web") == NSLOOKUP
    missing = in_pod(cluster, "client", "nslookup nosuch")
    assert missing.stdout.endswith(b"** server can't find nosuch: NXDOMAIN\n\n")
    assert missing.exit_code == 1


def test_nslookup_of_busybox_tells_of_every_name_that_it_tries(cluster):
    text = out_of_pod(cluster, "small", "nslookup web")
    assert "Address:\t10.96.0.10:53\n\nName:\tweb.default.svc.cluster.local\nAddress: 10.96.7.7" \
        in text
    assert "** server can't find web.cluster.local: NXDOMAIN" in text


@pytest.mark.parametrize(("line", "expected"), [
    ("dig +short web.default.svc.cluster.local", "10.96.7.7\n"),
    ("dig +short +tcp web.default.svc.cluster.local", "10.96.7.7\n"),
    ("dig +short web", ""), ("dig +short +search web", "10.96.7.7\n"),
    ("dig +short -x 10.96.7.7", "web.default.svc.cluster.local.\n"),
    ("dig +short _http._tcp.peers.default.svc.cluster.local SRV",
     "0 100 80 w1.peers.default.svc.cluster.local.\n"),
    ("dig +short alias.default.svc.cluster.local",
     "web.default.svc.cluster.local.\n10.96.7.7\n"),
    ("dig +noall +answer web.default.svc.cluster.local",
     "web.default.svc.cluster.local. 30 IN\tA\t10.96.7.7\n"),
    ("getent hosts web", "10.96.7.7       web.default.svc.cluster.local\n"),
    ("host web.default.svc.cluster.local",
     "web.default.svc.cluster.local has address 10.96.7.7\n"),
])
def test_dig_and_its_kin(cluster, line, expected):
    assert out_of_pod(cluster, "client", line) == expected


def test_questions_go_through_the_rules_of_kube_proxy(cluster):
    in_pod(cluster, "client", "dig web.default.svc.cluster.local")
    node = cluster.get("pod", "client")["spec"]["nodeName"]
    table = cluster.run("sudo conntrack -L -p udp", node).stdout.decode()
    assert "dst=10.96.0.10" in table
    assert "dport=53" in table


def test_a_service_has_its_name_as_soon_as_it_is_there(cluster):
    cluster.apply("apiVersion: v1\nkind: Service\nmetadata: {name: later}\n"
                  "spec: {clusterIP: 10.96.7.8, ports: [{port: 80}]}\n")
    line = "dig +short later.default.svc.cluster.local"
    assert out_of_pod(cluster, "client", line) == "10.96.7.8\n"
    cluster.delete("svc", "later")
    assert out_of_pod(cluster, "client", line) == ""


def test_traceroute_names_the_hops(cluster):
    lines = out_of_pod(cluster, "client", "traceroute -n 10.211.55.120").splitlines()
    assert lines[0] == ("traceroute to 10.211.55.120 (10.211.55.120), 30 hops max, 60 byte "
                        "packets")
    assert lines[-1].split()[1] == "10.211.55.120"


def test_nc_says_whether_a_port_answers(cluster):
    assert in_pod(cluster, "client", "nc -z -w 1 web 80").exit_code == 0
    assert in_pod(cluster, "client", "nc -z -w 1 w1.peers 81").exit_code == 1


def test_without_coredns_nothing_resolves(cluster):
    cluster.scale("deployment", "coredns", 0, "kube-system")
    cluster.advance(40)
    result = in_pod(cluster, "client", "curl -s -S http://web/")
    cluster.scale("deployment", "coredns", 2, "kube-system")
    cluster.advance(5)
    assert result.exit_code == 6
