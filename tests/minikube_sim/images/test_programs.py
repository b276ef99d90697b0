"""What the images do, asked through the simulated network."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.machinery.gvk import CONFIGMAPS, PODS
from minikube_sim.http import Response
from minikube_sim.images import WebServer
from tests.controllers.node.world import NodeWorld, ask
from tests.controllers.world import obj


@pytest.fixture
def world() -> NodeWorld:
    return NodeWorld()


def get(world: NodeWorld, port: int, path: str = "/") -> Response:
    answer = ask(world.fabric.nodes["minikube"], "172.17.0.2", port, path)
    assert isinstance(answer, Response), answer
    return answer


def logs(world: NodeWorld) -> list[str]:
    found = world.kubelets[0].container_id("default/p", "c")
    assert found
    return [text for _, _, text in world.runtime.logs(found)]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_simpleapi_says_hello_with_its_version(world: NodeWorld, version: str) -> None:
    world.run("p", f"simpleapi:{version}")
    answer = get(world, 5000, "/info")
    assert answer.body.decode().strip() == f'"Hello, Kubernetes!!!, version: {version}"'
    assert answer.header("content-type") == "application/json"


def test_simpleapi_says_who_answers(world: NodeWorld) -> None:
    world.run("p", "simpleapi:1.0")
    assert b'"host": "p", "ip": "172.17.0.2"' in get(world, 5000).body
    assert get(world, 5000, "/nope").status == 404
    assert logs(world)[-1] == '172.17.0.1 - - "GET /nope HTTP/1.1" 404 -'


@pytest.mark.parametrize(("image", "port", "path", "said"), [
    ("nginx", 80, "/", "Welcome to nginx!"),
    ("nginx", 80, "/nope", "404 Not Found"),
    ("httpd:2.4", 80, "/", "It works!"),
    ("traefik/whoami", 80, "/", "Hostname: p"),
    ("gcr.io/google-samples/hello-app:2.0", 8080, "/", "Version: 2.0.0"),
    ("kicbase/echo-server:1.0", 8080, "/x", "GET /x HTTP/1.1"),
    ("nginxdemos/hello:plain-text", 80, "/", "Server address: 172.17.0.2:80"),
    ("nginxinc/nginx-unprivileged", 8080, "/", "Welcome to nginx!"),
])
def test_web_servers(world: NodeWorld, image: str, port: int, path: str, said: str) -> None:
    world.run("p", image)
    assert said in get(world, port, path).body.decode()


def test_mounted_page_is_served(world: NodeWorld) -> None:
    world.create(CONFIGMAPS, {**obj("v1", "ConfigMap", "page"), "data": {"index.html": "mine"}})
    world.run("p", volumes=[{"name": "v", "configMap": {"name": "page"}}], container={
        "volumeMounts": [{"name": "v", "mountPath": "/usr/share/nginx/html"}]})
    assert get(world, 80).body == b"mine"


@pytest.mark.parametrize("args", [["-text=hi"], ["-text", "hi", "-listen=:5678"], ["--text=hi"]])
def test_http_echo(world: NodeWorld, args: list[str]) -> None:
    world.run("p", "hashicorp/http-echo", container={"args": args})
    assert get(world, 5678).body == b"hi\n"


@pytest.mark.parametrize(("image", "port"), [
    ("redis:7", 6379), ("postgres:16", 5432), ("mysql:8", 3306), ("mongo:7", 27017)])
def test_databases_accept_connections(world: NodeWorld, image: str, port: int) -> None:
    world.run("p", image)
    assert get(world, port).status == 400


def test_http_echo_without_text_fails(world: NodeWorld) -> None:
    world.run("p", "hashicorp/http-echo", restartPolicy="Never")
    assert world.state("p")["terminated"]["exitCode"] == 127
    assert logs(world) == ["Missing -text option!"]


@pytest.mark.parametrize(("args", "port", "path", "said"), [
    (["serve-hostname"], 9376, "/", "p"),
    (["netexec", "--http-port=8081"], 8081, "/hostname", "p"),
    (["netexec"], 8080, "/clientip", "172.17.0.1:"),
    (["netexec"], 8080, "/echo?msg=hey", "hey"),
])
def test_agnhost(world: NodeWorld, args: list[str], port: int, path: str, said: str) -> None:
    world.run("p", "registry.k8s.io/e2e-test-images/agnhost:2.53", container={"args": args})
    assert get(world, port, path).body.decode().startswith(said)


def test_pause_waits(world: NodeWorld) -> None:
    world.run("p", "registry.k8s.io/pause:3.10")
    world.advance(100)
    assert "running" in world.state("p")


def test_shell_loop_logs_as_it_goes(world: NodeWorld) -> None:
    script = "i=0; while true; do echo tick $i; i=$((i+1)); sleep 5; done"
    world.run("p", "busybox", container={"command": ["sh", "-c", script]})
    world.advance(11)
    assert logs(world) == ["tick 0", "tick 1", "tick 2"]


def test_shell_command_ends_with_its_code(world: NodeWorld) -> None:
    world.run("p", "busybox", container={"command": ["sh", "-c", "echo bad >&2; exit 3"]},
              restartPolicy="Never")
    assert world.state("p")["terminated"]["exitCode"] == 3
    assert logs(world) == ["bad"]


def test_busybox_without_a_command_ends_at_once(world: NodeWorld) -> None:
    world.run("p", "busybox", restartPolicy="Never")
    assert world.state("p")["terminated"]["reason"] == "Completed"


def test_sleep_ignores_sigterm_as_pid_1_does(world: NodeWorld) -> None:
    world.run("p", "busybox", container={"command": ["sleep", "3600"]})
    world.delete(PODS, "p")
    world.advance(29)
    assert world.names(PODS) == ["p"]
    world.advance(2)
    assert world.names(PODS) == []


def test_missing_command_cannot_run(world: NodeWorld) -> None:
    world.run("p", "nginx", container={"command": ["/opt/nope"]}, restartPolicy="Never")
    assert world.state("p")["terminated"]["exitCode"] == 127


def test_curl_image_takes_arguments(world: NodeWorld) -> None:
    world.run("web", "nginx")
    world.run("p", "curlimages/curl", container={"args": ["-s", "http://172.17.0.2/"]},
              restartPolicy="Never")
    assert "<title>Welcome to nginx!</title>" in logs(world)


def test_asgi_application_answers(world: NodeWorld) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        await send({"type": "http.response.start", "status": 201,
                    "headers": [(b"x-path", scope["path"].encode())]})
        await send({"type": "http.response.body", "body": b"got " + body})

    class Shop(WebServer):
        ports = (8080,)

    Shop.app = app
    world.images["shop:1"] = Shop
    world.run("p", "shop:1")
    answer = get(world, 8080, "/a%20b")
    assert (answer.status, answer.header("X-Path"), answer.body) == (201, "/a b", b"got ")


def test_handler_that_is_not_overridden_answers_404(world: NodeWorld) -> None:
    class Empty(WebServer):
        ports = (80,)

    world.images["empty:1"] = Empty
    world.run("p", "empty:1")
    assert get(world, 80).status == 404
