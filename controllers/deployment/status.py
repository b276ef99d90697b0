"""A Deployment's status and conditions. Models deployment/{sync,progress}.go, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery import meta
from apiserver.machinery.clock import parse_time
from controllers import pods
from controllers.conditions import get_condition, new_condition, with_condition, without_condition
from controllers.deployment import sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object

AVAILABLE: Final = "Available"
PROGRESSING: Final = "Progressing"
REPLICA_FAILURE: Final = "ReplicaFailure"

NEW_AVAILABLE: Final = "NewReplicaSetAvailable"
TIMED_OUT: Final = "ProgressDeadlineExceeded"
PAUSED: Final = "DeploymentPaused"
NO_DEADLINE: Final = 2**31 - 1


def progressing(status: str, reason: str, message: str, now: float) -> Object:
    """A condition Progressing."""
    return new_condition(PROGRESSING, status, reason, message, now, updated=True)


def has_deadline(deployment: Object) -> bool:
    """Whether progress is watched at all."""
    return pods.spec(deployment).get("progressDeadlineSeconds") not in (None, NO_DEADLINE)


def calculate(deployment: Object, sets: Sequence[Object], new: Object | None,
              now: float) -> Object:
    """Counts and the condition Available (`calculateStatus`)."""
    ready = sum(pods.status(rs).get("readyReplicas") or 0 for rs in sets)
    available = sizes.available_total(sets)
    old = pods.status(deployment)
    counts = {
        "observedGeneration": meta.generation(deployment),
        "replicas": sizes.actual_total(sets),
        "updatedReplicas": sizes.actual_total([new] if new is not None else []),
        "readyReplicas": ready,
        "availableReplicas": available,
        "unavailableReplicas": max(0, sizes.wanted_total(sets) - available),
    }
    status: dict[str, Any] = {field: count for field, count in counts.items() if count}
    if old.get("collisionCount") is not None:
        status["collisionCount"] = old["collisionCount"]
    status["conditions"] = with_condition(
        old.get("conditions"), _availability(deployment, available, now))
    return status


def _availability(deployment: Object, available: int, now: float) -> Object:
    if available >= sizes.replicas(deployment) - sizes.max_unavailable(deployment):
        return new_condition(AVAILABLE, "True", "MinimumReplicasAvailable",
                             "Deployment has minimum availability.", now, updated=True)
    return new_condition(AVAILABLE, "False", "MinimumReplicasUnavailable",
                         "Deployment does not have minimum availability.", now, updated=True)


def rollout_status(deployment: Object, sets: Sequence[Object], new: Object | None,
                   now: float) -> Object:
    """`calculate` and how the rollout comes along (`syncRolloutStatus`)."""
    status = calculate(deployment, sets, new, now)
    conditions = status["conditions"]
    if not has_deadline(deployment):
        conditions = without_condition(conditions, PROGRESSING)
    elif not _was_complete(deployment, status):
        conditions = _progress(deployment, status, new, now)
    failures = _replica_failures(sets, new)
    if failures:
        conditions = with_condition(conditions, failures[0])
    else:
        conditions = without_condition(conditions, REPLICA_FAILURE)
    return {**status, "conditions": conditions}


def _was_complete(deployment: Object, status: Object) -> bool:
    current = get_condition(pods.status(deployment).get("conditions"), PROGRESSING)
    return (status.get("replicas") == status.get("updatedReplicas")
            and current is not None and current["reason"] == NEW_AVAILABLE)


def _progress(deployment: Object, status: Object, new: Object | None, now: float) -> list[Object]:
    conditions: list[Object] = status["conditions"]
    subject = (f'ReplicaSet "{meta.name(new)}"' if new is not None
               else f'Deployment "{meta.name(deployment)}"')
    if is_complete(deployment, status):
        return with_condition(conditions, progressing(
            "True", NEW_AVAILABLE, f"{subject} has successfully progressed.", now))
    if _has_progressed(deployment, status):
        fresh = progressing("True", "ReplicaSetUpdated", f"{subject} is progressing.", now)
        current = get_condition(conditions, PROGRESSING)
        if current is not None and current["status"] == "True":
            fresh["lastTransitionTime"] = current["lastTransitionTime"]
        return [*without_condition(conditions, PROGRESSING), fresh]
    if has_timed_out(deployment, status, now):
        return with_condition(conditions, progressing(
            "False", TIMED_OUT, f"{subject} has timed out progressing.", now))
    return conditions


def is_complete(deployment: Object, status: Object) -> bool:
    """Whether all replicas are updated and available (`DeploymentComplete`)."""
    wanted = sizes.replicas(deployment)
    counts = (status.get(field) or 0
              for field in ("updatedReplicas", "replicas", "availableReplicas"))
    return (all(count == wanted for count in counts)
            and (status.get("observedGeneration") or 0) >= meta.generation(deployment))


def _has_progressed(deployment: Object, status: Object) -> bool:
    old = pods.status(deployment)

    def rises(field: str) -> bool:
        return (status.get(field) or 0) > (old.get(field) or 0)

    def outdated(one: Any) -> int:
        count: int = (one.get("replicas") or 0) - (one.get("updatedReplicas") or 0)
        return count

    return (rises("updatedReplicas") or outdated(status) < outdated(old)
            or rises("readyReplicas") or rises("availableReplicas"))


def has_timed_out(deployment: Object, status: Object, now: float) -> bool:
    """Whether nothing has progressed for longer than the deadline (`DeploymentTimedOut`)."""
    current = get_condition(status.get("conditions"), PROGRESSING)
    if not has_deadline(deployment) or current is None or current["reason"] == NEW_AVAILABLE:
        return False
    if current["reason"] == TIMED_OUT:
        return True
    since = parse_time(current["lastUpdateTime"])
    return bool(since + pods.spec(deployment)["progressDeadlineSeconds"] < now)


def seconds_to_deadline(deployment: Object, status: Object, now: float) -> float | None:
    """When to look again whether the rollout is stuck (`requeueStuckDeployment`)."""
    current = get_condition(status.get("conditions"), PROGRESSING)
    if not has_deadline(deployment) or current is None:
        return None
    if is_complete(deployment, status) or current["reason"] == TIMED_OUT:
        return None
    left = (parse_time(current["lastUpdateTime"])
            + pods.spec(deployment)["progressDeadlineSeconds"] - now)
    return float(max(left, 0.0) + 1.0)


def _replica_failures(sets: Sequence[Object], new: Object | None) -> list[Object]:
    """The ReplicaFailure conditions of the new ReplicaSet, else of all."""
    own = _failures_of(new) if new is not None else []
    return own or [failure for rs in sets for failure in _failures_of(rs)]


def _failures_of(rs: Object) -> list[Object]:
    return [{**one, "lastUpdateTime": one.get("lastTransitionTime")}
            for one in pods.status(rs).get("conditions") or () if one["type"] == REPLICA_FAILURE]
