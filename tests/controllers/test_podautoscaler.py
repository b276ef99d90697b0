"""The arithmetic of the autoscaler: what metrics ask for, and what limits allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from controllers.podautoscaler.calculator import Measured, NoMetrics
from controllers.podautoscaler.limits import History, limit

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

NOW = 100_000.0


def pod(name: str, *, ready: bool = True, phase: str = "Running", cpu: str = "100m") -> Object:
    return {"metadata": {"name": name},
            "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]},
            "status": {"phase": phase, "startTime": "1970-01-01T00:00:00Z", "conditions": [
                {"type": "Ready", "status": str(ready),
                 "lastTransitionTime": "1970-01-01T00:00:10Z"}]}}


def replicas(pods: list[Object], metrics: dict[str, int], percent: int = 50) -> int:
    measured = Measured(pods=pods, metrics=metrics, resource="cpu", container="", now=NOW,
                        window=15.0)
    return measured.proposal(len(pods), {"averageUtilization": percent}).replicas


@pytest.mark.parametrize(("used", "wanted"), [
    ([50, 50], 2),  # on target
    ([54, 54], 2),  # within the tolerance
    ([100, 100], 4),
    ([56, 56], 3),
    ([10, 10], 1),
])
def test_replicas_follow_the_ratio_of_use_to_target(used: list[int], wanted: int) -> None:
    names = ["a", "b"]
    assert replicas([pod(name) for name in names], dict(zip(names, used, strict=True))) == wanted


def test_a_pod_without_metrics_counts_as_idle_when_growing() -> None:
    assert replicas([pod("a"), pod("b")], {"a": 100}) == 2
    assert replicas([pod("a"), pod("b")], {"a": 300}) == 6


def test_a_pod_without_metrics_counts_as_busy_when_shrinking() -> None:
    assert replicas([pod("a"), pod("b"), pod("c")], {"a": 5, "b": 5}) == 3


def test_pending_pods_do_not_drive_the_number_up() -> None:
    assert replicas([pod("a"), pod("b", phase="Pending")], {"a": 100}) == 2


def test_requests_must_be_stated() -> None:
    bare = {**pod("a"), "spec": {"containers": [{"name": "c"}]}}
    with pytest.raises(NoMetrics, match="missing request for cpu in container c of Pod a"):
        replicas([bare], {"a": 5})


@pytest.mark.parametrize(("spec", "current", "desired", "allowed", "why"), [
    ({"maxReplicas": 5}, 2, 4, 4, "DesiredWithinRange"),
    ({"maxReplicas": 5}, 2, 9, 4, "ScaleUpLimit"),
    ({"maxReplicas": 5}, 4, 9, 5, "TooManyReplicas"),
    ({"maxReplicas": 5, "minReplicas": 2}, 4, 1, 2, "TooFewReplicas"),
    ({"maxReplicas": 99, "behavior": {"scaleUp": {"policies": [
        {"type": "Pods", "value": 1, "periodSeconds": 60}]}}}, 2, 9, 3, "ScaleUpLimit"),
    ({"maxReplicas": 99, "behavior": {"scaleDown": {
        "stabilizationWindowSeconds": 0, "policies": [
            {"type": "Percent", "value": 10, "periodSeconds": 60}]}}}, 20, 1, 18,
     "ScaleDownLimit"),
    ({"maxReplicas": 99, "behavior": {"scaleDown": {
        "stabilizationWindowSeconds": 0, "selectPolicy": "Disabled"}}}, 20, 1, 20,
     "ScaleDownLimit"),
])
def test_limits(spec: dict[str, Any], current: int, desired: int, allowed: int, why: str) -> None:
    outcome = limit({"minReplicas": 1, **spec}, current, desired, History(), NOW)
    assert (outcome.replicas, outcome.limited[1]) == (allowed, why)


def test_the_highest_recommendation_of_five_minutes_holds() -> None:
    history = History()
    spec = {"minReplicas": 1, "maxReplicas": 9}
    assert limit(spec, 4, 4, history, NOW).replicas == 4
    stable = limit(spec, 4, 1, history, NOW + 299)
    assert (stable.replicas, stable.able[1]) == (4, "ScaleDownStabilized")
    assert limit(spec, 4, 1, history, NOW + 301).replicas == 1
