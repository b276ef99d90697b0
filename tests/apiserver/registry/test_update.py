"""UPDATE, PATCH, status and scale: conflicts, no-ops, what a write may not change."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from apiserver.machinery.errors import BadRequest, Conflict, Invalid, NotFound
from apiserver.machinery.gvk import CONFIGMAPS, DEPLOYMENTS, PODS
from tests.apiserver.server import Server, config, pod

if TYPE_CHECKING:
    from apiserver.machinery.types import Object


@pytest.fixture
def server() -> Server:
    return Server()


def deployment(replicas: int = 1) -> Object:
    return {"metadata": {"name": "d"}, "spec": {
        "replicas": replicas, "selector": {"matchLabels": {"a": "b"}}, "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "c", "image": "x"}]}}}}


def test_update_with_stale_resource_version_is_a_conflict(server: Server) -> None:
    made = server.create(CONFIGMAPS, config())
    server.update(CONFIGMAPS, {**made, "data": {"k": "2"}})
    with pytest.raises(Conflict, match="the object has been modified"):
        server.update(CONFIGMAPS, {**made, "data": {"k": "3"}})
    assert server.get(CONFIGMAPS, "a")["data"] == {"k": "2"}


def test_update_without_resource_version_overwrites(server: Server) -> None:
    made = server.create(CONFIGMAPS, config())
    changed = server.update(CONFIGMAPS, config(namespace="default", data={"x": "y"}))
    assert changed["data"] == {"x": "y"}
    assert changed["metadata"]["uid"] == made["metadata"]["uid"]


def test_update_that_changes_nothing_writes_nothing(server: Server) -> None:
    made = server.create(CONFIGMAPS, config())
    revision = server.store.revision
    server.clock.advance(60)
    assert server.update(CONFIGMAPS, made) == made
    server.patch(CONFIGMAPS, "a", {"data": {"k": "v"}})
    assert server.store.revision == revision


def test_update_of_what_is_missing_is_not_found(server: Server) -> None:
    with pytest.raises(NotFound):
        server.update(CONFIGMAPS, config(namespace="default"))


def test_uid_of_another_object_is_a_conflict(server: Server) -> None:
    server.create(CONFIGMAPS, config())
    with pytest.raises(Conflict, match="Precondition failed: UID in precondition: other"):
        server.update(CONFIGMAPS, config(namespace="default", uid="other"))


def test_system_fields_stay_as_they_are(server: Server) -> None:
    made = server.create(CONFIGMAPS, config())
    changed = server.patch(CONFIGMAPS, "a", {"metadata": {
        "creationTimestamp": "2001-01-01T00:00:00Z", "generation": 7}})
    assert changed == made


def test_unchanged_parts_are_shared_with_the_version_before(server: Server) -> None:
    made = server.create(PODS, pod())
    changed = server.patch(PODS, "p", {"metadata": {"labels": {"x": "y"}}})
    assert changed["spec"] is made["spec"]
    assert changed["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]


def test_generation_rises_with_the_spec_only(server: Server) -> None:
    server.create(DEPLOYMENTS, deployment())
    assert server.patch(DEPLOYMENTS, "d", {"metadata": {"labels": {"x": "y"}}})["metadata"][
        "generation"] == 1
    assert server.patch(DEPLOYMENTS, "d", {"spec": {"replicas": 3}})["metadata"]["generation"] == 2


def test_status_and_spec_are_written_apart(server: Server) -> None:
    made = server.create(PODS, pod())
    server.patch(PODS, "p", {"status": {"phase": "Failed"}})
    assert server.get(PODS, "p")["status"]["phase"] == "Pending"
    changed = server.update(PODS, {**made, "spec": {"nodeName": "n"}, "status": {
        "phase": "Running"}}, subresource="status")
    assert changed["status"]["phase"] == "Running"
    assert changed["spec"] == made["spec"]


def test_scale_reads_and_writes_replicas(server: Server) -> None:
    server.create(DEPLOYMENTS, deployment(2))
    scale = server.get(DEPLOYMENTS, "d", subresource="scale")
    assert (scale["spec"], scale["status"]) == (
        {"replicas": 2}, {"replicas": 0, "selector": "a=b"})
    server.update(DEPLOYMENTS, {**scale, "spec": {"replicas": 5}}, subresource="scale")
    patched = server.patch(DEPLOYMENTS, "d", {"spec": {"replicas": 0}}, subresource="scale")
    assert patched["spec"] == {}
    assert server.get(DEPLOYMENTS, "d")["spec"]["replicas"] == 0
    with pytest.raises(Conflict):
        server.update(DEPLOYMENTS, scale, subresource="scale")


def test_negative_scale_is_invalid(server: Server) -> None:
    server.create(DEPLOYMENTS, deployment())
    with pytest.raises(Invalid, match='"d" is invalid: spec'):
        server.patch(DEPLOYMENTS, "d", {"spec": {"replicas": -1}}, subresource="scale")


@pytest.mark.parametrize(("type_", "patch"), [
    ("merge", {"data": {"k": "w"}}),
    ("strategic", {"data": {"k": "w"}}),
    ("json", [{"op": "replace", "path": "/data/k", "value": "w"}]),
    ("apply", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"},
               "data": {"k": "w"}}),
])
def test_every_patch_type_changes_the_object(server: Server, type_: Any, patch: Any) -> None:
    server.create(CONFIGMAPS, config())
    assert server.patch(CONFIGMAPS, "a", patch, type=type_, force=True)["data"] == {"k": "w"}


def test_apply_creates_what_is_missing_and_owns_it(server: Server) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}}
    made = server.patch(CONFIGMAPS, "a", body, type="apply", field_manager="me")
    (entry,) = made["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("me", "Apply")
    with pytest.raises(Conflict, match='conflict with "me"'):
        server.patch(CONFIGMAPS, "a", {**body, "data": {"k": "w"}}, type="apply",
                     field_manager="you")


def test_renaming_by_patch_is_refused(server: Server) -> None:
    server.create(CONFIGMAPS, config())
    with pytest.raises(BadRequest, match=r"the name of the object \(b\) does not match"):
        server.patch(CONFIGMAPS, "a", {"metadata": {"name": "b"}})


def test_dry_run_of_an_update_stores_nothing(server: Server) -> None:
    made = server.create(CONFIGMAPS, config())
    dry = server.patch(CONFIGMAPS, "a", {"data": {"k": "dry"}}, dry_run=True)
    assert dry["data"] == {"k": "dry"}
    assert dry["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    assert server.get(CONFIGMAPS, "a") == made


@pytest.mark.parametrize("change", [
    {"spec": {"replicas": 2, "strategy": {"type": "Recreate"}}}, {"metadata": {"name": "d"}},
    {"status": {"replicas": 1}}, {"unknown": 1}, {"status": None}, {},
], ids=str)
@pytest.mark.parametrize("subresource", ["", "status"])
def test_parts_of_the_stored_object_are_taken_as_a_copy_of_them_would_be(
        change: Object, subresource: str) -> None:
    answers = []
    for share in (dict, copy.deepcopy):
        server = Server()
        made = server.create(DEPLOYMENTS, deployment())
        wanted = {name: {**made.get(name, {}), **value} if isinstance(value, dict) else value
                  for name, value in change.items()}
        server.update(DEPLOYMENTS, share({**made, **wanted}), subresource=subresource)
        answers.append(json.dumps(server.get(DEPLOYMENTS, "d")))
    assert answers[0] == answers[1]
