"""Decoding does to a body what Go's decoding into the typed object and encoding again does."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.machinery.gvk import GVK
from apiserver.schema.definitions import available_minors
from apiserver.schema.json_body import parse_json
from apiserver.schema.schema import Schema, schema_for
from apiserver.schema.state import DecodeError

POD = GVK("", "v1", "Pod")
SERVICE = GVK("", "v1", "Service")
SECRET = GVK("", "v1", "Secret")
CONFIGMAP = GVK("", "v1", "ConfigMap")
REPLICASET = GVK("apps", "v1", "ReplicaSet")
DEPLOYMENT = GVK("apps", "v1", "Deployment")
SLICE = GVK("discovery.k8s.io", "v1", "EndpointSlice")
LEASE = GVK("coordination.k8s.io", "v1", "Lease")
TOKEN = GVK("authentication.k8s.io", "v1", "TokenRequest")


@pytest.fixture(scope="module")
def schema() -> Schema:
    return schema_for("1.36")


def replicaset(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a"}, "spec": spec}


def container(**fields: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "c", **fields}]}}


@pytest.mark.parametrize(("gvk", "body", "path", "expected"), [
    (REPLICASET, replicaset(replicas=0), "spec.replicas", 0),  # a pointer keeps its zero
    (REPLICASET, replicaset(minReadySeconds=0), "spec.minReadySeconds", None),
    (REPLICASET, replicaset(), "status.replicas", 0),  # always encoded
    (DEPLOYMENT, {}, "spec.strategy", {}),  # a struct is always there
    (DEPLOYMENT, {"metadata": {"labels": {}}}, "metadata.labels", None),
    (DEPLOYMENT, {"metadata": {"labels": None}}, "metadata.labels", None),
    (SERVICE, {}, "status.loadBalancer", {}),
    (SLICE, {}, "ports", None),
    (POD, container(args=[]), "spec.containers.0.args", None),
    (POD, container(resources={"limits": {"cpu": "1000m", "memory": "1024Mi"}}),
     "spec.containers.0.resources.limits", {"cpu": "1", "memory": "1Gi"}),
    (POD, container(resources={"limits": {"cpu": 0.5}}),
     "spec.containers.0.resources.limits.cpu", "500m"),
    (POD, {"metadata": {"creationTimestamp": "2020-01-02T03:04:05+01:00"}},
     "metadata.creationTimestamp", "2020-01-02T02:04:05Z"),
    (LEASE, {"spec": {"renewTime": "2020-01-02T03:04:05.123456Z"}}, "spec.renewTime",
     "2020-01-02T03:04:05.123456Z"),
    (SERVICE, {"spec": {"ports": [{"port": 1, "targetPort": "http"}]}},
     "spec.ports.0.targetPort", "http"),
    (SECRET, {"data": {"a": "YWI="}}, "data.a", "YWI="),
    (CONFIGMAP, {"data": {"a": None}}, "data.a", ""),
])
def test_a_value_decodes_as_in_go(schema: Schema, gvk: GVK, body: Any, path: str,
                                  expected: Any) -> None:
    value: Any = schema.decode(gvk, body).object
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, list) else value.get(step)
    assert value == expected


def test_slices_without_omitempty_are_null(schema: Schema) -> None:
    decoded = schema.decode(SLICE, {}).object
    assert decoded["endpoints"] is None
    assert decoded["ports"] is None


def test_a_pointer_without_omitempty_is_null(schema: Schema) -> None:
    spec = schema.decode(TOKEN, {"spec": {}}).object["spec"]
    assert spec == {"audiences": None, "boundObjectRef": None, "expirationSeconds": None}


def test_creation_timestamp_is_null_in_versions_before_omitzero() -> None:
    assert schema_for("1.33").decode(CONFIGMAP, {}).object["metadata"] == {
        "creationTimestamp": None}
    assert schema_for("1.34").decode(CONFIGMAP, {}).object["metadata"] == {}


@pytest.mark.verified(source="truth/api/errors")
@pytest.mark.parametrize(("gvk", "body", "message"), [
    (REPLICASET, replicaset(replicas="two"), "json: cannot unmarshal string into Go struct field "
     "ReplicaSetSpec.spec.replicas of type int32"),
    (REPLICASET, replicaset(replicas=1.5), "json: cannot unmarshal number 1.5 into Go struct field "
     "ReplicaSetSpec.spec.replicas of type int32"),
    (REPLICASET, replicaset(selector=["a"]), "json: cannot unmarshal array into Go struct field "
     "ReplicaSetSpec.spec.selector of type v1.LabelSelector"),
    (REPLICASET, replicaset(template={"spec": {"containers": {}}}), "json: cannot unmarshal object "
     "into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container"),
    (CONFIGMAP, {"data": {"k": 1}}, "json: cannot unmarshal number into Go struct field "
     "ConfigMap.data of type string"),
    (POD, container(resources={"limits": {"cpu": "abc"}}), "quantities must match the regular "
     "expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
    (CONFIGMAP, {"metadata": {"creationTimestamp": "yesterday"}}, 'parsing time "yesterday" as '
     '"2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"'),
    (LEASE, {"spec": {"renewTime": "2020-01-02T03:04:05Z"}}, 'parsing time "2020-01-02T03:04:05Z" '
     'as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"'),
    (SECRET, {"data": {"k": "###"}}, "illegal base64 data at input byte 0"),
])
def test_a_wrong_type_is_refused_in_go_s_words(schema: Schema, gvk: GVK, body: Any,
                                               message: str) -> None:
    with pytest.raises(DecodeError) as error:
        schema.decode(gvk, body)
    assert str(error.value) == message


def test_the_first_wrong_type_is_told(schema: Schema) -> None:
    with pytest.raises(DecodeError, match="paused"):
        schema.decode(DEPLOYMENT, {"spec": {"paused": "x", "replicas": "y"}})


@pytest.mark.verified(source="truth/api/dryrun_validation")
def test_unknown_fields_are_named_by_path_in_order(schema: Schema) -> None:
    body = {"spec": {"template": {"spec": {"containers": [{"imagee": "x"}]}}}, "bogus": 1}
    decoded = schema.decode(DEPLOYMENT, body)
    assert decoded.problems == ('unknown field "spec.template.spec.containers[0].imagee"',
                                'unknown field "bogus"')


def test_fields_are_case_sensitive(schema: Schema) -> None:
    assert schema.decode(CONFIGMAP, {"Data": {}}).problems == ('unknown field "Data"',)


@pytest.mark.parametrize(("body", "problem"), [
    ('{"spec":{"replicas":0,"replicas":1}}', 'duplicate field "spec.replicas"'),
    ('{"metadata":{"labels":{"a":"1","a":"2"}}}', 'duplicate field "metadata.labels.a"'),
])
def test_repeated_keys_are_noted(schema: Schema, body: str, problem: str) -> None:
    assert schema.decode(REPLICASET, parse_json(body.encode())).problems == (problem,)


def test_the_last_of_repeated_values_counts_and_objects_add_up() -> None:
    assert parse_json(b'{"a":1,"a":2,"m":{"x":1},"m":{"y":2}}') == {"a": 2, "m": {"x": 1, "y": 2}}


def test_decoding_gives_containers_of_its_own(schema: Schema) -> None:
    labels = {"a": "b"}
    finalizers = ["x/y"]
    decoded = schema.decode(CONFIGMAP, {"metadata": {"labels": labels, "finalizers": finalizers}})
    decoded.object["metadata"]["labels"]["c"] = "d"
    decoded.object["metadata"]["finalizers"].append("z")
    assert (labels, finalizers) == ({"a": "b"}, ["x/y"])


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["metadata", "spec", "name", "containers", "labels", "ports", "x"]), inner),
    max_leaves=12)


@given(values)
def test_any_value_decodes_or_is_refused(value: Any) -> None:
    with suppress(DecodeError):
        assert "spec" in schema_for().decode(POD, value).object


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.text()), st.booleans(),
       st.integers(0, 3))
def test_decoding_twice_changes_nothing(data: dict[str, str], flag: bool, number: int) -> None:
    spec = {"paused": flag, "replicas": number, "template": {"spec": {"priority": number}}}
    body = {"metadata": {"labels": data, "generation": number}, "spec": spec}
    once = schema_for().decode(DEPLOYMENT, body).object
    assert schema_for().decode(DEPLOYMENT, once).object == once


@pytest.mark.parametrize("minor", available_minors())
def test_every_version_decodes_the_common_kinds(minor: int) -> None:
    schema = schema_for(f"1.{minor}")
    for gvk in (POD, SERVICE, DEPLOYMENT, CONFIGMAP):
        assert schema.decode(gvk, {}).object["metadata"] is not None


def test_every_fact_names_a_field_of_some_version() -> None:
    from apiserver.schema import gofacts
    from apiserver.schema.definitions import load

    known = set()
    for minor in available_minors():
        for name, definition in load(minor).items():
            group, _, kind = name.split(".")[-3:]
            known.update(f"{group}/{kind}.{field}" for field in definition.get("properties", {}))
    facts = (gofacts.POINTERS | gofacts.POINTER_OBJECTS | gofacts.STRUCTS | gofacts.SHOWN
             | gofacts.HIDDEN | gofacts.DEFAULTS.keys() | gofacts.GO_TYPES.keys())
    assert sorted(facts - known) == []
