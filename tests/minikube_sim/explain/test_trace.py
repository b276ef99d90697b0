"""Traces: the whole way of a flow, both directions, and the rule that stopped it."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from minikube_sim import Cluster
from minikube_sim.explain.places import ExplainError
from tests.minikube_sim.explain.conftest import pod, service

SVG = "{http://www.w3.org/2000/svg}"


def rules(passage, hook):
    """(table, chain, verdict) of the rules that matched at a hook."""
    return [(s.table, s.chain, s.verdict) for v in passage.visits if v.hook == hook
            for s in v.rules]


@pytest.mark.parametrize("mode", ["iptables", "nftables"])
def test_a_service_is_traced_both_ways(mode):
    with Cluster(strict=True, proxy_mode=mode) as cluster:
        cluster.apply(pod("client", "busybox", command=["sleep", "1000"]),
                      pod("web-1", labels={"app": "web"}), service("web", selector={"app": "web"}))
        cluster.advance(5)
        flow = cluster.trace("pod/client", "http://web/")
    request, reply, acknowledgement = flow.passages
    assert [p.direction for p in flow.passages] == ["request", "reply", "request"]
    assert [v.host for v in request.visits] == [
        "pod/client", "pod/client", *["node/minikube"] * 3, "pod/web-1", "pod/web-1"]
    assert flow.answer.result == "answered"
    assert flow.answer.by == "pod/web-1"
    assert any(s.kind == "nat" and "destination" in s.text
               for v in request.visits for s in v.steps)
    assert any(s.kind == "nat" and "source" in s.text for v in reply.visits for s in v.steps)
    assert " A " in acknowledgement.packet


def test_the_rules_of_the_service_are_named_in_order(shop):
    found = rules(shop.trace("pod/client", "http://web/").passages[0], "PREROUTING")
    assert [chain.rpartition("-")[0] or chain for _, chain, _ in found] == [
        "PREROUTING", "KUBE", "KUBE-SVC", "KUBE-SEP"]
    assert found[-1][2].startswith("DNAT to:172.17.0.")


def test_the_rule_that_drops_is_named(shop):
    shop.run("sudo iptables -I FORWARD 2 -p tcp --dport 80 -m comment --comment 'no web' -j DROP")
    flow = shop.trace("pod/client", "http://web/")
    assert flow.answer.result == "dropped"
    assert (flow.culprit.table, flow.culprit.chain, flow.culprit.number) == ("filter", "FORWARD", 2)
    assert '"no web"' in flow.conclusion
    assert "dropped at FORWARD by rule 2 of chain FORWARD (table filter)" in str(flow)


def test_a_policy_that_drops_is_named(shop):
    shop.run("sudo iptables -P FORWARD DROP")
    assert "the policy of chain FORWARD (table filter): DROP" in shop.trace(
        "pod/client", "tcp://172.17.0.7:80").conclusion


def test_a_service_without_endpoints_is_rejected_with_its_comment(shop):
    shop.apply(service("none", selector={"app": "nobody"}))
    flow = shop.trace("pod/client", "http://none/")
    assert flow.answer.result == "refused"
    assert '"default/none has no endpoints"' in flow.conclusion


@pytest.mark.cluster(proxy_mode="nftables")
def test_in_nftables_mode_the_map_with_the_service_is_named(shop):
    shop.apply(service("none", selector={"app": "nobody"}))
    conclusion = shop.trace("pod/client", "http://none/").conclusion
    assert conclusion.startswith("rejected at FORWARD by rule 1 of chain reject-chain")
    assert "vmap @no-endpoint-services" in conclusion


@pytest.mark.parametrize(("source", "target", "words"), [
    ("node/minikube", "tcp://172.17.0.7:81", "refused: nobody listens there, says pod/web-1"),
    ("outside", "icmp://10.211.55.120", "answered by node/minikube"),
    ("pod/client", "icmp://web", "no answer: the last that was seen of it is POSTROUTING of node"),
    ("pod/client", "tcp://10.211.55.77:1", "nobody there has the address 10.211.55.77"),
    ("pod/client", "svc/kube-system/kube-dns:dns", "answered by pod/kube-system/coredns"),
    ("outside", "http://web.default.svc.cluster.local/", "it sees the client as 172.17.0.1"),
    ("pod/kube-system/storage-provisioner", "pod/web-2:80", "answered by pod/web-2"),
    ("pod/client", "node/minikube:1", "refused: nobody listens there, says node/minikube"),
])
def test_conclusions(shop, source, target, words):
    assert words in shop.trace(source, target).conclusion


@pytest.mark.parametrize(("source", "target", "message"), [
    ("pod/clint", "http://web/", "there is no pod 'clint' in namespace 'default'; there is client"),
    ("node/m", "http://web/", "there is no node 'm'; there is minikube"),
    ("somewhere", "http://web/", "must be pod/NAME, node/NAME or outside"),
    ("outside", "http://wep/", "there is no service 'wep' in namespace 'default'; there is web"),
    ("outside", "http://kube-dns/", "there is kube-system/kube-dns"),
    ("outside", "ftp://web/", "scheme must be one of http, https"),
    ("outside", "tcp://web", "names no port"),
    ("outside", "tcp://web:99999", "Port out of range"),
    ("outside", "http://www.example.com/", "www.example.com is no name of this cluster"),
    ("outside", "svc/web:81", "service default/web has no port 81; there is 80"),
    ("outside", "web", "must be a URL"),
    ("outside", "pod/web-1:x", "'x' is no port"),
])
def test_what_does_not_exist_is_said_in_a_line(shop, source, target, message):
    with pytest.raises(ExplainError) as error:
        shop.trace(source, target)
    assert message in str(error.value)


def test_the_data_is_json(shop):
    data = json.loads(json.dumps(shop.trace("pod/client", "http://web/").to_dict()))
    assert data["result"] == "answered"
    assert data["packets"][0]["visits"][0]["hook"] == "OUTPUT"
    assert data["culprit"] is None


def test_the_picture_has_a_column_for_each_host_and_a_box_for_each_hook(shop):
    flow = shop.trace("pod/client", "http://web/")
    picture = ElementTree.fromstring(flow.svg())
    texts = ["".join(t.itertext()) for t in picture.iter(f"{SVG}text")]
    assert {"pod/client", "node/minikube", flow.answer.by} <= set(texts)
    assert any(t.startswith("DNAT ") for t in texts)
    assert len([r for r in picture.iter(f"{SVG}rect") if r.get("class") == "box"]) == 15
    assert "prefers-color-scheme: dark" in picture.find(f"{SVG}style").text


def test_a_traced_flow_leaves_no_connection_behind(shop):
    shop.trace("pod/client", "http://web/")
    stacks = [shop.network.host("minikube"), *shop.network.host("minikube").pods.values()]
    assert [s.name for s in stacks if s.sockets.connections] == []


def test_the_same_cluster_gives_the_same_trace():
    def traced():
        with Cluster(strict=True) as cluster:
            cluster.advance(5)
            return str(cluster.trace("outside", "udp://10.96.0.10:53"))

    assert traced() == traced()


def test_a_rule_is_told_with_its_counters(shop):
    def counted():
        data = shop.trace("pod/client", "http://web/").to_dict()
        steps = [step for packet in data["packets"] for visit in packet["visits"]
                 for step in visit["steps"] if step.get("chain") == "KUBE-SERVICES"]
        return next(step["counters"] for step in steps if "default/web" in step["rule"])

    first, second = counted(), counted()
    assert second == {"packets": first["packets"] + 1, "bytes": first["bytes"] + 60}
