"""How many Pods of a PodDisruptionBudget may go at the moment. Models pkg/controller/disruption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from apiserver.machinery import meta
from apiserver.machinery.clock import parse_time, rfc3339
from apiserver.machinery.errors import ApiError, NotFound
from apiserver.machinery.gvk import (
    DEPLOYMENTS,
    GVR,
    PODDISRUPTIONBUDGETS,
    PODS,
    REPLICASETS,
    STATEFULSETS,
)
from apiserver.machinery.selectors import Selector, from_label_selector
from controllers import pods
from controllers.conditions import get_condition
from controllers.controller import Controller, ControllerContext, KeysOf, Result, own_key
from controllers.deployment.sizes import replicas, scaled
from controllers.events import NORMAL, WARNING
from controllers.informer import BY_NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from apiserver.machinery.types import Object

DELETION_TIMEOUT: Final = 120.0
"""Seconds within which an evicted Pod must have been deleted; afterwards it counts again."""
ALLOWED: Final = "DisruptionAllowed"


class DisruptionController(Controller):
    """Key: a PodDisruptionBudget."""

    name: ClassVar[str] = "disruption-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._clock = ctx.clock
        self._events = ctx.events.recorder("controllermanager")
        self._budgets = ctx.informers.get(PODDISRUPTIONBUDGETS, BY_NAMESPACE)
        self._pods = ctx.informers.get(PODS, BY_NAMESPACE)
        self._owners = {"ReplicaSet": ctx.informers.get(REPLICASETS),
                        "Deployment": ctx.informers.get(DEPLOYMENTS),
                        "StatefulSet": ctx.informers.get(STATEFULSETS)}

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {PODDISRUPTIONBUDGETS: own_key, PODS: self._pod_changed,
                **dict.fromkeys((REPLICASETS, DEPLOYMENTS, STATEFULSETS), self._owner_changed)}

    def _pod_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        if not len(self._budgets):
            return ()
        return dict.fromkeys(
            meta.namespaced_name(one) for pod in (old, new) if pod is not None
            for one in self._budgets.in_namespace(meta.namespace(pod))
            if _selector(one).matches(meta.labels(pod)))

    def _owner_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        """Percentages are of what the owner wants."""
        if new is None or (old is not None and replicas(old) == replicas(new)):
            return ()
        return [meta.namespaced_name(one)
                for one in self._budgets.in_namespace(meta.namespace(new))]

    async def reconcile(self, key: str) -> Result | None:
        budget = self._budgets.get(key)
        if budget is None:
            return None
        try:
            status, wait = self._status(budget)
        except NotFound as error:
            self._events.event(budget, WARNING, "CalculateExpectedPodCountFailed",
                               f"Failed to calculate the number of expected pods: {error}")
            await self._write(budget, self._failed(budget, error))
            raise
        await self._write(budget, status)
        return Result(requeue_after=wait)

    # Counting ------------------------------------------------------------------------------------

    def _status(self, budget: Object) -> tuple[Object, float | None]:
        """(the status, seconds until an eviction that came to nothing is forgotten)."""
        selector = _selector(budget)
        covered = [pod for pod in self._pods.in_namespace(meta.namespace(budget))
                   if selector.matches(meta.labels(pod))]
        if not covered:
            self._events.event(budget, NORMAL, "NoPods", "No matching pods found")
        expected, desired = self._expected(budget, covered)
        disrupted, wait = self._disrupted(budget, covered)
        healthy = sum(pods.is_ready(pod) and not meta.is_terminating(pod)
                      and meta.name(pod) not in disrupted for pod in covered)
        allowed = max(0, healthy - desired) if expected > 0 else 0
        status: dict[str, Any] = {
            "disruptionsAllowed": allowed, "currentHealthy": healthy, "desiredHealthy": desired,
            "expectedPods": expected, "observedGeneration": meta.generation(budget)}
        if disrupted:
            status["disruptedPods"] = disrupted
        return self._with_condition(budget, status), wait

    def _expected(self, budget: Object, covered: Sequence[Object]) -> tuple[int, int]:
        """(Pods that there should be, Pods that must be healthy). Raises NotFound."""
        spec = pods.spec(budget)
        if spec.get("maxUnavailable") is not None:
            expected = self._scale(covered)
            lost = scaled(spec["maxUnavailable"], expected, round_up=True)
            return expected, max(0, expected - lost)
        least = spec.get("minAvailable")
        if isinstance(least, str):
            expected = self._scale(covered)
            return expected, scaled(least, expected, round_up=True)
        return len(covered), int(least or 0)

    def _scale(self, covered: Iterable[Object]) -> int:
        """The sum of what the controllers of these Pods want."""
        wanted: dict[str, int] = {}
        for pod in covered:
            ref = meta.controller_ref(pod)
            if ref is not None:
                owner = self._top_owner(ref, meta.namespace(pod))
                wanted[meta.uid(owner)] = replicas(owner)
        return sum(wanted.values())

    def _top_owner(self, ref: Object, place: str) -> Object:
        cache = self._owners.get(ref["kind"])
        owner = cache.get(f"{place}/{ref['name']}") if cache is not None else None
        if owner is None or meta.uid(owner) != ref["uid"]:
            raise NotFound(f"found no controllers for {ref['kind']} {place}/{ref['name']}")
        above = meta.controller_ref(owner)
        return self._top_owner(above, place) if above is not None else owner

    def _disrupted(self, budget: Object, covered: Iterable[Object]) -> tuple[Object, float | None]:
        """Evicted Pods that are still there and not yet terminating, and when to look again."""
        noted = pods.status(budget).get("disruptedPods") or {}
        names = {meta.name(pod) for pod in covered if not meta.is_terminating(pod)}
        left = {own: parse_time(when) + DELETION_TIMEOUT - self._clock.now()
                for own, when in noted.items() if own in names}
        kept = {own: noted[own] for own, seconds in left.items() if seconds > 0}
        return kept, min((left[own] for own in kept), default=None)

    # Status --------------------------------------------------------------------------------------

    def _with_condition(self, budget: Object, status: dict[str, Any]) -> Object:
        allowed = status["disruptionsAllowed"] > 0
        reason = "SufficientPods" if allowed else "InsufficientPods"
        return {**status, "conditions": self._conditions(
            budget, "True" if allowed else "False", reason, "")}

    def _failed(self, budget: Object, error: ApiError) -> Object:
        """When the count fails nothing may be disrupted (failSafe)."""
        return {**pods.status(budget), "disruptionsAllowed": 0, "conditions": self._conditions(
            budget, "False", "SyncFailed", str(error))}

    def _conditions(self, budget: Object, status: str, reason: str, message: str) -> list[Object]:
        known = pods.status(budget).get("conditions") or []
        current = get_condition(known, ALLOWED)
        since = rfc3339(self._clock.now())
        if current is not None and current["status"] == status:
            since = current["lastTransitionTime"]
        fresh = {"type": ALLOWED, "status": status, "reason": reason, "message": message,
                 "lastTransitionTime": since, "observedGeneration": meta.generation(budget)}
        return [*(one for one in known if one is not current), fresh]

    async def _write(self, budget: Object, status: Object) -> None:
        if status != pods.status(budget):
            await self._client.update(
                PODDISRUPTIONBUDGETS, {**budget, "status": status}, subresource="status")


def _selector(budget: Object) -> Selector:
    return from_label_selector(pods.spec(budget).get("selector"))
