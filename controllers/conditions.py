"""Lists of conditions, as values: every change is a new list. Models the SetCondition helpers of
the workload controllers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.machinery.clock import rfc3339

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object


def get_condition(conditions: Sequence[Object] | None, type: str) -> Object | None:
    """The condition of a type."""
    return next((one for one in conditions or () if one["type"] == type), None)


def new_condition(type: str, status: str, reason: str, message: str, now: float, *,
                  updated: bool = False) -> Object:
    """A condition that changes now; `updated` gives it a lastUpdateTime as Deployments have."""
    stamp = rfc3339(now)
    return {
        "type": type,
        "status": status,
        **({"lastUpdateTime": stamp} if updated else {}),
        "lastTransitionTime": stamp,
        "reason": reason,
        "message": message,
    }


def without_condition(conditions: Sequence[Object] | None, type: str) -> list[Object]:
    """All but those of a type."""
    return [one for one in conditions or () if one["type"] != type]


def with_condition(conditions: Sequence[Object] | None, condition: Object) -> list[Object]:
    """The list with `condition` in it, at the end. Nothing changes when status and reason are as
    before; the time of transition is kept while the status is."""
    current = get_condition(conditions, condition["type"])
    if current is not None and current["status"] == condition["status"]:
        if current.get("reason") == condition.get("reason"):
            return list(conditions or ())
        condition = {**condition, "lastTransitionTime": current.get("lastTransitionTime")}
    return [*without_condition(conditions, condition["type"]), condition]
