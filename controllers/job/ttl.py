"""Deletes finished Jobs `ttlSecondsAfterFinished` later. Models pkg/controller/ttlafterfinished."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from apiserver.machinery import meta
from apiserver.machinery.clock import parse_time
from apiserver.machinery.errors import NotFound
from apiserver.machinery.gvk import GVR, JOBS
from controllers import pods
from controllers.conditions import get_condition
from controllers.controller import Controller, ControllerContext, KeysOf, Result, own_key
from controllers.job.state import is_finished

if TYPE_CHECKING:
    from collections.abc import Mapping


class TTLAfterFinishedController(Controller):
    """Key: a Job."""

    name: ClassVar[str] = "ttl-after-finished-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._clock = ctx.clock
        self._jobs = ctx.informers.get(JOBS)

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {JOBS: own_key}

    async def reconcile(self, key: str) -> Result | None:
        job = self._jobs.get(key)
        seconds = pods.spec(job).get("ttlSecondsAfterFinished") if job is not None else None
        if job is None or seconds is None or not is_finished(job) or meta.is_terminating(job):
            return None
        conditions = pods.status(job).get("conditions")
        ended = get_condition(conditions, "Complete") or get_condition(conditions, "Failed")
        assert ended is not None
        left = parse_time(ended["lastTransitionTime"]) + float(seconds) - self._clock.now()
        if left > 0:
            return Result(requeue_after=left)
        try:
            await self._client.delete(JOBS, meta.name(job), meta.namespace(job),
                                      propagation="Foreground",
                                      preconditions={"uid": meta.uid(job)})
        except NotFound:
            return None
        return None
