"""What controllers read off a Pod. Models pkg/api/v1/pod and pkg/controller/controller_utils.go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.clock import parse_time
from apiserver.machinery.meta import is_terminating, name, namespace, new_controller_ref

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.machinery.types import Object

_NOTHING: Final[Mapping[str, Any]] = {}
FINISHED: Final = frozenset({"Succeeded", "Failed"})


def spec(obj: Object) -> Mapping[str, Any]:
    """`spec`, empty when it is missing."""
    return obj.get("spec") or _NOTHING


def status(obj: Object) -> Mapping[str, Any]:
    """`status`, empty when it is missing."""
    return obj.get("status") or _NOTHING


def phase(pod: Object) -> str:
    """`status.phase`."""
    return status(pod).get("phase") or ""


def is_active(pod: Object) -> bool:
    """Neither finished nor terminating (`controller.IsPodActive`)."""
    return phase(pod) not in FINISHED and not is_terminating(pod)


def condition(obj: Object, type: str) -> Mapping[str, Any] | None:
    """The condition of a type in `status.conditions`."""
    for one in status(obj).get("conditions") or ():
        if one.get("type") == type:
            found: Mapping[str, Any] = one
            return found
    return None


def is_ready(pod: Object) -> bool:
    """Whether the condition Ready is True."""
    ready = condition(pod, "Ready")
    return ready is not None and ready.get("status") == "True"


def ready_since(pod: Object) -> float:
    """When it became ready, seconds since 1970; 0 when it is not, or does not say."""
    ready = condition(pod, "Ready")
    if ready is None or ready.get("status") != "True" or not ready.get("lastTransitionTime"):
        return 0.0
    return parse_time(ready["lastTransitionTime"])


def is_available(pod: Object, min_ready_seconds: int, now: float) -> bool:
    """Ready for at least `min_ready_seconds` (`podutil.IsPodAvailable`)."""
    if not is_ready(pod):
        return False
    if min_ready_seconds <= 0:
        return True
    since = ready_since(pod)
    return since > 0 and since + min_ready_seconds <= now


def seconds_until_available(pods: list[Object], min_ready_seconds: int, now: float) -> float | None:
    """When the next ready Pod will be available; None when none will by waiting alone."""
    waits = [since + min_ready_seconds - now
             for pod in pods if (since := ready_since(pod)) > 0]
    return min((wait for wait in waits if wait > 0), default=None)


def max_restarts(pod: Object, statuses: str = "containerStatuses") -> int:
    """The highest restart count of its containers."""
    return max((one.get("restartCount") or 0 for one in status(pod).get(statuses) or ()), default=0)


def from_template(template: Object, owner: Object) -> Object:
    """The Pod that `owner` creates (`controller.GetPodFromTemplate`)."""
    meta = template.get("metadata") or {}
    fresh: dict[str, Any] = {
        "generateName": f"{name(owner)}-",
        "namespace": namespace(owner),
        "ownerReferences": [new_controller_ref(owner)],
    }
    for part in ("labels", "annotations", "finalizers"):
        if meta.get(part):
            fresh[part] = meta[part]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": fresh,
            "spec": template.get("spec") or {}}

