"""Probes go through the simulated network, and decide about readiness and restarts."""

from __future__ import annotations

import pytest

from minikube_sim.http import Request, Response
from minikube_sim.images import Container, WebServer
from tests.controllers.node.world import NodeWorld, condition

HTTP = {"httpGet": {"port": 8080, "path": "/health"}, "periodSeconds": 10, "timeoutSeconds": 1,
        "failureThreshold": 3, "successThreshold": 1}


class Fragile(WebServer):
    """Healthy as long as its file says so; comes up after five seconds."""

    ports = (8080,)
    start_seconds = 5.0

    def handle(self, request: Request, container: Container) -> Response:
        healthy = container.files.get("/tmp/healthy", "yes") == "yes"
        return Response.text("", 200 if healthy else 500)


@pytest.fixture
def world() -> NodeWorld:
    return NodeWorld(images={"fragile:1": Fragile})


def write(world: NodeWorld, text: str) -> None:
    found = world.kubelets[0].container_id("default/p", "c")
    assert found
    world.runtime.container(found).machine.files["/tmp/healthy"] = text


def test_readiness_waits_for_the_program(world: NodeWorld) -> None:
    pod = world.run("p", "fragile:1", container={"readinessProbe": HTTP})
    assert condition(pod, "Ready")["message"] == "containers with unready status: [c]"
    assert pod["status"]["phase"] == "Running"
    world.advance(0.5)
    assert world.told("p")[-1] == (
        'Unhealthy: Readiness probe failed: Get "http://172.17.0.2:8080/health": '
        "dial tcp 172.17.0.2:8080: connect: connection refused")
    world.advance(10)
    assert condition(world.pod("p"), "Ready")["status"] == "True"


def test_readiness_is_lost_after_three_failures(world: NodeWorld) -> None:
    world.run("p", "fragile:1", container={"readinessProbe": {**HTTP, "initialDelaySeconds": 6}})
    world.advance(10)
    write(world, "no")
    world.advance(20)
    assert condition(world.pod("p"), "Ready")["status"] == "True"
    world.advance(10)
    assert condition(world.pod("p"), "Ready")["status"] == "False"
    assert ("Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 500 (x3)"
            in world.told("p"))


def test_liveness_restarts_the_container(world: NodeWorld) -> None:
    world.run("p", "fragile:1", container={"livenessProbe": {**HTTP, "initialDelaySeconds": 6}})
    world.advance(10)
    write(world, "no")
    world.advance(30)
    assert "Killing: Container c failed liveness probe, will be restarted" in world.told("p")
    assert world.pod("p")["status"]["containerStatuses"][0]["restartCount"] == 1


def test_startup_probe_holds_the_others_back(world: NodeWorld) -> None:
    probes = {"startupProbe": {**HTTP, "periodSeconds": 2, "failureThreshold": 10},
              "livenessProbe": {**HTTP, "periodSeconds": 1, "failureThreshold": 1}}
    world.run("p", "fragile:1", container=probes)
    world.advance(4)
    status = world.pod("p")["status"]["containerStatuses"][0]
    assert (status["started"], status["ready"], status["restartCount"]) == (False, False, 0)
    world.advance(3)
    status = world.pod("p")["status"]["containerStatuses"][0]
    assert (status["started"], status["ready"]) == (True, True)


def test_tcp_probe_and_named_port(world: NodeWorld) -> None:
    probe = {"tcpSocket": {"port": "web"}, "periodSeconds": 3, "failureThreshold": 1}
    world.run("p", "fragile:1", container={
        "readinessProbe": probe, "ports": [{"name": "web", "containerPort": 8080}]})
    world.advance(1)
    assert world.told("p")[-1].endswith("dial tcp 172.17.0.2:8080: connect: connection refused")
    world.advance(6)
    assert condition(world.pod("p"), "Ready")["status"] == "True"


def test_exec_probe(world: NodeWorld) -> None:
    probe = {"exec": {"command": ["cat", "/tmp/healthy"]}, "periodSeconds": 2,
             "failureThreshold": 1}
    world.run("p", "fragile:1", container={"readinessProbe": probe})
    world.advance(1)
    assert "No such file or directory" in world.told("p")[-1]
    write(world, "yes")
    world.advance(2)
    assert condition(world.pod("p"), "Ready")["status"] == "True"


def test_exec_probe_times_out(world: NodeWorld) -> None:
    probe = {"exec": {"command": ["sleep", "5"]}, "timeoutSeconds": 1, "periodSeconds": 10}
    world.run("p", "fragile:1", container={"readinessProbe": probe})
    world.advance(2)
    assert world.told("p")[-1] == (
        'Unhealthy: Readiness probe failed: command timed out: "sleep 5" timed out after 1s')


def test_probe_that_gets_no_answer_times_out(world: NodeWorld) -> None:
    probe = {**HTTP, "httpGet": {"port": 80, "path": "/", "host": "10.211.55.1"}}
    world.run("p", "fragile:1", container={"readinessProbe": probe})
    world.advance(2)
    assert world.told("p")[-1] == (
        'Unhealthy: Readiness probe failed: Get "http://10.211.55.1:80/": context deadline '
        "exceeded (Client.Timeout exceeded while awaiting headers)")
