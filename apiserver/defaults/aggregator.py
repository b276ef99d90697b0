"""An APIService for each group and version that this server itself serves. Models kube-aggregator's
autoregistration and pkg/controlplane/apiserver's table of priorities.

Built-in ones are made at start; a CRD's come and go with it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from apiserver.defaults.objects import Default, ensure
from apiserver.machinery import meta
from apiserver.machinery.gvk import GVR
from apiserver.storage.keys import collection_prefix, object_key
from apiserver.storage.store import RevisionMismatch

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from apiserver.registry.registry import Registry
    from apiserver.resource import Resource

APISERVICES: Final = GVR("apiregistration.k8s.io", "v1", "apiservices")
AUTOMANAGED: Final = "kube-aggregator.kubernetes.io/automanaged"
_GROUPS: Final = {
    "": 18000, "apps": 17800, "events.k8s.io": 17750, "authentication.k8s.io": 17700,
    "authorization.k8s.io": 17600, "autoscaling": 17500, "batch": 17400,
    "certificates.k8s.io": 17300, "networking.k8s.io": 17200, "policy": 17100,
    "rbac.authorization.k8s.io": 17000, "storage.k8s.io": 16800, "apiextensions.k8s.io": 16700,
    "admissionregistration.k8s.io": 16700, "scheduling.k8s.io": 16600,
    "coordination.k8s.io": 16500, "node.k8s.io": 16300, "discovery.k8s.io": 16200,
    "resource.k8s.io": 16200, "storagemigration.k8s.io": 16800,
    "flowcontrol.apiserver.k8s.io": 16100}
_VERSIONS: Final = {
    ("", "v1"): 1, ("autoscaling", "v2"): 30, ("flowcontrol.apiserver.k8s.io", "v1"): 21,
    ("flowcontrol.apiserver.k8s.io", "v1beta3"): 18,
    ("flowcontrol.apiserver.k8s.io", "v1beta2"): 15}
_STABLE: Final = 15
_BETA: Final = 9
_CUSTOM: Final = (1000, 100)
_OWN: Final = "apiregistration.k8s.io"
"""Served by the aggregator itself."""


def api_services(resources: Iterable[Resource]) -> list[Default]:
    """One for each group and version of the resources, in the order of their names."""
    found = {(each.group, each.version): each.custom for each in resources if each.group != _OWN}
    return [_api_service(*key, custom) for key, custom in sorted(found.items())]


@cache
def _api_service(group: str, version: str, custom: bool) -> Default:
    priority = _CUSTOM if custom else (_GROUPS.get(group, 1000), _version_priority(group, version))
    spec = {"version": version, "groupPriorityMinimum": priority[0],
            "versionPriority": priority[1]}
    return Default(APISERVICES, {
        "kind": "APIService", "apiVersion": "apiregistration.k8s.io/v1",
        "metadata": {"name": f"{version}.{group}",
                     "labels": {AUTOMANAGED: "true" if custom else "onstart"}},
        "spec": {"group": group, **spec} if group else spec,
        "status": {"conditions": [{
            "type": "Available", "status": "True", "reason": "Local",
            "message": "Local APIServices are always available"}]}})


def _version_priority(group: str, version: str) -> int:
    return _VERSIONS.get((group, version), _BETA if "beta" in version else _STABLE)


class AutoRegistration:
    """Keeps the APIServices of what is served here, whatever is served later."""

    def __init__(self, registry: Registry, chance: random.Random) -> None:
        self._registry = registry
        self._chance = chance
        self._own: set[str] = set()

    async def sync(self) -> None:
        """Make what is missing, and take back what is no longer served."""
        served = api_services(self._local())
        await ensure(self._registry, served, self._chance)
        names = {each.object["metadata"]["name"] for each in served}
        for name in sorted(await self._registered() - names):
            await self._take_back(name)

    def _local(self) -> Iterable[Resource]:
        return (each for each in self._registry.catalog if each.group in _GROUPS or each.custom)

    async def _registered(self) -> set[str]:
        resource = self._registry.catalog.resource(APISERVICES)
        page = await self._registry.store.list(collection_prefix(resource))
        return {meta.name(each.object) for each in page.versions
                if AUTOMANAGED in meta.labels(each.object)}

    async def _take_back(self, name: str) -> None:
        resource = self._registry.catalog.resource(APISERVICES)
        key = object_key(resource, "", name)
        version = await self._registry.store.get(key)
        if version is None:
            return
        try:
            await self._registry.store.delete(key, expected=version.revision)
        except RevisionMismatch:
            return
