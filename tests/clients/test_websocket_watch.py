"""Watches over WebSockets, as fabric8's client and pages in a browser open them."""

from __future__ import annotations

import base64
import json
import ssl

import pytest
from websockets.exceptions import ConnectionClosedOK, InvalidStatus
from websockets.sync.client import connect

from tests.clients.conftest import running

pytestmark = pytest.mark.slow
TOKEN = "secret"
HEADER = {"Authorization": f"Bearer {TOKEN}"}
CONFIGMAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("computer"), f"--token {TOKEN}") as made:
        made.url = json.loads(made.sim("status -o json"))["url"]
        yield made


def opened(server, path, **options):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return connect(server.url.replace("https", "wss") + path, ssl=context, proxy=None, **options)


def test_events_are_text_messages(server):
    path = f"{CONFIGMAPS}?watch=true&fieldSelector=metadata.name=seen"
    with opened(server, path, additional_headers=HEADER) as socket:
        server.kubectl("create configmap seen")
        server.kubectl("delete configmap seen")
        events = [json.loads(socket.recv(timeout=10)) for _ in range(2)]
    assert [(event["type"], event["object"]["metadata"]["name"]) for event in events] == [
        ("ADDED", "seen"), ("DELETED", "seen")]


def test_the_watch_ends_with_its_time(server):
    path = f"{CONFIGMAPS}?watch=true&timeoutSeconds=1&fieldSelector=metadata.name=nosuch"
    with opened(server, path, additional_headers=HEADER) as socket, \
            pytest.raises(ConnectionClosedOK):
        socket.recv(timeout=10)


def test_a_token_may_come_as_a_protocol(server):
    hidden = base64.urlsafe_b64encode(TOKEN.encode()).decode().rstrip("=")
    protocols = [f"base64url.bearer.authorization.k8s.io.{hidden}", "base64.binary.k8s.io"]
    with opened(server, f"{CONFIGMAPS}?watch=true", subprotocols=protocols) as socket:
        assert socket.subprotocol == "base64.binary.k8s.io"
        assert json.loads(socket.recv(timeout=10))["object"]["kind"] == "ConfigMap"


@pytest.mark.parametrize(("path", "headers", "code"), [
    (f"{CONFIGMAPS}?watch=true", {}, 401),
    (f"{CONFIGMAPS}?watch=true&resourceVersion=x", HEADER, 500),
    (CONFIGMAPS, HEADER, 400),
], ids=["nobody", "bad version", "a list"])
def test_what_cannot_be_watched_is_refused_in_http(server, path, headers, code):
    with pytest.raises(InvalidStatus) as refused, \
            opened(server, path, additional_headers=headers):
        pass
    assert refused.value.response.status_code == code
    assert json.loads(refused.value.response.body)["kind"] == "Status"
