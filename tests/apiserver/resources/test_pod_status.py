"""What of a Pod's status may change, and what the other subresources of a Pod leave alone."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from apiserver.resources.core.pods import PODS
from tests.apiserver.resources.kinds import context, made

if TYPE_CHECKING:
    from collections.abc import Callable

REVIVED = "may not be transitioned to non-terminated state"


def pod(**more: Any) -> dict[str, Any]:
    return made(PODS, spec={"containers": [{"name": "c", "image": "i:1", **more.pop("c", {})}],
                            **more})


def errors(old: dict[str, Any], status: dict[str, Any]) -> list[str]:
    new = old | {"status": old["status"] | status}
    ctx = context(PODS, "update")
    ctx.subresource = "status"
    return [str(e) for e in PODS.strategy.validate_status_update(ctx, new, old)]


def ended(code: int) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": code}}}]}


RUNS = {"containerStatuses": [{"name": "c", "state": {"running": {}}}]}
RULE = {"restartPolicy": "Never", "restartPolicyRules": [
    {"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]}


@pytest.mark.parametrize(("spec", "code", "allowed"), [
    ({"restartPolicy": "Always"}, 0, True),
    ({"restartPolicy": "OnFailure"}, 0, False),
    ({"restartPolicy": "OnFailure"}, 1, True),
    ({"restartPolicy": "Never"}, 1, False),
    ({"restartPolicy": "Never", "c": {"restartPolicy": "OnFailure"}}, 1, True),
    ({"restartPolicy": "Never", "c": RULE}, 42, True),
    ({"restartPolicy": "Always", "c": RULE}, 1, False),
])
def test_what_ended_for_good_stays_ended(spec: dict[str, Any], code: int, allowed: bool) -> None:
    old = pod(**spec)
    old["status"] |= ended(code)
    assert errors(old, RUNS) == ([] if allowed else [
        f"status.containerStatuses[0].state: Forbidden: {REVIVED}"])


@pytest.mark.parametrize(("status", "expected"), [
    ({"observedGeneration": -1},
     ["status.observedGeneration: Invalid value: -1: must be a non-negative integer"]),
    ({"nominatedNodeName": "n"},
     ["status.nominatedNodeName: Forbidden: may not be set on pods that are already bound to a "
      "node"]),
    ({"resourceClaimStatuses": [{"name": "x"}]},
     ['status.resourceClaimStatuses[0].name: Invalid value: "x": must match the name of an entry '
      "in `spec.resourceClaims`"]),
    ({"podIPs": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}]},
     ['status.podIPs: Invalid value: [{"IP":"10.0.0.1"},{"IP":"10.0.0.2"}]: may specify no more '
      "than one IP for each IP family"]),
    ({"containerStatuses": [{"name": "c", "user": {"linux": {"uid": -1, "gid": 0}}}]},
     ["status.containerStatuses[0].user.linux.uid: Invalid value: -1: must be between 0 and "
      "2147483647, inclusive"]),
    ({"containerStatuses": [{"name": "c", "allocatedResourcesStatus": [
        {"name": "gpu", "resources": [{"resourceID": "a", "health": "Sick"}]}]}]},
     ['status.containerStatuses[0].allocatedResourcesStatus[0].name: Invalid value: "gpu": must '
      "match one of the container's resource requests",
      "status.containerStatuses[0].allocatedResourcesStatus[0].resources[0].health: Unsupported "
      'value: "Sick": supported values: "Healthy", "Unhealthy", "Unknown"']),
])
def test_a_wrong_status(status: dict[str, Any], expected: list[str]) -> None:
    assert errors(pod(nodeName="n"), status) == expected


def test_an_old_client_does_not_clear_what_was_observed() -> None:
    old = pod()
    old["status"] |= {"observedGeneration": 3, "conditions": [
        {"type": "Ready", "status": "True", "observedGeneration": 2}]}
    new = copy.deepcopy(old)
    del new["status"]["observedGeneration"], new["status"]["conditions"][0]["observedGeneration"]
    PODS.strategy.prepare_status_update(context(PODS, "update"), new, old)
    assert new["status"] == old["status"]


@pytest.mark.parametrize("subresource", ["ephemeralcontainers", "resize"])
def test_a_subresource_changes_no_labels(subresource: str) -> None:
    old = pod()
    new = copy.deepcopy(old)
    new["metadata"]["labels"] = {"a": "b"}
    ctx = context(PODS, "update")
    ctx.subresource = subresource
    PODS.strategy.prepare_update(ctx, new, old)
    assert "labels" not in new["metadata"]


def resized(old: dict[str, Any], change: Callable[[dict[str, Any]], object]) -> list[str]:
    new, ctx = copy.deepcopy(old), context(PODS, "update")
    ctx.subresource = "resize"
    change(new["spec"])
    PODS.strategy.prepare_update(ctx, new, old)
    return [str(e) for e in PODS.strategy.validate_update(ctx, new, old)]


def test_a_resize_may_lower_limits_but_not_forget_them() -> None:
    sized = {"requests": {"memory": "1Gi"}, "limits": {"memory": "2Gi"}}
    old = pod(c={"resources": sized})
    assert resized(old, lambda spec: spec["containers"][0]["resources"].update(
        limits={"memory": "1500Mi"})) == []
    assert resized(old, lambda spec: spec["containers"][0]["resources"].pop("limits")) == [
        "spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed"]


SMALL, LARGE = {"requests": {"cpu": "1"}}, {"requests": {"cpu": "2"}}


@pytest.mark.parametrize(("change", "expected"), [
    (lambda spec: spec["resources"]["requests"].update(cpu="4"), []),
    (lambda spec: spec["initContainers"][0].update(resources=LARGE), []),
    (lambda spec: spec.pop("resources"),
     ["spec.resources: Forbidden: pod-level resources cannot be removed"]),
    (lambda spec: spec["resources"]["requests"].pop("memory"),
     ["spec.resources.requests: Forbidden: pod-level resource requests cannot be removed"]),
    (lambda spec: spec["resources"]["requests"].update({"hugepages-2Mi": "2Mi"}) or
     spec["resources"].update(limits={"hugepages-2Mi": "2Mi"}),
     ["spec: Forbidden: only cpu and memory resources are mutable at pod-level"]),
    (lambda spec: spec["containers"].append({**spec["containers"][0], "name": "d"}),
     ["spec.containers: Forbidden: containers may not be added or removed on resize"]),
    (lambda spec: spec["initContainers"][0].update(name="d"),
     ["spec.initContainers[0].name: Forbidden: initContainers may not be renamed or reordered on "
      "resize"]),
    (lambda spec: spec["initContainers"][0].update(image="j"), []),
    (lambda spec: spec["initContainers"][0]["resources"]["requests"].update(
        {"ephemeral-storage": "1Gi"}),
     ["spec.initContainers[0]: Forbidden: only cpu and memory resources for init or sidecar "
      "containers are mutable"]),
    (lambda spec: spec["initContainers"][1].update(resources=LARGE),
     ["spec.initContainers[1]: Forbidden: non-sidecar init containers with a resize policy of "
      "RestartContainer cannot be resized"]),
])
def test_what_a_resize_may_change(change: Callable[[dict[str, Any]], object],
                                  expected: list[str]) -> None:
    starter = {"image": "i", "resources": SMALL}
    old = pod(resources={"requests": {"cpu": "3", "memory": "1Gi"}}, initContainers=[
        {"name": "a", **starter},
        {"name": "b", **starter, "resizePolicy": [
            {"resourceName": "cpu", "restartPolicy": "RestartContainer"}]}])
    assert resized(old, change) == expected
