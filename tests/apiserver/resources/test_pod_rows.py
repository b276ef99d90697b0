"""What `kubectl get pods` shows."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.resources.core.pods import PODS
from tests.apiserver.resources.kinds import NOW, cells, made


def running(**more: Any) -> dict[str, Any]:
    return {"name": "c", "ready": True, "restartCount": 0,
            "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}, **more}


def pod(*statuses: dict[str, Any], phase: str = "Running", **more: Any) -> dict[str, Any]:
    body = made(PODS, spec={"containers": [{"name": "c", "image": "i"}]})
    return body | {"status": {"phase": phase, "containerStatuses": list(statuses), **more}}


@pytest.mark.parametrize(("body", "ready", "status"), [
    (pod(phase="Pending"), "0/1", "Pending"),
    (pod(running()), "1/1", "Running"),
    (pod(running(ready=False)), "0/1", "Running"),
    (pod(running(ready=False, state={"waiting": {"reason": "CrashLoopBackOff"}})),
     "0/1", "CrashLoopBackOff"),
    (pod(running(ready=False, state={"terminated": {"reason": "Completed", "exitCode": 0}}),
         phase="Succeeded"), "0/1", "Completed"),
    (pod(running(ready=False, state={"terminated": {"exitCode": 3}})), "0/1", "ExitCode:3"),
    (pod(running(ready=False, state={"terminated": {"exitCode": 137, "signal": 9}})),
     "0/1", "Signal:9"),
    (pod(phase="Failed", reason="Evicted"), "0/1", "Evicted"),
])
def test_ready_and_status(body: dict[str, Any], ready: str, status: str) -> None:
    row = cells(PODS, body)
    assert (row["Ready"], row["Status"]) == (ready, status)


def test_a_pod_that_goes() -> None:
    body = pod(running())
    body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert cells(PODS, body)["Status"] == "Terminating"


def test_init_containers_come_first() -> None:
    body = pod(phase="Pending", initContainerStatuses=[
        {"name": "a", "restartCount": 0, "state": {"terminated": {"exitCode": 0}}},
        {"name": "b", "restartCount": 2, "state": {"running": {}}}])
    body["spec"]["initContainers"] = [{"name": "a", "image": "i"}, {"name": "b", "image": "i"}]
    row = cells(PODS, body)
    assert (row["Status"], row["Restarts"]) == ("Init:1/2", "2")


def test_restarts_say_when() -> None:
    ended = {"terminated": {"exitCode": 1, "finishedAt": "2025-12-31T23:55:00Z"}}
    row = cells(PODS, pod(running(restartCount=3, lastState=ended)))
    assert row["Restarts"] == "3 (5m ago)"


def test_wide_columns() -> None:
    row = cells(PODS, pod(running(), podIPs=[{"ip": "10.0.0.1"}, {"ip": "fd00::1"}],
                          podIP="10.0.0.1"), NOW + 90)
    assert (row["IP"], row["Node"], row["Nominated Node"], row["Readiness Gates"], row["Age"]) == (
        "10.0.0.1", "<none>", "<none>", "<none>", "90s")
