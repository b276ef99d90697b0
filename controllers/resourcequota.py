"""What a namespace uses of its quotas. Models pkg/controller/resourcequota and
pkg/quota/v1/evaluator.

Admission counts what is created; here everything is counted anew, when something goes or ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from apiserver.machinery import meta
from apiserver.machinery.gvk import GVR, PODS, RESOURCEQUOTAS
from apiserver.machinery.quantity import ZERO
from apiserver.machinery.quota import PLAIN_COUNTS, Usage, add, covers, restricts, usage_of
from controllers import pods
from controllers.controller import Controller, ControllerContext, KeysOf, Result, own_key
from controllers.informer import BY_NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from apiserver.machinery.types import Object
    from controllers.controller import DiscoveredResource

_MEASURED: Final = (*sorted(PLAIN_COUNTS), "pods")


class ResourceQuotaController(Controller):
    """Key: a ResourceQuota."""

    name: ClassVar[str] = "resourcequota-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._clock = ctx.clock
        self._informers = ctx.informers
        self._discovery = ctx.discovery
        self._quotas = ctx.informers.get(RESOURCEQUOTAS, BY_NAMESPACE)
        self._pods = ctx.informers.get(PODS, BY_NAMESPACE)
        self._followed: set[GVR] = {RESOURCEQUOTAS, PODS}
        self._resources: dict[str, DiscoveredResource] = {}

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {RESOURCEQUOTAS: own_key, PODS: self._changed}

    async def start(self) -> None:
        await self._discover()

    async def _discover(self) -> None:
        self._resources = {one.resource.group_resource: one for one in await self._discovery()
                           if one.namespaced and "list" in one.verbs}

    def _changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        """All quotas of the namespace in which something came, went or ended."""
        if old is not None and new is not None and _counts(old) == _counts(new):
            return ()
        obj = new if new is not None else old
        assert obj is not None
        return [meta.namespaced_name(one)
                for one in self._quotas.in_namespace(meta.namespace(obj))]

    async def reconcile(self, key: str) -> Result | None:
        quota = self._quotas.get(key)
        if quota is None:
            return None
        hard = pods.spec(quota).get("hard") or {}
        used = await self._used(quota, hard)
        status = {"hard": hard, "used": {name: str(used.get(name, ZERO)) for name in hard}}
        if status != pods.status(quota):
            await self._client.update(
                RESOURCEQUOTAS, {**quota, "status": status}, subresource="status")
        return None

    async def _used(self, quota: Object, hard: Mapping[str, str]) -> Usage:
        place = meta.namespace(quota)
        used: Usage = {}
        for group_resource in _counted_kinds(hard):
            plural, _, group = group_resource.partition(".")
            for obj in await self._objects(group_resource, place):
                if covers(quota, group, plural, obj):
                    add(used, usage_of(group, plural, obj, self._clock.now()))
        return used

    async def _objects(self, group_resource: str, place: str) -> Sequence[Object]:
        """The objects of a resource in a namespace; from now on their coming and going wakes us."""
        if group_resource == "pods":
            return list(self._pods.in_namespace(place))
        found = self._resources.get(group_resource)
        if found is None:
            await self._discover()
            found = self._resources.get(group_resource)
        if found is None:
            return ()
        if found.resource not in self._followed:
            self._follow(found.resource)
        items: Sequence[Object] = (await self._client.list(found.resource, place))["items"]
        return items

    def _follow(self, resource: GVR) -> None:
        self._followed.add(resource)

        def handle(old: Object | None, new: Object | None) -> None:
            for key in self._changed(old, new):
                self.queue.add(key)

        self._informers.get(resource).add_handler(handle)


def _counted_kinds(hard: Iterable[str]) -> list[str]:
    """The kinds (`pods`, `deployments.apps`) that names of `hard` are about."""
    return list(dict.fromkeys(
        name.removeprefix("count/") if name.startswith("count/") else _kind_of(name)
        for name in hard))


def _kind_of(name: str) -> str:
    return next((plural for plural in _MEASURED if restricts("", plural, name)), "pods")


def _counts(obj: Object) -> Any:
    """What a quota sees of an object that has changed."""
    spec = pods.spec(obj)
    return (pods.phase(obj) in pods.FINISHED, spec.get("type"), spec.get("resources"),
            spec.get("activeDeadlineSeconds"), len(spec.get("ports") or ()),
            [one.get("resources") for one in spec.get("containers") or ()])
