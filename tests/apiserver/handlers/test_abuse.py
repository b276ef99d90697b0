"""Bodies made to break a server: depth, aliases, broken text."""

from __future__ import annotations

import pytest

from tests.apiserver.handlers.asgi import Http

CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
REVISIONS = "/apis/apps/v1/namespaces/default/controllerrevisions"
BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (name + 1, name + 1, b",".join([b"*%c" % name] * 9))
    for name in range(ord("a"), ord("h")))


def nested(depth: int, inner: bytes = b"1") -> bytes:
    return b'{"a":' * depth + inner + b"}" * depth


@pytest.fixture
def http() -> Http:
    return Http()


@pytest.mark.parametrize(("content_type", "body"), [
    ("application/json", b"[" * 100_000),
    ("application/json", nested(50_000)),
    ("application/json", b'{"metadata":{"name":"x"},"data":' + nested(400) + b"}"),
    ("application/yaml", b"[" * 100_000),
    ("application/yaml", b"- " * 100_000),
    ("application/yaml", b"? " * 100_000),
    ("application/yaml", b"a: " * 100_000),
    ("application/yaml", BOMB),
    ("application/yaml", b'metadata: {name: "\xff"}'),
    ("application/vnd.kubernetes.protobuf", b"k8s\0" + b"\x0a" * 1000),
])
def test_bodies_that_cannot_be_read_are_bad_requests(http: Http, content_type: str,
                                                     body: bytes) -> None:
    assert http("POST", CONFIGMAPS, body, content_type=content_type).status == 400


def test_depth_cannot_be_built_up_by_patches(http: Http) -> None:
    made = http("POST", REVISIONS, b'{"metadata":{"name":"x"},"revision":1,"data":'
                + nested(200) + b"}")
    assert made.status == 201
    path = "/data" + "/a" * 200
    patch = b'[{"op":"add","path":"%s","value":%s}]' % (path.encode(), nested(200))
    reply = http("PATCH", f"{REVISIONS}/x", patch, content_type="application/json-patch+json")
    assert (reply.status, reply.message) == (400, "exceeded max depth")
    assert http("GET", REVISIONS).status == 200


def test_ordinary_aliases_are_spelt_out(http: Http) -> None:
    body = b"metadata: {name: a, labels: &l {x: z}, annotations: *l}\n"
    made = http("POST", CONFIGMAPS, body, content_type="application/yaml").json["metadata"]
    assert made["annotations"] == made["labels"] == {"x": "z"}
