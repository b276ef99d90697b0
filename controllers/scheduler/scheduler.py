"""kube-scheduler. Models cmd/kube-scheduler and pkg/scheduler: one pod at a time, in order of
priority; the decision is written as a Binding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.machinery import meta
from apiserver.machinery.clock import rfc3339
from apiserver.machinery.errors import ApiError, Conflict, NotFound
from apiserver.machinery.gvk import NAMESPACES, NODES, PODS
from controllers.controller import Controller, ControllerContext, Result
from controllers.drive import breathe
from controllers.scheduler.cache import Cache, PodInfo
from controllers.scheduler.framework import Framework, Snapshot, Unschedulable
from controllers.scheduler.plugins import PLUGINS
from controllers.scheduler.queue import SchedulingQueue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from apiserver.machinery.gvk import GVR
    from apiserver.machinery.types import Object
    from controllers.controller import KeysOf
    from controllers.scheduler.framework import Plugin
    from controllers.scheduler.preemption import Preemption

CYCLE: Final = "cycle"
SCHEDULER_NAME: Final = "default-scheduler"
_FINISHED: Final = ("Succeeded", "Failed")


class Scheduler(Controller):
    """Gives pods of the scheduler `name_served` their nodes."""

    name: ClassVar[str] = "kube-scheduler"

    def __init__(self, context: ControllerContext, plugins: Sequence[Plugin] = PLUGINS,
                 name_served: str = SCHEDULER_NAME, minor: int = 37) -> None:
        self._client = context.client
        self._clock = context.clock
        self._served = name_served
        self._minor = minor
        self._recorder = context.events.recorder(name_served)
        self._pods = context.informers.get(PODS)
        self._cache = Cache()
        self._waiting = SchedulingQueue()
        self._framework = Framework(plugins)
        self._snapshot = Snapshot(self._cache, context.informers)

    def watches(self) -> Mapping[GVR, KeysOf]:
        """Pods and Nodes; Namespaces for namespaceSelectors."""
        return {NODES: self._node, PODS: self._pod, NAMESPACES: lambda old, new: ()}

    async def reconcile(self, key: str) -> Result | None:
        """All pods that are to be tried now, one after the other.

        In one go, so that what they set off (status of their owners) is done once for all of them.
        """
        while (chosen := self._waiting.pop(self._clock.now())) is not None:
            await self._schedule(chosen)
            await breathe()
        due = self._waiting.next_due()
        if due is None:
            return None
        return Result(requeue_after=max(0.0, due - self._clock.now()))

    async def _schedule(self, key: str) -> None:
        pod = self._pods.get(key)
        if pod is None or not self._is_ours(pod):
            self._waiting.remove(key)
            return
        outcome = self._framework.choose(PodInfo(pod), self._snapshot)
        if isinstance(outcome, Unschedulable):
            self._waiting.failed(key, self._clock.now())
            await self._refuse(pod, outcome.message(self._minor))
            if outcome.preemption is not None:
                await self._preempt(pod, outcome.preemption)
        else:
            await self._bind(pod, key, outcome)

    async def _bind(self, pod: Object, key: str, node: str) -> None:
        """Assume the pod on its node, and write the Binding; forget it when that fails."""
        place, own = meta.namespace(pod), meta.name(pod)
        self._cache.set_pod(pod, node)
        self._waiting.remove(key)
        binding = {"apiVersion": "v1", "kind": "Binding",
                   "metadata": {"name": own, "namespace": place, "uid": meta.uid(pod)},
                   "target": {"apiVersion": "v1", "kind": "Node", "name": node}}
        try:
            await self._client.create(PODS, binding, place, name=own, subresource="binding")
        except (NotFound, Conflict):
            self._cache.remove_pod(key)  # deleted, or bound by another: the watch will tell
            return
        except ApiError:
            self._cache.remove_pod(key)
            self._waiting.add(key, PodInfo(pod).priority)
            raise
        self._recorder.event(pod, "Normal", "Scheduled", "Successfully assigned "
                             f"{place}/{own} to {node}", action="Binding")

    async def _refuse(self, pod: Object, message: str) -> None:
        """The event and the condition PodScheduled=False."""
        self._recorder.event(pod, "Warning", "FailedScheduling", message, action="Scheduling")
        known: Object = next((c for c in (pod.get("status") or {}).get("conditions") or ()
                      if c["type"] == "PodScheduled"), {})
        if known.get("status") == "False" and known.get("message") == message:
            return
        since = known.get("lastTransitionTime") if known.get("status") == "False" else None
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                     "message": message, "lastProbeTime": None,
                     "lastTransitionTime": since or rfc3339(self._clock.now())}
        try:
            await self._client.patch(
                PODS, meta.name(pod), meta.namespace(pod), {"status": {"conditions": [condition]}},
                type="strategic", subresource="status")
        except NotFound:
            return

    async def _preempt(self, pod: Object, preemption: Preemption) -> None:
        """Make room: delete the victims, and note on which node the pod counts."""
        status = {"status": {"nominatedNodeName": preemption.node}}
        await self._client.patch(PODS, meta.name(pod), meta.namespace(pod), status,
                                 type="strategic", subresource="status")
        for victim in preemption.victims:
            if not victim.group.terminating:
                await self._evict(victim.pod, meta.uid(pod), preemption.node)

    async def _evict(self, victim: Object, for_uid: str, node: str) -> None:
        place, own = meta.namespace(victim), meta.name(victim)
        condition = {"type": "DisruptionTarget", "status": "True",
                     "reason": "PreemptionByScheduler",
                     "message": f"{self._served}: preempting to accommodate a higher priority pod",
                     "lastProbeTime": None, "lastTransitionTime": rfc3339(self._clock.now())}
        try:
            await self._client.patch(PODS, own, place, {"status": {"conditions": [condition]}},
                                     type="strategic", subresource="status")
            await self._client.delete(PODS, own, place)
        except NotFound:
            return
        self._recorder.event(victim, "Normal", "Preempted",
                             f"Preempted by pod {for_uid} on node {node}", action="Preempting")

    # What happens in the cluster -----------------------------------------------------------------

    def _pod(self, old: Object | None, new: Object | None) -> Iterable[str]:
        pod = new if new is not None else old
        assert pod is not None
        key = meta.namespaced_name(pod)
        if new is None or (new.get("status") or {}).get("phase") in _FINISHED:
            return self._pod_gone(key)
        node = new["spec"].get("nodeName")
        if node:
            return self._pod_bound(key, old, new, node)
        if not self._is_ours(new):
            return ()
        news = old is None or key not in self._waiting or _asks_differently(old, new)
        if not news or self._cache.has_pod(key):
            return ()
        self._waiting.add(key, PodInfo(new).priority)
        return (CYCLE,)

    def _pod_gone(self, key: str) -> Iterable[str]:
        self._waiting.remove(key)
        if not self._cache.has_pod(key):
            return ()
        self._cache.remove_pod(key)
        return (CYCLE,) if self._waiting.cluster_changed() else ()

    def _pod_bound(self, key: str, old: Object | None, new: Object, node: str) -> Iterable[str]:
        self._waiting.remove(key)
        known = self._cache.has_pod(key)
        relabelled = old is not None and _asks_differently(old, new)
        if not known or relabelled or (old is not None and not old["spec"].get("nodeName")):
            self._cache.set_pod(new, node)
        if known and not relabelled:
            return ()
        return (CYCLE,) if self._waiting.cluster_changed() else ()

    def _node(self, old: Object | None, new: Object | None) -> Iterable[str]:
        if new is None:
            assert old is not None
            self._cache.remove_node(meta.name(old))
            return ()
        if old is not None and _offers(old) == _offers(new):
            return ()
        self._cache.set_node(new)
        return (CYCLE,) if self._waiting.cluster_changed() else ()

    def _is_ours(self, pod: Object) -> bool:
        """A pod without node that this scheduler is to place, now."""
        spec = pod["spec"]
        return (spec.get("schedulerName", SCHEDULER_NAME) == self._served
                and not spec.get("nodeName") and not spec.get("schedulingGates")
                and not meta.is_terminating(pod))


def _asks_differently(old: Object, new: Object) -> bool:
    """Whether a change of a pod matters for where it, or another, may go."""
    return (old["spec"] != new["spec"] or meta.labels(old) != meta.labels(new)
            or meta.is_terminating(old) != meta.is_terminating(new))


def _offers(node: Object) -> tuple[object, ...]:
    """What of a Node matters for scheduling: not its heartbeat."""
    spec, status = node.get("spec") or {}, node.get("status") or {}
    return (meta.labels(node), spec.get("taints"), spec.get("unschedulable"),
            status.get("allocatable"), status.get("images"))
