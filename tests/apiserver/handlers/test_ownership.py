"""Who owns what, as requests and their answers tell: managedFields over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from apiserver.customresources.definitions import CRDS
from tests.apiserver.customresources.crds import NAME, crd, crontab, version
from tests.apiserver.handlers.asgi import Http
from tests.apiserver.registry.test_update import deployment
from tests.apiserver.server import config, pod

if TYPE_CHECKING:
    from tests.apiserver.handlers.asgi import Reply

CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
PODS = "/api/v1/namespaces/default/pods"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


@pytest.fixture
def http() -> Http:
    return Http()


def applied(http: Http, target: str, obj: Any, manager: str = "m", **query: str) -> Reply:
    text = "".join(f"&{name}={value}" for name, value in query.items())
    return http("PATCH", f"{target}?fieldManager={manager}{text}", obj, content_type=APPLY)


def owners(obj: Any) -> dict[str, Any]:
    return {entry["manager"]: entry["fieldsV1"]
            for entry in obj["metadata"].get("managedFields", [])}


def typed(kind: str, api_version: str, obj: Any) -> Any:
    return {"apiVersion": api_version, "kind": kind, **obj}


def with_status(http: Http) -> Any:
    """A Deployment whose status has an owner."""
    http("POST", DEPLOYMENTS, deployment())
    status = typed("Deployment", "apps/v1", {
        "metadata": {"name": "d", "labels": {"x": "y"}, "annotations": {"p": "q"}},
        "status": {"conditions": [{"type": "Odd", "status": "True"}]}})
    return applied(http, f"{DEPLOYMENTS}/d/status", status, "statuses").json


def test_a_write_to_the_object_takes_no_status_from_its_owner(http: Http) -> None:
    before = owners(with_status(http))["statuses"]["f:status"]
    changed = deployment(5)
    after = http("PUT", f"{DEPLOYMENTS}/d", {**changed, "status": {}}).json
    assert owners(after)["statuses"]["f:status"] == before


def test_a_status_write_keeps_the_labels_of_a_deployment_but_not_its_annotations(
        http: Http) -> None:
    obj = with_status(http)
    assert "labels" not in obj["metadata"]
    assert obj["metadata"]["annotations"] == {"p": "q"}
    assert owners(obj)["statuses"]["f:metadata"] == {"f:annotations": {"f:p": {}}}


def test_a_status_write_may_label_a_pod_but_not_give_it_owners(http: Http) -> None:
    http("POST", PODS, pod())
    reply = applied(http, f"{PODS}/p/status", typed("Pod", "v1", {"metadata": {
        "name": "p", "labels": {"x": "y"},
        "ownerReferences": [{"apiVersion": "v1", "kind": "A", "name": "b", "uid": "c"}]}}))
    assert reply.json["metadata"]["labels"] == {"x": "y"}
    assert "ownerReferences" not in reply.json["metadata"]
    assert owners(reply.json)["m"] == {"f:metadata": {"f:labels": {"f:x": {}}}}


def test_a_resize_owns_resources_and_nothing_else(http: Http) -> None:
    http("POST", PODS, pod())
    name = http("GET", f"{PODS}/p").json["spec"]["containers"][0]["name"]
    reply = applied(http, f"{PODS}/p/resize", typed("Pod", "v1", {
        "metadata": {"name": "p", "labels": {"x": "y"}},
        "spec": {"containers": [{"name": name, "resources": {}}]}}))
    assert owners(reply.json)["m"] == {"f:spec": {"f:containers": {
        f'k:{{"name":"{name}"}}': {"f:resources": {}}}}}


@pytest.mark.parametrize("given", [[], [{}]])
def test_a_client_may_reset_who_owns_what(http: Http, given: list[Any]) -> None:
    made = http("POST", CONFIGMAPS, config()).json
    assert "managedFields" in made["metadata"]
    reset = {**made, "metadata": {**made["metadata"], "managedFields": given}}
    assert "managedFields" not in http("PUT", f"{CONFIGMAPS}/a", reset).json["metadata"]


@pytest.mark.parametrize("broken", [
    {"apiVersion": ""}, {"fieldsType": "FieldsV2"}, {"fieldsType": ""}, {"operation": "Own"},
    {"fieldsV1": {"z": {}}}])
def test_broken_entries_of_a_client_are_forgotten(http: Http, broken: Any) -> None:
    made = http("POST", CONFIGMAPS, config()).json
    entry = {"manager": "x", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
             "fieldsV1": {"f:data": {}}, **broken}
    patch = {"metadata": {"managedFields": [entry]}}
    after = http("PATCH", f"{CONFIGMAPS}/a", patch, content_type=MERGE).json
    assert owners(after) == owners(made)


@pytest.mark.parametrize(("manager", "complaint"), [
    ("a%01b", r'Invalid value: "a\x01b": invalid character U+0001 (at position 1)'),
    ("%C3%A9" * 65, "Too long: may not be more than 128 bytes")])
@pytest.mark.parametrize(("method", "options"), [("POST", "Create"), ("PUT", "Update"),
                                                 ("PATCH", "Patch")])
def test_names_of_managers_are_checked(http: Http, manager: str, complaint: str, method: str,
                                       options: str) -> None:
    target = CONFIGMAPS if method == "POST" else f"{CONFIGMAPS}/a"
    kind = MERGE if method == "PATCH" else "application/json"
    reply = http(method, f"{target}?fieldManager={manager}", config(), content_type=kind)
    assert (reply.status, reply.message) == (
        422, f'{options}Options.meta.k8s.io "" is invalid: fieldManager: {complaint}')


def test_an_apply_that_names_a_uid_creates_nothing(http: Http) -> None:
    reply = applied(http, f"{CONFIGMAPS}/a", typed("ConfigMap", "v1", {
        "metadata": {"name": "a", "uid": "abc"}}))
    assert (reply.status, reply.message) == (409, (
        'Operation cannot be fulfilled on configmaps "a": uid mismatch: the provided object'
        " specified uid abc, and no existing object was found"))


TWICE = """apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data:
  k: "1"
  k: "2"
"""
REPEATED = 'line 6: key "k" already set in map'


def test_keys_given_twice_in_an_apply(http: Http) -> None:
    strict = applied(http, f"{CONFIGMAPS}/a", TWICE, fieldValidation="Strict")
    assert (strict.status, strict.message) == (400, (
        "error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  "
        + REPEATED))
    warned = applied(http, f"{CONFIGMAPS}/a", TWICE)
    assert (warned.status, warned.json["data"]) == (201, {"k": "2"})
    assert len(warned.warnings) == 1
    assert "already set in map" in warned.warnings[0]


def test_keys_given_twice_in_a_yaml_body(http: Http) -> None:
    strict = http("POST", f"{CONFIGMAPS}?fieldValidation=Strict", TWICE,
                  content_type="application/yaml")
    assert (strict.status, strict.message) == (400, (
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: '
        f"yaml: unmarshal errors:\n  {REPEATED}"))
    warned = http("POST", CONFIGMAPS, TWICE, content_type="application/yaml")
    assert (warned.status, len(warned.warnings)) == (201, 1)


@pytest.mark.parametrize(("kind", "status"), [
    ("application/strategic-merge-patch+json", 200), (MERGE, 422)])
def test_whole_numbers_written_as_floats(http: Http, kind: str, status: int) -> None:
    http("POST", DEPLOYMENTS, deployment())
    reply = http("PATCH", f"{DEPLOYMENTS}/d", '{"spec":{"replicas":3.0}}', content_type=kind)
    assert reply.status == status
    if status == 200:
        assert reply.json["spec"]["replicas"] == 3
    else:
        assert r'"replicas\":3.0' in reply.json["details"]["causes"][0]["message"]


@pytest.mark.parametrize(("target", "field", "message"), [
    ("/api/v1/nodes", "metadata.namespace", "field label not supported: metadata.namespace"),
    ("/api/v1/namespaces", "name", "field label not supported: name"),
    ("/apis/batch/v1/jobs", "x", 'field label "x" not supported for batchv1.Job'),
    ("/apis/resource.k8s.io/v1/resourceslices", "x",
     "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: x")])
def test_field_selectors_are_each_kind_s_own(http: Http, target: str, field: str,
                                             message: str) -> None:
    reply = http("GET", f"{target}?fieldSelector={field}%3D1")
    assert (reply.status, reply.message) == (400, message)


def test_the_old_name_of_a_pod_s_node_selects_too(http: Http) -> None:
    http("POST", PODS, pod())
    assert http("GET", f"{PODS}?fieldSelector=spec.host%3Dn").json["items"] == []
    assert len(http("GET", f"{PODS}?fieldSelector=spec.host%3D").json["items"]) == 1


HPA = {"metadata": {"name": "h"}, "spec": {"maxReplicas": 3, "scaleTargetRef": {
    "apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}}}
METRICS = [{"type": "Resource", "resource": {
    "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}]


def autoscaler(version: str) -> str:
    return f"/apis/autoscaling/{version}/namespaces/default/horizontalpodautoscalers"


def test_a_field_is_taken_over_by_its_name_in_another_version(http: Http) -> None:
    spec = {**HPA["spec"], "metrics": METRICS}
    applied(http, f"{autoscaler('v2')}/h", typed(
        "HorizontalPodAutoscaler", "autoscaling/v2", {**HPA, "spec": spec}), "two")
    after = http("PATCH", f"{autoscaler('v1')}/h?fieldManager=one", {
        "spec": {"targetCPUUtilizationPercentage": 70}}, content_type=MERGE).json
    assert owners(after)["one"] == {"f:spec": {"f:targetCPUUtilizationPercentage": {}}}
    assert "f:metrics" not in owners(after)["two"]["f:spec"]
    clash = applied(http, f"{autoscaler('v2')}/h", typed(
        "HorizontalPodAutoscaler", "autoscaling/v2", {**HPA, "spec": spec}), "two")
    assert (clash.status, clash.json["details"]["causes"]) == (409, [{
        "reason": "FieldManagerConflict", "field": ".spec.targetCPUUtilizationPercentage",
        "message": 'conflict with "one" using autoscaling/v1'}])


def test_what_one_version_applied_another_version_takes_back(http: Http) -> None:
    spec = {**HPA["spec"], "metrics": METRICS}
    applied(http, f"{autoscaler('v2')}/h", typed(
        "HorizontalPodAutoscaler", "autoscaling/v2", {**HPA, "spec": spec}))
    after = applied(http, f"{autoscaler('v1')}/h", typed(
        "HorizontalPodAutoscaler", "autoscaling/v1", HPA)).json
    assert after["spec"].get("targetCPUUtilizationPercentage") != 50
    assert [entry["apiVersion"] for entry in after["metadata"]["managedFields"]] == [
        "autoscaling/v1"]


def test_entries_of_a_version_that_never_was_go(http: Http) -> None:
    made = http("POST", CONFIGMAPS, config()).json
    entry = {"manager": "x", "operation": "Update", "apiVersion": "odd/v9",
             "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:k": {}}}}
    kept = [*made["metadata"]["managedFields"], entry]
    after = http("PATCH", f"{CONFIGMAPS}/a", {"metadata": {"managedFields": kept}},
                 content_type=MERGE).json
    assert owners(after) == owners(made)


def test_who_owned_a_part_owns_the_whole_once_that_is_atomic(http: Http) -> None:
    free = {"type": "object", "additionalProperties": {"type": "string"}}
    http.server.create(CRDS, crd(version(spec=free)), None)
    target = "/apis/stable.example.com/v1/namespaces/default/crontabs"
    applied(http, f"{target}/a", crontab("a", x="1"), "one")
    definition = http.server.get(CRDS, NAME, None)
    changed = crd(version(spec={**free, "x-kubernetes-map-type": "atomic"}))["spec"]["versions"]
    http.server.update(CRDS, {**definition, "spec": {**definition["spec"], "versions": changed}})
    assert owners(applied(http, f"{target}/a", crontab("a", x="1"), "two").json) == {
        "one": {"f:spec": {}}, "two": {"f:spec": {}}}
