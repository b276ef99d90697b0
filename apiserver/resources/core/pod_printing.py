"""The row of a Pod in `kubectl get pods`. Models printPod in printers.go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apiserver.machinery.clock import parse_time
from apiserver.resources.printing import AGE, NAME, NONE, field, human_duration, named

if TYPE_CHECKING:
    from collections.abc import Callable

    from apiserver.machinery.types import Object
    from apiserver.resource import Cell

_ENDED = frozenset({"Succeeded", "Failed"})


@dataclass(slots=True)
class _Summary:
    """What the columns Ready, Status and Restarts say."""

    ready: int = 0
    total: int = 0
    reason: str = ""
    restarts: int = 0
    last_restart: str = ""
    """The end of the container that was restarted last, RFC 3339; '' when none."""

    def add_restarts(self, container: Object) -> None:
        """Count a container's restarts and remember the latest."""
        self.restarts += container.get("restartCount") or 0
        finished = _finished_at(container)
        if finished and (not self.last_restart
                         or parse_time(finished) > parse_time(self.last_restart)):
            self.last_restart = finished


def _finished_at(container: Object) -> str:
    terminated = (container.get("lastState") or {}).get("terminated") or {}
    return terminated.get("finishedAt") or ""


def _condition(status: Object, kind: str) -> bool:
    return any(c.get("type") == kind and c.get("status") == "True"
               for c in status.get("conditions") or ())


def summarize(pod: Object) -> _Summary:
    """Readiness, status word and restarts of a Pod."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    summary = _Summary(reason=status.get("reason") or status.get("phase") or "")
    if any(c.get("type") == "PodScheduled" and c.get("reason") == "SchedulingGated"
           for c in status.get("conditions") or ()):
        summary.reason = "SchedulingGated"
    sidecars = {c["name"] for c in spec.get("initContainers") or ()
                if c.get("restartPolicy") == "Always"}
    summary.total = len(spec.get("containers") or ()) + len(sidecars)
    sidecar_restarts = _Summary()
    initializing = _init_containers(summary, sidecar_restarts, spec, status, sidecars)
    if not initializing or _condition(status, "Initialized"):
        summary.restarts = sidecar_restarts.restarts
        summary.last_restart = sidecar_restarts.last_restart
        _containers(summary, status)
    if pod["metadata"].get("deletionTimestamp"):
        _deleted(summary, status)
    return summary


def _init_containers(summary: _Summary, sidecar_restarts: _Summary, spec: Object, status: Object,
                     sidecars: set[str]) -> bool:
    """Account for the init containers; whether one of them still holds the others up."""
    for i, container in enumerate(status.get("initContainerStatuses") or ()):
        sidecar = container["name"] in sidecars
        summary.add_restarts(container)
        if sidecar:
            sidecar_restarts.add_restarts(container)
        state = container.get("state") or {}
        if "terminated" in state and not state["terminated"].get("exitCode"):
            continue
        if sidecar and container.get("started"):
            summary.ready += bool(container.get("ready"))
            continue
        summary.reason = _init_reason(state) or f"Init:{i}/{len(spec.get('initContainers') or ())}"
        return True
    return False


def _init_reason(state: Object) -> str:
    if "terminated" in state:
        return f"Init:{_terminated(state['terminated'])}"
    waiting = (state.get("waiting") or {}).get("reason") or ""
    return f"Init:{waiting}" if waiting and waiting != "PodInitializing" else ""


def _terminated(terminated: Object) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _containers(summary: _Summary, status: Object) -> None:
    running = False
    for container in reversed(status.get("containerStatuses") or ()):
        summary.add_restarts(container)
        state = container.get("state") or {}
        if (state.get("waiting") or {}).get("reason"):
            summary.reason = state["waiting"]["reason"]
        elif "terminated" in state:
            summary.reason = _terminated(state["terminated"])
        elif container.get("ready") and "running" in state:
            running = True
            summary.ready += 1
    if summary.reason == "Completed" and running:
        summary.reason = "Running" if _condition(status, "Ready") else "NotReady"


def _deleted(summary: _Summary, status: Object) -> None:
    if status.get("reason") == "NodeLost":
        summary.reason = "Unknown"
    elif status.get("phase") not in _ENDED:
        summary.reason = "Terminating"


def _cell(show: Callable[[_Summary, float], Any]) -> Cell:
    return lambda pod, now: show(summarize(pod), now)


def _restarts(summary: _Summary, now: float) -> str:
    if summary.restarts and summary.last_restart:
        ago = human_duration(now - parse_time(summary.last_restart))
        return f"{summary.restarts} ({ago} ago)"
    return str(summary.restarts)


def _ip(pod: Object, now: float) -> str:
    ips = (pod.get("status") or {}).get("podIPs") or ()
    return (ips[0].get("ip") if ips else "") or NONE


def _readiness_gates(pod: Object, now: float) -> str:
    gates = (pod.get("spec") or {}).get("readinessGates") or ()
    if not gates:
        return NONE
    first: dict[str, bool] = {}
    for condition in (pod.get("status") or {}).get("conditions") or ():
        first.setdefault(condition.get("type"), condition.get("status") == "True")
    return f"{sum(first.get(g['conditionType'], False) for g in gates)}/{len(gates)}"


def _or_none(*path: str) -> Cell:
    show = field(*path)
    return lambda pod, now: show(pod, now) or NONE


POD_COLUMNS = (
    NAME,
    named("Ready", _cell(lambda s, now: f"{s.ready}/{s.total}"), "Containers that are ready."),
    named("Status", _cell(lambda s, now: s.reason), "The containers' state in one word."),
    named("Restarts", _cell(_restarts), "How often containers were restarted."),
    AGE,
    named("IP", _ip, "The pod's address.", priority=1),
    named("Node", _or_none("spec", "nodeName"), "Where it runs.", priority=1),
    named("Nominated Node", _or_none("status", "nominatedNodeName"),
          "Where it will run once others have made room.", priority=1),
    named("Readiness Gates", _readiness_gates, "Further conditions for being ready.", priority=1))


def row_conditions(pod: Object) -> list[Object]:
    """The condition `Completed` of a row whose pod has ended."""
    phase = (pod.get("status") or {}).get("phase")
    if phase not in _ENDED:
        return []
    message = "The pod failed." if phase == "Failed" else "The pod has completed successfully."
    return [{"type": "Completed", "status": "True", "reason": phase, "message": message}]
