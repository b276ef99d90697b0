"""Links that are cut, lossy or slow: flows over them time out, come late, or try again."""

from __future__ import annotations

import pytest

from minikube_sim.explain.places import ExplainError
from tests.minikube_sim.explain.conftest import pod, service


@pytest.fixture
def two(cluster):
    """web runs on the second node."""
    cluster.apply({**pod("web", labels={"app": "web"}),
                   "spec": {"nodeName": "minikube-m02",
                            "containers": [{"name": "c", "image": "nginx"}]}},
                  service("web", selector={"app": "web"}))
    cluster.advance(5)
    return cluster


def get(cluster, most=300):
    """Exit code of curl to the Service, and how long it took."""
    address = cluster.get("svc", "web")["spec"]["clusterIP"]
    before = cluster.clock.now()
    code = cluster.run(f"curl -s -o /dev/null --max-time {most} http://{address}/").exit_code
    return code, round(cluster.clock.now() - before, 3)


@pytest.mark.cluster(nodes=2)
def test_a_flow_over_a_cut_link_times_out_until_it_is_healed(two):
    two.partition("minikube", "minikube-m02")
    assert get(two, 3) == (28, 3.0)
    flow = two.trace("node/minikube", "http://web/")
    assert "lost between minikube and minikube-m02: the link is cut" in flow.conclusion
    two.heal("minikube", "minikube-m02")
    assert get(two) == (0, 0.0)
    assert two.network.fabric.wire.medium is None


@pytest.mark.cluster(nodes=3)
def test_other_links_go_on(two):
    two.partition("minikube", "minikube-m02")
    assert two.trace("node/minikube-m03", "pod/web:80").answer.result == "answered"


@pytest.mark.cluster(nodes=2)
def test_latency_is_a_round_trip_for_the_handshake_and_one_for_the_answer(two):
    two.latency("minikube", "minikube-m02", 0.05)
    assert get(two) == (0, 0.2)
    address = two.get("pod", "web")["status"]["podIP"]
    assert b"time=100.000 ms" in two.run(f"ping -c 1 {address}").stdout


@pytest.mark.cluster(nodes=2)
def test_what_chance_loses_is_sent_again(two):
    two.loss("minikube", "minikube-m02", 0.3)
    tries = [get(two) for _ in range(10)]
    assert {code for code, _ in tries} == {0}
    assert any(seconds == 0 for _, seconds in tries)
    assert any(seconds >= 0.2 for _, seconds in tries)


@pytest.mark.cluster(nodes=2, seed=3)
def test_loss_is_the_same_for_the_same_seed(two):
    two.loss("minikube", "minikube-m02", 0.5)
    again = type(two)(nodes=2, seed=3, strict=True)
    with again:
        again.apply({**pod("web", labels={"app": "web"}),
                     "spec": {"nodeName": "minikube-m02",
                              "containers": [{"name": "c", "image": "nginx"}]}},
                    service("web", selector={"app": "web"}))
        again.advance(5)
        again.loss("minikube", "minikube-m02", 0.5)
        assert [get(again) for _ in range(5)] == [get(two) for _ in range(5)]


def test_a_pod_is_cut_off_its_node(shop):
    shop.partition("pod/web-1", "minikube")
    assert shop.trace("node/minikube", "pod/web-1:80").answer.result == "dropped"
    shop.heal("pod/web-1")
    assert shop.trace("node/minikube", "pod/web-1:80").answer.result == "answered"


def test_a_host_that_does_not_exist(shop):
    with pytest.raises(ExplainError, match="there is no node 'minikube-m09'"):
        shop.partition("minikube", "minikube-m09")
    assert shop.network.fabric.wire.medium is None


@pytest.mark.cluster(nodes=2)
def test_a_connection_that_stands_hangs_when_its_link_is_cut(two):
    node = two.network.host("minikube")
    connection = node.connect(two.get("svc", "web")["spec"]["clusterIP"], 80)
    assert connection.transfer(10, 10)
    assert connection.transfer(10, 10)
    two.partition("minikube", "minikube-m02")
    assert not connection.transfer(10, 10)
    two.heal()
    assert connection.transfer(10, 10)
