"""Protobuf bodies say the same as JSON ones."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.machinery.errors import BadRequest
from apiserver.machinery.gvk import GVK
from apiserver.protobuf.body import PREFIX, decode_protobuf
from apiserver.protobuf.table import Field, message_of, messages
from apiserver.schema.request_body import PROTOBUF, decode_body
from apiserver.schema.schema import schema_for
from tests.apiserver.protobuf.encoder import body_of

SCALARS = {"string", "bytes", "bool", "int32", "int64", "uint32", "uint64", "double"}
CRD = GVK("apiextensions.k8s.io", "v1", "CustomResourceDefinition")
POD = GVK("", "v1", "Pod")


@pytest.mark.parametrize(("gvk", "value"), [
    (GVK("", "v1", "Namespace"), {"metadata": {"name": "x"}}),
    (GVK("", "v1", "ConfigMap"), {"metadata": {"name": "c", "labels": {"a": "b", "": ""}},
                                  "data": {"k": "ü"}, "binaryData": {"b": "AAE="}}),
    (GVK("apps", "v1", "Deployment"), {"spec": {"replicas": 0, "strategy": {"rollingUpdate": {
        "maxSurge": 1, "maxUnavailable": "25%"}}}}),
    (POD, {"spec": {"containers": [{"name": "c", "args": ["a", ""], "resources": {"limits": {
        "cpu": "500m"}}}], "volumes": [{"name": "v", "emptyDir": {}}], "priority": -5}}),
    (POD, {"metadata": {"creationTimestamp": "2020-01-02T03:04:05Z"}}),
    (GVK("coordination.k8s.io", "v1", "Lease"), {"spec": {
        "renewTime": "2020-01-02T03:04:05.000123Z"}}),
    (GVK("", "v1", "DeleteOptions"), {"gracePeriodSeconds": 0, "propagationPolicy": "Foreground",
                                      "preconditions": {"uid": "u"}, "dryRun": ["All"]}),
    (GVK("apps", "v1", "ControllerRevision"), {"data": {"spec": {"a": [1, None]}}, "revision": 3}),
    (GVK("authorization.k8s.io", "v1", "SubjectAccessReview"), {
        "spec": {"groups": ["g"], "user": "u"}}),
    (GVK("networking.k8s.io", "v1", "Ingress"), {"spec": {"rules": [{"host": "h", "http": {
        "paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {
            "name": "s", "port": {"number": 80}}}}]}}]}}),
    (GVK("certificates.k8s.io", "v1", "PodCertificateRequest"), {
        "spec": {"signerName": "x.io/s", "podUID": "u", "maxExpirationSeconds": 3600,
                 "unverifiedUserAnnotations": {"x.io/a": "b"}, "stubPKCS10Request": "AAE="},
        "status": {"certificateChain": "c", "notAfter": "2020-01-02T03:04:05Z"}}),
    (GVK("resource.k8s.io", "v1", "DeviceTaintRule"), {"spec": {
        "deviceSelector": {"driver": "x.io", "device": "d"}, "taint": {"key": "k"}}}),
])
def test_a_body_decodes_to_its_json(gvk: GVK, value: Any) -> None:
    decoded = decode_protobuf(body_of(gvk, value))
    assert decoded.pop("apiVersion") == gvk.api_version
    assert decoded.pop("kind") == gvk.kind
    schema = schema_for("1.37")
    assert schema.decode(gvk, decoded).object == schema.decode(gvk, value).object


def crd_schema() -> dict[str, Any]:
    return {"type": "object", "x-kubernetes-preserve-unknown-fields": False, "properties": {
        "n": {"type": "integer", "minimum": 0.5, "default": 3, "enum": [1, "x", None]}}}


def test_a_crd_s_schema_and_its_alternatives_decode() -> None:
    value = {"spec": {"group": "g", "versions": [{"name": "v1", "schema": {
        "openAPIV3Schema": crd_schema()}, "subresources": {"status": {}}}]}}
    spec = decode_protobuf(body_of(CRD, value))["spec"]
    assert spec["versions"][0]["subresources"] == {"status": {}}
    assert spec["versions"][0]["schema"]["openAPIV3Schema"] == crd_schema()


def test_unknown_fields_are_skipped() -> None:
    extra = bytes([0xFA, 0x3F, 2, 1, 2, 0xF8, 0x3F, 5])
    body = body_of(GVK("", "v1", "ConfigMap"), {"data": {"k": "v"}})
    assert decode_protobuf(body + extra)["data"] == {"k": "v"}


@pytest.mark.parametrize("cut", [5, 9, 20, 30])
def test_a_body_that_is_cut_off_is_refused(cut: int) -> None:
    body = body_of(POD, {"metadata": {"name": "a" * 20}})[:cut]
    with pytest.raises(BadRequest):
        decode_body(schema_for(), POD, body, PROTOBUF)


def test_a_body_without_the_prefix_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected prefix \[107 56 115 0\]"):
        decode_protobuf(b"{}")


@given(st.binary(max_size=60))
def test_any_bytes_decode_or_are_refused(data: bytes) -> None:
    with suppress(ValueError):
        assert decode_protobuf(PREFIX + data, POD)["kind"]


def test_every_type_of_the_table_is_known() -> None:
    table = messages()
    types = {field.type for message in table.values() for field in message.values()}
    unknown = {name.rpartition(".")[2] for name in types - SCALARS - table.keys()}
    assert unknown == {"CustomResourceSubresourceStatus"}, "a message without fields has no row"


def test_every_stable_kind_has_a_message() -> None:
    stable = [gvk for gvk in schema_for("1.36").names
              if gvk.version in ("v1", "v2") and not gvk.kind.endswith("List")]
    missing = {gvk.kind for gvk in stable if not message_of(gvk)}
    assert missing <= {"APIGroup", "APIResourceList", "APIVersions", "SelfSubjectReview"}


def leaves(field: Field) -> st.SearchStrategy[Any]:
    by_type: dict[str, st.SearchStrategy[Any]] = {
        "string": st.text(st.characters(codec="utf-8")), "bool": st.booleans(),
        "int32": st.integers(-2**31, 2**31 - 1), "int64": st.integers(-2**63, 2**63 - 1)}
    base = by_type[field.type]
    if field.label == "repeated":
        return st.lists(base, min_size=1, max_size=3)
    return st.dictionaries(st.text(), base, min_size=1) if field.label == "map" else base


def plain_fields(message: str) -> dict[str, st.SearchStrategy[Any]]:
    return {field.name: leaves(field) for field in messages()[message].values()
            if field.type in ("string", "bool", "int32", "int64") and field.label != "inline"}


@given(st.data(), st.sampled_from(["PodSpec", "Container", "ServiceSpec", "PodStatus", "Event"]))
def test_plain_fields_of_a_message_survive(data: st.DataObject, name: str) -> None:
    from apiserver.protobuf.body import decode_message
    from tests.apiserver.protobuf.encoder import encode

    message = f"A.core.v1.{name}"
    value = data.draw(st.fixed_dictionaries({}, optional=plain_fields(message)))
    assert decode_message(message, encode(message, value)) == value
