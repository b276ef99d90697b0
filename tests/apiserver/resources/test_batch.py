"""Jobs and CronJobs."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.resources.batch.cron import schedule_error
from apiserver.resources.batch.cronjobs import CRONJOBS
from apiserver.resources.batch.job_validation import count_indexes
from apiserver.resources.batch.jobs import JOBS
from tests.apiserver.resources.kinds import cells, create_errors, made, update_errors


def template(policy: str = "Never") -> dict[str, Any]:
    return {"spec": {"restartPolicy": policy, "containers": [{"name": "c", "image": "i"}]}}


def test_a_job_selects_pods_by_its_uid() -> None:
    obj = made(JOBS, spec={"template": template()})
    labels = {"batch.kubernetes.io/controller-uid": "u1", "batch.kubernetes.io/job-name": "a",
              "controller-uid": "u1", "job-name": "a"}
    assert obj["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": "u1"}}
    assert obj["spec"]["template"]["metadata"]["labels"] == labels
    assert obj["metadata"]["labels"] == labels
    assert create_errors(JOBS, spec={"template": template()}) == []


def test_job_defaults() -> None:
    spec = made(JOBS, spec={"template": template(), "backoffLimitPerIndex": 1})["spec"]
    assert (spec["completions"], spec["parallelism"], spec["backoffLimit"]) == (1, 1, 2**31 - 1)
    assert spec["podReplacementPolicy"] == "TerminatingOrFailed"


@pytest.mark.parametrize(("spec", "error"), [
    ({"template": template("Always")},
     'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'),
    ({"template": template(), "completionMode": "Indexed", "parallelism": 1},
     "spec.completions: Required value: when completion mode is Indexed"),
    ({"template": template(), "maxFailedIndexes": 1, "backoffLimitPerIndex": 1},
     "spec.maxFailedIndexes: Invalid value: 1: requires indexed completion mode"),
    ({"template": template(), "podFailurePolicy": {"rules": [{"action": "FailJob"}]}},
     "spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and "
     "OnPodConditions is required"),
    ({"template": template(), "podFailurePolicy": {"rules": [
        {"action": "Count", "onExitCodes": {"operator": "In", "values": [2, 0]}}]}},
     "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,0]: must be ordered"),
    ({"template": template(), "parallelism": -1},
     "spec.parallelism: Invalid value: -1: must be greater than or equal to 0"),
])
def test_wrong_jobs(spec: dict[str, Any], error: str) -> None:
    assert error in create_errors(JOBS, spec=spec)


def test_a_job_keeps_its_template_once_started() -> None:
    old = made(JOBS, spec={"template": template()})
    errors = update_errors(JOBS, old, lambda new: new["spec"]["template"]["spec"].update(
        nodeSelector={"a": "b"}))
    assert [error.partition(": ")[0] for error in errors] == ["spec.template"]
    old["spec"]["suspend"] = True
    assert update_errors(JOBS, old, lambda new: new["spec"]["template"]["spec"].update(
        nodeSelector={"a": "b"})) == []


@pytest.mark.parametrize(("conditions", "status"), [
    ([], "Running"),
    ([{"type": "Complete", "status": "True"}], "Complete"),
    ([{"type": "Failed", "status": "True"}], "Failed"),
    ([{"type": "Suspended", "status": "True"}], "Suspended"),
    ([{"type": "Suspended", "status": "False"}], "Running"),
])
def test_job_rows(conditions: list[dict[str, str]], status: str) -> None:
    obj = made(JOBS, spec={"template": template(), "completions": 3})
    obj["status"] = {"conditions": conditions, "succeeded": 2,
                     "startTime": "2025-12-31T23:59:00Z", "completionTime": "2025-12-31T23:59:30Z"}
    row = cells(JOBS, obj)
    assert (row["Status"], row["Completions"], row["Duration"]) == (status, "2/3", "30s")


@pytest.mark.parametrize("text", [
    "* * * * *", "*/5 0-6 1,15 jan mon-fri", "@daily", "@every 1h", "0 0 1 1 ?", "5/10 * * * *",
    "TZ=UTC 0 0 * * *"])
def test_right_schedules(text: str) -> None:
    assert schedule_error(text) == ""


@pytest.mark.parametrize(("text", "error"), [
    ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
    ("60 * * * *", "end of range (60) above maximum (59): 60"),
    ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
    ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
    ("*/0 * * * *", "step of range should be a positive number: */0"),
    ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
    ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
    ("@never", "unrecognized descriptor: @never"),
])
def test_wrong_schedules(text: str, error: str) -> None:
    assert schedule_error(text) == error


def test_cron_jobs() -> None:
    body = {"schedule": "x", "timeZone": "Nowhere/None", "concurrencyPolicy": "Never",
            "jobTemplate": {"spec": {"template": template()}}}
    errors = create_errors(CRONJOBS, spec=body)
    assert [error.partition(": ")[0] for error in errors] == [
        "spec.schedule", "spec.timeZone", "spec.concurrencyPolicy"]
    right = made(CRONJOBS, spec={"schedule": "@daily", "jobTemplate": body["jobTemplate"]})
    row = cells(CRONJOBS, right)
    assert (row["Suspend"], row["Active"], row["Last Schedule"], row["Timezone"]) == (
        "False", 0, "<none>", "<none>")
    assert "selector" not in right["spec"]["jobTemplate"]["spec"]


def test_indexes_are_counted() -> None:
    assert count_indexes("1,3-5", 10) == 4
    assert count_indexes("", 10) == 0


@pytest.mark.parametrize("text", ["3,1", "1-1", "5-3", "10", "a", "1-2-3", "1,,2", "2-2"])
def test_wrong_indexes(text: str) -> None:
    with pytest.raises(ValueError, match=r"order|large|convert|fragment"):
        count_indexes(text, 10)


def resting(**status: Any) -> dict[str, Any]:
    return made(JOBS, spec={"template": template(), "suspend": True}) | {"status": status}


def asking_more(job: dict[str, Any]) -> None:
    spec = job["spec"]["template"]["spec"]
    spec["nodeSelector"] = {"zone": "a"}
    spec["containers"][0]["resources"] = {"requests": {"cpu": "4"}}
    job["spec"]["template"]["metadata"]["labels"]["x"] = "y"


@pytest.mark.parametrize(("status", "path"), [
    ({}, ""),
    ({"startTime": "2026-01-01T00:00:00Z"}, "spec.template"),
    ({"startTime": "2026-01-01T00:00:00Z",
      "conditions": [{"type": "Suspended", "status": "True"}]}, ""),
    ({"active": 1}, "spec.template"),
])
def test_a_job_that_rests_may_be_given_other_resources(status: dict[str, Any], path: str) -> None:
    errors = update_errors(JOBS, resting(**status), asking_more)
    assert [error.partition(": ")[0] for error in errors] == ([path] if path else [])


def test_a_job_that_rests_keeps_its_images() -> None:
    errors = update_errors(JOBS, resting(), lambda new: new["spec"]["template"]["spec"][
        "containers"][0].update(image="other"))
    assert [error.partition(": ")[0] for error in errors] == ["spec.template.spec"]


def test_what_is_wrong_with_an_interval() -> None:
    assert schedule_error("@every 1h30m") == ""
    assert schedule_error("@every x") == (
        'failed to parse duration @every x: time: invalid duration "x"')


def test_a_cron_jobs_template_makes_its_own_selector() -> None:
    job = {"spec": {"template": template(), "selector": {}, "manualSelector": True},
           "metadata": {"labels": {"no good": ""}}}
    assert create_errors(CRONJOBS, spec={"schedule": "@daily", "jobTemplate": job}) == [
        "spec.jobTemplate.spec.selector: Invalid value: {}: `selector` will be auto-generated",
        'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", '
        '"false"']
