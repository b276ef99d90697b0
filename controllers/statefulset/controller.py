"""Keys, claims and revisions of StatefulSets. Models statefulset/stateful_set.go."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from apiserver.machinery import meta
from apiserver.machinery.errors import ApiError
from apiserver.machinery.gvk import CONTROLLERREVISIONS, GVR, PODS, STATEFULSETS
from apiserver.machinery.selectors import Selector, from_label_selector
from controllers import pods
from controllers.controller import Controller, ControllerContext, KeysOf, Result, own_key
from controllers.history import History
from controllers.informer import BY_CONTROLLER, BY_NAMESPACE, orphan_key
from controllers.ownedpods import owner_keys
from controllers.owners import RefManager
from controllers.statefulset import identity
from controllers.statefulset.sync import Sync

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.machinery.types import Object


class StatefulSetController(Controller):
    """Key: a StatefulSet."""

    name: ClassVar[str] = "statefulset-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._clock = ctx.clock
        self._events = ctx.events.recorder(self.name)
        self._sets = ctx.informers.get(STATEFULSETS, BY_NAMESPACE)
        self._pods = ctx.informers.get(PODS, BY_CONTROLLER)
        self._revisions = ctx.informers.get(CONTROLLERREVISIONS, BY_CONTROLLER)

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {
            STATEFULSETS: own_key,
            PODS: lambda old, new: owner_keys(self._sets, "StatefulSet", old, new),
            CONTROLLERREVISIONS: lambda old, new: (),
        }

    async def reconcile(self, key: str) -> Result | None:
        owner = self._sets.get(key)
        if owner is None:
            return None
        owned = await self._claim(owner)
        history = History(self._client, owner)
        known = list(self._revisions.controlled_by(meta.uid(owner)))
        collisions = pods.status(owner).get("collisionCount") or 0
        update, collisions = await history.current(known, collisions)
        current = next((one for one in known if meta.name(one) == pods.status(owner).get(
            "currentRevision")), update)
        sync = Sync(self._client, self._events, owner, (current, update), owned)
        now = self._clock.now()
        failure = await self._run(sync, now)
        await self._write_status(owner, sync.status(collisions, now))
        live = [meta.name(current), meta.name(update), *map(identity.revision_of, sync.pods)]
        limit = pods.spec(owner).get("revisionHistoryLimit")
        await history.truncate(known, live, 10 if limit is None else limit)
        if failure is not None:
            raise failure
        least = pods.spec(owner).get("minReadySeconds") or 0
        wait = pods.seconds_until_available(sync.pods, least, now) if least else None
        return Result(requeue_after=wait)

    async def _run(self, sync: Sync, now: float) -> ApiError | None:
        if meta.is_terminating(sync.owner):
            return None
        try:
            await sync.run(now)
        except ApiError as error:
            return error
        return None

    async def _claim(self, owner: Object) -> list[Object]:
        owned = self._pods.controlled_by(meta.uid(owner))
        orphans = self._pods.by(BY_CONTROLLER, orphan_key(meta.namespace(owner)))
        manager = RefManager(self._client, STATEFULSETS, owner, _selector(owner))
        return await manager.claim(PODS, [*owned, *orphans],
                                   lambda pod: identity.ordinal_of(pod, owner) >= 0)

    async def _write_status(self, owner: Object, status: Object) -> None:
        if status != pods.status(owner):
            await self._client.update(
                STATEFULSETS, {**owner, "status": status}, subresource="status")


def _selector(owner: Object) -> Selector:
    return from_label_selector(pods.spec(owner).get("selector"))


