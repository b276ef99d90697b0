"""The nftables objects of one service port. Models pkg/proxy/nftables/proxier.go (syncProxyRules).

services ─vmap @service-ips──────► service-…/local-… ─► dnat
    └─vmap @service-nodeports─► external-… ─┘   (with affinity through endpoint-…)
"""

from __future__ import annotations

from base64 import b32encode
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from netsim.kubeproxy.current import PortView, allowed_sources
from netsim.kubeproxy.values import Balancing, Family
from netsim.nft.statements import Go

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netsim.kubeproxy.values import Endpoint, LocalDetector, Options, ServicePort
    from netsim.nft.expressions import Value

__all__ = ["ElementSpec", "PortObjects", "ip_word", "members", "port_objects", "tell_local"]

_BASE_LENGTH: Final = 240
"""Longest name of a service port's chain without its prefix."""
_PROTOCOLS: Final = {"tcp": 6, "udp": 17, "sctp": 132}


@dataclass(frozen=True, slots=True)
class ElementSpec:
    """An element of one of kube-proxy's sets and maps."""

    set: str
    key: Value
    verdict: Go | None = None
    comment: str = ""


@dataclass(slots=True)
class PortObjects:
    """What one service port needs."""

    elements: list[ElementSpec] = field(default_factory=list)
    chains: dict[str, list[str]] = field(default_factory=dict)
    """Rules as text."""
    affinity_sets: dict[str, int] = field(default_factory=dict)
    """Timeout in seconds."""


def ip_word(family: Family) -> str:
    """`ip` or `ip6`."""
    return "ip" if family is Family.IPV4 else "ip6"


def members(ranges: tuple[str, ...]) -> str:
    """One range as it is, several in braces."""
    return ranges[0] if len(ranges) == 1 else "{ " + ", ".join(ranges) + " }"


def tell_local(detector: LocalDetector, family: Family, *, negated: bool = False) -> str:
    """What tells traffic of local Pods, or with `negated` all other traffic."""
    operator = "!= " if negated else ""
    if detector.interface:
        name = detector.interface
        return f'iifname {operator}"{name[:-1] + "*" if name.endswith("+") else name}"'
    return f"{ip_word(family)} saddr {operator}{detector.source}"


def _base_name(text: str) -> str:
    digest = b32encode(sha256(text.encode()).digest()).decode()[:8]
    name = f"{digest}-{text}"
    return name if len(name) <= _BASE_LENGTH else name[: _BASE_LENGTH - 3] + "..."


class _Names:
    """The names of a service port's chains and sets."""

    def __init__(self, port: ServicePort) -> None:
        self._port = f"{port.namespace}/{port.name}/{port.protocol}/{port.port_name}"
        base = _base_name(self._port)
        self.service = f"service-{base}"
        self.local = f"local-{base}"
        self.external = f"external-{base}"
        self.firewall = f"firewall-{base}"

    def endpoint(self, prefix: str, endpoint: Endpoint) -> str:
        """The chain (`endpoint-`) or set (`affinity-`) of an endpoint."""
        address = endpoint.address.replace(":", ".")
        return prefix + _base_name(f"{self._port}__{address}/{endpoint.port}")


def port_objects(view: PortView) -> PortObjects:
    """All objects of a service port."""
    names, objects = _Names(view.port), PortObjects()
    for step in (_cluster_ip, _external_ips, _load_balancer_ips, _node_port, _hairpins):
        objects.elements += step(view, names)
    _firewall_chain(view, names, objects)
    if view.selection.any:
        _external_chain(view, names, objects)
        _policy_chains(view, names, objects)
    return objects


def _to(view: PortView, address: str) -> Value:
    """The key of an address in the maps: address, protocol, port."""
    return int(ip_address(address)), _PROTOCOLS[view.port.protocol], view.port.port


def _refusal(view: PortView) -> Go:
    """What becomes of packets that no endpoint (of this node) takes."""
    return Go("drop") if view.selection.any else Go("goto", "reject-chain")


def _cluster_ip(view: PortView, names: _Names) -> Iterator[ElementSpec]:
    port = view.port
    yield ElementSpec("cluster-ips", int(ip_address(port.cluster_ip)))
    key = _to(view, port.cluster_ip)
    if view.internal:
        chain = names.local if port.internal_local else names.service
        yield ElementSpec("service-ips", key, Go("goto", chain))
    else:
        yield ElementSpec("no-endpoint-services", key, _refusal(view), port.label)


def _external_ips(view: PortView, names: _Names) -> Iterator[ElementSpec]:
    for address in view.port.external_ips:
        yield from _external_address(view, names, address)


def _load_balancer_ips(view: PortView, names: _Names) -> Iterator[ElementSpec]:
    for address in view.port.load_balancer_ips:
        yield from _external_address(view, names, address)
        if view.port.source_ranges:
            yield ElementSpec("firewall-ips", _to(view, address), Go("goto", names.firewall))


def _external_address(view: PortView, names: _Names, address: str) -> Iterator[ElementSpec]:
    key = _to(view, address)
    if view.selection.any:
        yield ElementSpec("service-ips", key, Go("goto", names.external))
    if not view.external:
        yield ElementSpec("no-endpoint-services", key, _refusal(view), view.port.label)


def _node_port(view: PortView, names: _Names) -> Iterator[ElementSpec]:
    port = view.port
    key = (_PROTOCOLS[port.protocol], port.node_port)
    if port.node_port and view.selection.any:
        yield ElementSpec("service-nodeports", key, Go("goto", names.external))
    if port.node_port and not view.external:
        yield ElementSpec("no-endpoint-nodeports", key, _refusal(view), port.label)


def _hairpins(view: PortView, names: _Names) -> Iterator[ElementSpec]:
    """Connections of local endpoints to themselves are masqueraded."""
    del names
    for endpoint in view.selection.reachable:
        if endpoint.local:
            address = int(ip_address(endpoint.address))
            key = (address, address, _PROTOCOLS[view.port.protocol], endpoint.port)
            yield ElementSpec("hairpin-connections", key)


def _firewall_chain(view: PortView, names: _Names, objects: PortObjects) -> None:
    if view.port.load_balancer_ips and view.port.source_ranges:
        allowed = members(allowed_sources(view))
        objects.chains[names.firewall] = [f"{ip_word(view.family)} saddr != {allowed} drop"]


def _external_chain(view: PortView, names: _Names, objects: PortObjects) -> None:
    if view.port.externally_accessible:
        objects.chains[names.external] = list(_external_rules(view, names))


def _external_rules(view: PortView, names: _Names) -> Iterator[str]:
    mark = f"meta mark set meta mark | 0x{view.options.mark:08x}"
    if not view.port.external_local:
        yield f'{mark} comment "masquerade"'
        yield f"goto {names.service}"
        return
    if view.detector:
        local = tell_local(view.detector, view.family)
        yield f'{local} goto {names.service} comment "short-circuit pod traffic"'
    yield f'fib saddr type local {mark} comment "masquerade local traffic"'
    yield f'fib saddr type local goto {names.service} comment "short-circuit local traffic"'
    if view.external:
        yield f"goto {names.local}"


def _policy_chains(view: PortView, names: _Names, objects: PortObjects) -> None:
    port, selection = view.port, view.selection
    if port.uses_cluster_endpoints and selection.cluster:
        objects.chains[names.service] = _balance(view, names, selection.cluster)
    if port.uses_local_endpoints and selection.local:
        objects.chains[names.local] = _balance(view, names, selection.local)
    if not port.affinity_seconds:
        return
    for endpoint in selection.reachable:
        noted = names.endpoint("affinity-", endpoint)
        objects.affinity_sets[noted] = port.affinity_seconds
        objects.chains[names.endpoint("endpoint-", endpoint)] = [
            f"update @{noted} {{ {ip_word(view.family)} saddr }}",
            f"meta l4proto {port.protocol} dnat to {endpoint}",
        ]


def _balance(view: PortView, names: _Names, endpoints: tuple[Endpoint, ...]) -> list[str]:
    """The rules that pick one of the endpoints."""
    pick = f"{_numgen(view.options)} mod {len(endpoints)}"
    if not view.port.affinity_seconds:
        pairs = ", ".join(f"{i} : {e.address} . {e.port}" for i, e in enumerate(endpoints))
        family = ip_word(view.family)
        return [f"meta l4proto {view.port.protocol} dnat {family} to {pick} map {{ {pairs} }}"]
    chains = [names.endpoint("endpoint-", endpoint) for endpoint in endpoints]
    known = [
        f"{ip_word(view.family)} saddr @{names.endpoint('affinity-', e)} goto {chain}"
        for e, chain in zip(endpoints, chains, strict=True)
    ]
    pairs = ", ".join(f"{i} : goto {chain}" for i, chain in enumerate(chains))
    return [*known, f"{pick} vmap {{ {pairs} }}"]


def _numgen(options: Options) -> str:
    return "numgen inc" if options.balancing is Balancing.ROUND_ROBIN else "numgen random"
