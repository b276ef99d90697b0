"""kube-proxy on one node, for one family: follows the objects and keeps the rules.

Models the Proxier of pkg/proxy/{iptables,nftables}. Changes are told object by object; `sync`
then writes what belongs to the Services that changed and nothing else. A `RuleWriter` knows the
language of the rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from netsim.kubeproxy.health import HealthCheck
from netsim.kubeproxy.service_map import ServiceMap
from netsim.kubeproxy.stale import OldUdpFlows, UdpFlows
from netsim.kubeproxy.values import Family, Form

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from netsim.conntrack.connection import Connection
    from netsim.kubeproxy.service_map import Key
    from netsim.kubeproxy.stale import Cleaner
    from netsim.kubeproxy.values import Endpoint, Node, Options, ServicePort

__all__ = ["SYNC_PERIOD", "Changes", "PortState", "Proxier", "RuleWriter"]

SYNC_PERIOD: Final = 30.0
"""Seconds between two looks at the canaries (syncPeriod)."""


@dataclass(frozen=True, slots=True)
class PortState:
    """A service port as its rules stand."""

    port: ServicePort
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a sync did."""

    full: bool
    """Whether everything was written again."""
    services: tuple[Key, ...]
    """The Services whose rules were written or taken away."""
    udp: bool
    """Whether endpoints of UDP service ports changed: then look for stale flows."""


class RuleWriter(Protocol):
    """Writes the rules of service ports in one language."""

    def intact(self) -> bool:
        """False when the rules were destroyed by others and must all be written again."""

    def canaries_gone(self) -> bool:
        """Whether everything was flushed since the last sync; looked at every `SYNC_PERIOD`."""

    def setup(self, node: Node) -> None:
        """Begin anew: write the fixed part, forget every service port."""

    def write(self, states: Sequence[PortState], old: Sequence[PortState], comments: bool) -> None:
        """Put the rules of one Service's ports in the place of those it had."""

    def finish(self) -> None:
        """All Services are written."""


class Proxier:
    """The rules of one node for one family of addresses."""

    def __init__(
        self, writer: RuleWriter, *, node: Node, options: Options, family: Family = Family.IPV4
    ) -> None:
        self.node = node
        self.options = options
        self.family = family
        self.services = ServiceMap(family)
        """Tell it every change of a Service or EndpointSlice; then call `sync`."""
        self._writer = writer
        self._states: dict[Key, tuple[PortState, ...]] = {}
        cleaner = OldUdpFlows if options.form is Form.V1_13 else UdpFlows
        self._udp: Cleaner = cleaner(4 if family is Family.IPV4 else 6)
        self._health: dict[Key, tuple[int, HealthCheck]] = {}
        self._endpoints = 0
        self._full = True

    def sync(self) -> Changes:
        """Make the rules say what the objects say."""
        full = self._full or not self._writer.intact()
        changed = self.services.take_changes()
        if full:
            self._writer.setup(self.node)
            changed = sorted({*changed, *self._states, *self.services.keys()})
        updates = [(key, self._states.get(key, ()), self._now(key)) for key in changed]
        updates = [(key, old, new) for key, old, new in updates if full or old != new]
        for key, old, new in updates:
            self._keep(key, old, new)
        comments = self._endpoints <= self.options.large_cluster_endpoints
        for _, old, new in updates:
            self._writer.write(new, () if full else old, comments)
        self._writer.finish()
        self._full = False
        return Changes(
            full=full,
            services=tuple(key for key, _, _ in updates),
            udp=any(_udp_differs(old, new) for _, old, new in updates),
        )

    def replace(
        self, services: Iterable[dict[str, Any]], slices: Iterable[dict[str, Any]]
    ) -> Changes:
        """Sync with exactly these Services and EndpointSlices."""
        self.services.replace(services, slices)
        return self.sync()

    def set_node(self, node: Node) -> None:
        """The node as it is now; if its zone or addresses changed the next sync is a full one."""
        if node != self.node:
            self.node = node
            self.request_full_sync()

    def needs_sync(self) -> bool:
        """Whether what others did calls for a sync though no object changed (iptables Monitor)."""
        return self._full or self._writer.canaries_gone()

    def request_full_sync(self) -> None:
        """Write everything at the next sync."""
        self._full = True

    def stale_flows(self, connections: Iterable[Connection]) -> list[Connection]:
        """The conntrack entries to delete after a sync in which UDP endpoints changed."""
        return self._udp.stale(connections)

    def health_checks(self) -> dict[int, HealthCheck]:
        """What to answer on which health check node port."""
        return dict(self._health.values())

    def states(self) -> dict[Key, tuple[PortState, ...]]:
        """The service ports whose rules stand, by Service."""
        return dict(self._states)

    def _now(self, key: Key) -> tuple[PortState, ...]:
        node = self.node.name
        return tuple(
            PortState(port, self.services.endpoints(port, node))
            for port in self.services.ports(key)
        )

    def _keep(self, key: Key, old: tuple[PortState, ...], new: tuple[PortState, ...]) -> None:
        self._endpoints += _count(new) - _count(old)
        if new:
            self._states[key] = new
        else:
            self._states.pop(key, None)
        self._udp.change(old, new)
        self._health.pop(key, None)
        number = next((s.port.health_check_node_port for s in new), 0)
        if number:
            ready = {e.address for s in new for e in s.endpoints if e.local and e.ready}
            self._health[key] = (number, HealthCheck(*key, len(ready)))


def _count(states: Iterable[PortState]) -> int:
    return sum(len(state.endpoints) for state in states)


def _udp_differs(old: tuple[PortState, ...], new: tuple[PortState, ...]) -> bool:
    before, after = ([s for s in states if s.port.protocol == "udp"] for states in (old, new))
    return before != after
