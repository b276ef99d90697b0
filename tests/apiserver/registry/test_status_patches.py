"""A patch of the status reaches what it names; the rest is the stored object's own."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.machinery.gvk import GVK, PODS
from apiserver.patch.patcher import Patch
from apiserver.registry import status_patches
from apiserver.schema.schema import schema_for
from tests.apiserver.server import Server, pod

POD = schema_for("1.36").struct(GVK("", "v1", "Pod"))
OLD: dict[str, Any] = {
    "kind": "Pod", "apiVersion": "v1",
    "metadata": {"name": "p", "namespace": "default", "creationTimestamp": "2026-01-01T00:00:00Z",
                 "labels": {"a": "1", "b": "2"}, "finalizers": ["x/y"]},
    "spec": {"containers": [{"name": "c", "image": "i", "resources": {}}]},
    "status": {"phase": "Pending", "qosClass": "BestEffort", "podIPs": [{"ip": "10.0.0.1"}],
               "podIP": "10.0.0.1",
               "conditions": [{"type": "Ready", "status": "False", "lastProbeTime": None,
                               "lastTransitionTime": None}]},
}
CONDITIONS = st.lists(st.sampled_from([
    {"type": "Ready", "status": "True"}, {"type": "PodScheduled", "status": "True"},
    {"type": "Ready", "reason": None}, {"type": "Ready", "$patch": "delete"},
    {"$patch": "replace"}]), max_size=3, unique_by=lambda each: str(each))
STATUS = st.fixed_dictionaries({}, optional={
    "phase": st.sampled_from(["Running", "", None]),
    "podIPs": st.sampled_from([[{"ip": "10.0.0.2"}], [], None,
                               [{"ip": "10.0.0.3"}, {"$patch": "replace"}]]),
    "podIP": st.sampled_from(["10.0.0.2", None]),
    "conditions": CONDITIONS,
    "message": st.just("m"),
    "$retainKeys": st.just(["phase", "podIPs", "podIP", "conditions", "message"]),
    "$patch": st.sampled_from(["replace", "delete"]),
})
METADATA = st.fixed_dictionaries({}, optional={
    "labels": st.sampled_from([{"a": None}, {"c": "3"}, {"$patch": "replace"}, None]),
    "finalizers": st.sampled_from([["z/z"], None, []]),
    "annotations": st.sampled_from([{"k": "v"}, {}, None]),
    "name": st.just("p"),
})


@given(body=st.fixed_dictionaries({}, optional={
    "metadata": st.one_of(METADATA, st.none()), "status": st.one_of(STATUS, st.none()),
    "kind": st.just("Pod")}))
def test_it_gives_what_a_patch_of_the_whole_object_would(body: dict[str, Any]) -> None:
    document = Patch("strategic", body)
    before = copy.deepcopy(OLD)
    whole = document.apply(OLD, POD).object
    partial = document.apply(status_patches.reached(OLD, body), POD).object
    new = status_patches.joined(OLD, partial, body)
    assert new == whole
    assert list(new) == [field for field in {**OLD, **whole} if field in whole]
    assert before == OLD


def test_what_it_does_not_name_is_shared_with_the_version_before() -> None:
    server = Server()
    old = server.create(PODS, pod("p"))
    new = server.patch(PODS, "p", {"status": {"message": "m"}}, type="strategic",
                       subresource="status")
    assert new["spec"] is old["spec"]
    assert new["metadata"].get("labels") is old["metadata"].get("labels")
    assert new["status"] == {**old["status"], "message": "m"}


@pytest.mark.parametrize(("subresource", "kind", "body"), [
    ("", "strategic", {"status": {}}), ("status", "merge", {"status": {}}),
    ("status", "strategic", {"spec": {}})])
def test_other_patches_are_of_the_whole_object(subresource: str, kind: str, body: Any) -> None:
    server = Server()
    old = server.create(PODS, pod("p"))
    new = server.patch(PODS, "p", {"metadata": {"labels": {"x": "y"}}, **body}, type=kind,
                       subresource=subresource)
    assert new["spec"] == old["spec"]
    assert new["metadata"]["labels"] == {**old["metadata"].get("labels", {}), "x": "y"}
