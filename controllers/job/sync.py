"""One sync of a Job. Models syncJob, manageJob and trackJobStatusAndRemoveFinalizers.

A Pod that has ended keeps its finalizer until its end is counted: first its uid goes into
`status.uncountedTerminatedPods`, then the finalizer is removed, then the count rises. So no end is
lost or counted twice, whatever fails in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery import meta
from apiserver.machinery.clock import parse_time, rfc3339
from apiserver.machinery.errors import ApiError, NotFound
from apiserver.machinery.gvk import JOBS, PODS
from controllers import pods
from controllers.conditions import get_condition, without_condition
from controllers.deletion_order import deletion_order
from controllers.events import NORMAL, WARNING
from controllers.job import state
from controllers.job.indexes import format_indexes, parse_indexes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apiserver.machinery.types import Object
    from controllers.client import Client
    from controllers.events import EventRecorder

MAX_PODS: Final = 500
"""Pods created or deleted in one sync."""

Failure = tuple[str, str]
"""(reason, message) of a Job that has failed."""


class Sync:
    """A Job and its Pods during one sync; `job` is what the server last answered."""

    def __init__(self, client: Client, events: EventRecorder, job: Object, owned: Sequence[Object],
                 now: float) -> None:
        self.job = job
        self.on_create: Callable[[int], None] = lambda count: None
        """Told how many Pods are about to be created."""
        self._client = client
        self._events = events
        self._owned = owned
        self._now = now
        self._tally = state.tally(job, owned)
        self._deleted = 0

    async def run(self, last_failure: float, *, manage: bool) -> float | None:
        """Do all that can be done now; seconds until there is more to do."""
        await self._count()
        failure = self._failure()
        wait = None
        if failure is not None:
            await self._delete(self._tally.active)
        elif not self._is_done() and manage:
            wait = await self._manage(last_failure)
        await self._write(self._final_status(failure))
        return wait if wait is not None else self._deadline_left()

    # Counting ------------------------------------------------------------------------------------

    async def _count(self) -> None:
        """Take the ended Pods into the status, in three steps."""
        uncounted = pods.status(self.job).get("uncountedTerminatedPods") or {}
        tracked = {meta.uid(pod) for pod in self._owned if state.TRACKING in meta.finalizers(pod)}
        fresh = {part: self._merge(uncounted.get(part) or [], found)
                 for part, found in (("succeeded", self._tally.succeeded),
                                     ("failed", self._tally.failed))}
        if not any(fresh.values()):
            return
        await self._write({**pods.status(self.job), "uncountedTerminatedPods": {
            part: uids for part, uids in fresh.items() if uids}})
        for pod in (*self._tally.succeeded, *self._tally.failed):
            if meta.uid(pod) in tracked:
                await self._remove_finalizer(pod)
        await self._write(self._counted(fresh))

    def _merge(self, known: Sequence[str], found: Sequence[Object]) -> list[str]:
        return list(dict.fromkeys((*known, *map(meta.uid, found))))

    def _counted(self, fresh: dict[str, list[str]]) -> Object:
        status: dict[str, Any] = {**pods.status(self.job), "uncountedTerminatedPods": {}}
        status["failed"] = (status.get("failed") or 0) + len(fresh["failed"])
        if state.is_indexed(self.job):
            done = parse_indexes(status.get("completedIndexes") or "") | {
                index for pod in self._tally.succeeded
                if (index := state.index_of(pod)) is not None}
            status["completedIndexes"] = format_indexes(done)
            status["succeeded"] = len(done)
        else:
            status["succeeded"] = (status.get("succeeded") or 0) + len(fresh["succeeded"])
        return {name: value for name, value in status.items()
                if value or name not in ("failed", "succeeded", "completedIndexes")}

    async def _remove_finalizer(self, pod: Object) -> None:
        left = [one for one in meta.finalizers(pod) if one != state.TRACKING]
        try:
            await self._client.patch(
                PODS, meta.name(pod), meta.namespace(pod),
                {"metadata": {"uid": meta.uid(pod), "finalizers": left or None}}, type="merge")
        except NotFound:
            return

    # Deciding ------------------------------------------------------------------------------------

    @property
    def _succeeded(self) -> int:
        return pods.status(self.job).get("succeeded") or 0

    @property
    def _failed(self) -> int:
        return pods.status(self.job).get("failed") or 0

    def _is_done(self) -> bool:
        return state.has_condition(self.job, "SuccessCriteriaMet") or state.is_complete(
            self.job, self._succeeded, len(self._tally.active))

    def _failure(self) -> Failure | None:
        known = get_condition(pods.status(self.job).get("conditions"), "FailureTarget")
        if known is not None:
            return known["reason"], known["message"]
        if self._is_done():
            return None
        left = self._deadline_left()
        if left is not None and left <= 0:
            return "DeadlineExceeded", "Job was active longer than specified deadline"
        limit = pods.spec(self.job).get("backoffLimit")
        limit = 6 if limit is None else limit
        template = pods.spec(self.job["spec"]["template"])
        on_failure = template.get("restartPolicy") == "OnFailure"
        restarted = state.restarts(self._tally.active) if on_failure else 0
        if self._failed > limit or (restarted and restarted >= max(limit, 1)):
            return "BackoffLimitExceeded", "Job has reached the specified backoff limit"
        return None

    def _deadline_left(self) -> float | None:
        """Seconds until activeDeadlineSeconds is over; None when there is no such end."""
        seconds = pods.spec(self.job).get("activeDeadlineSeconds")
        start = pods.status(self.job).get("startTime")
        if seconds is None or start is None or state.is_suspended(self.job):
            return None
        return parse_time(start) + float(seconds) - self._now

    # Managing ------------------------------------------------------------------------------------

    async def _manage(self, last_failure: float) -> float | None:
        active = self._tally.active
        if state.is_suspended(self.job):
            await self._delete(active)
            return None
        wanted = state.wanted_active(self.job, self._succeeded, len(active))
        running = len(active)
        if pods.spec(self.job).get("podReplacementPolicy") == "Failed":
            running += self._tally.terminating
        if len(active) > wanted:
            surplus = min(len(active) - wanted, MAX_PODS)
            await self._delete(deletion_order(active, (), self._now)[:surplus])
        elif running < wanted:
            left = state.backoff_left(self._failed, last_failure, self._now)
            if left > 0:
                return left
            await self._create(min(wanted - running, MAX_PODS))
        return None

    async def _create(self, count: int) -> None:
        indexes = self._indexes(count)
        self.on_create(len(indexes))
        for index in indexes:
            pod = state.build_pod(self.job, index)
            try:
                created = await self._client.create(PODS, pod, meta.namespace(self.job))
            except ApiError as error:
                self._events.event(self.job, WARNING, "FailedCreate", f"Error creating: {error}")
                raise
            self._tally.active.append(created)
            self._events.event(self.job, NORMAL, "SuccessfulCreate",
                               f"Created pod: {meta.name(created)}")

    def _indexes(self, count: int) -> list[int | None]:
        """The indexes to work on next: the lowest that are neither done nor being worked on."""
        if not state.is_indexed(self.job):
            return [None] * count
        done = parse_indexes(pods.status(self.job).get("completedIndexes") or "")
        busy = {state.index_of(pod) for pod in self._tally.active}
        free: list[int | None] = [index for index in range(int(self.job["spec"]["completions"]))
                                  if index not in done and index not in busy]
        return free[:count]

    async def _delete(self, doomed: Sequence[Object]) -> None:
        for pod in list(doomed):
            await self._remove_finalizer(pod)
            try:
                await self._client.delete(PODS, meta.name(pod), meta.namespace(pod))
            except NotFound:
                continue
            self._deleted += 1
            self._tally.active.remove(pod)
            self._tally.ready -= pods.is_ready(pod)
            self._events.event(self.job, NORMAL, "SuccessfulDelete",
                               f"Deleted pod: {meta.name(pod)}")

    # Status --------------------------------------------------------------------------------------

    def _final_status(self, failure: Failure | None) -> Object:
        status: dict[str, Any] = dict(pods.status(self.job))
        active = len(self._tally.active)
        status |= {"ready": max(0, self._tally.ready), "terminating": self._tally.terminating,
                   "uncountedTerminatedPods": status.get("uncountedTerminatedPods") or {}}
        status.pop("active", None)
        if active:
            status["active"] = active
        self._set_suspension(status)
        idle = not active and not self._tally.terminating and not self._deleted
        if failure is not None:
            self._set_end(status, ("FailureTarget", "Failed"), failure, idle)
            status["failed"] = (status.get("failed") or 0) + self._deleted
        elif self._is_done():
            ended = ("CompletionsReached", "Reached expected number of succeeded pods")
            self._set_end(status, ("SuccessCriteriaMet", "Complete"), ended, idle)
        if not status.get("failed"):
            status.pop("failed", None)
        return status

    def _set_end(self, status: dict[str, Any], types: tuple[str, str], why: Failure,
                 idle: bool) -> None:
        """Say what the Job comes to; and, when nothing runs any more, that it has come to it."""
        first, last = types
        if get_condition(status.get("conditions"), first) is None:
            self._add(status, first, "True", *why)
        if not idle:
            return
        self._add(status, last, "True", *why)
        if last == "Complete":
            status["completionTime"] = rfc3339(self._now)
            self._events.event(self.job, NORMAL, "Completed", "Job completed")
        else:
            self._events.event(self.job, WARNING, *why)

    def _set_suspension(self, status: dict[str, Any]) -> None:
        suspended = state.is_suspended(self.job)
        known = get_condition(status.get("conditions"), "Suspended")
        was = known is not None and known["status"] == "True"
        if suspended and not was:
            self._add(status, "Suspended", "True", "JobSuspended", "Job suspended")
            self._events.event(self.job, NORMAL, "Suspended", "Job suspended")
            status.pop("startTime", None)
        elif was and not suspended:
            self._add(status, "Suspended", "False", "JobResumed", "Job resumed")
            self._events.event(self.job, NORMAL, "Resumed", "Job resumed")
            status["startTime"] = rfc3339(self._now)

    def _add(self, status: dict[str, Any], type: str, value: str, reason: str,
             message: str) -> None:
        stamp = rfc3339(self._now)
        condition = {"type": type, "status": value, "reason": reason, "message": message,
                     "lastProbeTime": stamp, "lastTransitionTime": stamp}
        status["conditions"] = [*without_condition(status.get("conditions"), type), condition]

    async def begin(self) -> None:
        """Set the start time of a Job that is not suspended."""
        status = pods.status(self.job)
        if not status.get("startTime") and not state.is_suspended(self.job):
            await self._write({**status, "startTime": rfc3339(self._now)})

    async def _write(self, status: Object) -> None:
        if status != pods.status(self.job):
            self.job = await self._client.update(
                JOBS, {**self.job, "status": status}, subresource="status")
