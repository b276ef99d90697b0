"""Why a Pod is not ready, in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apiserver.machinery.meta import name, namespace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.machinery.types import Object
    from minikube_sim.cluster import Cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """What a Pod lacks, and what to do."""

    code: str
    text: str
    fix: str


def matches(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether labels have all pairs of a selector."""
    return selector.items() <= labels.items()


def selector_text(selector: Mapping[str, str]) -> str:
    """`app=web,tier=front`."""
    return ",".join(f"{key}={value}" for key, value in selector.items())


def why_not_ready(cluster: Cluster, pod: Object) -> Reason | None:
    """What keeps a Pod from being ready; None if it is."""
    conditions = {c["type"]: c for c in pod.get("status", {}).get("conditions") or ()}
    if pod["metadata"].get("deletionTimestamp"):
        return Reason(code="terminating", text="it is being deleted",
                      fix="wait for the Pod that takes its place")
    if conditions.get("Ready", {}).get("status") == "True":
        return None
    if not pod["spec"].get("nodeName"):
        return _unscheduled(conditions.get("PodScheduled", {}))
    if pod["status"].get("phase") in ("Succeeded", "Failed"):
        return Reason(code="ended", text=f"it has ended ({pod['status']['phase']})",
                      fix="run a program that does not end")
    statuses = [*(pod["status"].get("initContainerStatuses") or ()),
                *(pod["status"].get("containerStatuses") or ())]
    for status in statuses:
        reason = _container(cluster, pod, status)
        if reason is not None:
            return reason
    return Reason(code="starting", text="it has only begun to start", fix="wait a moment")


def _unscheduled(condition: Mapping[str, Any]) -> Reason:
    message = condition.get("message") or "the scheduler has not placed it yet"
    return Reason(code="unschedulable", text=f"it is on no node: {message}",
                  fix="ask for less, or add a node that fits")


def _container(cluster: Cluster, pod: Object, status: Mapping[str, Any]) -> Reason | None:
    label, state = f"container {status['name']}", status.get("state") or {}
    waiting = state.get("waiting") or {}
    reason = waiting.get("reason", "")
    if reason in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"):
        why = _event(cluster, pod, "Failed") or waiting.get("message", "")
        return Reason(code="image", fix="use an image that exists",
                      text=f"{label} waits, {reason}: image {status.get('image')}"
                           + (f" ({why})" if why else ""))
    if reason == "CrashLoopBackOff" or state.get("terminated"):
        ended = (state.get("terminated") or (status.get("lastState") or {}).get("terminated")
                 or {})
        return Reason(
            code="crash", text=f"{label} crashes: it ended with exit code "
            f"{ended.get('exitCode', '?')} after {status.get('restartCount', 0)} restarts"
            + _because(cluster, pod),
            fix=f"kubectl logs {name(pod)} -n {namespace(pod)} --previous says why")
    if waiting and reason not in ("ContainerCreating", "PodInitializing"):
        return Reason(code="waiting", text=f"{label} waits, {reason}: {waiting.get('message', '')}",
                      fix=f"kubectl describe pod {name(pod)} -n {namespace(pod)}")
    if state.get("running") and not status.get("ready") and status.get("started") is not False:
        return _probe(cluster, pod, label)
    if state.get("running") and status.get("started") is False:
        return Reason(code="startup-probe", text=f"the startup probe of {label} has not succeeded"
                      + _because(cluster, pod), fix="wait, or mend startupProbe")
    return None


def _probe(cluster: Cluster, pod: Object, label: str) -> Reason:
    return Reason(code="probe", fix="mend the program, or readinessProbe (its path and port)",
                  text=f"the readiness probe of {label} fails{_because(cluster, pod)}")


def _because(cluster: Cluster, pod: Object) -> str:
    message = _event(cluster, pod, "Unhealthy")
    return f": {message}" if message else ""


def _event(cluster: Cluster, pod: Object, reason: str) -> str:
    """The message of the Pod's latest event with a reason."""
    found = [event for event in cluster.list("events", namespace(pod))
             if event.get("reason") == reason
             and event.get("involvedObject", {}).get("name") == name(pod)]
    found.sort(key=lambda event: event.get("lastTimestamp") or "")
    return str(found[-1]["message"]).strip() if found else ""
