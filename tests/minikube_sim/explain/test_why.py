"""What keeps a Service from answering: each cause by its code, with a fix."""

from __future__ import annotations

import json

import pytest

from minikube_sim import Cluster
from tests.minikube_sim.explain.conftest import pod, service


def test_a_service_that_answers_says_by_whom(shop):
    found = shop.why("web")
    assert found.answers
    assert found.answered_by["80/TCP"] in ("pod/web-1", "pod/web-2")
    assert found.problems == ()
    assert "service default/web answers: 80/TCP by pod/web-" in str(found)


SICK = {
    "selector-matches-nothing": [service("s", selector={"app": "wep"})],
    "no-endpoints": [service("s")],
    "external-name": [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"},
                       "spec": {"type": "ExternalName", "externalName": "example.com"}}],
    "no-listener": [service("s", target=81, selector={"app": "web"})],
    "no-such-port-name": [service("s", target="http", selector={"app": "web"})],
    "wrong-protocol": [service("s", protocol="UDP", selector={"app": "web"})],
    "pods-not-ready/image": [pod("p", "nosuch:1", {"a": "b"}), service("s", selector={"a": "b"})],
    "pods-not-ready/crash": [pod("p", "busybox", {"a": "b"}, command=["sh", "-c", "exit 3"]),
                             service("s", selector={"a": "b"})],
    "pods-not-ready/probe": [
        pod("p", labels={"a": "b"}, readinessProbe={"httpGet": {"path": "/x", "port": 80}}),
        service("s", selector={"a": "b"})],
    "pods-not-ready/startup-probe": [
        pod("p", labels={"a": "b"}, startupProbe={"tcpSocket": {"port": 9}}),
        service("s", selector={"a": "b"})],
    "pods-not-ready/unschedulable": [
        pod("p", labels={"a": "b"}, resources={"requests": {"cpu": "999"}}),
        service("s", selector={"a": "b"})],
}


@pytest.mark.parametrize("code", SICK)
def test_each_cause_is_found(shop, code):
    shop.apply(*SICK[code])
    shop.advance(20)
    found = shop.why("s")
    assert not found.answers
    assert [p.code for p in found.problems] == [code]
    assert found.problems[0].fix
    assert json.loads(json.dumps(found.to_dict()))["answers"] is False


def test_a_wrong_name_gets_the_nearest(shop):
    found = shop.why("wep")
    assert found.problems[0].code == "no-such-service"
    assert "there is web" in found.problems[0].text


def test_the_nearest_labels_are_shown(shop):
    shop.apply(service("s", selector={"app": "wen"}))
    assert "nearest is pod web-1 with the labels app=web" in str(shop.why("s"))


def test_pods_of_another_namespace_are_found(shop):
    shop.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}},
               {**service("s", selector={"app": "web"}),
                "metadata": {"name": "s", "namespace": "other"}})
    assert "but in namespace default" in str(shop.why("s", "other"))


def test_a_network_policy_is_named(shop):
    shop.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                "metadata": {"name": "shut"}, "spec": {"podSelector": {}}})
    found = shop.why("web", source="pod/client")
    assert [p.code for p in found.problems] == ["policy"]
    assert "NetworkPolicy default/shut does not allow it" in str(found)


def test_a_rule_that_somebody_added_is_named(shop):
    shop.run("sudo iptables -I OUTPUT -p tcp --dport 80 -j DROP")
    assert shop.why("web").problems[0].code == "dropped"


def test_a_pod_that_is_deaf_beside_one_that_answers_is_a_warning(shop):
    shop.apply(pod("deaf", "busybox", {"app": "web"}, command=["sleep", "1000"]))
    shop.advance(5)
    found = shop.why("web")
    assert "pod deaf gets traffic for port 80, but nobody listens on its port 80" in str(found)


def test_without_kube_proxy_nothing_rewrites_the_address():
    with Cluster(strict=True, controllers="*,-kube-proxy") as cluster:
        cluster.apply(pod("web", labels={"app": "web"}), service("web", selector={"app": "web"}))
        cluster.advance(5)
        assert cluster.why("web").problems[0].code == "kube-proxy-off"


@pytest.mark.cluster(nodes=2)
def test_local_traffic_policy_without_a_local_endpoint(cluster):
    cluster.apply({**pod("web", labels={"app": "web"}),
                   "spec": {"nodeName": "minikube-m02",
                            "containers": [{"name": "c", "image": "nginx"}]}},
                  service("web", selector={"app": "web"}, type="NodePort",
                          externalTrafficPolicy="Local"))
    cluster.advance(5)
    assert cluster.why("web", source="outside").problems[0].code == "no-local-endpoint"
    assert cluster.why("web").answers


def test_a_headless_service_leads_to_the_pods_own_port(shop):
    shop.apply(service("h", port=8080, target=80, selector={"app": "web"}, clusterIP="None"))
    found = shop.why("h")
    assert found.answers
    assert [p.code for p in found.problems] == ["headless-port"]


@pytest.mark.cluster(nodes=2)
def test_internal_traffic_policy_local_without_a_pod_on_the_node(cluster):
    placed = pod("web", labels={"app": "web"})
    cluster.apply({**placed, "spec": {**placed["spec"], "nodeName": "minikube-m02"}},
                  service("web", selector={"app": "web"}, internalTrafficPolicy="Local"))
    cluster.advance(5)
    (problem,) = cluster.why("web", source="node/minikube").problems
    assert problem.code == "no-local-endpoint"
    assert "its Pods are on minikube-m02" in problem.text
    assert cluster.why("web", source="node/minikube-m02").answers


def test_rules_that_somebody_flushed(shop):
    assert shop.why("web").answers
    shop.run("iptables -t nat -F KUBE-SERVICES")
    assert [problem.code for problem in shop.why("web").problems] == ["not-rewritten"]
