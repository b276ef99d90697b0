"""Gives every node its range of Pod addresses. Models pkg/controller/nodeipam (range allocator)."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, ClassVar

from apiserver.machinery import meta
from apiserver.machinery.errors import NotFound
from apiserver.machinery.gvk import GVR, NODES
from controllers import pods
from controllers.controller import Controller, ControllerContext, KeysOf, Result
from controllers.events import NORMAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.machinery.types import Object

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class CIDRSet:
    """Equal parts of a network, given out in turn, so that one is not reused at once."""

    def __init__(self, network: Network, mask: int) -> None:
        self._network = network
        self._mask = mask
        self._count = 1 << (mask - network.prefixlen)
        self._next = 0
        self._used: set[int] = set()

    def allocate(self) -> Network | None:
        """The next free part; None when all are taken."""
        for step in range(self._count):
            index = (self._next + step) % self._count
            if index not in self._used:
                self._used.add(index)
                self._next = (index + 1) % self._count
                return self._part(index)
        return None

    def occupy(self, cidr: str) -> None:
        """Somebody has this range already; one outside the network is nobody's concern."""
        self._used.update(self._indexes(cidr))

    def release(self, cidr: str) -> None:
        """The range is free again."""
        self._used.difference_update(self._indexes(cidr))

    def _part(self, index: int) -> Network:
        size = 1 << (self._network.max_prefixlen - self._mask)
        return ipaddress.ip_network((int(self._network[0]) + index * size, self._mask))

    def _indexes(self, cidr: str) -> range:
        """The parts that a range touches."""
        own = ipaddress.ip_network(cidr, strict=False)
        if own.version != self._network.version or not own.overlaps(self._network):
            return range(0)
        shift, base = self._network.max_prefixlen - self._mask, int(self._network[0])
        first, last = max(int(own[0]), base), min(int(own[-1]), int(self._network[-1]))
        return range((first - base) >> shift, ((last - base) >> shift) + 1)


class NodeIPAMController(Controller):
    """Key: a Node."""

    name: ClassVar[str] = "node-ipam-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._events = ctx.events.recorder("cidrAllocator")
        self._nodes = ctx.informers.get(NODES)
        self._sets = [CIDRSet(ipaddress.ip_network(cidr), mask) for cidr, mask in zip(
            ctx.options.cluster_cidrs, ctx.options.node_cidr_mask_sizes, strict=True)]

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {NODES: self._changed}

    def _changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        if new is None:
            assert old is not None
            self._release(_ranges(old))
            return ()
        for cidr in _ranges(new):
            for one in self._sets:
                one.occupy(cidr)
        return () if _ranges(new) else (meta.name(new),)

    async def reconcile(self, key: str) -> Result | None:
        node = self._nodes.get(key)
        if node is None or _ranges(node) or meta.is_terminating(node):
            return None
        parts = [one.allocate() for one in self._sets]
        cidrs = [str(part) for part in parts if part is not None]
        if len(cidrs) < len(parts):
            self._release(cidrs)
            self._events.event(node, NORMAL, "CIDRNotAvailable",
                               f"Node {key} status is now: CIDRNotAvailable")
            return Result(requeue_after=60.0)
        try:
            await self._client.patch(
                NODES, key, None, {"spec": {"podCIDR": cidrs[0], "podCIDRs": cidrs}},
                type="strategic")
        except NotFound:
            self._release(cidrs)
        return None

    def _release(self, cidrs: Iterable[str]) -> None:
        """These ranges are free again; each is of one family only."""
        for cidr in cidrs:
            for one in self._sets:
                one.release(cidr)


def _ranges(node: Object) -> list[str]:
    spec = pods.spec(node)
    return list(spec.get("podCIDRs") or ([spec["podCIDR"]] if spec.get("podCIDR") else []))
