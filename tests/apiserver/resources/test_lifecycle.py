"""Every kind is made, read, changed and deleted through the registry."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from apiserver.resources import BUILTIN
from tests.apiserver.resources.bodies import BODIES, NEW_EVENT
from tests.apiserver.resources.kinds import version_of
from tests.apiserver.server import Server

if TYPE_CHECKING:
    from apiserver.resource import Resource

KEPT = [resource for resource in BUILTIN if "delete" in resource.verbs]


def body_of(resource: Resource) -> dict[str, Any]:
    """The smallest right object, named `a` unless its kind wants another name."""
    new_event = resource.group == "events.k8s.io"
    body: dict[str, Any] = copy.deepcopy(NEW_EVENT if new_event else BODIES[resource.plural])
    body["metadata"] = {"name": "a", **body.get("metadata", {})}
    return body


@pytest.mark.parametrize("resource", KEPT, ids=lambda r: f"{r.api_version}/{r.kind}")
def test_it_is_made_read_changed_and_deleted(resource: Resource) -> None:
    server = Server(version=version_of(resource))
    namespace = "default" if resource.namespaced else None
    body = body_of(resource)
    name = body["metadata"]["name"]
    made = server.create(resource.gvr, body, namespace)
    assert (made["apiVersion"], made["kind"]) == (resource.api_version, resource.kind)
    first = resource.strategy.first_generation if resource.strategy.has_generation else 0
    assert made["metadata"].get("generation", 0) == first
    assert name in server.names(resource.gvr, namespace)
    made = server.get(resource.gvr, name, namespace)  # a CRD has been established since
    revision = made["metadata"]["resourceVersion"]

    same = server.update(resource.gvr, copy.deepcopy(made))
    assert same["metadata"]["resourceVersion"] == revision, "nothing has changed"

    labelled = copy.deepcopy(made)
    labelled["metadata"]["labels"] = (made["metadata"].get("labels") or {}) | {"x": "y"}
    changed = server.update(resource.gvr, labelled)
    assert changed["metadata"]["labels"]["x"] == "y"
    assert changed["metadata"].get("generation") == made["metadata"].get("generation")
    for column in resource.columns:
        column.cell(changed, server.clock.now())

    server.delete(resource.gvr, name, namespace, grace_period_seconds=0)
    if name not in server.names(resource.gvr, namespace):
        return
    left = server.get(resource.gvr, name, namespace)["metadata"]
    assert left["deletionTimestamp"]
    assert left.get("finalizers") or resource.kind == "Namespace"
