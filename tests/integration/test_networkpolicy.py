"""NetworkPolicies in a whole cluster: they bite, and are lifted when they are deleted."""

from __future__ import annotations

import pytest

from minikube_sim import Cluster
from tests.integration.pods import in_pod

PODS = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
  - name: c
    image: nginx:1.27
    ports: [{containerPort: 80, name: http}]
    readinessProbe: {httpGet: {port: 80}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, clusterIP: 10.96.7.7, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: friend, labels: {app: friend}}
spec: {containers: [{name: c, image: "debian:12", command: [sleep, "36000"]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: stranger, labels: {app: stranger}}
spec: {containers: [{name: c, image: "debian:12", command: [sleep, "36000"]}]}
"""
POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: %s}
spec: %s
"""
CURL = "curl -s -o /dev/null -m 2 http://web/"
DENY = POLICY % ("deny", "{podSelector: {}, policyTypes: [Ingress]}")
ALLOW = POLICY % ("friends", "{podSelector: {matchLabels: {app: web}}, ingress: [{from: "
                  "[{podSelector: {matchLabels: {app: friend}}}], ports: [{port: http}]}]}")
TIMED_OUT = 28


@pytest.fixture(params=["iptables", "nftables"])
def cluster(request):
    with Cluster(nodes=2, proxy_mode=request.param, strict=True) as made:
        made.apply(PODS)
        made.advance(5)
        yield made


def codes(cluster):
    return [in_pod(cluster, pod, CURL).exit_code for pod in ("friend", "stranger")]


def test_a_policy_bites_and_is_lifted_when_it_is_deleted(cluster):
    assert codes(cluster) == [0, 0]
    cluster.apply(DENY)
    assert codes(cluster) == [TIMED_OUT, TIMED_OUT]
    cluster.apply(ALLOW)
    assert codes(cluster) == [0, TIMED_OUT]
    cluster.delete("networkpolicy", "friends")
    cluster.delete("networkpolicy", "deny")
    assert codes(cluster) == [0, 0]


def test_probes_go_on_behind_a_policy(cluster):
    cluster.apply(DENY)
    cluster.advance(30)
    assert cluster.get("pod", "web")["status"]["containerStatuses"][0]["ready"]


def test_egress_without_dns_makes_names_fail_and_addresses_time_out(cluster):
    cluster.apply(POLICY % ("mute", "{podSelector: {matchLabels: {app: friend}}, "
                            "policyTypes: [Egress]}"))
    assert codes(cluster) == [TIMED_OUT, 0]
    assert in_pod(cluster, "friend", CURL.replace("-s", "-sS")).stderr == (
        b"curl: (28) Resolving timed out after 2000 milliseconds\n")
    assert in_pod(cluster, "friend", "curl -s http://web/").exit_code == 6
    cluster.apply(POLICY % ("dns", "{podSelector: {matchLabels: {app: friend}}, policyTypes: "
                            "[Egress], egress: [{ports: [{port: 53, protocol: UDP}]}]}"))
    assert in_pod(cluster, "friend", "dig +short web.default.svc.cluster.local").stdout == \
        b"10.96.7.7\n"
    assert codes(cluster) == [TIMED_OUT, 0]


def test_labels_of_pods_and_namespaces_count_as_they_are_now(cluster):
    cluster.apply(POLICY % ("by-space", "{podSelector: {matchLabels: {app: web}}, ingress: "
                            "[{from: [{namespaceSelector: {matchLabels: {open: 'yes'}}}]}]}"))
    assert codes(cluster) == [TIMED_OUT, TIMED_OUT]
    cluster.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: default, labels: "
                  "{open: 'yes'}}\n")
    assert codes(cluster) == [0, 0]


def test_a_drop_names_the_policy_in_the_rules_of_the_node(cluster):
    cluster.apply(DENY)
    node = cluster.get("pod", "web")["spec"]["nodeName"]
    rules = cluster.run("sudo iptables-save -t filter", node).stdout.decode()
    assert '--comment "ingress not allowed by default/deny" -j DROP' in rules


def test_the_agent_can_be_switched_off():
    with Cluster(controllers="*,-kube-network-policies", strict=True) as cluster:
        cluster.apply(PODS, DENY)
        cluster.advance(5)
        assert codes(cluster) == [0, 0]
