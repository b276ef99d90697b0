"""The part of the table kube-proxy that is there without any Service. Models setupNFTables()."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from netsim.kubeproxy.nft_rules import ip_word, members, tell_local
from netsim.kubeproxy.values import Family
from netsim.netfilter.hooks import Hook, Priority
from netsim.nft.datatypes import IPV4, IPV6, PROTOCOL, SERVICE
from netsim.nft.ruleset import BaseChain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netsim.kubeproxy.values import Node, Options
    from netsim.nft.datatypes import DataType

__all__ = ["BASE_CHAINS", "NODE_PORT_IPS", "TABLE_COMMENT", "SetSpec", "fixed_rules", "sets"]

TABLE_COMMENT: Final = "rules for kube-proxy"
NODE_PORT_IPS: Final = "nodeport-ips"

BASE_CHAINS: Final = {
    "filter-prerouting-pre-dnat": BaseChain("filter", Hook.PREROUTING, Priority.NAT_DST - 10),
    "filter-output-pre-dnat": BaseChain("filter", Hook.OUTPUT, Priority.NAT_DST - 10),
    "filter-input": BaseChain("filter", Hook.INPUT, Priority.FILTER),
    "filter-forward": BaseChain("filter", Hook.FORWARD, Priority.FILTER),
    "filter-output": BaseChain("filter", Hook.OUTPUT, Priority.FILTER),
    "nat-prerouting": BaseChain("nat", Hook.PREROUTING, Priority.NAT_DST),
    "nat-output": BaseChain("nat", Hook.OUTPUT, Priority.NAT_DST),
    "nat-postrouting": BaseChain("nat", Hook.POSTROUTING, Priority.NAT_SRC),
}
_JUMPS: Final = (
    ("filter-prerouting-pre-dnat", "ct state new jump firewall-check"),
    ("filter-output-pre-dnat", "ct state new jump firewall-check"),
    ("filter-input", "ct state new jump nodeport-endpoints-check"),
    ("filter-input", "ct state new jump service-endpoints-check"),
    ("filter-forward", "ct state new jump service-endpoints-check"),
    ("filter-forward", "ct state new jump cluster-ips-check"),
    ("filter-output", "ct state new jump service-endpoints-check"),
    ("filter-output", "ct state new jump cluster-ips-check"),
    ("nat-prerouting", "jump services"),
    ("nat-output", "jump services"),
    ("nat-postrouting", "jump masquerading"),
)


@dataclass(frozen=True, slots=True)
class SetSpec:
    """A set or map of fixed name."""

    name: str
    types: tuple[DataType, ...]
    comment: str
    verdicts: bool = False


def sets(options: Options, node: Node, family: Family) -> Iterator[SetSpec]:
    """The sets and maps."""
    address = IPV4 if family is Family.IPV4 else IPV6
    service, port = (address, PROTOCOL, SERVICE), (PROTOCOL, SERVICE)
    yield SetSpec("cluster-ips", (address,), "Active ClusterIPs")
    if options.node_port_ips(node, family) is not None:
        yield SetSpec(NODE_PORT_IPS, (address,), "IPs that accept NodePort traffic")
    hairpin = (address, address, PROTOCOL, SERVICE)
    yield SetSpec("hairpin-connections", hairpin, "service hairpin connections")
    nowhere = "vmap to drop or reject packets to"
    for name, types, comment in (
        ("no-endpoint-services", service, f"{nowhere} services with no endpoints"),
        ("no-endpoint-nodeports", port, f"{nowhere} service nodeports with no endpoints"),
        ("firewall-ips", service, "destinations that are subject to LoadBalancerSourceRanges"),
        ("service-ips", service, "ClusterIP, ExternalIP and LoadBalancer IP traffic"),
        ("service-nodeports", port, "NodePort traffic"),
    ):
        yield SetSpec(name, types, comment, verdicts=True)


def fixed_rules(options: Options, node: Node, family: Family) -> Iterator[tuple[str, str]]:
    """Chain and rule, in order."""
    ip = ip_word(family)
    yield from _JUMPS
    yield "reject-chain", "reject"
    yield from _cluster_ips_rules(options, family)
    yield from _masquerading_rules(options, ip)
    by_address = f"{ip} daddr . meta l4proto . th dport vmap"
    yield "firewall-check", f"{by_address} @firewall-ips"
    yield "service-endpoints-check", f"{by_address} @no-endpoint-services"
    to_node, to_checked_node = _node_port_tests(options, node, family)
    by_port = "meta l4proto . th dport vmap"
    yield "nodeport-endpoints-check", f"{to_checked_node} {by_port} @no-endpoint-nodeports"
    yield from _mark_rules(options, family)
    yield "services", f"{by_address} @service-ips"
    yield "services", f"{to_node} {by_port} @service-nodeports"


def _node_port_tests(options: Options, node: Node, family: Family) -> tuple[str, str]:
    """What tells packets to this node's node ports: before routing, and once it is certain."""
    ip = ip_word(family)
    if options.node_port_ips(node, family) is not None:
        return f"{ip} daddr @{NODE_PORT_IPS}", f"{ip} daddr @{NODE_PORT_IPS}"
    loopback = "127.0.0.0/8" if family is Family.IPV4 else "::1"
    return f"fib daddr type local {ip} daddr != {loopback}", f"{ip} daddr != {loopback}"


def _cluster_ips_rules(options: Options, family: Family) -> Iterator[tuple[str, str]]:
    ip, chain = ip_word(family), "cluster-ips-check"
    comment = "Reject traffic to invalid ports of ClusterIPs"
    yield chain, f'{ip} daddr @cluster-ips reject comment "{comment}"'
    cidrs = tuple(c for c in options.service_cidrs if Family.of(c) is family)
    if cidrs:
        comment = "Drop traffic to unallocated ClusterIPs"
        yield chain, f'{ip} daddr {members(cidrs)} drop comment "{comment}"'


def _masquerading_rules(options: Options, ip: str) -> Iterator[tuple[str, str]]:
    mark, chain = f"0x{options.mark:08x}", "masquerading"
    unmark = f"meta mark & {mark} != 0x00000000 meta mark set meta mark ^ {mark}"
    yield chain, f"{unmark} masquerade fully-random"
    flow = f"{ip} saddr . {ip} daddr . meta l4proto . th dport"
    yield chain, f"ct status dnat {flow} @hairpin-connections masquerade fully-random"


def _mark_rules(options: Options, family: Family) -> Iterator[tuple[str, str]]:
    """Which traffic to cluster IPs is masqueraded."""
    ip, detector = ip_word(family), options.detector(family)
    mark = f"meta mark set meta mark | 0x{options.mark:08x}"
    if options.masquerade_all:
        comment = "masquerade all clusterIP traffic"
        yield "services", f'{ip} daddr @cluster-ips {mark} comment "{comment}"'
    elif detector:
        elsewhere = tell_local(detector, family, negated=True)
        comment = "masquerade clusterIP traffic from outside cluster"
        yield "services", f'{ip} daddr @cluster-ips {elsewhere} {mark} comment "{comment}"'
