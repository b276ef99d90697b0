"""CREATE: what the server fills in, refuses and rolls back."""

from __future__ import annotations

import pytest

from apiserver.machinery.errors import (
    AlreadyExists,
    BadRequest,
    Forbidden,
    Invalid,
    NotFound,
    Unknown,
)
from apiserver.machinery.gvk import CONFIGMAPS, NAMESPACES, PODS, REPLICASETS, SERVICES
from controllers.serviceips import ServiceAllocator
from tests.apiserver.server import Server, config, pod


@pytest.fixture
def server() -> Server:
    return Server()


def test_server_fills_in_uid_time_and_version(server: Server) -> None:
    made = server.create(CONFIGMAPS, config(uid="mine", creationTimestamp="1999-01-01T00:00:00Z"))
    metadata = made["metadata"]
    assert metadata["namespace"] == "default"
    assert metadata["uid"] != "mine"
    assert metadata["creationTimestamp"] == "2026-01-01T00:00:00Z"
    assert metadata["resourceVersion"] == str(server.store.revision)
    assert (made["kind"], made["apiVersion"]) == ("ConfigMap", "v1")


def test_existing_name_is_refused(server: Server) -> None:
    server.create(CONFIGMAPS, config())
    revision = server.store.revision
    with pytest.raises(AlreadyExists, match='configmaps "a" already exists'):
        server.create(CONFIGMAPS, config())
    assert server.store.revision == revision


def test_generated_names_differ(server: Server) -> None:
    names = {server.create(CONFIGMAPS, {"metadata": {"generateName": "g-"}})["metadata"]["name"]
             for _ in range(20)}
    assert len(names) == 20
    assert all(name.startswith("g-") and len(name) == 7 for name in names)


def test_generation_begins_at_one_and_status_is_dropped(server: Server) -> None:
    made = server.create(REPLICASETS, {"metadata": {"name": "r"}, "status": {"replicas": 9},
                                       "spec": {
        "replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "c", "image": "x"}]}}}})
    assert made["metadata"]["generation"] == 1
    assert made["status"] == {"replicas": 0}


def test_other_namespace_in_the_body_is_refused(server: Server) -> None:
    with pytest.raises(BadRequest, match="does not match the namespace"):
        server.create(CONFIGMAPS, config(namespace="other"))


def test_resource_version_must_not_be_set(server: Server) -> None:
    with pytest.raises(Unknown, match="should not be set"):
        server.create(CONFIGMAPS, config(resourceVersion="7"))
    assert server.names(CONFIGMAPS) == []


def test_complaints_name_their_fields(server: Server) -> None:
    with pytest.raises(Invalid) as caught:
        server.create(CONFIGMAPS, config("Bad_Name", labels={"/x": "y"}))
    assert [error.field for error in caught.value.errors] == ["metadata.name", "metadata.labels"]


def test_dry_run_stores_nothing_but_checks_all(server: Server) -> None:
    made = server.create(CONFIGMAPS, config(), dry_run=True)
    assert "resourceVersion" not in made["metadata"]
    assert server.names(CONFIGMAPS) == []
    server.create(CONFIGMAPS, config())
    with pytest.raises(AlreadyExists):
        server.create(CONFIGMAPS, config(), dry_run=True)


def test_missing_namespace_is_not_found(server: Server) -> None:
    with pytest.raises(NotFound, match='namespaces "nope" not found'):
        server.create(CONFIGMAPS, config(), "nope")


def test_terminating_namespace_takes_nothing_new(server: Server) -> None:
    server.create(NAMESPACES, {"metadata": {"name": "n"}}, None)
    server.create(CONFIGMAPS, config(), "n")
    server.delete(NAMESPACES, "n", None)
    with pytest.raises(Forbidden, match="because it is being terminated") as caught:
        server.create(CONFIGMAPS, config("b"), "n")
    assert caught.value.status()["details"]["causes"][0]["reason"] == "NamespaceTerminating"


def test_pod_gets_account_priority_and_tolerations(server: Server) -> None:
    spec = server.create(PODS, pod())["spec"]
    assert (spec["serviceAccountName"], spec["priority"]) == ("default", 0)
    assert [each["key"].split("/")[1] for each in spec["tolerations"]] == [
        "not-ready", "unreachable"]
    assert spec["containers"][0]["volumeMounts"][0]["mountPath"].startswith("/var/run/secrets/")


def test_pod_of_a_missing_account_is_forbidden(server: Server) -> None:
    with pytest.raises(Forbidden, match='serviceaccount "nope" not found'):
        server.create(PODS, pod(serviceAccountName="nope"))


def service(name: str, **spec: object) -> dict[str, object]:
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}], **spec}}


def allocating() -> Server:
    import random

    server = Server()
    server.registry.allocators[SERVICES] = ServiceAllocator(random.Random(1), ("10.96.0.0/30",))
    return server


def test_service_comes_back_with_its_address_and_deletion_frees_it() -> None:
    server = allocating()
    address = server.create(SERVICES, service("a"))["spec"]["clusterIP"]
    with pytest.raises(Invalid, match="already allocated"):
        server.create(SERVICES, service("b", clusterIP=address))
    server.delete(SERVICES, "a")
    assert server.create(SERVICES, service("b", clusterIP=address))["spec"]["clusterIP"] == address


@pytest.mark.parametrize("dry_run", [True, False])
def test_refused_and_dry_writes_keep_no_address(dry_run: bool) -> None:
    server = allocating()
    for _ in range(5):
        if dry_run:
            server.create(SERVICES, service("a"), dry_run=True)
        else:
            with pytest.raises(Invalid):
                server.create(SERVICES, service("a", sessionAffinity="Bogus"))
    assert server.create(SERVICES, service("a"))["spec"]["clusterIP"].startswith("10.96.0.")
