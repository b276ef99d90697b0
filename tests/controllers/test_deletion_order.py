"""Which Pods of a ReplicaSet go first."""

from typing import Any

import pytest

from apiserver.machinery.clock import rfc3339
from apiserver.machinery.types import Object
from controllers.deletion_order import DELETION_COST, deletion_order

NOW = 1_000_000.0


def pod(uid: str = "u", *, node: str = "n", phase: str = "Running", ready: float | None = 100.0,
        cost: str | None = None, restarts: int = 0, created: float = 1000.0) -> Object:
    """A Pod that has been ready and there for so many seconds."""
    conditions = [] if ready is None else [{"type": "Ready", "status": "True",
                                            "lastTransitionTime": rfc3339(NOW - ready)}]
    return {
        "metadata": {"uid": uid, "annotations": {DELETION_COST: cost} if cost else {},
                     "creationTimestamp": rfc3339(NOW - created)},
        "spec": {"nodeName": node} if node else {},
        "status": {"phase": phase, "conditions": conditions,
                   "containerStatuses": [{"restartCount": restarts}]},
    }


def order(*pods: Object, siblings: Any = ()) -> list[str]:
    return [one["metadata"]["uid"] for one in deletion_order(list(pods), siblings, NOW)]


@pytest.mark.verified("pkg/controller/controller_utils.go ActivePodsWithRanks")
@pytest.mark.parametrize(("sooner", "later"), [
    ({"node": ""}, {}),
    ({"phase": "Pending"}, {"phase": "Unknown"}),
    ({"phase": "Unknown"}, {}),
    ({"ready": None}, {}),
    ({"cost": "-5"}, {}),
    ({}, {"cost": "7"}),
    ({"ready": 10.0}, {"ready": 100.0}),
    ({"restarts": 3}, {"restarts": 1}),
    ({"created": 10.0}, {"created": 1000.0}),
])
def test_the_first_difference_decides(sooner: dict[str, Any], later: dict[str, Any]) -> None:
    assert order(pod("b", **later), pod("a", **sooner)) == ["a", "b"]
    assert order(pod("a", **sooner), pod("b", **later)) == ["a", "b"]


def test_unassigned_beats_cost() -> None:
    assert order(pod("b", cost="-100"), pod("a", node="", cost="100")) == ["a", "b"]


def test_a_cost_that_is_no_number_counts_as_nothing() -> None:
    assert order(pod("b", cost="1"), pod("a", cost="much")) == ["a", "b"]


def test_ages_of_one_magnitude_are_equal_and_the_uid_decides() -> None:
    assert order(pod("b", ready=70.0), pod("a", ready=80.0)) == ["a", "b"]


def test_pods_on_the_node_with_more_siblings_go_first() -> None:
    siblings = [pod(node="full"), pod(node="full"), pod(node="empty")]
    assert order(pod("b", node="empty"), pod("a", node="full"), siblings=siblings) == ["a", "b"]
