"""What the Pods of a Job amount to. Models the counting of job/job_controller.go, pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery import meta
from apiserver.machinery.clock import parse_time
from controllers import pods
from controllers.conditions import get_condition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apiserver.machinery.types import Object

TRACKING: Final = "batch.kubernetes.io/job-tracking"
INDEX: Final = "batch.kubernetes.io/job-completion-index"
MAX_BACKOFF: Final = 600.0
BACKOFF: Final = 10.0


def is_suspended(job: Object) -> bool:
    """`spec.suspend`."""
    return bool(pods.spec(job).get("suspend"))


def is_indexed(job: Object) -> bool:
    """Whether every completion has a number."""
    return bool(pods.spec(job).get("completionMode") == "Indexed")


def has_condition(job: Object, *types: str) -> bool:
    """Whether one of these conditions is True."""
    known = pods.status(job).get("conditions")
    return any((found := get_condition(known, one)) is not None and found["status"] == "True"
               for one in types)


def is_finished(job: Object) -> bool:
    """Complete or Failed."""
    return has_condition(job, "Complete", "Failed")


def has_failed(pod: Object, job: Object) -> bool:
    """Failed, or deleted before it could end; with podReplacementPolicy Failed only the former."""
    if pods.phase(pod) == "Failed":
        return True
    if pods.spec(job).get("podReplacementPolicy") == "Failed":
        return False
    return meta.is_terminating(pod) and pods.phase(pod) != "Succeeded"


def index_of(pod: Object) -> int | None:
    """The completion index of a Pod."""
    text = meta.annotations(pod).get(INDEX, "")
    return int(text) if text.isascii() and text.isdigit() else None


@dataclass(slots=True)
class Tally:
    """The Pods of a Job, sorted by what they are."""

    active: list[Object] = field(default_factory=list)
    terminating: int = 0
    ready: int = 0
    succeeded: list[Object] = field(default_factory=list)
    """Ended well and not yet counted in the status."""
    failed: list[Object] = field(default_factory=list)


def tally(job: Object, owned: Iterable[Object]) -> Tally:
    """Sort a Job's Pods; those whose finalizer is gone have been counted."""
    found = Tally()
    for pod in owned:
        if pods.is_active(pod):
            found.active.append(pod)
            found.ready += pods.is_ready(pod)
        elif meta.is_terminating(pod) and pods.phase(pod) not in pods.FINISHED:
            found.terminating += 1
        if TRACKING not in meta.finalizers(pod):
            continue
        if pods.phase(pod) == "Succeeded":
            found.succeeded.append(pod)
        elif has_failed(pod, job):
            found.failed.append(pod)
    return found


def finished_at(pod: Object, now: float) -> float:
    """When the last container of a Pod ended."""
    times = [(one.get("state") or {}).get("terminated", {}).get("finishedAt")
             for one in pods.status(pod).get("containerStatuses") or ()]
    known = [parse_time(time) for time in times if time]
    return max(known, default=now)


def backoff_left(failures: int, last_failure: float, now: float) -> float:
    """Seconds before another Pod may be made after failures: 10, 20, 40, ..., at most 600."""
    if not failures:
        return 0.0
    delay = min(BACKOFF * 2.0 ** min(failures - 1, 20), MAX_BACKOFF)
    return max(0.0, last_failure + delay - now)


def restarts(owned: Iterable[Object]) -> int:
    """How often the containers of running and pending Pods were restarted (restartPolicy
    OnFailure counts them against the back-off limit)."""
    return sum(one.get("restartCount") or 0 for pod in owned
               if pods.phase(pod) in ("Running", "Pending")
               for part in ("containerStatuses", "initContainerStatuses")
               for one in pods.status(pod).get(part) or ())


def wanted_active(job: Object, succeeded: int, active: int) -> int:
    """How many Pods should run now."""
    spec: Any = pods.spec(job)
    if spec.get("completions") is None:
        return active if succeeded else int(spec.get("parallelism", 1))
    return max(0, min(int(spec.get("parallelism", 1)), int(spec["completions"]) - succeeded))


def is_complete(job: Object, succeeded: int, active: int) -> bool:
    """Whether the Job has what it wants."""
    completions = pods.spec(job).get("completions")
    if completions is None:
        return succeeded > 0 and active == 0
    return succeeded >= int(completions)


def build_pod(job: Object, index: int | None) -> Object:
    """A Pod of the Job, with the finalizer that keeps it until it is counted."""
    pod = pods.from_template(job["spec"]["template"], job)
    metadata = {**pod["metadata"],
                "finalizers": [*meta.finalizers(pod), TRACKING]}
    if index is None:
        return {**pod, "metadata": metadata}
    text, own = str(index), meta.name(job)
    metadata |= {
        "generateName": f"{own}-{index}-",
        "annotations": {**meta.annotations(pod), INDEX: text},
        "labels": {**meta.labels(pod), INDEX: text},
    }
    spec = {"hostname": f"{own}-{index}", **pod["spec"]}
    for part in ("containers", "initContainers"):
        if spec.get(part):
            spec[part] = [_with_index(one) for one in spec[part]]
    return {**pod, "metadata": metadata, "spec": spec}


def _with_index(container: Object) -> Object:
    known = container.get("env") or []
    if any(one["name"] == "JOB_COMPLETION_INDEX" for one in known):
        return container
    source = {"fieldRef": {"fieldPath": f"metadata.labels['{INDEX}']"}}
    return {**container, "env": [*known, {"name": "JOB_COMPLETION_INDEX", "valueFrom": source}]}
