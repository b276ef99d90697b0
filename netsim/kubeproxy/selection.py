"""Which endpoints of a service port count on this node. Models pkg/proxy/topology.go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from netsim.kubeproxy.values import Endpoint, Node, ServicePort

__all__ = ["Selection", "select"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The endpoints that each kind of traffic may reach."""

    cluster: tuple[Endpoint, ...] = ()
    """For traffic with policy Cluster."""
    local: tuple[Endpoint, ...] = ()
    """For traffic with policy Local."""
    reachable: tuple[Endpoint, ...] = ()
    """In either list."""
    any: bool = False
    """Whether there is an endpoint anywhere that could serve."""


def select(port: ServicePort, endpoints: Sequence[Endpoint], node: Node) -> Selection:
    """Sort the endpoints of `port` into the lists that the rules on `node` lead to."""
    cluster: tuple[Endpoint, ...] = ()
    local: tuple[Endpoint, ...] = ()
    found = False
    if port.uses_cluster_endpoints:
        ready = _ready_or_serving(_available(endpoints, node))
        cluster = ready
        found = bool(cluster)
    if port.uses_local_endpoints:
        local = _ready_or_serving(e for e in endpoints if e.local)
        found = found or any(e.ready or _serves_while_terminating(e) for e in endpoints)
    reachable = cluster or local
    if cluster and local:
        wanted = {*cluster, *local}
        reachable = tuple(e for e in endpoints if e in wanted)
    return Selection(cluster=cluster, local=local, reachable=reachable, any=found)


def _serves_while_terminating(endpoint: Endpoint) -> bool:
    return endpoint.serving and endpoint.terminating


def _ready_or_serving(endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    candidates = tuple(endpoints)
    ready = tuple(e for e in candidates if e.ready)
    return ready or tuple(e for e in candidates if _serves_while_terminating(e))


def _available(endpoints: Sequence[Endpoint], node: Node) -> tuple[Endpoint, ...]:
    """Leave out what topology hints keep from this node.

    Hints count only when every ready endpoint has them and one of them is for here; those for
    nodes come before those for zones. With no ready endpoint there is nothing to cut down.
    """
    ready = [e for e in endpoints if e.ready]
    for here, hints in (
        (node.name, [e.node_hints for e in ready]),
        (node.zone, [e.zone_hints for e in ready]),
    ):
        if here and hints and all(hints) and any(here in h for h in hints):
            return tuple(e for e, h in zip(ready, hints, strict=True) if here in h)
    return tuple(endpoints)
