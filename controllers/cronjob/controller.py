"""What is due, what is over, what is kept. Models cronjob/cronjob_controllerv2.go."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from apiserver.machinery import meta
from apiserver.machinery.clock import parse_time, rfc3339
from apiserver.machinery.errors import AlreadyExists, NotFound
from apiserver.machinery.gvk import CRONJOBS, GVR, JOBS
from controllers import pods
from controllers.controller import Controller, ControllerContext, KeysOf, Result, own_key
from controllers.cronjob.schedule import Every, Schedule, ScheduleError, parse_schedule
from controllers.events import NORMAL, WARNING, reference
from controllers.informer import BY_CONTROLLER
from controllers.job.state import has_condition, is_finished
from controllers.ownedpods import owner_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.machinery.types import Object

SCHEDULED_AT: Final = "batch.kubernetes.io/cronjob-scheduled-timestamp"
DELAY: Final = 0.1
"""Seconds after its time at which a schedule is looked at."""
MANY_MISSED: Final = 100


class CronJobController(Controller):
    """Key: a CronJob."""

    name: ClassVar[str] = "cronjob-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._clock = ctx.clock
        self._events = ctx.events.recorder(self.name)
        self._crons = ctx.informers.get(CRONJOBS, "namespace")
        self._jobs = ctx.informers.get(JOBS, BY_CONTROLLER)

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {CRONJOBS: own_key, JOBS: self._job_changed}

    def _job_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        owned = [one for one in (old, new)
                 if one is not None and meta.controller_ref(one) is not None]
        return owner_keys(self._crons, "CronJob", owned[0], owned[-1]) if owned else ()

    async def reconcile(self, key: str) -> Result | None:
        cron = self._crons.get(key)
        if cron is None or meta.is_terminating(cron):
            return None
        jobs = {meta.uid(job): job for job in self._jobs.controlled_by(meta.uid(cron))}
        status = await self._settle_active(cron, jobs)
        await self._clean_up(cron, jobs.values())
        wait = await self._schedule(cron, status, jobs)
        if status != pods.status(cron):
            await self._client.update(CRONJOBS, {**cron, "status": status}, subresource="status")
        return Result(requeue_after=wait)

    # What is over --------------------------------------------------------------------------------

    async def _settle_active(self, cron: Object, jobs: Mapping[str, Object]) -> dict[str, Any]:
        """The status without Jobs that have ended or vanished."""
        status: dict[str, Any] = dict(pods.status(cron))
        active = []
        for ref in status.pop("active", None) or ():
            job = jobs.get(ref["uid"])
            if job is None:
                self._events.event(cron, NORMAL, "MissingJob",
                                   f"Active job went missing: {ref['name']}")
            elif is_finished(job):
                self._say_over(cron, job)
                _note_success(status, job)
            else:
                active.append(ref)
        return {**status, "active": active} if active else status

    def _say_over(self, cron: Object, job: Object) -> None:
        outcome = "Complete" if has_condition(job, "Complete") else "Failed"
        self._events.event(cron, NORMAL, "SawCompletedJob",
                           f"Saw completed job: {meta.name(job)}, condition: {outcome}")

    async def _clean_up(self, cron: Object, jobs: Iterable[Object]) -> None:
        """Delete the oldest finished Jobs beyond the history limits."""
        finished = sorted((job for job in jobs if is_finished(job)), key=_started)
        for field, outcome in (("successfulJobsHistoryLimit", "Complete"),
                               ("failedJobsHistoryLimit", "Failed")):
            limit = pods.spec(cron).get(field)
            kept = [job for job in finished if has_condition(job, outcome)]
            for job in kept[:max(0, len(kept) - limit)] if limit is not None else ():
                await self._delete(cron, job)

    async def _delete(self, cron: Object, job: Object) -> None:
        try:
            await self._client.delete(JOBS, meta.name(job), meta.namespace(job),
                                      propagation="Background")
        except NotFound:
            return
        self._events.event(cron, NORMAL, "SuccessfulDelete", f"Deleted job {meta.name(job)}")

    # What is due ---------------------------------------------------------------------------------

    async def _schedule(self, cron: Object, status: dict[str, Any],
                        jobs: Mapping[str, Object]) -> float | None:
        """Start what is due, noting it in `status`; seconds until the next time."""
        spec, now = pods.spec(cron), self._clock.now()
        if spec.get("suspend"):
            return None
        try:
            schedule = parse_schedule(spec["schedule"], spec.get("timeZone") or "")
        except ScheduleError as error:
            self._events.event(cron, WARNING, "UnparseableSchedule",
                               f"unparseable schedule {spec['schedule']!r}: {error}")
            return None
        due = self._due(cron, schedule, now)
        if due is not None and not _too_late(cron, due, now):
            await self._start(cron, status, jobs, due, schedule)
        elif due is not None:
            self._events.event(cron, WARNING, "MissSchedule",
                               f"Missed scheduled time to start a job: {rfc3339(due)}")
        upcoming = schedule.next(now)
        return None if upcoming is None else upcoming - now + DELAY

    def _due(self, cron: Object, schedule: Schedule | Every, now: float) -> float | None:
        """The latest time since the last start that has come (`mostRecentScheduleTime`)."""
        last = pods.status(cron).get("lastScheduleTime") or cron["metadata"]["creationTimestamp"]
        since = parse_time(last)
        deadline = pods.spec(cron).get("startingDeadlineSeconds")
        if deadline is not None:
            since = max(since, now - float(deadline))
        due, missed = None, 0
        at = schedule.next(since)
        while at is not None and at <= now:
            due, missed = at, missed + 1
            at = schedule.next(at)
        if missed > MANY_MISSED:
            self._events.event(cron, WARNING, "TooManyMissedTimes",
                               f"too many missed start times: {missed}. Set or decrease "
                               ".spec.startingDeadlineSeconds or check clock skew")
        return due

    async def _start(self, cron: Object, status: dict[str, Any], jobs: Mapping[str, Object],
                     due: float, schedule: Schedule | Every) -> None:
        active: list[Object] = list(status.get("active") or ())
        policy = pods.spec(cron).get("concurrencyPolicy", "Allow")
        if policy == "Forbid" and active:
            self._events.event(
                cron, NORMAL, "JobAlreadyActive", "Not starting job because prior execution is "
                "running and concurrency policy is Forbid")
            return
        if policy == "Replace":
            for ref in active:
                await self._delete(cron, jobs[ref["uid"]])
            active = []
        job = _build_job(cron, due, schedule)
        try:
            created = await self._client.create(JOBS, job, meta.namespace(cron))
        except AlreadyExists:
            created = await self._client.get(JOBS, meta.name(job), meta.namespace(cron))
            if not meta.is_controlled_by(created, cron):
                raise
        else:
            self._events.event(cron, NORMAL, "SuccessfulCreate",
                               f"Created job {meta.name(created)}")
        status["active"] = [*active, reference(created)]
        status["lastScheduleTime"] = rfc3339(due)


def _note_success(status: dict[str, Any], job: Object) -> None:
    ended = pods.status(job).get("completionTime")
    if ended and ended > status.get("lastSuccessfulTime", ""):
        status["lastSuccessfulTime"] = ended


def _started(job: Object) -> tuple[str, str]:
    return pods.status(job).get("startTime") or "", meta.name(job)


def _too_late(cron: Object, due: float, now: float) -> bool:
    deadline = pods.spec(cron).get("startingDeadlineSeconds")
    return deadline is not None and due + float(deadline) < now


def _build_job(cron: Object, due: float, schedule: Schedule | Every) -> Object:
    """The Job of one time; its name says which, so that it is never started twice."""
    template = pods.spec(cron)["jobTemplate"]
    known = template.get("metadata") or {}
    stamp = datetime.fromtimestamp(due, schedule.zone).isoformat().replace("+00:00", "Z")
    metadata: dict[str, Any] = {
        "name": f"{meta.name(cron)}-{int(due) // 60}", "namespace": meta.namespace(cron),
        "annotations": {**(known.get("annotations") or {}), SCHEDULED_AT: stamp},
        "ownerReferences": [meta.new_controller_ref(cron)]}
    if known.get("labels"):
        metadata["labels"] = known["labels"]
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata,
            "spec": template["spec"]}
