"""Which kind of sync a Deployment needs. Models deployment/deployment_controller.go."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from apiserver.machinery.gvk import DEPLOYMENTS, GVR, PODS, REPLICASETS
from apiserver.machinery.meta import (
    controller_ref,
    generation,
    is_terminating,
    labels,
    namespace,
    namespaced_name,
    uid,
)
from apiserver.machinery.selectors import Selector, from_label_selector
from controllers import pods
from controllers.controller import Controller, ControllerContext, KeysOf, Result, own_key
from controllers.deployment import rollout
from controllers.deployment.sizes import is_rolling
from controllers.deployment.sync import Sync
from controllers.events import WARNING
from controllers.informer import BY_CONTROLLER, BY_NAMESPACE, orphan_key
from controllers.owners import RefManager

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.machinery.types import Object


class DeploymentController(Controller):
    """Key: a Deployment."""

    name: ClassVar[str] = "deployment-controller"
    max_retries: ClassVar[int | None] = 15

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._clock = ctx.clock
        self._events = ctx.events.recorder(self.name)
        self._deployments = ctx.informers.get(DEPLOYMENTS, BY_NAMESPACE)
        self._sets = ctx.informers.get(REPLICASETS, BY_NAMESPACE, BY_CONTROLLER)
        self._pods = ctx.informers.get(PODS, BY_CONTROLLER)

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {DEPLOYMENTS: own_key, REPLICASETS: self._set_changed, PODS: self._pod_changed}

    async def reconcile(self, key: str) -> Result | None:
        deployment = self._deployments.get(key)
        if deployment is None:
            return None
        if _selects_all(deployment):
            await self._refuse(deployment)
            return None
        sync = Sync(self._client, self._clock, self._events, deployment,
                    await self._claim(deployment))
        if is_terminating(deployment):
            await sync.find_new(create=False)
            await sync.update_status()
            return None
        return await self._sync(sync)

    async def _sync(self, sync: Sync) -> Result | None:
        await sync.note_pause()
        paused = pods.spec(sync.deployment).get("paused")
        if paused or rollout.is_scaling_event(sync):
            await sync.find_new(create=False)
            await rollout.scale(sync)
            if paused:
                await sync.clean_up()
            await sync.update_status()
            return None
        if is_rolling(sync.deployment):
            await rollout.roll(sync)
        else:
            await rollout.recreate(sync, self._pods.controlled_by)
        return Result(requeue_after=await sync.update_rollout_status())

    async def _claim(self, deployment: Object) -> list[Object]:
        owned = self._sets.controlled_by(uid(deployment))
        orphans = self._sets.by(BY_CONTROLLER, orphan_key(namespace(deployment)))
        manager = RefManager(self._client, DEPLOYMENTS, deployment, _selector(deployment))
        return await manager.claim(REPLICASETS, [*owned, *orphans])

    async def _refuse(self, deployment: Object) -> None:
        self._events.event(
            deployment, WARNING, "SelectingAll",
            "This deployment is selecting all pods. A non-empty selector is required.")
        status = pods.status(deployment)
        if (status.get("observedGeneration") or 0) < generation(deployment):
            seen = {**status, "observedGeneration": generation(deployment)}
            await self._client.update(
                DEPLOYMENTS, {**deployment, "status": seen}, subresource="status")

    # Keys ----------------------------------------------------------------------------------------

    def _set_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        keys: list[str] = []
        was = controller_ref(old) if old is not None else None
        ref = controller_ref(new) if new is not None else None
        if old is not None and was is not None and (ref is None or ref["uid"] != was["uid"]):
            keys += self._owner_key(old, was)
        if new is not None and ref is not None:
            keys += self._owner_key(new, ref)
        elif new is not None and (old is None or was is not None or labels(old) != labels(new)):
            keys += self._matching(new)
        return keys

    def _pod_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        """A Recreate rollout waits for the last Pod of a Deployment to go."""
        if old is None or new is not None:
            return ()
        deployment = self._deployment_of(old)
        if deployment is None or is_rolling(deployment):
            return ()
        left = any(True for rs in self._sets.controlled_by(uid(deployment))
                   for _ in self._pods.controlled_by(uid(rs)))
        return () if left else (namespaced_name(deployment),)

    def _deployment_of(self, pod: Object) -> Object | None:
        ref = controller_ref(pod)
        rs = self._sets.get(f"{namespace(pod)}/{ref['name']}") if ref else None
        owner = controller_ref(rs) if rs is not None and ref and uid(rs) == ref["uid"] else None
        if rs is None or owner is None:
            return None
        key = next(iter(self._owner_key(rs, owner)), "")
        return self._deployments.get(key)

    def _owner_key(self, rs: Object, ref: Object) -> tuple[str, ...]:
        key = f"{namespace(rs)}/{ref['name']}"
        deployment = self._deployments.get(key)
        known = deployment is not None and uid(deployment) == ref["uid"]
        return (key,) if ref["kind"] == "Deployment" and known else ()

    def _matching(self, rs: Object) -> list[str]:
        return [namespaced_name(one) for one in self._deployments.in_namespace(namespace(rs))
                if not _selects_all(one) and _selector(one).matches(labels(rs))]


def _selector(deployment: Object) -> Selector:
    return from_label_selector(pods.spec(deployment).get("selector"))


def _selects_all(deployment: Object) -> bool:
    return not any((pods.spec(deployment).get("selector") or {}).values())
