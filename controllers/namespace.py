"""Empties a namespace that is being deleted, then lets it go. Models pkg/controller/namespace.

Pods go first, then everything else; what waits for finalizers is told in five conditions and
looked at again later.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.machinery import meta
from apiserver.machinery.clock import parse_time
from apiserver.machinery.errors import ApiError, MethodNotAllowed, NotFound
from apiserver.machinery.gvk import GVR, NAMESPACES, PODS
from controllers import pods
from controllers.conditions import get_condition, new_condition
from controllers.controller import Controller, ControllerContext, KeysOf, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from apiserver.machinery.types import Object
    from controllers.controller import DiscoveredResource

FINALIZER: Final = "kubernetes"
FINALIZER_ESTIMATE: Final = 15
"""Seconds that finalizers are thought to need."""

_CONDITIONS: Final = {
    "NamespaceDeletionDiscoveryFailure":
        ("ResourcesDiscovered", "All resources successfully discovered"),
    "NamespaceDeletionGroupVersionParsingFailure":
        ("ParsedGroupVersions", "All legacy kube types successfully parsed"),
    "NamespaceDeletionContentFailure":
        ("ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
    "NamespaceContentRemaining": ("ContentRemoved", "All content successfully removed"),
    "NamespaceFinalizersRemaining":
        ("ContentHasNoFinalizers", "All content-preserving finalizers finished"),
}
"""Type, and the reason and message of its good state, in upstream's order."""


@dataclass(slots=True)
class _Remains:
    """What is left of a namespace after an attempt."""

    estimate: int = 0
    """Seconds after which another attempt makes sense; 0 when nothing is left."""
    objects: Counter[str] = field(default_factory=Counter)
    finalizers: Counter[str] = field(default_factory=Counter)
    errors: list[ApiError] = field(default_factory=list)
    discovery_errors: list[ApiError] = field(default_factory=list)

    def bad(self) -> dict[str, tuple[str, str]]:
        """The conditions that do not hold, with reason and message."""
        found: dict[str, tuple[str, Sequence[object], str]] = {
            "NamespaceDeletionDiscoveryFailure": (
                "DiscoveryFailed", self.discovery_errors,
                "Discovery failed for some groups, {count} failing: {list}"),
            "NamespaceDeletionContentFailure": (
                "ContentDeletionFailed", self.errors,
                "Failed to delete all resource types, {count} remaining: {list}"),
            "NamespaceContentRemaining": (
                "SomeResourcesRemain", _counted(self.objects, "{} has {} resource instances"),
                "Some resources are remaining: {list}"),
            "NamespaceFinalizersRemaining": (
                "SomeFinalizersRemain", _counted(self.finalizers, "{} in {} resource instances"),
                "Some content in the namespace has finalizers remaining: {list}"),
        }
        return {type: (reason, text.format(count=len(items), list=", ".join(map(str, items))))
                for type, (reason, items, text) in found.items() if items}


def _counted(counter: Counter[str], form: str) -> list[str]:
    return [form.format(what, count) for what, count in sorted(counter.items())]


class NamespaceController(Controller):
    """Key: a Namespace."""

    name: ClassVar[str] = "namespace-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._clock = ctx.clock
        self._discovery = ctx.discovery
        self._delay = ctx.options.namespace_deletion_grace
        self._namespaces = ctx.informers.get(NAMESPACES)

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {NAMESPACES: self._changed}

    def _changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        """A terminating namespace is looked at a little later, when all have heard of it."""
        if new is None or not meta.is_terminating(new):
            return ()
        if old is None or not meta.is_terminating(old):
            self.queue.add_after(meta.name(new), self._delay)
        return ()

    async def reconcile(self, key: str) -> Result | None:
        try:
            namespace = await self._client.get(NAMESPACES, key)
        except NotFound:
            return None
        if not meta.is_terminating(namespace) or not pods.spec(namespace).get("finalizers"):
            return None
        remains = await self._empty(namespace)
        namespace = await self._update_status(namespace, remains)
        if remains.errors:
            raise remains.errors[0]
        if remains.estimate:
            return Result(requeue_after=remains.estimate // 2 + 1)
        await self._finalize(namespace)
        return None

    async def _empty(self, namespace: Object) -> _Remains:
        """Delete all content: first the Pods, and the rest when those are gone."""
        remains = _Remains()
        try:
            resources = await self._discovery()
        except ApiError as error:
            remains.discovery_errors.append(error)
            remains.estimate = FINALIZER_ESTIMATE
            return remains
        for group in _in_order(resources):
            for resource in group:
                await self._delete_all(resource, namespace, remains)
            if remains.objects or remains.errors:
                break
        return remains

    async def _delete_all(self, resource: GVR, namespace: Object, remains: _Remains) -> None:
        try:
            estimate = await self._grace(resource, namespace)
            await self._delete_collection(resource, meta.name(namespace))
            left = (await self._client.list(resource, meta.name(namespace))).get("items") or []
        except NotFound:
            return
        except ApiError as error:
            remains.errors.append(error)
            return
        if left:
            self._count(resource, left, estimate, remains)

    def _count(self, resource: GVR, left: Sequence[Object], estimate: int,
               remains: _Remains) -> None:
        remains.objects[f"{resource.resource}.{resource.group}"] += len(left)
        finalizers = Counter(name for obj in left for name in meta.finalizers(obj))
        remains.finalizers += finalizers
        if not estimate and not finalizers:
            remains.errors.append(ApiError(
                f"unexpected items still remain in namespace: {meta.namespace(left[0])} for gvr: "
                f"{resource.group}/{resource.version}, Resource={resource.resource}"))
        remains.estimate = max(remains.estimate, estimate or FINALIZER_ESTIMATE)

    async def _delete_collection(self, resource: GVR, place: str) -> None:
        try:
            await self._client.delete_collection(resource, place, propagation="Background")
        except MethodNotAllowed:
            for obj in (await self._client.list(resource, place)).get("items") or ():
                await self._client.delete(
                    resource, meta.name(obj), place, propagation="Background")

    async def _grace(self, resource: GVR, namespace: Object) -> int:
        """Seconds that the namespace's Pods may take to end, 0 when that time is over."""
        if resource != PODS:
            return 0
        items = (await self._client.list(PODS, meta.name(namespace))).get("items") or ()
        longest = max((pods.spec(pod).get("terminationGracePeriodSeconds") or 0 for pod in items
                       if pods.phase(pod) not in pods.FINISHED), default=0)
        since = parse_time(namespace["metadata"]["deletionTimestamp"])
        return 0 if self._clock.now() - since >= longest else int(longest)

    async def _update_status(self, namespace: Object, remains: _Remains) -> Object:
        conditions = pods.status(namespace).get("conditions")
        fresh = _conditions(conditions, remains.bad(), self._clock.now())
        if fresh == (conditions or []):
            return namespace
        status = {**pods.status(namespace), "phase": "Terminating", "conditions": fresh}
        return await self._client.update(
            NAMESPACES, {**namespace, "status": status}, subresource="status")

    async def _finalize(self, namespace: Object) -> None:
        left = [name for name in namespace["spec"]["finalizers"] if name != FINALIZER]
        spec = {**namespace["spec"], "finalizers": left}
        try:
            await self._client.update(NAMESPACES, {**namespace, "spec": spec},
                                      subresource="finalize")
        except NotFound:
            return


def _in_order(resources: Iterable[DiscoveredResource]) -> list[list[GVR]]:
    """The resources to empty: Pods first, then the others."""
    deletable = [one.resource for one in resources if one.namespaced and "delete" in one.verbs]
    return [[PODS], [one for one in deletable if one != PODS]]


def _conditions(known: Sequence[Object] | None, bad: Mapping[str, tuple[str, str]],
                now: float) -> list[Object]:
    """All five conditions; a time of transition stays while the status does."""
    fresh = list(known or ())
    for type, good in _CONDITIONS.items():
        reason, message = bad.get(type, good)
        wanted = new_condition(type, "True" if type in bad else "False", reason, message, now)
        current = get_condition(fresh, type)
        if current is None:
            fresh.append(wanted)
            continue
        if current["status"] == wanted["status"]:
            wanted["lastTransitionTime"] = current["lastTransitionTime"]
        fresh = [wanted if one is current else one for one in fresh]
    return fresh


