"""DELETE: grace, finalizers, propagation, preconditions, collections."""

from __future__ import annotations

import pytest

from apiserver.machinery.errors import Conflict, Forbidden, Invalid, NotFound
from apiserver.machinery.gvk import CONFIGMAPS, NAMESPACES, PODS
from controllers.drive import drive
from tests.apiserver.server import Server, config, pod


@pytest.fixture
def server() -> Server:
    return Server()


def test_deletion_answers_a_status_and_the_object_is_gone(server: Server) -> None:
    made = server.create(CONFIGMAPS, config())
    answer = server.delete(CONFIGMAPS, "a")
    assert (answer["status"], answer["details"]["uid"]) == ("Success", made["metadata"]["uid"])
    with pytest.raises(NotFound):
        server.delete(CONFIGMAPS, "a")


def test_finalizers_hold_an_object_until_the_last_is_gone(server: Server) -> None:
    server.create(CONFIGMAPS, config(finalizers=["x.io/a", "x.io/b"]))
    waiting = server.delete(CONFIGMAPS, "a")
    assert waiting["metadata"]["deletionGracePeriodSeconds"] == 0
    assert server.delete(CONFIGMAPS, "a") == waiting
    with pytest.raises(Invalid, match="no new finalizers can be added"):
        server.patch(CONFIGMAPS, "a", {"metadata": {"finalizers": ["x.io/a", "x.io/b", "x.io/c"]}})
    server.patch(CONFIGMAPS, "a", {"metadata": {"finalizers": ["x.io/b"]}})
    assert server.names(CONFIGMAPS) == ["a"]
    server.patch(CONFIGMAPS, "a", {"metadata": {"finalizers": None}})
    assert server.names(CONFIGMAPS) == []


@pytest.mark.parametrize(("propagation", "finalizer"), [
    ("Foreground", "foregroundDeletion"), ("Orphan", "orphan")])
def test_propagation_is_a_finalizer(server: Server, propagation: str, finalizer: str) -> None:
    server.create(CONFIGMAPS, config())
    waiting = server.delete(CONFIGMAPS, "a", propagation=propagation)
    assert waiting["metadata"]["finalizers"] == [finalizer]
    assert waiting["metadata"]["deletionTimestamp"]


def test_preconditions_must_hold(server: Server) -> None:
    made = server.create(CONFIGMAPS, config())["metadata"]
    with pytest.raises(Conflict, match="the UID in the precondition"):
        server.delete(CONFIGMAPS, "a", preconditions={"uid": "other"})
    with pytest.raises(Conflict, match="the ResourceVersion in the precondition"):
        server.delete(CONFIGMAPS, "a", preconditions={"resourceVersion": "1"})
    assert server.names(CONFIGMAPS) == ["a"]
    server.delete(CONFIGMAPS, "a", preconditions={
        "uid": made["uid"], "resourceVersion": made["resourceVersion"]})


def test_bound_pod_has_its_grace_which_may_only_be_shortened(server: Server) -> None:
    server.create(PODS, pod(nodeName="n"))
    first = server.delete(PODS, "p")["metadata"]
    assert (first["deletionGracePeriodSeconds"], first["deletionTimestamp"]) == (
        30, "2026-01-01T00:00:30Z")
    assert server.delete(PODS, "p", grace_period_seconds=50)["metadata"] == first
    shorter = server.delete(PODS, "p", grace_period_seconds=5)["metadata"]
    assert (shorter["deletionGracePeriodSeconds"], shorter["deletionTimestamp"]) == (
        5, "2026-01-01T00:00:05Z")
    server.delete(PODS, "p", grace_period_seconds=0)
    assert server.names(PODS) == []


def test_unbound_pod_goes_at_once(server: Server) -> None:
    server.create(PODS, pod())
    assert server.delete(PODS, "p")["metadata"]["deletionGracePeriodSeconds"] == 0
    assert server.names(PODS) == []


def test_namespace_waits_for_its_finalizer(server: Server) -> None:
    server.create(NAMESPACES, {"metadata": {"name": "n"}}, None)
    going = server.delete(NAMESPACES, "n", None)
    assert going["status"]["phase"] == "Terminating"
    assert "deletionGracePeriodSeconds" not in going["metadata"]
    emptied = {**going, "spec": {"finalizers": []}}
    server.update(NAMESPACES, emptied, subresource="finalize")
    assert server.names(NAMESPACES, None) == ["default"]


def test_default_namespace_cannot_go(server: Server) -> None:
    with pytest.raises(Forbidden, match="this namespace may not be deleted"):
        server.delete(NAMESPACES, "default", None)


def test_collection_is_deleted_by_selector(server: Server) -> None:
    for name, label in (("a", "1"), ("b", "1"), ("c", "2")):
        server.create(CONFIGMAPS, config(name, labels={"d": label}))
    listed = drive(server.client.delete_collection(CONFIGMAPS, "default", label_selector="d=1"))
    assert [item["metadata"]["name"] for item in listed["items"]] == ["a", "b"]
    assert server.names(CONFIGMAPS) == ["c"]


def test_generation_rises_when_an_object_begins_to_go(server: Server) -> None:
    server.create(PODS, pod(nodeName="n"))
    before = server.get(PODS, "p")["metadata"].get("generation", 0)
    assert server.delete(PODS, "p")["metadata"].get("generation", 0) in (0, before + 1)
