"""Namespaces: what they get, and how they go."""

import pytest

from apiserver.machinery.clock import rfc3339
from apiserver.machinery.gvk import CONFIGMAPS, NAMESPACES, PODS, SECRETS, SERVICEACCOUNTS
from apiserver.machinery.meta import annotations, is_terminating
from controllers.controller import Options
from tests.controllers.world import World, obj, pod

NS = "namespace-controller"
SA = "serviceaccount-controller"
CA = "root-ca-certificate-publisher-controller"


def doomed(*names: str) -> World:
    world = World(NS, *names)
    world.create(NAMESPACES, obj("v1", "Namespace", "x", None))
    return world


def test_an_empty_namespace_goes_after_the_grace() -> None:
    world = doomed()
    world.delete(NAMESPACES, "x", place=None)
    assert world.names(NAMESPACES) == ["default", "x"]
    world.advance(5)
    assert world.names(NAMESPACES) == ["default"]


def test_content_goes_with_it_though_controllers_would_make_it_anew() -> None:
    world = doomed(SA, CA)
    assert len(world.names(CONFIGMAPS)) == 2
    world.create(SECRETS, obj("v1", "Secret", "gone", "x"))
    world.delete(NAMESPACES, "x", place=None)
    world.advance(6)
    assert world.names(NAMESPACES) == ["default"]
    assert world.names(SECRETS) == []
    assert len(world.names(CONFIGMAPS)) == 1


@pytest.mark.verified("truth/api/namespaces lifecycle")
def test_what_remains_is_told_in_five_conditions() -> None:
    world = doomed()
    world.create(CONFIGMAPS, obj("v1", "ConfigMap", "a", "x", finalizers=["x.io/hold"]))
    world.delete(NAMESPACES, "x", place=None)
    world.advance(5)
    status = world.get(NAMESPACES, "x", None)["status"]
    assert status["phase"] == "Terminating"
    assert {one["type"]: (one["status"], one["reason"]) for one in status["conditions"]} == {
        "NamespaceDeletionDiscoveryFailure": ("False", "ResourcesDiscovered"),
        "NamespaceDeletionGroupVersionParsingFailure": ("False", "ParsedGroupVersions"),
        "NamespaceDeletionContentFailure": ("False", "ContentDeleted"),
        "NamespaceContentRemaining": ("True", "SomeResourcesRemain"),
        "NamespaceFinalizersRemaining": ("True", "SomeFinalizersRemain"),
    }
    messages = {one["type"]: one["message"] for one in status["conditions"]}
    assert messages["NamespaceContentRemaining"] == (
        "Some resources are remaining: configmaps. has 1 resource instances")
    world.patch(CONFIGMAPS, "a", {"metadata": {"finalizers": None}}, place="x")
    world.advance(10)
    assert world.names(NAMESPACES) == ["default"]


def test_pods_go_before_the_rest() -> None:
    world = doomed()
    world.add_account("x")
    body = pod("p", nodeName="n1")
    body["metadata"]["namespace"] = "x"
    world.create(PODS, body)
    world.create(CONFIGMAPS, obj("v1", "ConfigMap", "a", "x"))
    world.delete(NAMESPACES, "x", place=None)
    world.advance(5)
    assert is_terminating(world.get(PODS, "p", "x"))
    assert world.names(CONFIGMAPS) == ["a"]
    world.delete(PODS, "p", place="x", grace_period_seconds=0)
    world.advance(20)
    assert world.names(NAMESPACES) == ["default"]


def test_the_grace_is_an_option() -> None:
    world = World(NS, options=Options(namespace_deletion_grace=0))
    world.create(NAMESPACES, obj("v1", "Namespace", "x", None))
    world.delete(NAMESPACES, "x", place=None)
    assert world.names(NAMESPACES) == ["default"]


@pytest.mark.verified("truth/api/namespaces created-by-controllers")
def test_every_namespace_has_an_account_and_the_ca() -> None:
    world = World(SA, CA, options=Options(root_ca="PEM"))
    world.create(NAMESPACES, obj("v1", "Namespace", "x", None))
    assert world.get(SERVICEACCOUNTS, "default", "x")["metadata"]["name"] == "default"
    published = world.get(CONFIGMAPS, "kube-root-ca.crt", "x")
    assert published["data"] == {"ca.crt": "PEM"}
    assert annotations(published)["kubernetes.io/description"].startswith("Contains a CA bundle")


def test_they_come_back_when_deleted_and_are_put_right_when_changed() -> None:
    world = World(SA, CA, options=Options(root_ca="PEM"))
    world.settle()
    world.delete(SERVICEACCOUNTS, "default")
    assert world.names(SERVICEACCOUNTS) == ["default"]
    world.patch(CONFIGMAPS, "kube-root-ca.crt", {"data": {"ca.crt": "tampered", "x": "y"}})
    assert world.get(CONFIGMAPS, "kube-root-ca.crt")["data"] == {"ca.crt": "PEM"}
    world.delete(CONFIGMAPS, "kube-root-ca.crt")
    assert world.names(CONFIGMAPS) == ["kube-root-ca.crt"]


def test_condition_times_are_those_of_their_transitions() -> None:
    world = doomed()
    start = world.clock.now()
    world.create(CONFIGMAPS, obj("v1", "ConfigMap", "a", "x", finalizers=["x.io/hold"]))
    world.delete(NAMESPACES, "x", place=None)
    world.advance(60)
    times = {one["lastTransitionTime"]
             for one in world.get(NAMESPACES, "x", None)["status"]["conditions"]}
    assert times == {rfc3339(start + 5)}
