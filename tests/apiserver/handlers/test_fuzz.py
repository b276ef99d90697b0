"""Whatever is sent gets an answer, and never our own failure."""

from __future__ import annotations

import json
import logging
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.apiserver.handlers.asgi import Http
from tests.apiserver.server import config

PARTS = st.sampled_from([
    "api", "apis", "v1", "v2", "apps", "autoscaling", "namespaces", "default", "configmaps",
    "deployments", "pods", "a", "status", "scale", "log", "watch", "bindings", "eviction",
    "healthz", "version", "metrics", "events.k8s.io", "events", "..", "%", "\u00e9", "",
    "componentstatuses"])
METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW"])
QUERIES = st.dictionaries(
    st.sampled_from(["limit", "continue", "resourceVersion", "resourceVersionMatch",
                     "labelSelector", "fieldSelector", "dryRun", "fieldValidation", "fieldManager",
                     "force",
                     "gracePeriodSeconds", "propagationPolicy", "orphanDependents", "pretty",
                     "includeObject", "container", "sendInitialEvents"]),
    st.sampled_from(["", "0", "1", "-1", "All", "true", "abc", "Exact", "a=b", "a in (b,c", "%00",
                     "metadata.name=a", "99999999999999999999", "Orphan", "Strict", "%ff"]),
    max_size=3)
TYPES = st.sampled_from([
    "application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "text/plain", "",
    "application/merge-patch+json", "application/strategic-merge-patch+json",
    "application/json-patch+json", "application/apply-patch+yaml"])
ACCEPTS = st.sampled_from([
    "", "*/*", "application/json", "application/yaml", "text/html", ";", "a/b;q=x",
    "application/json;as=Table;v=v1;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2**70, 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["metadata", "spec", "data", "kind", "apiVersion", "name", "labels",
                         "$patch", "op", "path", "value", "finalizers", "ownerReferences",
                         "replicas"]),
        inner, max_size=4), max_leaves=8)
BODIES = VALUES.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40) | st.just(
    b"k8s\0\n\x02\x08\x01" + b"[" * 50)


class _Failures(logging.Handler):
    """Remembers what the application logged as its own failure."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(self.format(record))


@cache
def server() -> tuple[Http, _Failures]:
    http, failures = Http(), _Failures()
    http("POST", "/api/v1/namespaces/default/configmaps", config())
    logging.getLogger("apiserver.app").addHandler(failures)
    return http, failures


@settings(deadline=None, max_examples=150)
@given(METHODS, st.lists(PARTS, max_size=7), QUERIES, TYPES, ACCEPTS, BODIES)
def test_any_request_is_answered(method: str, parts: list[str], query: dict[str, str],
                                 content_type: str, accept: str, body: bytes) -> None:
    http, failures = server()
    target = "/" + "/".join(parts)
    if "watch" not in parts:
        target += "?" + "&".join(f"{name}={value}" for name, value in query.items())
        reply = http(method, target, body, content_type=content_type, accept=accept)
        assert not failures.seen
        if reply.headers.get("content-type") == "application/json" and method != "HEAD":
            assert isinstance(reply.json, dict)


OWN = st.sampled_from(["configmaps", "pods", "services", "replicationcontrollers", "secrets"])


@settings(deadline=None, max_examples=150)
@given(METHODS, OWN, st.sampled_from(["", "/a", "/a/status", "/a/scale"]), QUERIES, TYPES, VALUES)
def test_any_body_for_a_resource_is_answered(method: str, plural: str, rest: str,
                                             query: dict[str, str], content_type: str,
                                             value: object) -> None:
    http, failures = server()
    pairs = "&".join(f"{name}={value}" for name, value in query.items())
    http(method, f"/api/v1/namespaces/default/{plural}{rest}?{pairs}", json.dumps(value).encode(),
         content_type=content_type)
    assert not failures.seen
