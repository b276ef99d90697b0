"""PodDisruptionBudgets and ResourceQuotas."""

from typing import Any

import pytest

from apiserver.machinery.gvk import (
    DEPLOYMENTS,
    PODDISRUPTIONBUDGETS,
    PODS,
    RESOURCEQUOTAS,
    SECRETS,
    SERVICES,
)
from apiserver.machinery.quota import covers, pod_resources
from apiserver.machinery.types import Object
from tests.controllers.world import World, deployment, obj, pod

PDB = "disruption-controller"
QUOTA = "resourcequota-controller"


def budget(app: str = "r", **spec: Any) -> Object:
    return obj("policy/v1", "PodDisruptionBudget", "b",
               spec={"selector": {"matchLabels": {"app": app}}, **spec})


def counts(world: World) -> Any:
    found = world.get(PODDISRUPTIONBUDGETS, "b")["status"]
    return tuple(found[part] for part in (
        "expectedPods", "desiredHealthy", "currentHealthy", "disruptionsAllowed"))


@pytest.mark.verified("truth/api/subresources eviction-with-budget")
def test_a_budget_counts_healthy_pods() -> None:
    world = World(PDB)
    world.create(PODS, pod("p"))
    world.create(PODDISRUPTIONBUDGETS, budget(minAvailable=1))
    assert counts(world) == (1, 1, 0, 0)
    world.make_ready("p")
    found = world.get(PODDISRUPTIONBUDGETS, "b")["status"]
    assert found == {
        "disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1,
        "observedGeneration": 1, "conditions": [{
            "type": "DisruptionAllowed", "status": "False", "reason": "InsufficientPods",
            "message": "", "observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}
    world.create(PODS, pod("q"))
    world.make_ready("q")
    assert counts(world) == (2, 1, 2, 1)


@pytest.mark.parametrize(("spec", "expected"), [
    ({"minAvailable": "50%"}, (4, 2, 4, 2)),
    ({"maxUnavailable": 1}, (4, 3, 4, 1)),
    ({"maxUnavailable": "30%"}, (4, 2, 4, 2)),
])
def test_shares_are_of_what_the_controller_wants(spec: dict[str, Any],
                                                 expected: tuple[int, ...]) -> None:
    world = World(PDB, "deployment-controller", "replicaset-controller")
    world.create(DEPLOYMENTS, deployment(replicas=4))
    world.make_ready(*world.names(PODS))
    world.create(PODDISRUPTIONBUDGETS, budget("d", **spec))
    assert counts(world) == expected


# Quotas ------------------------------------------------------------------------------------------


def quota(**hard: str) -> Object:
    return obj("v1", "ResourceQuota", "q", spec={"hard": hard})


def used(world: World) -> Any:
    return world.get(RESOURCEQUOTAS, "q")["status"]["used"]


@pytest.mark.verified("truth/api/quota exceeded")
def test_a_quota_counts_what_comes_and_goes() -> None:
    world = World(QUOTA)
    world.create(RESOURCEQUOTAS, quota(pods="2", secrets="2"))
    assert used(world) == {"pods": "0", "secrets": "0"}
    world.create(PODS, pod("p"))
    world.create(SECRETS, obj("v1", "Secret", "s"))
    assert used(world) == {"pods": "1", "secrets": "1"}
    world.delete(PODS, "p")
    world.delete(SECRETS, "s")
    assert used(world) == {"pods": "0", "secrets": "0"}


def test_pods_that_have_ended_use_nothing() -> None:
    world = World(QUOTA)
    world.create(RESOURCEQUOTAS, quota(**{"pods": "2", "count/pods": "2"}))
    world.create(PODS, pod("p"))
    world.patch(PODS, "p", {"status": {"phase": "Succeeded"}}, subresource="status")
    assert used(world) == {"pods": "0", "count/pods": "1"}


@pytest.mark.verified("truth/api/quota compute")
def test_compute_resources_are_added_up() -> None:
    world = World(QUOTA)
    world.create(RESOURCEQUOTAS, quota(**{"requests.cpu": "1", "limits.memory": "1Gi"}))
    assert used(world) == {"limits.memory": "0", "requests.cpu": "0"}
    body = pod("p")
    body["spec"]["containers"][0]["resources"] = {
        "requests": {"cpu": "600m"}, "limits": {"memory": "512Mi"}}
    world.create(PODS, body)
    assert used(world) == {"limits.memory": "512Mi", "requests.cpu": "600m"}


def test_node_ports_and_objects_of_any_kind_are_counted() -> None:
    world = World(QUOTA)
    hard = {"services.nodeports": "5", "count/deployments.apps": "3"}
    world.create(RESOURCEQUOTAS, quota(**hard))
    world.create(SERVICES, obj("v1", "Service", "s", spec={
        "type": "NodePort", "ports": [{"name": "a", "port": 1}, {"name": "b", "port": 2}]}))
    world.create(DEPLOYMENTS, deployment())
    assert used(world) == {"services.nodeports": "2", "count/deployments.apps": "1"}


def test_init_containers_count_by_the_greatest_and_sidecars_with_the_rest() -> None:
    def container(cpu: str, **more: str) -> Object:
        return {"resources": {"requests": {"cpu": cpu}}, **more}

    body = {"spec": {"containers": [container("100m"), container("200m")], "initContainers": [
        container("50m", restartPolicy="Always"), container("500m")]}}
    assert str(pod_resources(body, "requests")["cpu"]) == "550m"


@pytest.mark.parametrize(("scope", "fits"), [
    ("BestEffort", True), ("NotBestEffort", False), ("Terminating", False),
    ("NotTerminating", True), ("PriorityClass", False), ("CrossNamespacePodAffinity", False)])
def test_scopes(scope: str, fits: bool) -> None:
    assert covers({"spec": {"scopes": [scope]}}, "", "pods", pod("p")) is fits
