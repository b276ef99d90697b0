"""Node ports and health check node ports. Models `initNodePorts`, `updateNodePorts` and
`updateHealthCheckNodePort` of pkg/registry/core/service/storage/alloc.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from apiserver.machinery.errors import ApiError
from apiserver.machinery.validation import Path, invalid
from controllers.serviceips.ranges import RangeFull, ValueRange
from controllers.serviceips.transaction import ServiceAllocation, no_value_left

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

Spec = Mapping[str, Any]


class DuplicateNodePort(ApiError):
    """500 without a reason: an update gives two ports of one protocol the same node port."""

    code = 500
    reason = ""


def has_node_ports(spec: Spec) -> bool:
    """Whether the Service's type can have node ports."""
    return spec.get("type") in ("NodePort", "LoadBalancer")


def wants_node_ports(spec: Spec) -> bool:
    """Whether every port is to get a node port, requested or not."""
    if spec.get("type") == "LoadBalancer":
        return spec.get("allocateLoadBalancerNodePorts") is not False
    return spec.get("type") == "NodePort"


def needs_health_check(spec: Spec) -> bool:
    """Whether a load balancer has to ask each node if it has endpoints."""
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def node_ports(spec: Spec) -> list[int]:
    """All node ports of the Service, in order of its ports."""
    return [port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")]


def keep_node_ports(spec: Object, old: Spec) -> None:
    """Fill in the node ports that an update left out, by port name (`patchAllocatedValues`)."""
    if wants_node_ports(spec) and wants_node_ports(old):
        used = set(node_ports(old)) & set(node_ports(spec))
        by_name = {port.get("name", ""): port.get("nodePort", 0) for port in old.get("ports") or ()}
        for port in spec.get("ports") or ():
            known = by_name.get(port.get("name", ""), 0)
            if not port.get("nodePort") and known and known not in used:
                port["nodePort"] = known
                used.add(known)
    if (needs_health_check(spec) and needs_health_check(old) and old.get("healthCheckNodePort")
            and not spec.get("healthCheckNodePort")):
        spec["healthCheckNodePort"] = old["healthCheckNodePort"]


def allocate_node_ports(spec: Object, ports: ValueRange, allocation: ServiceAllocation) -> None:
    """Give a new Service its node ports; ports of one number (TCP and UDP) share theirs."""
    if not has_node_ports(spec):
        return
    shared: dict[int, int] = {}
    for index, port in enumerate(spec.get("ports") or ()):
        if not port.get("nodePort") and not wants_node_ports(spec):
            continue
        known = shared.get(port.get("port", 0))
        wanted = port.get("nodePort") or known or _requested(spec, port.get("port", 0))
        if known is None or wanted != known:
            wanted = _take(wanted, index, ports, allocation)
        if allocation.errors:
            return
        port["nodePort"] = wanted
        shared.setdefault(port.get("port", 0), wanted)


def update_node_ports(spec: Object, old: Spec, ports: ValueRange,
                      allocation: ServiceAllocation) -> None:
    """Take what an update adds, and give up what it drops."""
    before = node_ports(old) if has_node_ports(old) else []
    if has_node_ports(spec):
        _take_added(spec, node_ports(old), ports, allocation)
    after = node_ports(spec) if has_node_ports(spec) else []
    for port in before:
        if port not in after:
            allocation.give_up(ports, port)


def update_health_check(spec: Object, old: Spec | None, ports: ValueRange,
                        allocation: ServiceAllocation) -> None:
    """Take or give up the health check node port. Raises InternalError when it cannot be had."""
    needed = old is not None and needs_health_check(old)
    if needs_health_check(spec) and not needed:
        _take_health_check(spec, ports, allocation)
    elif old is not None and needed and not needs_health_check(spec):
        allocation.give_up(ports, old.get("healthCheckNodePort", 0))


def _requested(spec: Spec, number: int) -> int:
    """The node port that some port of this number asks for, or 0."""
    asked = (port.get("nodePort") for port in spec.get("ports") or () if port.get("port") == number)
    return next((port for port in asked if port), 0)


def _take(wanted: int, index: int, ports: ValueRange, allocation: ServiceAllocation) -> int:
    """Hold the wanted node port, or any when it is 0; errors go to the allocation."""
    if not wanted:
        try:
            return allocation.next_port(ports)
        except RangeFull as error:
            allocation.rollback()
            raise no_value_left("a nodePort", error) from error
    wrong = allocation.take_port(ports, wanted)
    if wrong:
        path = Path("spec").child("ports").at(index).child("nodePort")
        allocation.errors.append(invalid(path, wanted, wrong))
    return wanted


def _take_added(spec: Object, before: list[int], ports: ValueRange,
                allocation: ServiceAllocation) -> None:
    seen: set[tuple[str, int]] = set()
    requested: set[int] = set()
    for index, port in enumerate(spec.get("ports") or ()):
        wanted = port.get("nodePort", 0)
        if not wanted and not wants_node_ports(spec):
            continue
        if wanted not in before and wanted not in requested:
            requested.add(wanted)
            port["nodePort"] = wanted = _take(wanted, index, ports, allocation)
            requested.discard(0)
        if allocation.errors:
            return
        pair = (port.get("protocol", "TCP"), wanted)
        if pair in seen:
            allocation.rollback()
            raise DuplicateNodePort(f"duplicate nodePort: {{{pair[0]} {pair[1]}}}")
        seen.add(pair)


def _take_health_check(spec: Object, ports: ValueRange, allocation: ServiceAllocation) -> None:
    wanted = spec.get("healthCheckNodePort", 0)
    try:
        wrong = allocation.take_port(ports, wanted) if wanted else ""
        spec["healthCheckNodePort"] = wanted or allocation.next_port(ports)
    except RangeFull as error:
        allocation.rollback()
        raise no_value_left("a HealthCheck NodePort 0", error) from error
    if wrong:
        allocation.rollback()
        raise no_value_left(f"requested HealthCheck NodePort {wanted}", wrong)
