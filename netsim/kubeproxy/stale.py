"""Which UDP flows a sync leaves stale. Models pkg/proxy/conntrack/cleanup.go.

A UDP flow keeps its endpoint for as long as its conntrack entry lives, and clients keep it alive.
So kube-proxy deletes entries that lead away from a service to what is no endpoint of it any more.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, Protocol

from netsim.kubeproxy.render import sort_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from netsim.conntrack.connection import Connection
    from netsim.kubeproxy.proxier import PortState
    from netsim.kubeproxy.values import ServicePort

__all__ = ["Cleaner", "OldUdpFlows", "UdpFlows"]

_UDP: Final = 17
Target = tuple[int | None, int]
"""Where a flow was sent: address (None: any, for node ports) and port."""
Serving = frozenset[tuple[int, int]]
"""Addresses and ports that serve."""


class Cleaner(Protocol):
    """Knows which conntrack entries a sync has to delete."""

    def change(self, old: Sequence[PortState], new: Sequence[PortState]) -> None:
        """One Service's ports as they were and as they are."""

    def stale(self, connections: Iterable[Connection]) -> list[Connection]:
        """The entries to delete."""


def _addresses(port: ServicePort) -> list[int]:
    texts = (port.cluster_ip, *port.external_ips, *port.load_balancer_ips)
    return [int(ip_address(text)) for text in texts]


def _udp(states: Sequence[PortState]) -> Iterator[PortState]:
    return (state for state in states if state.port.protocol == "udp")


class UdpFlows:
    """Today's rule: an entry to a service whose endpoint does not serve it goes.

    A service port without any serving endpoint is left out: its flows live on.
    """

    def __init__(self, version: int) -> None:
        """`version`: 4 or 6."""
        self._version = version
        self._allowed: dict[Target, dict[tuple[str, str], Serving]] = {}
        self._targets: dict[tuple[str, str], tuple[Target, ...]] = {}

    def change(self, old: Sequence[PortState], new: Sequence[PortState]) -> None:
        """Follow one Service's ports."""
        for state in _udp(old):
            self._remove(sort_key(state.port))
        for state in _udp(new):
            self._add(state)

    def _add(self, state: PortState) -> None:
        key = sort_key(state.port)
        serving = frozenset(
            (int(ip_address(e.address)), e.port) for e in state.endpoints if e.serving
        )
        if not serving:
            return
        self._targets[key] = tuple(_targets(state.port))
        for target in self._targets[key]:
            self._allowed.setdefault(target, {})[key] = serving

    def _remove(self, key: tuple[str, str]) -> None:
        for target in self._targets.pop(key, ()):
            owners = self._allowed[target]
            del owners[key]
            if not owners:
                del self._allowed[target]

    def stale(self, connections: Iterable[Connection]) -> list[Connection]:
        """The flows to services that lead to what does not serve them."""
        flow = (self._version, _UDP)
        return [c for c in connections if c.original[:2] == flow and self._is_stale(c)]

    def _is_stale(self, connection: Connection) -> bool:
        address, port = connection.original[3], connection.original[5]
        source = (connection.reply[2], connection.reply[4])
        for target in ((address, port), (None, port)):
            owners = self._allowed.get(target)
            if owners is not None:
                return not any(source in serving for serving in owners.values())
        return False


def _targets(port: ServicePort) -> Iterator[Target]:
    for address in _addresses(port):
        yield address, port.port
    if port.node_port:
        yield None, port.node_port


class OldUdpFlows:
    """The rule of v1.13: `conntrack -D` for endpoints gone, Services gone and first endpoints."""

    def __init__(self, version: int) -> None:
        """`version`: 4 or 6."""
        self._version = version
        self._gone: set[tuple[int, int]] = set()
        """--orig-dst and --dst-nat."""
        self._gone_from_port: set[tuple[int, int]] = set()
        """--dport (a node port) and --dst-nat."""
        self._services: set[int] = set()
        """--orig-dst alone."""

    def change(self, old: Sequence[PortState], new: Sequence[PortState]) -> None:
        """Note what there is to delete."""
        after = {sort_key(s.port): s for s in _udp(new)}
        before = {sort_key(s.port): s for s in _udp(old)}
        for key, state in before.items():
            self._note_gone(state, _ready(after.get(key)))
            if key not in after:
                self._services |= set(_addresses(state.port))
        for key, state in after.items():
            if _ready(state) and not _ready(before.get(key)):
                self._services |= set(_addresses(state.port))

    def _note_gone(self, state: PortState, ready: set[int]) -> None:
        for endpoint in _ready(state) - ready:
            if state.port.node_port:
                self._gone_from_port.add((state.port.node_port, endpoint))
            self._gone |= {(address, endpoint) for address in _addresses(state.port)}

    def stale(self, connections: Iterable[Connection]) -> list[Connection]:
        """What was noted since this was asked last."""
        flow = (self._version, _UDP)
        found = [c for c in connections if c.original[:2] == flow and self._is_stale(c)]
        for noted in (self._gone, self._gone_from_port, self._services):
            noted.clear()
        return found

    def _is_stale(self, connection: Connection) -> bool:
        destination, port = connection.original[3], connection.original[5]
        translated = connection.reply[2]
        return (
            destination in self._services
            or (destination, translated) in self._gone
            or (port, translated) in self._gone_from_port
        )


def _ready(state: PortState | None) -> set[int]:
    endpoints = () if state is None else state.endpoints
    return {int(ip_address(e.address)) for e in endpoints if e.ready}
