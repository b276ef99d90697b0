"""Deletes Pods that do not tolerate the NoExecute taints of their node. Models pkg/controller/
tainteviction."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.machinery import meta
from apiserver.machinery.clock import rfc3339
from apiserver.machinery.errors import NotFound
from apiserver.machinery.gvk import GVR, NODES, PODS
from controllers import pods
from controllers.controller import Controller, ControllerContext, KeysOf, Result
from controllers.events import NORMAL
from controllers.nodelifecycle import node_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from apiserver.machinery.types import Object

_BY_NODE: Final = "node"


class TaintEvictionController(Controller):
    """Key: a Pod."""

    name: ClassVar[str] = "taint-eviction-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._clock = ctx.clock
        self._events = ctx.events.recorder(self.name)
        self._nodes = ctx.informers.get(NODES)
        self._pods = ctx.informers.get(PODS)
        self._pods.add_index(_BY_NODE, node_values)
        self._tainted: dict[str, float] = {}
        """Pods that are to be evicted some time, by when that was decided."""

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {PODS: self._pod_changed, NODES: self._node_changed}

    def _pod_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        if new is None:
            assert old is not None
            self._tainted.pop(meta.namespaced_name(old), None)
            return ()
        if old is not None and _asks(old) == _asks(new):
            return ()
        node = self._nodes.get(pods.spec(new).get("nodeName") or "")
        return (meta.namespaced_name(new),) if node is not None and no_execute(node) else ()

    def _node_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        before = no_execute(old) if old is not None else []
        if new is None or no_execute(new) == before:
            return ()
        return [meta.namespaced_name(pod) for pod in self._pods.by(_BY_NODE, meta.name(new))]

    async def reconcile(self, key: str) -> Result | None:
        pod = self._pods.get(key)
        node = self._nodes.get(pods.spec(pod).get("nodeName") or "") if pod is not None else None
        if pod is None or node is None or meta.is_terminating(pod):
            return None
        taints = no_execute(node)
        if not taints:
            self._cancel(pod, key)
            return None
        patience = seconds_tolerated(taints, pods.spec(pod).get("tolerations") or ())
        if patience is None:
            return None
        since = self._tainted.setdefault(key, self._clock.now())
        left = since + patience - self._clock.now()
        if left > 0:
            return Result(requeue_after=left)
        await self._evict(pod)
        return None

    def _cancel(self, pod: Object, key: str) -> None:
        if self._tainted.pop(key, None) is not None:
            self._events.event(pod, NORMAL, "TaintManagerEviction",
                               f"Cancelling deletion of Pod {key}")

    async def _evict(self, pod: Object) -> None:
        place, own = meta.namespace(pod), meta.name(pod)
        self._events.event(pod, NORMAL, "TaintManagerEviction",
                           f"Marking for deletion Pod {place}/{own}")
        condition = {"type": "DisruptionTarget", "status": "True",
                     "reason": "DeletionByTaintManager",
                     "message": "Taint manager: deleting due to NoExecute taint",
                     "lastTransitionTime": rfc3339(self._clock.now())}
        try:
            await self._client.patch(PODS, own, place, {"status": {"conditions": [condition]}},
                                     type="strategic", subresource="status")
            await self._client.delete(PODS, own, place)
        except NotFound:
            return


def _asks(pod: Object) -> tuple[object, object]:
    """What of a Pod matters here."""
    return pods.spec(pod).get("nodeName"), pods.spec(pod).get("tolerations")


def no_execute(node: Object) -> list[Object]:
    """The taints of a node that evict Pods."""
    return [taint for taint in pods.spec(node).get("taints") or ()
            if taint["effect"] == "NoExecute"]


def seconds_tolerated(taints: Sequence[Object], tolerations: Sequence[Object]) -> float | None:
    """How long a Pod with these tolerations may stay: 0 not at all, None for ever."""
    used = []
    for taint in taints:
        found = [one for one in tolerations if tolerates(one, taint)]
        if not found:
            return 0.0
        used += found
    limits = [max(0.0, float(one["tolerationSeconds"])) for one in used
              if one.get("tolerationSeconds") is not None]
    return min(limits, default=None)


def tolerates(toleration: Object, taint: Object) -> bool:
    """Whether a toleration covers a taint (`Toleration.ToleratesTaint`)."""
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    key = toleration.get("key") or ""
    if key not in ("", taint["key"]):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(key) and (toleration.get("value") or "") == (taint.get("value") or "")
