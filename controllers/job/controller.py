"""Keys and claims of Jobs. Models job/job_controller.go."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from apiserver.machinery import meta
from apiserver.machinery.errors import ApiError, NotFound
from apiserver.machinery.gvk import GVR, JOBS, PODS
from apiserver.machinery.selectors import from_label_selector
from controllers import pods
from controllers.controller import Controller, ControllerContext, KeysOf, Result, own_key
from controllers.expectations import Expectations
from controllers.informer import BY_CONTROLLER, BY_NAMESPACE, orphan_key
from controllers.job import state
from controllers.job.sync import Sync
from controllers.ownedpods import owner_keys
from controllers.owners import RefManager

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.machinery.types import Object

_ORPHAN = "orphan-pod/"


class JobController(Controller):
    """Keys: a Job; `orphan-pod/NAMESPACE/NAME` for a Pod whose Job is gone."""

    name: ClassVar[str] = "job-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._clock = ctx.clock
        self._events = ctx.events.recorder("job-controller")
        self._jobs = ctx.informers.get(JOBS, BY_NAMESPACE)
        self._pods = ctx.informers.get(PODS, BY_CONTROLLER)
        self._expectations = Expectations(ctx.clock)
        self._last_failure: dict[str, float] = {}

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {JOBS: self._job_changed, PODS: self._pod_changed}

    def _job_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        if new is not None:
            return own_key(old, new)
        assert old is not None
        return [f"{_ORPHAN}{meta.namespaced_name(pod)}"
                for pod in self._pods.controlled_by(meta.uid(old))]

    def _pod_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        keys = list(owner_keys(self._jobs, "Job", old, new))
        if old is None:
            for key in keys:
                self._expectations.creation_observed(key)
        if new is not None and not keys and state.TRACKING in meta.finalizers(new):
            keys.append(f"{_ORPHAN}{meta.namespaced_name(new)}")
        return keys

    async def reconcile(self, key: str) -> Result | None:
        if key.startswith(_ORPHAN):
            await self._release(key.removeprefix(_ORPHAN))
            return None
        job = self._jobs.get(key)
        if job is None:
            self._expectations.forget(key)
            self._last_failure.pop(key, None)
            return None
        if state.is_finished(job):
            for pod in self._pods.controlled_by(meta.uid(job)):
                await self._release(meta.namespaced_name(pod))
            return None
        return await self._sync(job, key)

    async def _sync(self, job: Object, key: str) -> Result | None:
        now = self._clock.now()
        sync = Sync(self._client, self._events, job, await self._claim(job), now)
        await sync.begin()
        self._note_failures(job, key, now)
        manage = self._expectations.satisfied(key) and not meta.is_terminating(job)
        sync.on_create = lambda count: self._expectations.expect_creations(key, count)
        try:
            wait = await sync.run(self._last_failure.get(key, 0.0), manage=manage)
        except ApiError:
            self._expectations.forget(key)
            raise
        return Result(requeue_after=wait)

    def _note_failures(self, job: Object, key: str, now: float) -> None:
        """Remember when a Pod last failed: the back-off counts from there."""
        found = state.tally(job, self._pods.controlled_by(meta.uid(job)))
        if found.failed:
            self._last_failure[key] = max(state.finished_at(pod, now) for pod in found.failed)
        if found.succeeded:
            self._last_failure.pop(key, None)

    async def _claim(self, job: Object) -> list[Object]:
        owned = self._pods.controlled_by(meta.uid(job))
        orphans = self._pods.by(BY_CONTROLLER, orphan_key(meta.namespace(job)))
        selector = from_label_selector(pods.spec(job).get("selector"))
        manager = RefManager(self._client, JOBS, job, selector)
        return await manager.claim(PODS, [*owned, *orphans])

    async def _release(self, key: str) -> None:
        """Let a Pod go whose Job is gone or over: nobody will count it."""
        pod = self._pods.get(key)
        if pod is None or state.TRACKING not in meta.finalizers(pod):
            return
        left = [one for one in meta.finalizers(pod) if one != state.TRACKING]
        try:
            await self._client.patch(
                PODS, meta.name(pod), meta.namespace(pod),
                {"metadata": {"uid": meta.uid(pod), "finalizers": left or None}}, type="merge")
        except NotFound:
            return
