"""The HTTP edge: bodies in, answers out, and the failures between."""

from __future__ import annotations

import base64
import gzip
import zlib
from typing import Any

import pytest

from apiserver.app import KubernetesApp
from apiserver.authorization.attributes import Attributes, forbidden
from apiserver.handlers.watching import next_bookmark
from apiserver.machinery.errors import Unauthorized
from tests.apiserver.handlers.asgi import TABLE, Http
from tests.apiserver.server import Server, config

CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
RESOURCE_404 = "the server could not find the requested resource"
NOT_ALLOWED = "the server does not allow this method on the requested resource"


@pytest.fixture
def http() -> Http:
    return Http()


def test_object_goes_in_and_comes_out(http: Http) -> None:
    made = http("POST", CONFIGMAPS, config())
    assert (made.status, made.headers["content-type"]) == (201, "application/json")
    assert made.body.startswith(b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{')
    assert http("GET", f"{CONFIGMAPS}/a").json == made.json


def test_items_of_a_list_do_not_repeat_their_kind(http: Http) -> None:
    http("POST", CONFIGMAPS, config())
    listed = http("GET", CONFIGMAPS).json
    assert listed["kind"] == "ConfigMapList"
    assert set(listed["items"][0]) == {"metadata", "data"}


@pytest.mark.parametrize(("method", "target", "status", "message"), [
    ("GET", "/api/v1/nosuch", 404, RESOURCE_404),
    ("GET", "/apis/apps/v9/x", 404, RESOURCE_404),
    ("GET", "/apis/apps/v1beta1", 404, RESOURCE_404),
    ("GET", "/api/v1/configmaps/a", 404, RESOURCE_404),
    ("GET", "/api/v1/namespaces/default/pods/x/nosuch", 404, RESOURCE_404),
    ("POST", "/api/v1/configmaps", 405, NOT_ALLOWED),
    ("POST", f"{CONFIGMAPS}/a", 405, NOT_ALLOWED),
    ("PUT", CONFIGMAPS, 405, NOT_ALLOWED),
    ("DELETE", "/api/v1/namespaces", 405, NOT_ALLOWED),
    ("GET", "/api/v1/namespaces/default/pods/x/binding", 405, NOT_ALLOWED),
    ("OPTIONS", CONFIGMAPS, 405, NOT_ALLOWED),
])
def test_paths_and_methods_that_are_not_served(http: Http, method: str, target: str, status: int,
                                               message: str) -> None:
    reply = http(method, target, {})
    assert (reply.status, reply.message, reply.json["details"]) == (status, message, {})


@pytest.mark.parametrize("target", ["/nosuch", "/apis/nosuch.example.com/v1/things"])
def test_unknown_paths_are_text(http: Http, target: str) -> None:
    reply = http("GET", target)
    assert (reply.status, reply.body) == (404, b"404 page not found\n")


def test_trailing_slash_names_the_same(http: Http) -> None:
    assert http("GET", "/api/v1/namespaces/default/").json["kind"] == "Namespace"


@pytest.mark.parametrize(("accept", "status"), [
    ("text/plain", 406), ("application/json;as=Table;v=v9;g=meta.k8s.io", 406),
    ("text/html, */*;q=0.1", 200), ("", 200), ("application/vnd.kubernetes.protobuf", 406),
    ("application/vnd.kubernetes.protobuf,application/json", 200)])
def test_accept_is_negotiated(http: Http, accept: str, status: int) -> None:
    assert http("GET", CONFIGMAPS, accept=accept).status == status


def test_yaml_goes_both_ways(http: Http) -> None:
    body = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata: {k: v}\n"
    reply = http("POST", CONFIGMAPS, body, content_type="application/yaml",
                 accept="application/yaml")
    assert reply.headers["content-type"] == "application/yaml"
    assert b"kind: ConfigMap" in reply.body
    missing = http("GET", f"{CONFIGMAPS}/nope", accept="application/yaml")
    assert (missing.status, missing.headers["content-type"]) == (404, "application/yaml")


@pytest.mark.parametrize(("content_type", "method"), [
    ("text/plain", "POST"), ("application/xml", "PUT"), ("application/json", "PATCH")])
def test_unknown_media_types_are_refused(http: Http, content_type: str, method: str) -> None:
    target = CONFIGMAPS if method == "POST" else f"{CONFIGMAPS}/a"
    assert http(method, target, config(), content_type=content_type).status == 415


def test_too_large_a_body_is_refused(http: Http) -> None:
    reply = http("POST", CONFIGMAPS, b" " * (3 * 1024 * 1024 + 1))
    assert (reply.status, reply.message) == (
        413, "Request entity too large: limit is 3145728")


@pytest.mark.parametrize(("validation", "status", "warnings"), [
    ("Strict", 400, []), ("Ignore", 201, []),
    ("Warn", 201, ['299 - "unknown field \\"bogus\\""']),
    ("", 201, ['299 - "unknown field \\"bogus\\""'])])
def test_unknown_fields(http: Http, validation: str, status: int, warnings: list[str]) -> None:
    reply = http("POST", f"{CONFIGMAPS}?fieldValidation={validation}", {**config(), "bogus": 1})
    assert (reply.status, reply.warnings) == (status, warnings)
    assert "bogus" not in reply.json


def test_table_has_columns_and_rows(http: Http) -> None:
    http("POST", CONFIGMAPS, config())
    table = http("GET", CONFIGMAPS, accept=TABLE).json
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Data", "Age"]
    (row,) = table["rows"]
    assert row["cells"] == ["a", 1, "0s"]
    assert row["object"]["kind"] == "PartialObjectMetadata"
    bare = http("GET", f"{CONFIGMAPS}/a?includeObject=None", accept=TABLE).json
    assert bare["rows"][0]["object"] is None


def test_partial_metadata_of_objects_and_lists(http: Http) -> None:
    http("POST", CONFIGMAPS, config())
    form = "application/json;as=PartialObjectMetadata{};v=v1;g=meta.k8s.io"
    one = http("GET", f"{CONFIGMAPS}/a", accept=form.format("")).json
    many = http("GET", CONFIGMAPS, accept=form.format("List")).json
    assert many["items"] == [one]
    assert http("GET", CONFIGMAPS, accept=form.format("")).status == 406


@pytest.mark.parametrize(("query", "message"), [
    ("limit=abc", 'strconv.ParseInt: parsing "abc": invalid syntax'),
    ("limit=99999999999999999999", 'strconv.ParseInt: parsing "99999999999999999999": value out'
                                   " of range"),
    ("labelSelector=%3D", "found '=', expected: !, identifier, or 'end of string'"),
    ("resourceVersion=abc", 'invalid resource version: resourceVersion: Invalid value: "abc":'
                            ' strconv.ParseUint: parsing "abc": invalid syntax')])
def test_bad_queries(http: Http, query: str, message: str) -> None:
    reply = http("GET", f"{CONFIGMAPS}?{query}")
    assert (reply.status, reply.message) == (400, message)


OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1"}


@pytest.mark.parametrize(("method", "when"), [
    ("POST", ""), ("PUT", ""), ("PATCH", " after mutating admission happens")])
def test_owners_that_are_named_twice_are_kept_once(http: Http, method: str, when: str) -> None:
    target = CONFIGMAPS if method == "POST" else f"{CONFIGMAPS}/a"
    if method != "POST":
        http("POST", CONFIGMAPS, config())
    owners = [OWNER, OWNER, {**OWNER, "blockOwnerDeletion": True}]
    body = {"metadata": {"name": "a", "ownerReferences": owners}}
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    reply = http(method, target, body, content_type=kind)
    assert reply.json["metadata"]["ownerReferences"] == owners[1:]
    assert reply.warnings == [
        f'299 - ".metadata.ownerReferences contains duplicate entries{when}; API server dedups '
        "owner references in 1.20+, and may reject such requests as early as 1.24; please fix "
        'your requests; duplicate UID(s) observed: [1]"']


def test_large_bodies_are_compressed_for_those_who_accept_it() -> None:
    import asyncio

    from tests.apiserver.handlers import asgi

    http = Http()
    http("POST", CONFIGMAPS, config(data={"k": "x" * 200_000}))
    exchange = asgi._Exchange(None)
    asked = asgi.scope("GET", CONFIGMAPS, "", "", {"accept_encoding": "gzip"})
    asyncio.run(http.app(asked, exchange.receive, exchange.send))
    reply = exchange.reply()
    assert reply.headers["content-encoding"] == "gzip"
    assert b"x" * 200_000 in gzip.decompress(reply.body)
    assert len(reply.body) == int(reply.headers["content-length"]) < 10_000
    assert zlib.crc32(reply.body)


def test_delete_options_come_in_the_body_or_the_query(http: Http) -> None:
    http("POST", CONFIGMAPS, config())
    assert http("DELETE", f"{CONFIGMAPS}/a?dryRun=All").status == 200
    assert http("DELETE", f"{CONFIGMAPS}/a", {"preconditions": {"uid": "x"}}).status == 409
    waiting = http("DELETE", f"{CONFIGMAPS}/a", {
        "kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground"})
    assert waiting.json["metadata"]["finalizers"] == ["foregroundDeletion"]
    refused = http("DELETE", f"{CONFIGMAPS}/a", {"kind": "Pod", "apiVersion": "v1"})
    assert (refused.status, "no kind" in refused.message) == (400, True)


def events(stream: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(e["type"], e["object"]["metadata"].get("name", "")) for e in stream]


def test_watch_streams_lines_until_its_time_is_up(http: Http) -> None:
    http("POST", CONFIGMAPS, config())
    seen = http.stream(f"{CONFIGMAPS}?watch=true&timeoutSeconds=1")
    assert events(seen) == [("ADDED", "a")]
    assert seen[0]["object"]["kind"] == "ConfigMap"


def test_watch_behind_the_history_says_so_in_the_stream(http: Http) -> None:
    (event,) = http.stream(f"{CONFIGMAPS}?watch=1&resourceVersion=1")
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == (
        "ERROR", 410, "Expired")


def test_bookmarks_come_once_a_minute_and_before_the_end() -> None:
    assert next_bookmark(0, 300) == 60
    assert next_bookmark(250, 300) == 298
    assert next_bookmark(298, 300) is None
    assert next_bookmark(0, 1) is None


def token(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(("given", "complaint"), [
    ("!!", "illegal base64 data at input byte 0"),
    ("YQ==", "illegal base64 data at input byte 2"),
    (token("x"), "invalid character 'x' looking for beginning of value"),
    (token("[1]"), "json: cannot unmarshal array into Go value of type storage.continueToken"),
    (token('{"v":"meta.k8s.io/v1","rv":"1","start":"a"}'), "json: cannot unmarshal string into Go "
     "struct field continueToken.rv of type int64"),
    (token('{"v":"v2","rv":1,"start":"a"}'), "server does not recognize this encoded version v2"),
    (token('{"v":"meta.k8s.io/v1","start":"a"}'),
     "incorrect encoded start resourceVersion (version meta.k8s.io/v1)"),
    (token('{"v":"meta.k8s.io/v1","rv":1}'), "encoded start key empty (version meta.k8s.io/v1)"),
    (token('{"v":"meta.k8s.io/v1","rv":1,"start":"a/../../b"}'), "a/../../b")])
def test_tokens_that_cannot_be_continued_from(http: Http, given: str, complaint: str) -> None:
    reply = http("GET", f"{CONFIGMAPS}?continue={given.replace('=', '%3D')}")
    assert (reply.status, reply.message) == (
        400, f"invalid continue token: continue key is not valid: {complaint}")


def test_watch_as_table_shows_its_columns_once(http: Http) -> None:
    for name in "ab":
        http("POST", CONFIGMAPS, config(name))
    first, second = http.stream(f"{CONFIGMAPS}?watch=1&timeoutSeconds=1", accept=TABLE)
    assert first["object"]["columnDefinitions"]
    assert second["object"]["columnDefinitions"] is None
    assert second["object"]["rows"][0]["cells"][0] == "b"


@pytest.mark.parametrize(("path", "body"), [
    ("/healthz", b"ok"), ("/livez", b"ok"), ("/readyz", b"ok"), ("/livez/ping", b"ok")])
def test_health(http: Http, path: str, body: bytes) -> None:
    assert (http("GET", path).status, http("GET", path).body) == (200, body)


def test_verbose_health_lists_the_checks(http: Http) -> None:
    lines = http("GET", "/readyz?verbose&exclude=etcd").body.decode().splitlines()
    assert "[+]ping ok" in lines
    assert "[+]etcd ok" not in lines
    assert lines[-1] == "readyz check passed"


def test_who_is_not_known_or_not_allowed_is_refused() -> None:
    async def nobody(scope: Any) -> Any:
        raise Unauthorized

    async def nothing(attributes: Attributes) -> None:
        raise forbidden(attributes)

    server = Server()
    from tests.integration.api_server import admin
    closed = Http(KubernetesApp(server.registry, authenticate=nobody))
    assert closed("GET", CONFIGMAPS).json["reason"] == "Unauthorized"
    shut = Http(KubernetesApp(server.registry, authenticate=admin,
                              authorize=nothing))
    reply = shut("GET", f"{CONFIGMAPS}/a")
    assert (reply.status, reply.message) == (403, (
        'configmaps "a" is forbidden: User "admin" cannot get resource "configmaps" in API group ""'
        ' in the namespace "default"'))


def test_own_failure_is_a_status_and_never_a_trace(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Any) -> Any:
        raise RuntimeError("secret detail")

    http = Http(KubernetesApp(Server().registry, authenticate=broken))
    reply = http("GET", CONFIGMAPS)
    assert (reply.status, reply.json["reason"]) == (500, "InternalError")
    assert b"secret detail" not in reply.body
    assert "secret detail" in caplog.text


def test_log_of_an_unscheduled_pod_is_empty(http: Http) -> None:
    pods = "/api/v1/namespaces/default/pods"
    http("POST", pods, {"metadata": {"name": "p"}, "spec": {
        "containers": [{"name": "c", "image": "x"}]}})
    assert http("GET", f"{pods}/p/log").status == 204
    refused = http("GET", f"{pods}/p/log?container=nope")
    assert (refused.status, refused.message) == (400, "container nope is not valid for pod p")
