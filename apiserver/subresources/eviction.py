"""pods/eviction: a deletion that respects disruption budgets. Models EvictionREST of core/pod."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from apiserver.context import RequestContext
from apiserver.machinery import meta
from apiserver.machinery.clock import rfc3339
from apiserver.machinery.errors import BadRequest, TooManyRequests, Unknown
from apiserver.machinery.gvk import GVK, GVR
from apiserver.machinery.selectors import from_label_selector
from apiserver.registry.options import DeleteOptions, ListOptions
from apiserver.subresources.subresource import Subresource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

_BUDGETS: Final = GVR("policy", "v1", "poddisruptionbudgets")
_FINISHED: Final = frozenset({"Succeeded", "Failed"})


async def evict(registry: Registry, ctx: RequestContext, eviction: Object) -> Object:
    """Delete the Pod when its budget allows. Raises TooManyRequests, NotFound, BadRequest."""
    if meta.name(eviction) != ctx.name:
        raise BadRequest("name in URL does not match name in Eviction object")
    pod = (await registry.get(ctx)).object
    options = _options(eviction.get("deleteOptions") or {})
    if not _ignores_budgets(pod):
        await _take_from_budget(registry, ctx, pod)
    await registry.delete(ctx, options)
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def _options(body: Object) -> DeleteOptions:
    preconditions: Mapping[str, str] = body.get("preconditions") or {}
    return DeleteOptions(grace_period_seconds=body.get("gracePeriodSeconds"),
                         propagation=body.get("propagationPolicy"), preconditions=preconditions)


def _ignores_budgets(pod: Object) -> bool:
    """Pods that are over, not started or going anyway (canIgnorePDB)."""
    phase = (pod.get("status") or {}).get("phase")
    return phase in _FINISHED or phase == "Pending" or meta.is_terminating(pod)


async def _take_from_budget(registry: Registry, ctx: RequestContext, pod: Object) -> None:
    resource = registry.catalog.find(*_BUDGETS)
    if resource is None:
        return
    there = RequestContext(resource=resource, verb="update", namespace=ctx.namespace,
                           user=ctx.user, dry_run=ctx.dry_run, now=ctx.now, subresource="status",
                           admitted=True)
    listing = await registry.list(there, ListOptions())
    budgets = [version.object for version in listing.versions if _covers(version.object, pod)]
    if len(budgets) > 1:
        raise Unknown("This pod has more than one PodDisruptionBudget, which the eviction"
                      " subresource does not support.")
    if budgets:
        there.name = meta.name(budgets[0])
        await registry.modify(there, lambda budget: _taken(budget, pod, ctx.now))


def _covers(budget: Object, pod: Object) -> bool:
    selector = from_label_selector((budget.get("spec") or {}).get("selector"))
    return selector.matches(meta.labels(pod))


def _taken(budget: Object, pod: Object, now: float) -> Object:
    """The budget with one disruption less. Raises TooManyRequests when none is left."""
    status = budget.get("status") or {}
    name = meta.name(budget)
    if (status.get("observedGeneration") or 0) < meta.generation(budget):
        raise _refused("The disruption budget {} is still being processed by the server.", name, 10)
    if (status.get("disruptionsAllowed") or 0) <= 0:
        needs, has = status.get("desiredHealthy") or 0, status.get("currentHealthy") or 0
        raise _refused(f"The disruption budget {{}} needs {needs} healthy pods and has {has}"
                       " currently", name)
    taken: Object = orjson.loads(orjson.dumps(budget))
    taken["status"]["disruptionsAllowed"] -= 1
    taken["status"].setdefault("disruptedPods", {})[meta.name(pod)] = rfc3339(now)
    return taken


def _refused(cause: str, budget: str, retry_after: int = 0) -> TooManyRequests:
    details: Object = {"causes": [
        {"reason": "DisruptionBudget", "message": cause.format(budget)}]}
    if retry_after:
        details["retryAfterSeconds"] = retry_after
    return TooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.",
                           details=details)


EVICTION = Subresource(name="eviction", kind=GVK("policy", "v1", "Eviction"), create=evict)
