"""JSON is indented for people: browsers, curl, wget, and who asks for it."""

from __future__ import annotations

import json

import pytest

from tests.apiserver.handlers.asgi import TABLE, Http
from tests.apiserver.server import config

CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
ONE = f"{CONFIGMAPS}/a"


@pytest.fixture(scope="module")
def http() -> Http:
    made = Http()
    made("POST", CONFIGMAPS, config())
    return made


@pytest.mark.parametrize(("query", "headers"), [
    ("", {"user_agent": "curl/7.88.1"}),
    ("", {"user_agent": "Wget/1.21"}),
    ("", {"user_agent": "Mozilla/5.0 (X11; Linux x86_64)"}),
    ("?pretty=true", {}),
    ("?pretty=1", {"user_agent": "kubectl/v1.37.0"}),
    ("", {"accept": "application/json;pretty=1"}),
    ("?pretty=false", {"accept": "application/json;pretty=true"}),
])
def test_who_reads_json_gets_it_indented(http: Http, query: str, headers: dict[str, str]) -> None:
    answer = http("GET", ONE + query, **headers)
    assert answer.body.decode() == json.dumps(answer.json, indent=2)
    assert answer.headers["content-length"] == str(len(answer.body))


@pytest.mark.parametrize(("query", "headers"), [
    ("", {"user_agent": "kubectl/v1.37.0"}),
    ("", {"user_agent": "libcurl"}),
    ("?pretty=false", {"user_agent": "curl/7.88.1"}),
    ("?pretty=yes", {"user_agent": "curl/7.88.1"}),
    ("?pretty=", {}),
])
def test_programs_get_one_line(http: Http, query: str, headers: dict[str, str]) -> None:
    assert http("GET", ONE + query, **headers).body.count(b"\n") == 1


@pytest.mark.parametrize("path", [
    CONFIGMAPS, "/api", "/apis", f"{CONFIGMAPS}/nosuch", "/api/v1/nosuch"])
def test_lists_discovery_and_failures_are_indented_too(http: Http, path: str) -> None:
    assert b'\n  "kind": "' in http("GET", path, user_agent="curl/8").body


def test_a_table_is_indented_and_yaml_is_yaml(http: Http) -> None:
    assert b'\n  "kind": "Table"' in http("GET", CONFIGMAPS + "?pretty=1", accept=TABLE).body
    assert http("GET", ONE + "?pretty=1", accept="application/yaml").body.startswith(b"apiVersion:")


def test_the_version_is_always_indented(http: Http) -> None:
    assert http("GET", "/version", user_agent="kubectl/v1.37.0").body.startswith(b"{\n  ")
