"""binding and eviction."""

from __future__ import annotations

import pytest

from apiserver.machinery.errors import BadRequest, Conflict, NotFound, TooManyRequests, Unknown
from apiserver.machinery.gvk import GVR, PODS
from tests.apiserver.server import Server, pod

BINDINGS = GVR("", "v1", "bindings")
BUDGETS = GVR("policy", "v1", "poddisruptionbudgets")


@pytest.fixture
def server() -> Server:
    made = Server()
    made.create(PODS, {**pod(), "metadata": {"name": "p", "labels": {"app": "a"}}})
    return made


def bind(server: Server, **target: str) -> None:
    server.create(PODS, {"metadata": {"name": "p"}, "target": target}, name="p",
                  subresource="binding")


def evict(server: Server, name: str = "p") -> None:
    server.create(PODS, {"metadata": {"name": name}}, name="p", subresource="eviction")


def test_bound_pod_is_scheduled_and_stays_where_it_is(server: Server) -> None:
    bind(server, kind="Node", name="n")
    bound = server.get(PODS, "p")
    assert bound["spec"]["nodeName"] == "n"
    assert [(c["type"], c["status"]) for c in bound["status"]["conditions"]] == [
        ("PodScheduled", "True")]
    with pytest.raises(Conflict, match='is already assigned to node "n"'):
        bind(server, name="m")


@pytest.mark.parametrize("target", [{"kind": "Pod", "name": "x"}, {}])
def test_wrong_targets_are_refused(server: Server, target: dict[str, str]) -> None:
    with pytest.raises(Unknown, match="target"):
        bind(server, **target)
    assert "nodeName" not in server.get(PODS, "p")["spec"]


def test_eviction_deletes_what_no_budget_keeps(server: Server) -> None:
    with pytest.raises(BadRequest, match="does not match name in Eviction"):
        evict(server, "other")
    evict(server)
    with pytest.raises(NotFound):
        evict(server)


def running(server: Server, allowed: int) -> None:
    """A running Pod under a budget that allows so many disruptions."""
    server.patch(PODS, "p", {"status": {"phase": "Running"}}, subresource="status")
    made = server.create(BUDGETS, {"metadata": {"name": "b"}, "spec": {
        "minAvailable": 1, "selector": {"matchLabels": {"app": "a"}}}})
    server.update(BUDGETS, {**made, "status": {
        "observedGeneration": 1, "disruptionsAllowed": allowed, "currentHealthy": 1,
        "desiredHealthy": 1, "expectedPods": 1}}, subresource="status")


def test_budget_at_its_limit_keeps_its_pods(server: Server) -> None:
    running(server, 0)
    with pytest.raises(TooManyRequests) as caught:
        evict(server)
    (cause,) = caught.value.status()["details"]["causes"]
    assert cause["message"] == "The disruption budget b needs 1 healthy pods and has 1 currently"
    assert server.names(PODS) == ["p"]


def test_eviction_takes_from_its_budget(server: Server) -> None:
    running(server, 1)
    evict(server)
    status = server.get(BUDGETS, "b")["status"]
    assert (status["disruptionsAllowed"], list(status["disruptedPods"])) == (0, ["p"])
