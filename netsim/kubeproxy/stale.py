"""Which UDP flows a sync leaves stale. Models pkg/proxy/conntrack/cleanup.go.

A UDP flow keeps its endpoint for as long as its conntrack entry lives, and clients keep it alive.
So kube-proxy deletes entries that lead away from a service to what is no endpoint of it any more.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from netsim.kubeproxy.render import sort_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netsim.conntrack.connection import Connection
    from netsim.kubeproxy.values import Endpoint, ServicePort

__all__ = ["UdpFlows"]

_UDP: Final = 17
Target = tuple[int | None, int]
"""Where a flow was sent: address (None: any, for node ports) and port."""
Serving = frozenset[tuple[int, int]]
"""Addresses and ports that serve."""


class UdpFlows:
    """Where UDP flows to services may lead; kept up port by port."""

    def __init__(self) -> None:
        self._allowed: dict[Target, dict[tuple[str, str], Serving]] = {}
        self._targets: dict[tuple[str, str], tuple[Target, ...]] = {}

    def set(self, port: ServicePort, endpoints: Iterable[Endpoint]) -> None:
        """A UDP service port as it is now. Without any serving endpoint its flows live on."""
        self.remove(port)
        key = sort_key(port)
        serving = frozenset((int(ip_address(e.address)), e.port) for e in endpoints if e.serving)
        if not serving:
            return
        self._targets[key] = tuple(_targets(port))
        for target in self._targets[key]:
            self._allowed.setdefault(target, {})[key] = serving

    def remove(self, port: ServicePort) -> None:
        """A service port that is gone."""
        for target in self._targets.pop(sort_key(port), ()):
            owners = self._allowed[target]
            del owners[sort_key(port)]
            if not owners:
                del self._allowed[target]

    def stale(self, connections: Iterable[Connection]) -> list[Connection]:
        """The flows to services that lead to what does not serve them."""
        return [c for c in connections if c.original[1] == _UDP and self._is_stale(c)]

    def _is_stale(self, connection: Connection) -> bool:
        address, port = connection.original[3], connection.original[5]
        source = (connection.reply[2], connection.reply[4])
        for target in ((address, port), (None, port)):
            owners = self._allowed.get(target)
            if owners is not None:
                return not any(source in serving for serving in owners.values())
        return False


def _targets(port: ServicePort) -> Iterator[Target]:
    for address in (port.cluster_ip, *port.external_ips, *port.load_balancer_ips):
        yield int(ip_address(address)), port.port
    if port.node_port:
        yield None, port.node_port
