"""What every Client does, whatever it reaches the API server by. See controllers/client.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from apiserver.machinery.errors import (
    AlreadyExists,
    BadRequest,
    Conflict,
    Expired,
    Invalid,
    NotFound,
)
from apiserver.machinery.gvk import CONFIGMAPS, GVR, NAMESPACES, PODS, REPLICASETS
from tests.apiserver.resources.bodies import REQUEST

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from apiserver.machinery.types import Object
    from controllers.client import Client, Watch, WatchEvent

    Arrived = Callable[[Watch, int], Awaitable[list[WatchEvent]]]
    Scenario = Callable[[Client, Arrived], Coroutine[Any, Any, None]]


REVIEWS = GVR("authorization.k8s.io", "v1", "subjectaccessreviews")
CSRS = GVR("certificates.k8s.io", "v1", "certificatesigningrequests")


def config(name: str = "a", **metadata: Any) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": "v"},
            "metadata": {"name": name, "namespace": "default", **metadata}}


def replicaset() -> Object:
    template = {"metadata": {"labels": {"a": "b"}},
                "spec": {"containers": [{"name": "c", "image": "x"}]}}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": "r", "namespace": "default"},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"a": "b"}},
                     "template": template}}


async def object_lives_from_create_to_delete(client: Client, arrived: Arrived) -> None:
    made = await client.create(CONFIGMAPS, config())
    assert made["metadata"]["uid"]
    assert await client.get(CONFIGMAPS, "a", "default") == made
    changed = await client.update(CONFIGMAPS, {**made, "data": {"k": "w"}})
    assert (await client.get(CONFIGMAPS, "a", "default"))["data"] == {"k": "w"}
    assert changed["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]
    answer = await client.delete(CONFIGMAPS, "a", "default")
    assert (answer["kind"], answer["status"]) == ("Status", "Success")
    with pytest.raises(NotFound, match='configmaps "a" not found'):
        await client.get(CONFIGMAPS, "a", "default")


async def refusals_are_the_classes_of_the_vocabulary(client: Client, arrived: Arrived) -> None:
    made = await client.create(CONFIGMAPS, config())
    await client.patch(CONFIGMAPS, "a", "default", {"data": {"k": "2"}})
    with pytest.raises(AlreadyExists):
        await client.create(CONFIGMAPS, config())
    with pytest.raises(Conflict):
        await client.update(CONFIGMAPS, {**made, "data": {"k": "3"}})
    with pytest.raises(Invalid) as caught:
        await client.create(CONFIGMAPS, config("Bad_Name"))
    assert caught.value.status()["details"]["causes"][0]["field"] == "metadata.name"
    with pytest.raises(BadRequest):
        await client.list(CONFIGMAPS, label_selector="a=b=c")
    with pytest.raises(Conflict):
        await client.delete(CONFIGMAPS, "a", "default", preconditions={"uid": "other"})


async def lists_are_whole_selected_or_in_pages(client: Client, arrived: Arrived) -> None:
    for name in "abc":
        await client.create(CONFIGMAPS, config(name, labels={"even": str(name == "b").lower()}))
    listed = await client.list(CONFIGMAPS, "default")
    assert listed["kind"] == "ConfigMapList"
    assert [(one["kind"], one["apiVersion"]) for one in listed["items"]] == [
        ("ConfigMap", "v1")] * 3
    selected = await client.list(CONFIGMAPS, label_selector="even=true")
    assert [one["metadata"]["name"] for one in selected["items"]] == ["b"]
    page = await client.list(CONFIGMAPS, limit=2)
    rest = await client.list(CONFIGMAPS, continue_token=page["metadata"]["continue"])
    assert [len(page["items"]), len(rest["items"])] == [2, 1]
    by_field = await client.list(CONFIGMAPS, field_selector="metadata.name=c")
    assert len(by_field["items"]) == 1


async def watch_sees_every_change_in_order(client: Client, arrived: Arrived) -> None:
    start = (await client.list(CONFIGMAPS))["metadata"]["resourceVersion"]
    watch = await client.watch(CONFIGMAPS, "default", resource_version=start)
    await client.create(CONFIGMAPS, config())
    await client.patch(CONFIGMAPS, "a", "default", {"data": {"k": "2"}})
    await client.delete(CONFIGMAPS, "a", "default")
    events = await arrived(watch, 3)
    watch.close()
    watch.close()
    assert [event.type for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    versions = [int(event.object["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(set(versions))


async def watch_behind_the_history_is_expired(client: Client, arrived: Arrived) -> None:
    try:
        events = await arrived(await client.watch(CONFIGMAPS, resource_version="1"), 1)
    except Expired:
        return
    assert (events[0].type, events[0].object["reason"]) == ("ERROR", "Expired")


async def subresources_are_written_apart(client: Client, arrived: Arrived) -> None:
    made = await client.create(REPLICASETS, replicaset())
    status = await client.update(
        REPLICASETS, {**made, "spec": {}, "status": {"replicas": 1}}, subresource="status")
    assert (status["spec"]["replicas"], status["status"]["replicas"]) == (2, 1)
    await client.patch(REPLICASETS, "r", "default", {"spec": {"replicas": 5}}, subresource="scale")
    scale = await client.get(REPLICASETS, "r", "default", subresource="scale")
    assert (scale["kind"], scale["spec"], scale["status"]["selector"]) == (
        "Scale", {"replicas": 5}, "a=b")


async def pod_is_bound_and_evicted(client: Client, arrived: Arrived) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "default"},
           "spec": {"containers": [{"name": "c", "image": "x"}]}}
    await client.create(PODS, pod)
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"},
               "target": {"kind": "Node", "name": "n"}}
    await client.create(PODS, binding, "default", name="p", subresource="binding")
    assert (await client.get(PODS, "p", "default"))["spec"]["nodeName"] == "n"
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
    await client.create(PODS, eviction, "default", name="p", subresource="eviction")
    assert (await client.get(PODS, "p", "default"))["metadata"]["deletionTimestamp"]


async def dry_runs_store_nothing(client: Client, arrived: Arrived) -> None:
    await client.create(CONFIGMAPS, config("dry"), dry_run=True)
    made = await client.create(CONFIGMAPS, config())
    dry = await client.update(CONFIGMAPS, {**made, "data": {}}, dry_run=True)
    assert "data" not in dry
    await client.patch(CONFIGMAPS, "a", "default", {"data": {"k": "dry"}}, dry_run=True)
    listed = await client.list(CONFIGMAPS)
    assert [one["data"] for one in listed["items"]] == [{"k": "v"}]


async def every_patch_type_is_understood(client: Client, arrived: Arrived) -> None:
    await client.create(CONFIGMAPS, config())
    await client.patch(CONFIGMAPS, "a", "default", {"data": {"m": "1"}})
    await client.patch(CONFIGMAPS, "a", "default", {"data": {"s": "1"}}, type="strategic")
    await client.patch(CONFIGMAPS, "a", "default",
                       [{"op": "add", "path": "/data/j", "value": "1"}], type="json")
    applied = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"},
               "data": {"a": "1"}}
    done = await client.patch(CONFIGMAPS, "a", "default", applied, type="apply",
                              field_manager="me")
    assert done["data"] == {"k": "v", "m": "1", "s": "1", "j": "1", "a": "1"}


async def collections_are_deleted_by_selector(client: Client, arrived: Arrived) -> None:
    for name in "abc":
        await client.create(CONFIGMAPS, config(name, labels={"x": str(name != "c")}))
    await client.delete_collection(CONFIGMAPS, "default", label_selector="x=True")
    left = await client.list(CONFIGMAPS)
    assert [one["metadata"]["name"] for one in left["items"]] == ["c"]


async def cluster_scoped_objects_have_no_namespace(client: Client, arrived: Arrived) -> None:
    made = await client.create(
        NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}})
    assert "namespace" not in made["metadata"]
    assert (await client.get(NAMESPACES, "n"))["status"]["phase"] == "Active"
    going = await client.delete(NAMESPACES, "n")
    assert going["status"]["phase"] == "Terminating"


async def propagation_becomes_a_finalizer(client: Client, arrived: Arrived) -> None:
    await client.create(REPLICASETS, replicaset())
    waiting = await client.delete(REPLICASETS, "r", "default", propagation="Foreground")
    assert waiting["metadata"]["finalizers"] == ["foregroundDeletion"]


async def reviews_are_answered_and_stored_nowhere(client: Client, _: Arrived) -> None:
    answer = await client.create(REVIEWS, {
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {"user": "jane", "resourceAttributes": {"verb": "get", "resource": "pods"}}})
    assert answer["status"]["allowed"] is True


async def approvals_are_updates_of_a_subresource(client: Client, _: Arrived) -> None:
    made = await client.create(CSRS, {
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
        "metadata": {"name": "c"}, "spec": {
            "signerName": "example.com/s", "usages": ["client auth"], "request": REQUEST}})
    condition = {"type": "Approved", "status": "True", "reason": "Test", "message": "",
                 "lastUpdateTime": "2026-01-01T00:00:00Z"}
    changed = await client.update(CSRS, {**made, "status": {"conditions": [condition]}},
                                  subresource="approval")
    assert changed["status"]["conditions"][0]["type"] == "Approved"


SCENARIOS: tuple[Scenario, ...] = (
    object_lives_from_create_to_delete,
    refusals_are_the_classes_of_the_vocabulary,
    lists_are_whole_selected_or_in_pages,
    watch_sees_every_change_in_order,
    watch_behind_the_history_is_expired,
    subresources_are_written_apart,
    pod_is_bound_and_evicted,
    dry_runs_store_nothing,
    every_patch_type_is_understood,
    collections_are_deleted_by_selector,
    cluster_scoped_objects_have_no_namespace,
    propagation_becomes_a_finalizer,
    reviews_are_answered_and_stored_nowhere,
    approvals_are_updates_of_a_subresource,
)
"""Each on a server of its own, with the namespace and ServiceAccount `default`."""
