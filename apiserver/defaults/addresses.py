"""An IPAddress for every address that a Service holds. Models the ipallocator of
pkg/registry/core/service/ipallocator, which claims an address by creating one; ours claims it in
its own books, and the objects tell of it right after.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from apiserver.customresources.store import ObservedStore
from apiserver.defaults.objects import Default, ensure
from apiserver.machinery import meta
from apiserver.machinery.gvk import GVR, SERVICES
from apiserver.storage.keys import collection_prefix, object_key
from apiserver.storage.store import RevisionMismatch

if TYPE_CHECKING:
    import random

    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry
    from apiserver.storage.store import Change, Version

IPADDRESSES: Final = GVR("networking.k8s.io", "v1", "ipaddresses")
SINCE: Final = 33
"""The minor version whose servers make them (MultiCIDRServiceAllocator)."""
_LABEL: Final = "ipaddress.kubernetes.io/"


async def _nobody(name: str) -> None:
    """Nobody else hears of it."""


class AddressedServices(ObservedStore):
    """The store of Services: their addresses follow every write."""

    def __init__(self, registry: Registry, chance: random.Random) -> None:
        super().__init__(registry.store, _nobody)
        self._registry = registry
        self._chance = chance

    async def start(self) -> None:
        """Keep Services here from now on; those that are there get what they lack."""
        self._registry.keep_in(SERVICES, self)
        resource = self._registry.catalog.resource(SERVICES)
        for version in (await self._store.list(collection_prefix(resource))).versions:
            await self._follow({}, version.object)

    async def put(self, key: str, value: Object, *, expected: int) -> Version:
        """Write, then claim and release."""
        version = await super().put(key, value, expected=expected)
        before = version.previous.value if version.previous is not None else None
        await self._follow(before or {}, value)
        return version

    async def delete(self, key: str, *, expected: int) -> Change:
        """Delete, then release."""
        change = await super().delete(key, expected=expected)
        if change.previous is not None:
            await self._follow(change.previous.object, {})
        return change

    async def _follow(self, before: Object, after: Object) -> None:
        held, wanted = _addresses(before), _addresses(after)
        if held == wanted:
            return
        for address in sorted(held - wanted):
            await self._release(address)
        await ensure(self._registry, [_address(each, after) for each in sorted(wanted)],
                     self._chance)

    async def _release(self, address: str) -> None:
        key = object_key(self._registry.catalog.resource(IPADDRESSES), "", address)
        version = await self._store.get(key)
        if version is None:
            return
        try:
            await self._store.delete(key, expected=version.revision)
        except RevisionMismatch:
            return


def _addresses(service: Object) -> set[str]:
    spec = service.get("spec") or {}
    return {each for each in spec.get("clusterIPs") or () if each and each != "None"}


def _address(address: str, service: Object) -> Default:
    family = f"IPv{ipaddress.ip_address(address).version}"
    return Default(IPADDRESSES, {
        "kind": "IPAddress", "apiVersion": "networking.k8s.io/v1",
        "metadata": {"name": address, "labels": {
            f"{_LABEL}ip-family": family, f"{_LABEL}managed-by": "ipallocator"}},
        "spec": {"parentRef": {"resource": "services", "namespace": meta.namespace(service),
                               "name": meta.name(service)}}}, shared=False)
