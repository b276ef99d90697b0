"""Everything that a server makes at its start, in one place, and how it keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.customresources.store import ObservedStore
from apiserver.defaults.addresses import SINCE, AddressedServices
from apiserver.defaults.aggregator import APISERVICES, AutoRegistration
from apiserver.defaults.flowcontrol import flow_control
from apiserver.defaults.objects import ensure
from apiserver.defaults.others import (
    LEASES,
    identity,
    identity_name,
    lease_spec,
    priorities,
    service_range,
    token_tracking,
)
from apiserver.machinery import meta
from apiserver.storage.keys import object_key

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from apiserver.customresources.definitions import Definitions
    from apiserver.registry.registry import Registry

RENEWAL: Final = 600.0
"""Seconds between renewals of the server's Lease (upstream: 10; who reads it waits an hour)."""


class Startup:
    """What one server makes of itself."""

    def __init__(self, registry: Registry, chance: random.Random, *, host: str) -> None:
        """`host`: the name of the machine that the server runs on."""
        self._registry = registry
        self._chance = chance
        self._host = host
        self._holder = f"{identity_name(host)}_{meta.new_uid(chance)}"
        self._services = AutoRegistration(registry, chance)

    async def run(self, definitions: Definitions, ranges: Sequence[str]) -> None:
        """Make what is missing; APIServices follow the CRDs from then on."""
        now = self._registry.clock.now()
        await ensure(self._registry, (
            *flow_control(), *priorities(), service_range(tuple(ranges)),
            token_tracking(now), identity(self._host, self._holder, now)), self._chance)
        await self.renew()
        if self._registry.schema.minor >= SINCE:
            await AddressedServices(self._registry, self._chance).start()
        await self._services.sync()
        definitions.served_changed = self._services.sync
        self._registry.keep_in(APISERVICES, ObservedStore(self._registry.store, self._restore))

    async def renew(self) -> None:
        """Say that the server lives."""
        resource = self._registry.catalog.resource(LEASES)
        key = object_key(resource, "kube-system", identity_name(self._host))
        version = await self._registry.store.get(key)
        now = self._registry.clock.now()
        spec = lease_spec(self._holder, now)
        if version is not None and version.object["spec"] != spec:
            await self._registry.store.put(key, {
                **version.object, "metadata": dict(version.object["metadata"]), "spec": spec,
            }, expected=version.revision)

    async def _restore(self, name: str) -> None:
        """An APIService was written: the server's own come back."""
        await self._services.sync()
