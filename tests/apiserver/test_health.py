"""/healthz, /livez and /readyz, in the words of a real server."""

from __future__ import annotations

import pytest

from apiserver.app import KubernetesApp
from apiserver.health import Health
from tests.apiserver.handlers.asgi import Http
from tests.apiserver.server import Server
from tests.integration.api_server import admin


@pytest.fixture
def http() -> Http:
    return Http()


def failing(**problems: str) -> Http:
    health = Health({name.replace("_", "-"): lambda text=text: text
                     for name, text in problems.items()})
    return Http(KubernetesApp(Server().registry, authenticate=admin, health=health))


def lines(reply):
    return reply.body.decode().split("\n")


def test_only_readyz_asks_whether_the_server_is_going_down(http):
    ready = set(lines(http("GET", "/readyz?verbose")))
    alive = set(lines(http("GET", "/livez?verbose")))
    assert ready - alive == {"[+]etcd-readiness ok", "[+]informer-sync ok", "[+]shutdown ok",
                             "readyz check passed"}


def test_excluded_checks_keep_their_place_and_unknown_ones_are_told(http):
    reply = lines(http("GET", "/livez?verbose&exclude=log&exclude=a&exclude=b"))
    assert reply[:3] == ["[+]ping ok", "[+]log excluded: ok", "[+]etcd ok"]
    assert reply[-3:] == [
        'warn: some health checks cannot be excluded: no matches for "a", "b"',
        "livez check passed", ""]


def test_a_failed_check_is_told_without_its_reason():
    http = failing(etcd="cannot write")
    reply = http("GET", "/readyz")
    assert (reply.status, lines(reply)[2]) == (500, "[-]etcd failed: reason withheld")
    assert lines(reply)[-2:] == ["readyz check failed", ""]


def test_one_check_tells_its_reason():
    reply = failing(etcd="cannot write")("GET", "/livez/etcd")
    assert (reply.status, reply.body) == (500, b"internal server error: cannot write\n")


def test_a_failed_check_can_be_left_out():
    http = failing(etcd="cannot write")
    assert http("GET", "/livez?exclude=etcd").body == b"ok"
    assert http("GET", "/livez/ping").body == b"ok"


@pytest.mark.parametrize("path", [
    "/livez/poststarthook/rbac/bootstrap-roles", "/healthz/autoregister-completion",
    "/readyz/informer-sync", "/readyz/shutdown"])
def test_every_check_has_a_path(http, path):
    assert http("GET", path).body == b"ok"


@pytest.mark.parametrize("path", ["/livez/shutdown", "/healthz/nothing", "/readyz/poststarthook"])
def test_other_paths_are_not_found(http, path):
    assert http("GET", path).status == 404
