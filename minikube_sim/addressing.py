"""The address options of a cluster: one value, or one of each family separated by a comma, the
family to prefer first. As kube-apiserver, kube-controller-manager and kubelet take them.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

LAN_PREFIX: Final = {4: 24, 6: 64}
"""The length of the nodes' own network, if all fit into it."""
NODE_PREFIX: Final = {4: 24, 6: 64}
"""node-cidr-mask-size-ipv4 and -ipv6: of each node's Pod range, where there are several nodes."""
_NARROW_NODE_PREFIX: Final = 80
"""The same, where an IPv6 range is no larger than what one node would have."""
_MAX_BITS: Final = 20
"""Of a Service range: validateMaxCIDRRange of cmd/kube-apiserver."""
_MIN_SERVICES: Final = 16
"""kube-dns has the tenth address."""
_EXAMPLES: Final = {4: ("10.211.55.120", "172.17.0.0/16"),
                    6: ("fd00:211:55::120", "fd00:10:244::/64")}
_MOST_SPREAD: Final = 16
"""CIDRSet: how many bits the ranges of nodes may differ in (IPv6)."""


def each(text: str) -> tuple[str, ...]:
    """The values of an option."""
    return tuple(text.split(","))


def family_name(text: str) -> str:
    """`IPv4` or `IPv6`: what an address or range is, or was meant to be."""
    return "IPv6" if ":" in text else "IPv4"


def families(text: str) -> tuple[str, ...]:
    """The families of an option's values, in its order."""
    return tuple(map(family_name, each(text)))


def addresses(value: object) -> str:
    """An option with addresses in its canonical form. Raises ValueError."""
    return _values(value, "address", _address)


def ranges(value: object) -> str:
    """An option with ranges in its canonical form. Raises ValueError."""
    return _values(value, "range", _range)


def _values(value: object, what: str, read: Callable[[str], str]) -> str:
    if not isinstance(value, str | list | tuple):
        raise ValueError(f"must be text: one {what}, or one of each family")
    given = each(value) if isinstance(value, str) else tuple(map(str, value))
    found = [read(text.strip()) for text in given]
    kinds = [family_name(text) for text in found]
    if len(set(kinds)) < len(kinds):
        raise ValueError(f"must not have two of one family: one IPv4 {what} and one IPv6 {what} "
                         "at most")
    return ",".join(found)


def _address(text: str) -> str:
    version = 6 if ":" in text else 4
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        found = None
    if found is None or "%" in text or getattr(found, "ipv4_mapped", None) is not None:
        raise ValueError(
            f"must be an IPv{version} address, such as {_EXAMPLES[version][0]}")
    _ordinary(found)
    return str(found)


def _ordinary(found: Address | Network) -> None:
    for name in ("unspecified", "loopback", "multicast", "link_local"):
        if getattr(found, f"is_{name}"):
            raise ValueError(f"must not be of the {name.replace('_', '-')} addresses")


def _range(text: str) -> str:
    version = 6 if ":" in text else 4
    try:
        found: Network = (ipaddress.IPv6Network(text) if version == 6 else
                          ipaddress.IPv4Network(text))
    except ValueError as error:
        raise ValueError(f"must be an IPv{version} range, such as {_EXAMPLES[version][1]} "
                         f"({error})") from None
    if getattr(found[0], "ipv4_mapped", None) is not None:
        raise ValueError("must not be of the IPv4-mapped addresses")
    _ordinary(found)
    return str(found)


def service_ranges(value: object) -> str:
    """`ranges` for Services: neither too large nor too small. Raises ValueError."""
    text = ranges(value)
    for one in map(ipaddress.ip_network, each(text)):
        bits = one.max_prefixlen
        if bits - one.prefixlen > _MAX_BITS:
            raise ValueError(f"{one} is too large; for {bits}-bit addresses, the mask must be "
                             f">= {bits - _MAX_BITS}")
        if one.num_addresses < _MIN_SERVICES:
            raise ValueError(f"{one} is too small: it must have at least {_MIN_SERVICES} addresses")
    return text


def pod_ranges(value: object) -> str:
    """`ranges` for Pods: with room for the bridge and a Pod. Raises ValueError."""
    text = ranges(value)
    for one in map(ipaddress.ip_network, each(text)):
        if one.max_prefixlen - one.prefixlen < 2:
            raise ValueError(f"{one} is too small: it must have at least 4 addresses")
    return text


def node_prefix(network: Network, nodes: int) -> int:
    """The length of each node's Pod range: the whole of it for one node, else /24 or /64."""
    if nodes == 1:
        return network.prefixlen
    usual = NODE_PREFIX[network.version]
    if network.version == 6 and network.prefixlen >= usual:
        return max(_NARROW_NODE_PREFIX, network.prefixlen)
    return usual


@lru_cache(maxsize=64)
def lan(address: str, nodes: int) -> Network:
    """The nodes' own network, from the address of the first: the smallest of IPv4 that has room
    for all, or a /64. Raises ValueError.
    """
    last = ipaddress.ip_address(address) + (nodes - 1)
    usual = LAN_PREFIX[last.version]
    for length in range(usual, 0, -1):
        network = ipaddress.ip_network(f"{address}/{length}", strict=False)
        if last.version == 6 or (last in network and last != network.broadcast_address):
            return network
    raise ValueError(f"--node-ip {address}: no network has room for all nodes")


@lru_cache(maxsize=64)
def check(node_ip: str, pod_cidr: str, service_range: str, nodes: int) -> None:
    """Whether the three options go together. Raises ValueError: one line that names the option."""
    named = (("--pod-cidr", pod_cidr), ("--service-cluster-ip-range", service_range),
             ("--node-ip", node_ip))
    _same_families(named)
    first = families(service_range)[0]
    if families(node_ip)[0] != first:
        raise ValueError(f"--node-ip {node_ip}: must begin with an {first} address, as "
                         f"--service-cluster-ip-range {service_range} begins with {first}")
    for network in map(ipaddress.ip_network, each(pod_cidr)):
        _room(network, nodes)
    for address in each(node_ip):
        _on_the_lan(address, nodes)
    _apart(named, nodes)


def _same_families(named: Sequence[tuple[str, str]]) -> None:
    fullest, most = max(named, key=lambda option: len(each(option[1])))
    wanted = sorted(families(most))
    for flag, text in named:
        if sorted(families(text)) != wanted:
            raise ValueError(f"{flag} {text}: must have the families of {fullest} {most}, "
                             f"{' and '.join(wanted)}")


def _room(network: Network, nodes: int) -> None:
    """For the Pod ranges of all nodes."""
    if nodes == 1:
        return
    length = node_prefix(network, nodes)
    spread = length - network.prefixlen
    if network.version == 6 and spread > _MOST_SPREAD:
        raise ValueError(f"--pod-cidr {network} is too large to give a /{length} to each node: "
                         f"the mask must be >= {length - _MOST_SPREAD}")
    if nodes > 1 << max(0, spread):
        raise ValueError(f"--pod-cidr {network}: has no room for a /{length} for each of {nodes} "
                         "nodes")


def _on_the_lan(address: str, nodes: int) -> None:
    """Every node on one network, beside its first address, which is the gateway's."""
    network, first = lan(address, nodes), ipaddress.ip_address(address)
    if first in (network[0], network[1]):
        raise ValueError(f"--node-ip {address}: must not be the first address of {network}, "
                         "which is its gateway's")
    if network.version == 6 and first + (nodes - 1) not in network:
        raise ValueError(f"--node-ip {address}: {network} has no room for {nodes} nodes")


def _apart(named: Sequence[tuple[str, str]], nodes: int) -> None:
    """Pods, Services and nodes must not share addresses."""
    found = [(f"{flag} {text}", ipaddress.ip_network(text))
             for flag, value in named[:2] for text in each(value)]
    lans = [(text, lan(text, nodes)) for text in each(named[2][1])]
    found += [(f"{network}, the network of --node-ip {text}", network) for text, network in lans]
    for (one, first), (other, second) in combinations(found, 2):
        if first.version == second.version and first.overlaps(second):
            raise ValueError(f"{one} overlaps with {other}")
