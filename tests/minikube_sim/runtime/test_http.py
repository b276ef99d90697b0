"""HTTP messages, and their way through the simulated network."""

from __future__ import annotations

import random

import pytest

from controllers.drive import drive
from controllers.node.runtime import HTTPProbe
from minikube_sim.clock import VirtualClock
from minikube_sim.exchange import Exchange, exchange, listen, listen_json, probe
from minikube_sim.http import Request, Response, call_asgi
from netsim.fabric import Fabric, Node
from netsim.outcome import Refused, TimedOut


@pytest.fixture
def node() -> Node:
    clock = VirtualClock()
    return Fabric(clock.now, random.Random(1)).add_node(
        "minikube", "10.211.55.120/24", "172.17.0.0/24")


async def whoami(request: Request) -> Response:
    return Response.text(f"{request.client} -> {request.server}:{request.server_port}")


def test_server_sees_both_ends(node: Node) -> None:
    pod = node.attach_pod("web", "172.17.0.2")
    listen(pod, 80, whoami)
    got = drive(exchange(node, "172.17.0.2", 80, Request()))
    assert isinstance(got, Exchange)
    assert got.response is not None
    assert got.response.body == b"172.17.0.1 -> 172.17.0.2:80"
    assert got.response.header("content-length") == "27"
    assert got.response.header("Date") == "Thu, 01 Jan 2026 00:00:00 GMT"


def test_why_there_is_no_connection(node: Node) -> None:
    node.attach_pod("web", "172.17.0.2")
    assert isinstance(drive(exchange(node, "172.17.0.2", 80, Request())), Refused)
    assert isinstance(drive(exchange(node, "10.211.55.1", 80, Request())), TimedOut)


def test_listener_that_is_no_server_says_nothing(node: Node) -> None:
    node.sockets.listen("tcp", 3306, object())
    got = drive(exchange(node, "127.0.0.1", 3306, Request()))
    assert isinstance(got, Exchange)
    assert got.response is None
    assert drive(probe(node, HTTPProbe(host="127.0.0.1", port=3306))).error == "EOF"
    assert drive(probe(node, HTTPProbe(host="127.0.0.1", port=3306, scheme="tcp"))).error == ""


def test_json_listener_answers_until_it_is_closed(node: Node) -> None:
    listener = listen_json(node, 32000, lambda: (503, "{}"))
    assert drive(probe(node, HTTPProbe(host="10.211.55.120", port=32000))).status == 503
    listener.close()
    assert drive(probe(node, HTTPProbe(host="10.211.55.120", port=32000))).error == "refused"


def test_connection_is_tracked_and_closed(node: Node) -> None:
    pod = node.attach_pod("web", "172.17.0.2")
    listen(pod, 80, whoami)
    drive(exchange(node, "172.17.0.2", 80, Request()))
    assert [str(one.state) for one in node.conntrack] != []
    assert not pod.sockets.connections


def test_request_parts() -> None:
    request = Request(target="/a%20b?x=1", headers=(("Host", "h"), ("host", "i")))
    assert (request.path, request.query, request.header("HOST")) == ("/a b", "x=1", "h")
    assert request.header("accept") == ""


def test_response_parts() -> None:
    assert Response.json({"a": 1}).body == b'{"a": 1}\n'
    assert [Response(status=code).reason for code in (200, 404, 299)] == ["OK", "Not Found", ""]
    wired = Response(headers=(("Server", "mine"),)).on_the_wire("now", "default")
    assert wired.headers == (("Date", "now"), ("Content-Length", "0"), ("Server", "mine"))


def test_asgi_application_that_hears_of_the_end() -> None:
    async def app(scope: object, receive: object, send: object) -> None:
        await receive()  # type: ignore[operator]
        ended = await receive()  # type: ignore[operator]
        await send({"type": "http.response.start", "status": 200})  # type: ignore[operator]
        await send({"type": "http.response.body",  # type: ignore[operator]
                    "body": ended["type"].encode()})

    assert drive(call_asgi(app, Request())).body == b"http.disconnect"
