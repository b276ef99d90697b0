"""A listening server under people who misbehave: it answers 4xx, stays up, and does not grow."""

from __future__ import annotations

import json
import random
import socket
import ssl
import sys
from pathlib import Path

import httpx
import pytest

from tests.clients.conftest import running

pytestmark = pytest.mark.slow
_KIB = 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("computer"), "--token secret") as made:
        made.url = json.loads(made.sim("status -o json"))["url"]
        yield made


@pytest.fixture
def http(server):
    with httpx.Client(base_url=server.url, verify=False, trust_env=False, timeout=10,
                      headers={"Authorization": "Bearer secret"}) as client:
        yield client


def raw(server, data, *, wait=5.0):
    """Send bytes over TLS; what comes back until the server closes or is silent."""
    host, port = server.url.removeprefix("https://").split(":")
    context = ssl._create_unverified_context()
    with socket.create_connection((host, int(port)), timeout=wait) as plain, \
            context.wrap_socket(plain) as wrapped:
        answer = b""
        try:
            wrapped.sendall(data)
            while b"\r\n\r\n" not in answer and (piece := wrapped.recv(65536)):
                answer += piece
        except OSError:
            pass
        return answer


@pytest.mark.parametrize("head", [
    b"GET /api/v1/pods?x=" + b"y" * (2 << 20) + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api HTTP/1.1\r\nHost: x\r\n" + b"X-Long: " + b"y" * (2 << 20) + b"\r\n\r\n",
    b"GET /api HTTP/1.1\r\nHost: x\r\n" + b"X-Many: yyyyyyyyyyyyyyy\r\n" * 100_000 + b"\r\n"])
def test_a_head_beyond_a_mebibyte_is_refused(server, head):
    assert raw(server, head).startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))


def test_a_body_that_does_not_come_in_time_is_a_timeout(server):
    answer = raw(server, b"POST /api/v1/namespaces/default/configmaps?timeout=200ms HTTP/1.1\r\n"
                         b"Host: x\r\nAuthorization: Bearer secret\r\nContent-Length: 100\r\n\r\n{")
    assert answer.startswith(b"HTTP/1.1 504")


@pytest.mark.parametrize("timeout", ["abc", "5"])
def test_a_timeout_that_is_no_duration_is_a_bad_request(http, timeout):
    answer = http.get("/api/v1/pods", params={"timeout": timeout})
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("invalid timeout specified in the request URL")


def test_an_upgrade_to_something_else_is_an_ordinary_request(http):
    headers = {"Connection": "Upgrade", "Upgrade": "h2c"}
    assert http.get("/version", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["exec?command=ls&stdout=1", "attach?stdout=1", "portforward"])
def test_streams_need_an_upgrade(server, http, path):
    server.kubectl("run box --image=busybox -- sleep 3600") if not server.run(
        "kubectl", "get", "pod", "box").stdout else None
    server.kubectl("wait pod box --for=condition=Ready --timeout=20s")
    answer = http.post(f"/api/v1/namespaces/default/pods/box/{path}")
    assert (answer.status_code, answer.json()["message"]) == (400, "Upgrade request required")


def test_broken_requests_get_4xx_and_the_memory_stays_flat(server, http):
    chance = random.Random(1)
    for _ in range(300):
        broken_request(http, chance)
    before = resident(server)
    for _ in range(1500):
        answer = broken_request(http, chance)
        assert answer.status_code < 500, (answer.request.url, answer.text)
    assert resident(server) - before < 8 * _KIB
    assert http.get("/readyz").text == "ok"


def broken_request(http, chance):
    """One that no sane client sends."""
    method = chance.choice(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
    path = chance.choice([
        "/api/v1/namespaces/default/pods", "/api/v1/pods/%00", "/apis/%2f%2f", "//api//v1",
        "/api/v1/namespaces/default/configmaps/a", "/apis/apps/v1/namespaces/x/deployments/y/scale",
        "/api/v1/namespaces/default/pods/p/exec", "/api/v1/nodes/minikube/proxy/%ff",
        "/api/v1/namespaces/default/services/a:b:c:d/proxy/", "/openapi/v3/nothing", "/%f0%28",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "/api/v1/watch/pods/x/y/z"])
    query = chance.choice(["", "?limit=-1", "?limit=abc", "?continue=%ff", "?labelSelector=%3d%3d",
                           "?fieldSelector=a", "?timeout=1x", "?dryRun=x",
                           "?fieldManager=" + "x" * 200, "?limit=1&resourceVersionMatch=x"])
    body = chance.choice([
        b"", b"{", b"[" * 5000, b'{"a":' * 2000, b"\xff\xfe\x00", b'{"metadata":{"name":1e999}}',
        b'{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"},"metadata":{}}', b"k8s\x00\x0a",
        b"a: &a [*a, *a]", chance.randbytes(200), b'"' + b"x" * 10_000 + b'"', b"null", b"-"])
    content = chance.choice(["application/json", "application/yaml", "text/html", "",
                             "application/vnd.kubernetes.protobuf", "application/json-patch+json",
                             "application/apply-patch+yaml", "application/merge-patch+json"])
    accept = chance.choice(["*/*", "application/json", "application/xml", "", "a/b;q=x,,;;"])
    return http.request(method, path + query, content=body,
                        headers={"Content-Type": content, "Accept": accept})


def resident(server):
    """The server's resident memory in KiB."""
    if not sys.platform.startswith("linux"):
        pytest.skip("memory is read from /proc")
    pid = json.loads(server.sim("status -o json"))["pid"]
    text = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS"))


def test_a_watcher_that_does_not_read_harms_nobody(server, http):
    """It is let go with its connection; the others go on."""
    host, port = server.url.removeprefix("https://").split(":")
    context = ssl._create_unverified_context()
    with socket.create_connection((host, int(port)), timeout=5) as plain, \
            context.wrap_socket(plain) as silent:
        silent.sendall(b"GET /api/v1/configmaps?watch=1 HTTP/1.1\r\nHost: x\r\n"
                       b"Authorization: Bearer secret\r\n\r\n")
        base = "/api/v1/namespaces/default/configmaps"
        http.post(base, json={"metadata": {"name": "big"}, "data": {"k": "x" * 500_000}})
        for number in range(30):
            answer = http.patch(f"{base}/big", json={"data": {"n": str(number)}},
                                headers={"Content-Type": "application/merge-patch+json"})
            assert answer.status_code == 200
        lines = http.stream("GET", "/api/v1/configmaps", params={
            "watch": "1", "fieldSelector": "metadata.name=big", "timeoutSeconds": "1"})
        with lines as stream:
            assert '"n":"29"' in next(stream.iter_lines())
