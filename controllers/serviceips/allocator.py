"""The allocator of virtual addresses: cluster IPs and node ports, inside the write.

Models pkg/registry/core/service/storage/alloc.go. Satisfies `apiserver.allocation.Allocator`.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.serviceips import cluster_ips_errors
from apiserver.machinery.validation import Path, invalid
from controllers.serviceips.families import (
    default_policy,
    family_of,
    init_families,
    is_headless,
    keep_cluster_ips,
    needs_cluster_ip,
    normalize_cluster_ips,
    unchanged_prefer_dual,
)
from controllers.serviceips.nodeports import (
    allocate_node_ports,
    keep_node_ports,
    needs_health_check,
    node_ports,
    update_health_check,
    update_node_ports,
)
from controllers.serviceips.ranges import AddressPool, RangeFull, ValueRange, port_range
from controllers.serviceips.transaction import ServiceAllocation, no_value_left

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

    from apiserver.machinery.types import Object

DEFAULT_RANGES: Final = ("10.96.0.0/12",)
DEFAULT_NODE_PORTS: Final = (30000, 32767)


class ServiceAllocator:
    """Gives Services their cluster IPs and node ports.

    `ranges` are one or two CIDRs of different families, the default family first
    (`--service-cluster-ip-range`). Raises ValueError for what is no CIDR.
    """

    def __init__(self, chance: random.Random, ranges: Sequence[str] = DEFAULT_RANGES,
                 ports: tuple[int, int] = DEFAULT_NODE_PORTS) -> None:
        networks = [ipaddress.ip_network(text) for text in ranges]
        self._addresses = {f"IPv{network.version}": AddressPool(network, chance)
                           for network in networks}
        self._ports = port_range(*ports, chance)

    def begin(self, obj: Object, old: Object | None, *, dry_run: bool) -> ServiceAllocation:
        """Fill addresses and node ports into `obj` in place.

        What cannot be had is in the allocation's `errors`. Raises InternalError, with nothing left
        taken, when a range is full.
        """
        allocation = ServiceAllocation(dry_run)
        spec: Object = obj.setdefault("spec", {})
        old_spec = None if old is None else old.get("spec") or {}
        normalize_cluster_ips(spec, old_spec)
        if old_spec is not None:
            keep_cluster_ips(spec, old_spec)
            keep_node_ports(spec, old_spec)
        self._allocate(spec, old_spec, allocation)
        return allocation

    def release(self, obj: Object) -> None:
        """A deleted Service's addresses and ports are free again."""
        for values, value in self._values_of(obj):
            values.release(value)

    def adopt(self, obj: Object) -> None:
        """Count a stored Service's addresses and ports as taken."""
        for values, value in self._values_of(obj):
            values.take(value)

    def offer(self, name: str, cidrs: Sequence[str]) -> None:
        """Services may have addresses of these ranges too: those of the ServiceCIDR `name`, in the
        families that are configured.
        """
        for text in cidrs:
            network = ipaddress.ip_network(text)
            pool = self._addresses.get(f"IPv{network.version}")
            if pool is not None and network != pool.network:
                pool.offer(name, network)

    def withdraw(self, name: str) -> None:
        """No further addresses from that ServiceCIDR; harmless twice."""
        for pool in self._addresses.values():
            pool.withdraw(name)

    def _allocate(self, spec: Object, old: Mapping[str, Any] | None,
                  allocation: ServiceAllocation) -> None:
        """The steps of allocateCreate and allocateUpdate; the first that fails is the last."""
        steps = (self._families, self._cluster_ips, self._node_ports, self._health_check)
        for step in steps:
            step(spec, old, allocation)
            if allocation.errors:
                return

    def _families(self, spec: Object, old: Mapping[str, Any] | None,
                  allocation: ServiceAllocation) -> None:
        if spec.get("type") == "ExternalName" or unchanged_prefer_dual(spec, old):
            return
        default_policy(spec, old)
        wrong = cluster_ips_errors(spec)
        allocation.errors += wrong or init_families(spec, old, list(self._addresses))

    def _cluster_ips(self, spec: Object, old: Mapping[str, Any] | None,
                     allocation: ServiceAllocation) -> None:
        if unchanged_prefer_dual(spec, old):
            return
        if old is not None and needs_cluster_ip(old):
            self._update_cluster_ips(spec, old, allocation)
        elif spec.get("type") != "ExternalName" and not is_headless(spec):
            self._take_addresses(spec, 0, allocation)

    def _update_cluster_ips(self, spec: Object, old: Mapping[str, Any],
                            allocation: ServiceAllocation) -> None:
        """Type to ExternalName, single to dual stack, or back."""
        if is_headless(old):
            return
        families, old_families = spec.get("ipFamilies") or (), old.get("ipFamilies") or ()
        if spec.get("type") == "ExternalName":
            self._give_up_addresses(old, 0, allocation)
        elif len(old_families) == 1 and len(families) == 2:
            self._take_addresses(spec, 1, allocation)
        elif len(old_families) == 2 and len(families) == 1:
            self._give_up_addresses(old, 1, allocation)

    def _take_addresses(self, spec: Object, start: int, allocation: ServiceAllocation) -> None:
        """One address per family from index `start` on, the requested one where there is one."""
        addresses = list(spec.get("clusterIPs") or ())
        for index, family in enumerate(spec["ipFamilies"]):
            if index < start:
                continue
            wanted = addresses[index] if index < len(addresses) else ""
            got = self._take_address(family, wanted, addresses, allocation)
            addresses[index:index + 1] = [got]
        if not allocation.errors:
            spec["clusterIPs"], spec["clusterIP"] = addresses, addresses[0]

    def _take_address(self, family: str, wanted: str, shown: list[str],
                      allocation: ServiceAllocation) -> str:
        values = self._addresses[family]
        if not wanted:
            return self._next_address(family, allocation)
        address = ipaddress.ip_address(wanted)
        wrong = ""
        if int(address) not in values:
            wrong = "the provided network does not match the current range"
        elif not allocation.dry_run and not allocation.take(values, int(address)):
            wrong = "provided IP is already allocated"
        if wrong:
            allocation.errors.append(invalid(Path("spec").child("clusterIPs"), shown,
                                             f"failed to allocate IP {wanted}: {wrong}"))
        return wanted

    def _next_address(self, family: str, allocation: ServiceAllocation) -> str:
        """Any free address; on a dry run the network's own, as a dummy."""
        network = self._addresses[family].network
        if allocation.dry_run:
            return str(network.network_address)
        try:
            value = allocation.take_next(self._addresses[family])
        except RangeFull as error:
            allocation.rollback()
            raise no_value_left("a serviceIP", error) from error
        return str(type(network.network_address)(value))

    def _give_up_addresses(self, old: Mapping[str, Any], start: int,
                           allocation: ServiceAllocation) -> None:
        for values, value in self._addresses_of(old)[start:]:
            allocation.give_up(values, value)

    def _node_ports(self, spec: Object, old: Mapping[str, Any] | None,
                    allocation: ServiceAllocation) -> None:
        if old is None:
            allocate_node_ports(spec, self._ports, allocation)
        else:
            update_node_ports(spec, old, self._ports, allocation)

    def _health_check(self, spec: Object, old: Mapping[str, Any] | None,
                      allocation: ServiceAllocation) -> None:
        update_health_check(spec, old, self._ports, allocation)

    def _values_of(self, obj: Object) -> list[tuple[ValueRange | AddressPool, int]]:
        spec = obj.get("spec") or {}
        ports = node_ports(spec)
        if needs_health_check(spec) and spec.get("healthCheckNodePort"):
            ports.append(spec["healthCheckNodePort"])
        return self._addresses_of(spec) + [(self._ports, port) for port in ports]

    def _addresses_of(self, spec: Mapping[str, Any]) -> list[tuple[ValueRange | AddressPool, int]]:
        """The held addresses with their ranges, but for families that are no longer configured."""
        if spec.get("type") == "ExternalName":
            return []
        found: list[tuple[ValueRange | AddressPool, int]] = []
        for text in spec.get("clusterIPs") or ():
            values = self._addresses.get(family_of(text) or "")
            if values is not None:
                found.append((values, int(ipaddress.ip_address(text))))
        return found
