"""Names, labels, annotations, finalizers and owners of any object."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.resources.core.configmaps import CONFIGMAPS
from apiserver.resources.core.nodes import NODES
from tests.apiserver.resources.kinds import create_errors, made, update_errors


@pytest.mark.parametrize(("meta", "field"), [
    ({"name": "A"}, "metadata.name"),
    ({"name": "a", "labels": {"/x": "y"}}, "metadata.labels"),
    ({"name": "a", "labels": {"x": "a b"}}, "metadata.labels"),
    ({"name": "a", "annotations": {"a b": ""}}, "metadata.annotations"),
    ({"name": "a", "annotations": {"a": "x" * 262145}}, "metadata.annotations"),
    ({"name": "a", "finalizers": ["nodomain"]}, "metadata.finalizers[0]"),
    ({"name": "a", "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p"}]},
     "metadata.ownerReferences.uid"),
    ({"name": "a", "ownerReferences": [{"apiVersion": "v1", "kind": "Event", "name": "p",
                                        "uid": "u"}]}, "metadata.ownerReferences"),
])
def test_each_fault_is_found(meta: dict[str, Any], field: str) -> None:
    errors = create_errors(CONFIGMAPS, metadata=meta)
    assert len(errors) == 1
    assert errors[0].startswith(f"{field}: ")


def test_right_metadata_is_accepted() -> None:
    assert create_errors(CONFIGMAPS, metadata={
        "name": "a.b", "labels": {"app.io/a": "x", "b": ""}, "annotations": {"C.io/x": "any thing"},
        "finalizers": ["example.com/f"],
        "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u",
                             "controller": True}]}) == []


def test_two_controllers_are_one_too_many() -> None:
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u", "controller": True}
    errors = create_errors(CONFIGMAPS, metadata={
        "name": "a", "ownerReferences": [owner, owner | {"uid": "v", "name": "q"}]})
    assert len(errors) == 1
    assert "Only one reference can have Controller set to true" in errors[0]


def test_a_namespace_where_none_belongs() -> None:
    errors = create_errors(NODES, metadata={"name": "n", "namespace": "x"})
    assert errors == ["metadata.namespace: Forbidden: not allowed on this type"]


@pytest.mark.parametrize("name", ["uid", "creationTimestamp", "name", "namespace"])
def test_what_the_server_sets_stays(name: str) -> None:
    old = made(CONFIGMAPS)
    value = "2027-01-01T00:00:00Z" if name == "creationTimestamp" else "other"
    errors = update_errors(CONFIGMAPS, old, lambda new: new["metadata"].update({name: value}))
    assert len(set(errors)) == 1, "Kubernetes says it twice for kinds that check metadata again"
    assert errors[0].startswith(f"metadata.{name}: Invalid value")
    assert errors[0].endswith("field is immutable")


def test_no_finalizers_join_a_dying_object() -> None:
    old = made(CONFIGMAPS, metadata={"finalizers": ["x.io/a"]})
    old["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    errors = update_errors(CONFIGMAPS, old,
                           lambda new: new["metadata"]["finalizers"].append("x.io/b"))
    assert any("no new finalizers can be added if the object is being deleted" in error
               for error in errors)
