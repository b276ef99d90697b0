"""Keeps `spec.replicas` Pods of a template. Models pkg/controller/replicaset.

Pods are created in slowly growing batches (1, 2, 4, ..., at most 500 a sync), so that a template
that cannot work fails once rather than a thousand times; which Pods go first is in
`deletion_order.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from apiserver.machinery.errors import ApiError, Forbidden, NotFound
from apiserver.machinery.gvk import GVR, PODS, REPLICASETS
from apiserver.machinery.meta import (
    controller_ref,
    generation,
    is_terminating,
    labels,
    name,
    namespace,
    namespaced_name,
    split_key,
    uid,
)
from apiserver.machinery.selectors import Selector, from_label_selector, from_labels
from controllers import pods
from controllers.conditions import get_condition, new_condition, with_condition, without_condition
from controllers.controller import Controller, ControllerContext, KeysOf, Result
from controllers.deletion_order import deletion_order
from controllers.drive import breathe
from controllers.events import NORMAL, WARNING
from controllers.expectations import Expectations
from controllers.informer import BY_CONTROLLER, BY_NAMESPACE, orphan_key
from controllers.owners import RefManager

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.machinery.types import Object

REPLICATIONCONTROLLERS: Final = GVR("", "v1", "replicationcontrollers")
BURST_REPLICAS: Final = 500
"""Pods created or deleted in one sync."""


BREATH: Final = 16
"""Pods created in one go before others in the process may run."""


class ReplicaSetController(Controller):
    """Key: a ReplicaSet."""

    name: ClassVar[str] = "replicaset-controller"
    component: ClassVar[str] = "replicaset-controller"
    """Who its events are from."""
    resource: ClassVar[GVR] = REPLICASETS
    kind: ClassVar[str] = "ReplicaSet"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._clock = ctx.clock
        self._events = ctx.events.recorder(self.component)
        self._sets = ctx.informers.get(self.resource, BY_NAMESPACE, BY_CONTROLLER)
        self._pods = ctx.informers.get(PODS, BY_NAMESPACE, BY_CONTROLLER)
        self._expectations = Expectations(ctx.clock)

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {self.resource: self._set_changed, PODS: self._pod_changed}

    async def reconcile(self, key: str) -> Result | None:
        rs = self._sets.get(key)
        if rs is None:
            self._expectations.forget(key)
            return None
        settled = self._expectations.satisfied(key)
        active = await self._claim(rs)
        failure: ApiError | None = None
        if settled and not is_terminating(rs):
            failure = await self._manage(rs, active)
        updated = await self._update_status(rs, active, failure)
        if failure is not None:
            raise failure
        return self._next_check(updated, active)

    # Keys ----------------------------------------------------------------------------------------

    def _set_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        obj = new if new is not None else old
        assert obj is not None
        if new is None:
            self._expectations.forget(namespaced_name(obj))
        return (namespaced_name(obj),)

    def _pod_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        if new is None or is_terminating(new):
            return self._pod_gone(old, new)
        ref = controller_ref(new)
        if ref is not None:
            keys = self._owner_keys(new, ref)
            if old is None:
                for key in keys:
                    self._expectations.creation_observed(key)
            elif (before := controller_ref(old)) is not None and before["uid"] != ref["uid"]:
                return (*keys, *self._owner_keys(old, before))
            else:
                return self._batched(keys, ref["uid"])
            return keys
        was = controller_ref(old) if old is not None else None
        before_keys = self._owner_keys(old, was) if old is not None and was is not None else ()
        if old is not None and was is None and labels(old) == labels(new):
            return ()
        return (*before_keys, *self._matching_sets(new))

    def _batched(self, keys: Iterable[str], owner_uid: str) -> Iterable[str]:
        """A Pod's own changes only matter to the status."""
        for key in keys:
            self.queue.add_batched(key, self._pods.count(BY_CONTROLLER, owner_uid))
        return ()

    def _pod_gone(self, old: Object | None, new: Object | None) -> Iterable[str]:
        pod = new if new is not None else old
        assert pod is not None
        ref = controller_ref(pod)
        if ref is None:
            return ()
        keys = self._owner_keys(pod, ref)
        for key in keys:
            self._expectations.deletion_observed(key, namespaced_name(pod))
        return keys

    def _owner_keys(self, pod: Object, ref: Object) -> tuple[str, ...]:
        """The key of the ReplicaSet that controls a Pod, if it is one that we know."""
        if ref["kind"] != self.kind:
            return ()
        key = f"{namespace(pod)}/{ref['name']}"
        rs = self._sets.get(key)
        return (key,) if rs is not None and uid(rs) == ref["uid"] else ()

    def _matching_sets(self, pod: Object) -> tuple[str, ...]:
        return tuple(namespaced_name(rs) for rs in self._sets.in_namespace(namespace(pod))
                     if _selector(rs).matches(labels(pod)))

    # Pods ----------------------------------------------------------------------------------------

    async def _claim(self, rs: Object) -> list[Object]:
        """The active Pods that are the ReplicaSet's, after adoption and release."""
        owned = [pod for pod in self._pods.controlled_by(uid(rs)) if pods.is_active(pod)]
        orphans = [pod for pod in self._pods.by(BY_CONTROLLER, orphan_key(namespace(rs)))
                   if pods.is_active(pod)]
        manager = RefManager(self._client, self.resource, rs, _selector(rs))
        return await manager.claim(PODS, owned + orphans)

    async def _manage(self, rs: Object, active: list[Object]) -> ApiError | None:
        """Create what is missing, delete what is too much; the first failure."""
        surplus = len(active) - _replicas(rs)
        if surplus < 0:
            return await self._create(rs, min(-surplus, BURST_REPLICAS))
        if surplus > 0:
            return await self._delete(rs, active, min(surplus, BURST_REPLICAS))
        return None

    async def _create(self, rs: Object, count: int) -> ApiError | None:
        key = namespaced_name(rs)
        self._expectations.expect_creations(key, count)
        pod = pods.from_template(rs["spec"]["template"], rs)
        batch, created = 1, 0
        while created < count:
            failure = None
            batch = min(batch, count - created)
            for number in range(batch):
                if number % BREATH == BREATH - 1:
                    await breathe()
                error = await self._create_one(rs, pod)
                failure = failure or error
                created += error is None
            if failure is not None:
                for _ in range(count - created):
                    self._expectations.creation_observed(key)
                return None if _namespace_terminates(failure) else failure
            batch *= 2
        return None

    async def _create_one(self, rs: Object, pod: Object) -> ApiError | None:
        try:
            created = await self._client.create(PODS, pod, namespace(rs))
        except ApiError as error:
            if not _namespace_terminates(error):
                self._events.event(rs, WARNING, "FailedCreate", f"Error creating: {error}")
            return error
        self._events.event(rs, NORMAL, "SuccessfulCreate", f"Created pod: {name(created)}")
        return None

    async def _delete(self, rs: Object, active: list[Object], count: int) -> ApiError | None:
        key, now = namespaced_name(rs), self._clock.now()
        doomed = active
        if count < len(active):
            doomed = deletion_order(active, self._siblings(rs), now)[:count]
        self._expectations.expect_deletions(key, [namespaced_name(pod) for pod in doomed])
        failure = None
        for pod in doomed:
            error = await self._delete_one(rs, pod)
            if error is not None:
                self._expectations.deletion_observed(key, namespaced_name(pod))
                failure = failure or (None if isinstance(error, NotFound) else error)
        return failure

    async def _delete_one(self, rs: Object, pod: Object) -> ApiError | None:
        try:
            await self._client.delete(PODS, name(pod), namespace(pod))
        except ApiError as error:
            if not isinstance(error, NotFound):
                self._events.event(rs, WARNING, "FailedDelete", f"Error deleting: {error}")
            return error
        self._events.event(rs, NORMAL, "SuccessfulDelete", f"Deleted pod: {name(pod)}")
        return None

    def _siblings(self, rs: Object) -> list[Object]:
        """The Pods of all ReplicaSets that have the same controller (getIndirectlyRelatedPods)."""
        ref = controller_ref(rs)
        if ref is None:
            return []
        return [pod for sibling in self._sets.controlled_by(ref["uid"])
                for pod in self._pods.controlled_by(uid(sibling))]

    # Status --------------------------------------------------------------------------------------

    async def _update_status(self, rs: Object, active: list[Object],
                             failure: ApiError | None) -> Object:
        now = self._clock.now()
        fresh = rs
        for attempt in range(2):
            status = _status(fresh, active, failure, now)
            if status == pods.status(fresh):
                return fresh
            try:
                return await self._client.update(
                    self.resource, {**fresh, "status": status}, subresource="status")
            except NotFound:
                return fresh
            except ApiError:
                if attempt:
                    raise
                place, own = split_key(namespaced_name(rs))
                fresh = await self._client.get(self.resource, own, place)
        return fresh

    def _next_check(self, rs: Object, active: list[Object]) -> Result | None:
        status, least = pods.status(rs), _min_ready_seconds(rs)
        if not least or status.get("readyReplicas") == status.get("availableReplicas"):
            return None
        wait = pods.seconds_until_available(active, least, self._clock.now())
        return Result(requeue_after=wait)


class ReplicationControllerController(ReplicaSetController):
    """Key: a ReplicationController, the older form. Models pkg/controller/replication, which is the
    same loop over a converted object."""

    name: ClassVar[str] = "replicationcontroller-controller"
    component: ClassVar[str] = "replication-controller"
    resource: ClassVar[GVR] = REPLICATIONCONTROLLERS
    kind: ClassVar[str] = "ReplicationController"


def _selector(rs: Object) -> Selector:
    """The selector: a LabelSelector, or the plain labels of a ReplicationController."""
    found = pods.spec(rs).get("selector")
    if rs.get("kind") == "ReplicationController":
        return from_labels(found or {})
    return from_label_selector(found)


def _replicas(rs: Object) -> int:
    wanted = pods.spec(rs).get("replicas")
    return 1 if wanted is None else int(wanted)


def _min_ready_seconds(rs: Object) -> int:
    return pods.spec(rs).get("minReadySeconds") or 0


def _namespace_terminates(error: ApiError) -> bool:
    """Whether a create failed since its namespace is going: then nothing is wrong."""
    causes = (error.details or {}).get("causes") or ()
    return isinstance(error, Forbidden) and any(
        cause.get("reason") == "NamespaceTerminating" for cause in causes)


def _status(rs: Object, active: list[Object], failure: ApiError | None, now: float) -> Object:
    """The status that the Pods call for (calculateStatus)."""
    template = labels(rs["spec"]["template"]).items()
    least = _min_ready_seconds(rs)
    counts = {
        "fullyLabeledReplicas": sum(template <= labels(pod).items() for pod in active),
        "readyReplicas": sum(pods.is_ready(pod) for pod in active),
        "availableReplicas": sum(pods.is_available(pod, least, now) for pod in active),
        "observedGeneration": generation(rs),
    }
    status: dict[str, Any] = {"replicas": len(active)}
    status |= {field: count for field, count in counts.items() if count}
    conditions = _conditions(rs, len(active), failure, now)
    if conditions:
        status["conditions"] = conditions
    return status


def _conditions(rs: Object, active: int, failure: ApiError | None, now: float) -> list[Object]:
    known = pods.status(rs).get("conditions")
    failed = get_condition(known, "ReplicaFailure") is not None
    if failure is None:
        return without_condition(known, "ReplicaFailure")
    if failed:
        return list(known or ())
    reason = "FailedCreate" if active < _replicas(rs) else "FailedDelete"
    return with_condition(
        known, new_condition("ReplicaFailure", "True", reason, str(failure), now))


