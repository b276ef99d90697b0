"""Jobs, their time to live, and CronJobs."""

from datetime import UTC, datetime
from typing import Any

import pytest

from apiserver.machinery.gvk import CRONJOBS, EVENTS, JOBS, PODS
from apiserver.machinery.meta import finalizers, is_terminating, name
from apiserver.machinery.types import Object
from controllers.cronjob.schedule import ScheduleError, parse_schedule
from controllers.drive import drive
from controllers.job.indexes import format_indexes, parse_indexes
from tests.controllers.world import World, obj, template

ALL = ("job-controller", "ttl-after-finished-controller", "garbage-collector-controller",
       "cronjob-controller")


def job_spec(restart: str = "Never", **spec: Any) -> Object:
    body = template()
    body["spec"]["restartPolicy"] = restart
    del body["metadata"]
    return {"template": body, **spec}


def world_with(**spec: Any) -> World:
    world = World(*ALL)
    world.create(JOBS, obj("batch/v1", "Job", "j", spec=job_spec(**spec)))
    return world


def end(world: World, phase: str, count: int = 100) -> None:
    """Let Pods that have not ended end."""
    waiting = [name(pod) for pod in world.all(PODS) if pod["status"]["phase"] == "Pending"]
    for own in waiting[:count]:
        drive(world.client.patch(PODS, own, "default", {"status": {"phase": phase}},
                                 subresource="status"))
    world.settle()


def status(world: World) -> Any:
    return world.get(JOBS, "j")["status"]


def conditions(world: World) -> list[tuple[str, str, str]]:
    return [(one["type"], one["status"], one["reason"]) for one in status(world)["conditions"]]


def test_a_job_ends_when_its_pod_has_ended_well() -> None:
    world = world_with()
    assert status(world)["active"] == 1
    assert finalizers(world.all(PODS)[0]) == ["batch.kubernetes.io/job-tracking"]
    end(world, "Succeeded")
    assert conditions(world) == [("SuccessCriteriaMet", "True", "CompletionsReached"),
                                 ("Complete", "True", "CompletionsReached")]
    assert status(world)["succeeded"] == 1
    assert status(world)["completionTime"] == "2026-01-01T00:00:00Z"
    assert finalizers(world.all(PODS)[0]) == ()
    assert [one["message"] for one in world.all(EVENTS)][-1] == "Job completed"


def test_as_many_pods_run_as_parallelism_and_what_is_left_allow() -> None:
    world = world_with(completions=3, parallelism=2)
    assert len(world.names(PODS)) == 2
    end(world, "Succeeded", 1)
    assert (len(world.names(PODS)), status(world)["active"]) == (3, 2)
    end(world, "Succeeded")
    assert (len(world.names(PODS)), status(world)["succeeded"]) == (3, 3)


def test_failed_pods_are_replaced_after_a_growing_delay_up_to_the_limit() -> None:
    world = world_with(backoffLimit=1)
    end(world, "Failed")
    world.advance(9)
    assert len(world.names(PODS)) == 1
    world.advance(2)
    assert len(world.names(PODS)) == 2
    end(world, "Failed")
    assert conditions(world) == [("FailureTarget", "True", "BackoffLimitExceeded"),
                                 ("Failed", "True", "BackoffLimitExceeded")]
    assert status(world)["failed"] == 2


def test_too_long_is_a_failure() -> None:
    world = world_with(activeDeadlineSeconds=5)
    world.advance(6)
    assert conditions(world)[-1] == ("Failed", "True", "DeadlineExceeded")
    assert world.names(PODS) == []


@pytest.mark.verified("truth/api/crud_apps job")
def test_a_suspended_job_has_no_pods_until_it_is_resumed() -> None:
    world = world_with(suspend=True)
    found = {k: v for k, v in status(world).items() if k != "conditions"}
    assert found == {"ready": 0, "terminating": 0, "uncountedTerminatedPods": {}}
    assert conditions(world) == [("Suspended", "True", "JobSuspended")]
    world.patch(JOBS, "j", {"spec": {"suspend": False}})
    assert len(world.names(PODS)) == 1
    assert conditions(world) == [("Suspended", "False", "JobResumed")]
    world.patch(JOBS, "j", {"spec": {"suspend": True}})
    assert world.names(PODS) == []


def test_indexed_pods_have_numbers_and_each_number_is_done_once() -> None:
    world = world_with(completions=3, parallelism=3, completionMode="Indexed")
    hosts = [pod["spec"]["hostname"] for pod in world.all(PODS)]
    assert hosts == ["j-0", "j-1", "j-2"]
    end(world, "Failed", 1)
    world.advance(11)
    assert sorted(pod["spec"]["hostname"] for pod in world.all(PODS)
                  if pod["status"]["phase"] == "Pending") == ["j-0", "j-1", "j-2"]
    end(world, "Succeeded")
    assert status(world)["completedIndexes"] == "0-2"
    assert conditions(world)[-1][0] == "Complete"


def test_a_finished_job_goes_after_its_time_to_live() -> None:
    world = world_with(ttlSecondsAfterFinished=10)
    end(world, "Succeeded")
    world.advance(9)
    assert world.names(JOBS) == ["j"]
    world.advance(2)
    assert (world.names(JOBS), world.names(PODS)) == ([], [])


def test_the_pods_of_a_deleted_job_are_not_held_back() -> None:
    world = world_with()
    world.delete(JOBS, "j", propagation="Background")
    assert (world.names(JOBS), world.names(PODS)) == ([], [])


def test_a_deleted_pod_counts_as_failed_and_is_replaced() -> None:
    world = world_with()
    world.delete(PODS, world.names(PODS)[0])
    world.advance(11)
    assert status(world)["failed"] == 1
    assert [is_terminating(pod) for pod in world.all(PODS)] == [False]


def test_once_settled_there_is_nothing_to_do() -> None:
    world = world_with(completions=3, parallelism=2)
    end(world, "Succeeded", 1)
    before = world.store.revision
    world.manager.controllers["job-controller"].queue.add("default/j")
    world.settle()
    assert world.store.revision == before


@pytest.mark.parametrize(("numbers", "text"), [
    ([], ""), ([0], "0"), ([0, 1], "0,1"), ([0, 1, 2], "0-2"), ([5, 1, 2, 3], "1-3,5")])
def test_index_sets_as_text(numbers: list[int], text: str) -> None:
    assert format_indexes(numbers) == text
    assert parse_indexes(text) == set(numbers)


# CronJobs ----------------------------------------------------------------------------------------


def cron(**spec: Any) -> World:
    world = World(*ALL)
    world.create(CRONJOBS, obj("batch/v1", "CronJob", "c", spec={
        "schedule": "*/5 * * * *", "jobTemplate": {"spec": job_spec()}, **spec}))
    return world


def test_a_job_starts_when_its_time_has_come_and_is_named_after_it() -> None:
    world = cron()
    world.advance(299)
    assert world.names(JOBS) == []
    world.advance(2)
    assert world.names(JOBS) == [f"c-{int(world.clock.now()) // 60}"]
    found = world.get(CRONJOBS, "c")["status"]
    assert found["lastScheduleTime"] == "2026-01-01T00:05:00Z"
    assert [ref["name"] for ref in found["active"]] == world.names(JOBS)
    end(world, "Succeeded")
    found = world.get(CRONJOBS, "c")["status"]
    assert "active" not in found
    assert found["lastSuccessfulTime"] == "2026-01-01T00:05:01Z"


@pytest.mark.parametrize(("policy", "jobs"), [("Allow", 2), ("Forbid", 1), ("Replace", 1)])
def test_concurrency_policy(policy: str, jobs: int) -> None:
    world = cron(concurrencyPolicy=policy)
    world.advance(301)
    first = world.names(JOBS)
    world.advance(300)
    assert len(world.names(JOBS)) == jobs
    assert (first[0] in world.names(JOBS)) == (policy != "Replace")


def test_only_the_last_jobs_are_kept() -> None:
    world = cron(successfulJobsHistoryLimit=2)
    for _ in range(4):
        world.advance(300.5)
        end(world, "Succeeded")
    assert len(world.names(JOBS)) == 2


def test_a_suspended_cron_job_starts_nothing() -> None:
    world = cron(suspend=True)
    world.advance(1000)
    assert world.names(JOBS) == []


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(("text", "after", "expected"), [
    ("* * * * *", "2026-01-01T00:00:30", "2026-01-01T00:01:00"),
    ("*/15 * * * *", "2026-01-01T00:15:00", "2026-01-01T00:30:00"),
    ("0 0 1 1 *", "2026-01-01T00:00:00", "2027-01-01T00:00:00"),
    ("30 9-17/4 * * MON-FRI", "2026-01-02T18:00:00", "2026-01-05T09:30:00"),
    ("0 12 13 * FRI", "2026-01-01T12:00:00", "2026-01-02T12:00:00"),
    ("0 0 29 feb *", "2026-01-01T00:00:00", "2028-02-29T00:00:00"),
    ("@hourly", "2026-01-01T23:10:00", "2026-01-02T00:00:00"),
])
def test_the_next_time_of_a_schedule(text: str, after: str, expected: str) -> None:
    assert parse_schedule(text).next(at(after)) == at(expected)


def test_a_schedule_keeps_to_its_time_zone_over_a_change_of_the_clocks() -> None:
    schedule = parse_schedule("30 9 * * *", "Europe/Berlin")
    assert schedule.next(at("2026-03-28T09:00:00")) == at("2026-03-29T07:30:00")


@pytest.mark.parametrize("text", ["", "* * * *", "60 * * * *", "a * * * *", "*/0 * * * *"])
def test_what_is_no_schedule(text: str) -> None:
    with pytest.raises(ScheduleError):
        parse_schedule(text)


def test_a_time_that_never_comes() -> None:
    assert parse_schedule("0 0 30 2 *").next(at("2026-01-01T00:00:00")) is None


def test_an_interval_is_a_schedule_too() -> None:
    assert parse_schedule("@every 1h30m").next(10.5) == 10 + 5400
    assert parse_schedule("@every 1ms").next(10) == 11
    with pytest.raises(ScheduleError):
        parse_schedule("@every x")
