"""Further ServiceCIDRs: Services get addresses of theirs, and they stay while one has. Models
pkg/controller/servicecidrs and the MetaAllocator of pkg/registry/core/service/ipallocator.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.machinery import meta
from apiserver.machinery.clock import parse_time, rfc3339
from apiserver.machinery.errors import NotFound
from apiserver.machinery.gvk import GVR, SERVICES
from controllers.controller import Controller, ControllerContext, KeysOf, Result, own_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.machinery.types import Object
    from controllers.serviceips.allocator import ServiceAllocator

SERVICECIDRS: Final = GVR("networking.k8s.io", "v1", "servicecidrs")
FINALIZER: Final = "networking.k8s.io/service-cidr-finalizer"
DELETION_GRACE: Final = 10.0
"""Seconds between the deletion of a ServiceCIDR and its end."""
_READY: Final = ("True", "", "Kubernetes Service CIDR is ready")
_BLOCKED: Final = ("False", "Terminating", "There are still IPAddresses referencing the "
                   "ServiceCIDR, please remove them or create a new ServiceCIDR")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ServiceCIDRController(Controller):
    """Key: a ServiceCIDR."""

    name: ClassVar[str] = "service-cidrs-controller"
    max_retries: ClassVar[int | None] = 15

    def __init__(self, ctx: ControllerContext, allocator: ServiceAllocator) -> None:
        self._client, self._clock = ctx.client, ctx.clock
        self._allocator = allocator
        self._cidrs = ctx.informers.get(SERVICECIDRS)
        self._services = ctx.informers.get(SERVICES)
        self._ending: set[str] = set()
        """Those that are being deleted: a Service that goes may let them go."""

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {SERVICECIDRS: self._changed, SERVICES: lambda old, new: sorted(self._ending)}

    def _changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        """One that comes may hold what another needs to go."""
        return dict.fromkeys((*own_key(old, new), *sorted(self._ending)))

    async def reconcile(self, key: str) -> Result | None:
        cidr = self._cidrs.get(key)
        if cidr is None:
            self._ending.discard(key)
            self._allocator.withdraw(key)
            return None
        if meta.is_terminating(cidr):
            return await self._end(cidr, key)
        if FINALIZER not in (meta.metadata(cidr).get("finalizers") or ()):
            await self._patch(key, {"metadata": {"finalizers": [FINALIZER]}})
        await self._say(cidr, _READY)
        self._allocator.offer(key, cidr["spec"]["cidrs"])
        return None

    async def _end(self, cidr: Object, key: str) -> Result | None:
        self._ending.add(key)
        self._allocator.withdraw(key)
        if self._is_needed(cidr):
            await self._say(cidr, _BLOCKED)
            return None
        since = parse_time(meta.metadata(cidr)["deletionTimestamp"])
        left = since + DELETION_GRACE - self._clock.now()
        if left > 0:
            return Result(requeue_after=left)
        if FINALIZER in (meta.metadata(cidr).get("finalizers") or ()):
            await self._patch(key, {"metadata": {
                "$deleteFromPrimitiveList/finalizers": [FINALIZER]}})
        return None

    def _is_needed(self, cidr: Object) -> bool:
        """Whether a Service has an address that no other ServiceCIDR holds."""
        own = _networks(cidr)
        others = [network for one in self._cidrs if one is not cidr for network in _networks(one)]
        orphaned = [network for network in own if not any(_holds(o, network) for o in others)]
        return any(address in network for address in self._held() for network in orphaned
                   if not any(address in other for other in others))

    def _held(self) -> Iterable[ipaddress.IPv4Address | ipaddress.IPv6Address]:
        for service in self._services:
            for text in service["spec"].get("clusterIPs") or ():
                if text != "None":
                    yield ipaddress.ip_address(text)

    async def _say(self, cidr: Object, what: tuple[str, str, str]) -> None:
        """Set the condition Ready, if it says something else."""
        status, reason, message = what
        known = (cidr.get("status") or {}).get("conditions") or ()
        if any(c["type"] == "Ready" and c["status"] == status for c in known):
            return
        condition = {"type": "Ready", "status": status, "reason": reason, "message": message,
                     "lastTransitionTime": rfc3339(self._clock.now())}
        await self._patch(meta.name(cidr), {"status": {"conditions": [condition]}}, "status")

    async def _patch(self, key: str, patch: Object, subresource: str = "") -> None:
        try:
            await self._client.patch(SERVICECIDRS, key, None, patch, type="strategic",
                                     subresource=subresource)
        except NotFound:
            return


def _networks(cidr: Object) -> list[Network]:
    return [ipaddress.ip_network(text) for text in cidr["spec"]["cidrs"]]


def _holds(outer: Network, inner: Network) -> bool:
    """Whether a network has all addresses of another."""
    if isinstance(outer, ipaddress.IPv4Network):
        return isinstance(inner, ipaddress.IPv4Network) and inner.subnet_of(outer)
    return isinstance(inner, ipaddress.IPv6Network) and inner.subnet_of(outer)
