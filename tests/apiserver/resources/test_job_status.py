"""Which statuses a Job may have (the cases of TestStatusStrategy_ValidateUpdate and their like)."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.resources.batch.jobs import JOBS
from tests.apiserver.resources.kinds import context

START, LATER = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"
BAD = "status.conditions: Invalid value: "
INDEXED = {"completionMode": "Indexed", "completions": 5}
PER_INDEX = {**INDEXED, "backoffLimitPerIndex": 1}
POLICY = {**INDEXED, "successPolicy": {"rules": [{"succeededIndexes": "0-2"}]}}
STARTED = {"startTime": START}
ENDED = {**STARTED, "completionTime": START}


def errors(old: dict[str, Any], new: dict[str, Any], **spec: Any) -> list[str]:
    objects = ({"metadata": {"name": "a"}, "spec": spec, "status": status} for status in (new, old))
    return [str(e) for e in JOBS.strategy.validate_status_update(
        context(JOBS, "update"), *objects)]


def holds(*conditions: str, **status: Any) -> dict[str, Any]:
    return {"conditions": [{"type": c, "status": "True"} for c in conditions], **status}


@pytest.mark.parametrize(("old", "new", "expected"), [
    ({}, holds("Complete", "Failed", **ENDED), [
        BAD + "cannot set Complete=True and Failed=true conditions",
        BAD + "cannot set Failed=True condition without the FailureTarget=true condition",
        BAD + "cannot set Complete=True condition without the SuccessCriteriaMet=true condition"]),
    ({}, holds("Complete", **ENDED), [
        BAD + "cannot set Complete=True condition without the SuccessCriteriaMet=true condition"]),
    ({}, holds("Failed", **STARTED), [
        BAD + "cannot set Failed=True condition without the FailureTarget=true condition"]),
    (ENDED, STARTED, []),
    (holds("FailureTarget"), holds("FailureTarget", "Failed"),
     ["status.startTime: Required value: startTime is required for finished job"]),
    (holds("FailureTarget", **STARTED), holds("FailureTarget", "Failed", active=1, **STARTED),
     ["status.active: Invalid value: 1: active>0 is invalid for finished job"]),
    (holds("FailureTarget", **STARTED), holds("FailureTarget", "Failed", terminating=1, **STARTED),
     ["status.terminating: Invalid value: 1: terminating>0 is invalid for finished job"]),
    (holds("Complete", **ENDED, uncountedTerminatedPods={"failed": ["a"]}),
     holds("Complete", **ENDED, uncountedTerminatedPods={"failed": ["b"]}),
     ['status.uncountedTerminatedPods: Invalid value: {"Succeeded":null,"Failed":["b"]}: '
      "uncountedTerminatedPods needs to be empty for finished job"]),
    (holds("Complete", **ENDED, uncountedTerminatedPods={"failed": ["a"]}),
     holds("Complete", "Custom", **ENDED, uncountedTerminatedPods={"failed": ["a"]}), []),
    ({}, {"uncountedTerminatedPods": {"succeeded": ["a", ""], "failed": ["a"]}},
     ['status.uncountedTerminatedPods.succeeded[1]: Invalid value: "": must not be empty',
      'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"']),
    (holds("SuccessCriteriaMet", **STARTED), holds("SuccessCriteriaMet", "Complete", **STARTED),
     ["status.completionTime: Required value: completionTime is required for Complete jobs"]),
    (STARTED, {}, ["status.startTime: Required value: startTime cannot be removed for unsuspended "
                   "job"]),
    (STARTED, {"startTime": LATER}, [
        "status.startTime: Required value: startTime cannot be removed for unsuspended job"]),
    (holds("Suspended", **STARTED), {"startTime": LATER}, []),
    (holds("SuccessCriteriaMet", startTime=LATER),
     holds("SuccessCriteriaMet", "Complete", startTime=LATER, completionTime=START),
     [f'status.completionTime: Invalid value: "{START}": completionTime cannot be set before '
      "startTime"]),
    (holds("Complete", completionTime=START), holds("Complete", **STARTED, completionTime=LATER),
     [f'status.completionTime: Invalid value: "{LATER}": completionTime cannot be mutated']),
    (holds("Failed"), {}, [BAD + "cannot disable the terminal Failed=True condition"]),
    (holds("FailureTarget"), {}, [
        BAD + "cannot disable the terminal FailureTarget=True condition"]),
    ({}, ENDED, [f'status.completionTime: Invalid value: "{START}": cannot set completionTime '
                 "when there is no Complete=True condition"]),
    ({"failed": 3}, {"failed": 1},
     ["status.failed: Invalid value: 1: cannot decrease the failed counter"]),
    ({"succeeded": 3}, {"succeeded": 1},
     ["status.succeeded: Invalid value: 1: cannot decrease the succeeded counter"]),
    ({}, {"active": 1, "ready": 2},
     ["status.ready: Invalid value: 2: cannot set more ready pods than active"]),
    ({"active": 1, "ready": 2}, {"active": 1, "ready": 2, "succeeded": 1}, []),
    ({}, {"completedIndexes": "0"},
     ['status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when '
      "non-indexed completion mode"]),
    (holds("SuccessCriteriaMet"), holds("SuccessCriteriaMet", "Failed", "FailureTarget", **STARTED),
     [BAD + "cannot set SuccessCriteriaMet=True and Failed=true conditions",
      BAD + "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"]),
    (holds("SuccessCriteriaMet"), {}, [
        BAD + "cannot disable the SuccessCriteriaMet=True condition"]),
    (holds("Complete", **ENDED), holds("Complete", "SuccessCriteriaMet", **ENDED),
     [BAD + "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions"]),
])
def test_a_job_ends_once_and_for_a_reason(old: dict[str, Any], new: dict[str, Any],
                                          expected: list[str]) -> None:
    assert errors(old, new) == expected


@pytest.mark.parametrize(("spec", "new", "expected"), [
    (INDEXED, {"failedIndexes": "0"},
     ['status.failedIndexes: Invalid value: "0": cannot set non-null failedIndexes when '
      "backoffLimitPerIndex is null"]),
    (INDEXED, {"completedIndexes": "x"},
     ['status.completedIndexes: Invalid value: "x": error parsing completedIndexes: cannot '
      'convert string to integer for index: "x"']),
    (PER_INDEX, {"failedIndexes": "5"},
     ['status.failedIndexes: Invalid value: "5": error parsing failedIndexes: too large index: '
      '"5"']),
    (PER_INDEX, {"failedIndexes": "0,2", "completedIndexes": "2-4"},
     ['status.failedIndexes: Invalid value: "0,2": failedIndexes and completedIndexes overlap at '
      "index: 2"]),
    (POLICY, holds("Complete", **ENDED), [
        BAD + "cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
        BAD + "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True",
    ]),
    ({"suspend": True, "completions": 0},
     holds("SuccessCriteriaMet", "Complete", completionTime=START), []),
])
def test_indexes_and_policies(spec: dict[str, Any], new: dict[str, Any],
                              expected: list[str]) -> None:
    assert errors({}, new, **spec) == expected


def test_an_elastic_job_may_count_down() -> None:
    assert errors({"succeeded": 3}, {"succeeded": 1}, **INDEXED, parallelism=5) == []
