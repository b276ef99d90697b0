"""A pod's status from what the node knows. Models pkg/kubelet/kubelet_pods.go
(generateAPIPodStatus, getPhase), pkg/kubelet/status/generate.go and the patch of status_manager.go.
Pure functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.clock import rfc3339
from apiserver.machinery.meta import generation
from controllers.node.record import Kind, State, container_specs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apiserver.machinery.types import Object
    from controllers.node.record import ContainerRecord, PodRecord, Terminated

KUBELET_CONDITIONS: Final = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady",
                             "PodScheduled")


def pod_status(pod: Object, record: PodRecord, host_ips: Sequence[str], now: float) -> Object:
    """The whole status that the node wants the pod to have."""
    specs = {spec["name"]: spec for spec in container_specs(pod)}
    phase = phase_of(pod, record)
    status: Object = {
        "phase": phase,
        "conditions": _conditions(pod, record, phase, now),
        "hostIP": host_ips[0],
        "hostIPs": [{"ip": ip} for ip in host_ips],
        "startTime": rfc3339(record.start_time),
        "containerStatuses": [container_status(c, specs[c.name]) for c in record.of_kind(Kind.APP)],
    }
    if generation(pod):
        status["observedGeneration"] = generation(pod)
    if record.sandbox is not None:
        status["podIP"] = record.sandbox.address
        status["podIPs"] = [{"ip": ip} for ip in record.sandbox.addresses]
    inits = [container_status(c, specs[c.name]) for c in record.of_kind(Kind.INIT, Kind.SIDECAR)]
    if inits:
        status["initContainerStatuses"] = inits
    added = [container_status(c, specs[c.name]) for c in record.of_kind(Kind.EPHEMERAL)]
    if added:
        status["ephemeralContainerStatuses"] = added
    if record.failure is not None:
        status["reason"], status["message"] = record.failure
    return status


def phase_of(pod: Object, record: PodRecord) -> str:
    """Pending, Running, Succeeded or Failed."""
    if record.failure is not None:
        return "Failed"
    policy = pod["spec"].get("restartPolicy", "Always")
    if _init_failed(record, policy) and not record.alive:
        return "Failed"
    if _init_pending(record):
        return "Pending"
    apps = list(record.of_kind(Kind.APP))
    if any(c.state is State.WAITING and c.last_run is None for c in apps):
        return "Pending"
    if any(c.state is State.RUNNING for c in record.of_kind(Kind.SIDECAR, Kind.APP)):
        return "Running"
    return _ended_phase(apps, policy, final=record.finished)


def _ended_phase(apps: list[ContainerRecord], policy: str, *, final: bool) -> str:
    codes = [c.last_run.exit.exit_code for c in apps if c.last_run is not None]
    succeeded = all(code == 0 for code in codes)
    if final or policy != "Always":
        if succeeded:
            return "Succeeded"
        if final or policy == "Never":
            return "Failed"
    return "Running"


def container_status(record: ContainerRecord, spec: Mapping[str, Any]) -> Object:
    """One entry of containerStatuses."""
    resources, last = spec.get("resources") or {}, record.last_state
    status: Object = {
        "name": record.name,
        "state": {record.state.value: _state(record)},
        "lastState": {"terminated": _terminated(last)} if last else {},
        "ready": record.ready,
        "restartCount": record.restart_count,
        "image": record.image or spec["image"],
        "imageID": record.image_id,
        "started": record.started,
    }
    if record.container_id:
        status["containerID"] = record.container_id
        status["resources"] = resources
        if resources.get("requests"):
            status["allocatedResources"] = resources["requests"]
    if spec.get("volumeMounts"):
        status["volumeMounts"] = [_mount_status(mount) for mount in spec["volumeMounts"]]
    return status


def with_foreign_conditions(status: Object, old: Mapping[str, Any]) -> Object:
    """The status with conditions of others kept, and times of what has not changed."""
    before = {c["type"]: c for c in old.get("conditions") or ()}
    merged = [_keep_transition(condition, before.get(condition["type"]))
              for condition in status["conditions"]]
    ours = {condition["type"] for condition in merged}
    merged += [condition for kind, condition in before.items() if kind not in ours]
    return {**status, "conditions": merged}


def status_patch(old: Mapping[str, Any], new: Mapping[str, Any], uid: str) -> Object | None:
    """The strategic merge patch from `old` to `new`; None when there is nothing to say."""
    change: Object = {key: value for key, value in new.items() if old.get(key) != value}
    for gone in ("podIP", "podIPs", "reason", "message"):
        if gone in old and gone not in new:
            change[gone] = None
    if not change:
        return None
    if "podIPs" in change and change["podIPs"] and old.get("podIPs"):
        change["podIPs"] = [*change["podIPs"], {"$patch": "replace"}]
    if "conditions" in change:
        known = {c["type"]: c for c in old.get("conditions") or ()}
        change["conditions"] = [_condition_patch(c, known.get(c["type"], {}))
                                for c in new["conditions"] if c != known.get(c["type"])]
    return {"metadata": {"uid": uid}, "status": change}


def _condition_patch(new: Object, old: Mapping[str, Any]) -> Object:
    """Null for what the old condition had and the new one lacks."""
    return {**dict.fromkeys(old.keys() - new.keys()), **new}


def _state(record: ContainerRecord) -> Object:
    if record.state is State.RUNNING:
        return {"startedAt": rfc3339(record.started_at)}
    if record.state is State.TERMINATED and record.ended is not None:
        return _terminated(record.ended)
    waiting = {"reason": record.reason}
    if record.message:
        waiting["message"] = record.message
    return waiting


def _terminated(run: Terminated) -> Object:
    state: Object = {"exitCode": run.exit.exit_code, "reason": run.exit.reason}
    if run.exit.signal:
        state["signal"] = run.exit.signal
    if run.exit.message:
        state["message"] = run.exit.message
    return {**state, "startedAt": rfc3339(run.started_at), "finishedAt": rfc3339(run.finished_at),
            "containerID": run.container_id}


def _mount_status(mount: Mapping[str, Any]) -> Object:
    status = {"name": mount["name"], "mountPath": mount["mountPath"]}
    if mount.get("readOnly"):
        status |= {"readOnly": True,
                   "recursiveReadOnly": mount.get("recursiveReadOnly", "Disabled")}
    return status


def _init_pending(record: PodRecord) -> bool:
    """Whether init containers still keep the app containers from starting."""
    if any(c.container_id for c in record.of_kind(Kind.APP)):
        return False
    return any(not _init_done(c) for c in record.of_kind(Kind.INIT, Kind.SIDECAR))


def _init_failed(record: PodRecord, policy: str) -> bool:
    return policy == "Never" and any(
        c.ended is not None and c.ended.exit.exit_code for c in record.of_kind(Kind.INIT))


def _init_done(record: ContainerRecord) -> bool:
    if record.kind is Kind.SIDECAR:
        return record.started
    return record.ended is not None and record.ended.exit.exit_code == 0


def _conditions(pod: Object, record: PodRecord, phase: str, now: float) -> list[Object]:
    containers_ready = _containers_ready(record, phase)
    facts = {
        "PodReadyToStartContainers": ("True" if _sandbox_ready(record) else "False", "", ""),
        "Initialized": _initialized(record, phase),
        "Ready": _ready(pod, containers_ready),
        "ContainersReady": containers_ready,
        "PodScheduled": ("True", "", ""),
    }
    observed = {"observedGeneration": generation(pod)} if generation(pod) else {}
    return [_condition(kind, *facts[kind], observed, now) for kind in KUBELET_CONDITIONS]


def _sandbox_ready(record: PodRecord) -> bool:
    return record.sandbox is not None and not record.finished


def _condition(kind: str, value: str, reason: str, message: str, observed: Object,
               now: float) -> Object:
    said = {key: text for key, text in (("reason", reason), ("message", message)) if text}
    return {"type": kind, **observed, "status": value, "lastProbeTime": None,
            "lastTransitionTime": rfc3339(now), **said}


def _initialized(record: PodRecord, phase: str) -> tuple[str, str, str]:
    if phase == "Succeeded":
        return "True", "PodCompleted", ""
    late = [c.name for c in record.of_kind(Kind.INIT, Kind.SIDECAR) if not _init_done(c)]
    if not late or any(c.container_id for c in record.of_kind(Kind.APP)):
        return "True", "", ""
    return ("False", "ContainersNotInitialized",
            f"containers with incomplete status: [{' '.join(late)}]")


def _containers_ready(record: PodRecord, phase: str) -> tuple[str, str, str]:
    if phase in ("Succeeded", "Failed"):
        return "False", "PodCompleted" if phase == "Succeeded" else "PodFailed", ""
    unready = [c.name for c in record.of_kind(Kind.SIDECAR, Kind.APP) if not c.ready]
    if not unready:
        return "True", "", ""
    return "False", "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"


def _ready(pod: Object, containers_ready: tuple[str, str, str]) -> tuple[str, str, str]:
    """Ready is ContainersReady and every readiness gate."""
    if containers_ready[0] != "True":
        return containers_ready
    values = {c["type"]: c["status"] for c in (pod.get("status") or {}).get("conditions") or ()}
    wrong = []
    for gate in pod["spec"].get("readinessGates") or ():
        kind = gate["conditionType"]
        if kind not in values:
            wrong.append(f'corresponding condition of pod readiness gate "{kind}" does not exist.')
        elif values[kind] != "True":
            wrong.append(f'the status of pod readiness gate "{kind}" is not "True", '
                         f"but {values[kind]}")
    return ("False", "ReadinessGatesNotReady", ", ".join(wrong)) if wrong else ("True", "", "")


def _keep_transition(new: Object, old: Mapping[str, Any] | None) -> Object:
    if old is not None and old.get("status") == new["status"]:
        return {**new, "lastTransitionTime": old.get("lastTransitionTime")}
    return new
