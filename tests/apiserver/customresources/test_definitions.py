"""From a CRD to a served kind, and back."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from apiserver.admission import admission_chain
from apiserver.customresources.definitions import CRDS, Definitions
from apiserver.local import LocalClient
from apiserver.machinery.errors import ApiError, Invalid, MethodNotAllowed, NotFound
from apiserver.machinery.gvk import GVR
from apiserver.registry import Registry
from apiserver.resources import BUILTIN
from controllers.drive import drive
from tests.apiserver.customresources.crds import (
    CRONTABS,
    GROUP,
    NAME,
    crd,
    crontab,
    serving,
    version,
)
from tests.apiserver.server import Server

if TYPE_CHECKING:
    from apiserver.machinery.types import Object


def conditions(server: Server, name: str = NAME) -> dict[str, tuple[str, str]]:
    status = server.get(CRDS, name, None)["status"]
    return {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}


def test_a_crd_that_is_read_back_is_established() -> None:
    server = serving(version())
    assert conditions(server) == {"NamesAccepted": ("True", "NoConflicts"),
                                  "Established": ("True", "InitialNamesAccepted")}
    accepted = server.get(CRDS, NAME, None)["status"]["acceptedNames"]
    assert accepted == {"plural": "crontabs", "singular": "crontab", "kind": "CronTab",
                        "listKind": "CronTabList", "shortNames": ["ct"]}


def test_its_objects_are_created_listed_and_deleted() -> None:
    server = serving(version())
    created = server.create(CRONTABS, crontab("a", x=1))
    assert created["apiVersion"] == f"{GROUP}/v1"
    assert created["metadata"]["generation"] == 1
    assert server.names(CRONTABS) == ["a"]
    server.delete(CRONTABS, "a")
    assert server.names(CRONTABS) == []


def test_a_kind_of_another_crd_in_the_group_is_a_conflict_until_that_goes() -> None:
    server = serving(version())
    server.create(CRDS, crd(version(), plural="others", singular="other", shortNames=[]), None)
    other = f"others.{GROUP}"
    assert conditions(server, other) == {"NamesAccepted": ("False", "ListKindConflict"),
                                         "Established": ("False", "NotAccepted")}
    with pytest.raises(NotFound):
        server.names(GVR(GROUP, "v1", "others"))
    server.delete(CRDS, NAME, None)
    assert conditions(server, other)["Established"] == ("True", "InitialNamesAccepted")
    assert server.names(GVR(GROUP, "v1", "others")) == []


def test_short_names_in_use_leave_an_established_kind_served() -> None:
    server = serving(version())
    server.create(CRDS, crd(version(), plural="others", singular="other", kind="Other"), None)
    other = f"others.{GROUP}"
    assert conditions(server, other)["NamesAccepted"] == ("False", "ShortNamesConflict")
    status = server.get(CRDS, other, None)["status"]
    assert "shortNames" not in status["acceptedNames"]


def test_a_deleted_crd_takes_its_objects_along() -> None:
    server = serving(version())
    server.create(CRONTABS, crontab("a"))
    server.delete(CRDS, NAME, None)
    with pytest.raises(NotFound):
        server.get(CRDS, NAME, None)
    with pytest.raises(NotFound):
        server.names(CRONTABS)
    server.create(CRDS, crd(version()), None)
    assert server.names(CRONTABS) == []


def test_a_crd_waits_for_objects_with_finalizers() -> None:
    server = serving(version())
    waiting = crontab("a")
    waiting["metadata"]["finalizers"] = ["example.com/wait"]
    server.create(CRONTABS, waiting)
    server.delete(CRDS, NAME, None)
    left = server.get(CRDS, NAME, None)
    assert left["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    assert conditions(server)["Terminating"] == ("True", "InstanceDeletionInProgress")
    with pytest.raises(MethodNotAllowed, match="create not allowed while custom resource"):
        server.create(CRONTABS, crontab("b"))
    server.patch(CRONTABS, "a", {"metadata": {"finalizers": None}})
    with pytest.raises(NotFound):
        server.get(CRDS, NAME, None)


def test_versions_that_are_no_longer_served_disappear() -> None:
    server = serving(version("v1"), version("v2", storage=False))
    assert server.names(GVR(GROUP, "v2", "crontabs")) == []
    stored = server.get(CRDS, NAME, None)
    stored = {**stored, "spec": {**stored["spec"], "versions": [version("v1")]}}
    server.update(CRDS, stored)
    with pytest.raises(NotFound):
        server.names(GVR(GROUP, "v2", "crontabs"))


def test_a_new_storage_version_is_remembered_beside_the_old_one() -> None:
    server = serving(version("v1"), version("v2", storage=False))
    server.create(CRONTABS, crontab("a", x=1))
    stored = server.get(CRDS, NAME, None)
    versions = [version("v1", storage=False), version("v2")]
    server.update(CRDS, {**stored, "spec": {**stored["spec"], "versions": versions}})
    assert server.get(CRDS, NAME, None)["status"]["storedVersions"] == ["v1", "v2"]
    assert server.get(CRONTABS, "a")["apiVersion"] == f"{GROUP}/v1"
    assert server.get(GVR(GROUP, "v2", "crontabs"), "a")["spec"] == {"x": 1}


def test_definitions_are_served_again_after_a_restart() -> None:
    before = serving(version())
    before.create(CRONTABS, crontab("a"))
    registry = Registry(
        store=before.store, resources=BUILTIN, schema=before.registry.schema, clock=before.clock,
        chance=random.Random(2), admission=admission_chain())
    drive(Definitions(registry).load())
    assert drive(LocalClient(registry).get(CRONTABS, "a", "default"))["kind"] == "CronTab"


@pytest.mark.parametrize(("change", "field", "text"), [
    ({"type": "object", "properties": {"l": {"type": "array"}}}, "items", "must be specified"),
    ({"type": "object", "properties": {"m": {
        "type": "array", "x-kubernetes-list-type": "map", "items": {"type": "object"}}}},
     "x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map"),
    ({"type": "object", "properties": {"d": {"type": "integer", "minimum": 3, "default": 1}}},
     "default", "should be greater than or equal to 3"),
    ({"type": "object", "x-kubernetes-validations": [{"rule": "self.nope == 1"}],
      "properties": {"x": {"type": "string"}}}, "rule", "undefined field 'nope'"),
    ({"type": "object", "x-kubernetes-validations": [{"rule": "1 +"}]}, "rule",
     "compilation failed: ERROR: <input>:1:"),
    ({"type": "object", "x-kubernetes-validations": [{"rule": "foo(self)"}]}, "rule",
     "undeclared reference to 'foo'"),
    ({"type": "object", "properties": {"l": {"type": "array", "items": {
        "type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf"}]}}}}, "rule",
     "oldSelf cannot be used on the uncorrelatable portion of the schema"),
    ({"type": "object", "properties": {"p": {"type": "string", "pattern": "("}}}, "pattern",
     "must be a valid regular expression"),
    ({"type": "object", "anyOf": [{"type": "object"}]}, "type", "must be empty to be structural"),
])
def test_schemas_that_are_not_structural_are_refused(change: Object, field: str,
                                                     text: str) -> None:
    server = Server()
    with pytest.raises(Invalid) as failure:
        server.create(CRDS, crd(version(spec=change)), None)
    (error,) = failure.value.errors
    assert error.field.rpartition(".")[2] == field
    assert text in error.detail


def test_groups_of_kubernetes_need_approval() -> None:
    server = Server()
    body = crd(version())
    body["spec"]["group"], body["metadata"]["name"] = "x.k8s.io", "crontabs.x.k8s.io"
    with pytest.raises(Invalid, match="protected groups must have approval annotation"):
        server.create(CRDS, body, None)
    body["metadata"]["annotations"] = {"api-approved.kubernetes.io": "https://k8s.io/1"}
    server.create(CRDS, body, None)
    assert conditions(server, "crontabs.x.k8s.io")["KubernetesAPIApprovalPolicyConformant"] == (
        "True", "ApprovedAnnotation")


@pytest.mark.parametrize("path", [".spec.missing", ".metadata.name", ".spec"])
def test_selectable_fields_must_be_plain_values(path: str) -> None:
    spec = {"type": "object", "properties": {"x": {"type": "string"}}}
    with pytest.raises(ApiError, match="selectableFields"):
        Server().create(CRDS, crd(version(spec=spec, selectableFields=[{"jsonPath": path}])), None)


def test_watches_end_when_their_kind_changes_or_goes() -> None:
    server = serving(version())
    watch = drive(server.client.watch(CRONTABS, "default"))
    server.create(CRONTABS, crontab("a"))
    server.delete(CRDS, NAME, None)
    assert [event.type for event in watch.poll()] == ["ADDED", "DELETED"]
    (last,) = watch.poll()
    assert (last.type, last.object["code"]) == ("ERROR", 410)
