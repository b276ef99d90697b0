"""Services answer because kube-proxy writes rules, and only then."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from apiserver.machinery.gvk import PODS, REPLICASETS, SERVICES
from controllers.drive import drive
from minikube_sim.http import Response
from netsim.netfilter.cli.iptables import iptables
from tests.controllers.node.world import NodeWorld, ask
from tests.controllers.world import obj

if TYPE_CHECKING:
    from apiserver.machinery.types import Object


@pytest.fixture
def world() -> NodeWorld:
    return NodeWorld("endpoints-controller", "endpointslice-controller", "replicaset-controller")


def simpleapi(world: NodeWorld, *names: str) -> None:
    for own in names:
        world.run(own, "simpleapi:1.0", labels={"app": "backend"})


def service(world: NodeWorld, **spec: object) -> Object:
    body = {"selector": {"app": "backend"}, "ports": [{"port": 80, "targetPort": 5000}], **spec}
    return world.create(SERVICES, obj("v1", "Service", "api", spec=body))


def text(answer: Response | str) -> str:
    assert isinstance(answer, Response), answer
    return answer.body.decode().strip()


def test_pod_answers_at_its_own_address(world: NodeWorld) -> None:
    simpleapi(world, "a")
    node = world.fabric.nodes["minikube"]
    answer = ask(node, "172.17.0.2", 5000, "/info")
    assert text(answer) == '"Hello, Kubernetes!!!, version: 1.0"'
    assert ask(node, "172.17.0.2", 80) == "Refused"


def test_vip_answers_in_turn(world: NodeWorld) -> None:
    simpleapi(world, "a", "b")
    vip = service(world)["spec"]["clusterIP"]
    node = world.fabric.nodes["minikube"]
    answers = Counter(text(ask(node, vip)) for _ in range(20))
    assert sorted(answers.values()) == [10, 10]


def test_vip_without_endpoints_refuses(world: NodeWorld) -> None:
    vip = service(world)["spec"]["clusterIP"]
    assert ask(world.fabric.nodes["minikube"], vip) == "Refused"


def test_deleted_service_answers_no_more(world: NodeWorld) -> None:
    simpleapi(world, "a")
    vip = service(world)["spec"]["clusterIP"]
    world.delete(SERVICES, "api")
    assert ask(world.fabric.nodes["minikube"], vip) == "TimedOut"


def test_node_port_answers_on_every_node() -> None:
    world = NodeWorld("endpoints-controller", "endpointslice-controller", nodes=2)
    simpleapi(world, "a")
    port = service(world, type="NodePort")["spec"]["ports"][0]["nodePort"]
    outside = world.fabric.add_outside("laptop", "10.211.55.2/24")
    assert "Hello" in text(ask(outside, "10.211.55.121", port, "/info"))


def test_deleting_a_pod_under_traffic_fails_no_request(world: NodeWorld) -> None:
    template: Object = {"metadata": {"labels": {"app": "backend"}}, "spec": {
        "nodeName": "minikube", "containers": [{"name": "c", "image": "simpleapi:1.0"}]}}
    world.create(REPLICASETS, obj("apps/v1", "ReplicaSet", "rs", spec={
        "replicas": 2, "selector": {"matchLabels": {"app": "backend"}}, "template": template}))
    vip = service(world)["spec"]["clusterIP"]
    node = world.fabric.nodes["minikube"]
    drive(world.client.delete(PODS, world.names(PODS)[0], "default"))
    failed = 0
    for _ in range(200):
        failed += not isinstance(ask(node, vip), Response)
        if not drive(world.manager._next()):
            break
    assert failed == 0
    assert len(world.names(PODS)) == 2


def test_local_load_balancer_has_a_health_check_port(world: NodeWorld) -> None:
    simpleapi(world, "a")
    made = service(world, type="LoadBalancer", externalTrafficPolicy="Local")
    port = made["spec"]["healthCheckNodePort"]
    node = world.fabric.nodes["minikube"]
    answer = ask(node, "10.211.55.120", port, "/healthz")
    assert isinstance(answer, Response)
    assert (answer.status, '"localEndpoints": 1' in text(answer)) == (200, True)
    world.delete(SERVICES, "api")
    assert ask(node, "10.211.55.120", port) == "Refused"


def test_rules_that_somebody_flushed_come_back_within_the_sync_period(world: NodeWorld) -> None:
    simpleapi(world, "a")
    vip = service(world)["spec"]["clusterIP"]
    node = world.fabric.nodes["minikube"]
    for table in ("nat", "filter", "mangle"):
        assert not iptables(node.rulesets[4], ["-t", table, "-F"]).stderr
        assert not iptables(node.rulesets[4], ["-t", table, "-X"]).stderr
    assert ask(node, vip) != "Refused"
    world.advance(29)
    assert isinstance(ask(node, vip), str)
    world.advance(1)
    assert isinstance(ask(node, vip), Response)


def test_one_rule_deleted_stays_away(world: NodeWorld) -> None:
    simpleapi(world, "a")
    vip = service(world)["spec"]["clusterIP"]
    node = world.fabric.nodes["minikube"]
    assert not iptables(node.rulesets[4], ["-t", "nat", "-F", "KUBE-SERVICES"]).stderr
    world.advance(60)
    assert isinstance(ask(node, vip), str)
