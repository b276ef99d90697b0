"""The iptables rules of one service port as kube-proxy v1.36 writes them.

Models pkg/proxy/iptables/proxier.go (syncProxyRules):

    KUBE-SERVICES ──VIP──────────────► KUBE-SVC / KUBE-SVL ─► KUBE-SEP ─► DNAT
        │     └─external, LB IP─► (KUBE-FW ─►) KUBE-EXT ─┘
        └─local address─► KUBE-NODEPORTS ─────────┘

Each step yields rules: a chain and what follows `-A CHAIN`.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from netsim.kubeproxy.names import chain_name, endpoint_chain
from netsim.kubeproxy.rule_text import (
    ANYWHERE,
    at,
    balance,
    comment,
    head,
    host,
    jump,
    local,
    reject,
)
from netsim.kubeproxy.values import Family

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from netsim.kubeproxy.rule_text import ChainId, Rule
    from netsim.kubeproxy.selection import Selection
    from netsim.kubeproxy.values import Endpoint, LocalDetector, Node, Options, ServicePort

__all__ = [
    "DISPATCH",
    "EXTERNAL_SERVICES",
    "FILTER_SERVICES",
    "FIREWALL",
    "HEALTH",
    "NODEPORTS",
    "SERVICES",
    "PortView",
    "allowed_sources",
    "balancing_matches",
    "endpoint_chain_rules",
    "service_port_rules",
]

SERVICES: ChainId = ("nat", "KUBE-SERVICES")
NODEPORTS: ChainId = ("nat", "KUBE-NODEPORTS")
FILTER_SERVICES: ChainId = ("filter", "KUBE-SERVICES")
EXTERNAL_SERVICES: ChainId = ("filter", "KUBE-EXTERNAL-SERVICES")
HEALTH: ChainId = ("filter", "KUBE-NODEPORTS")
FIREWALL: ChainId = ("filter", "KUBE-PROXY-FIREWALL")
DISPATCH = (SERVICES, NODEPORTS, FILTER_SERVICES, EXTERNAL_SERVICES, HEALTH, FIREWALL)
"""The chains that hold rules of every service port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortView:
    """A service port with all that its rules depend on."""

    port: ServicePort
    selection: Selection
    node: Node
    options: Options
    family: Family
    comments: bool = True
    """False in large clusters: the rules of endpoints go without."""

    @property
    def detector(self) -> LocalDetector | None:
        """How local traffic is told."""
        return self.options.detector(self.family)

    @property
    def internal(self) -> bool:
        """Whether the cluster IP leads anywhere."""
        return self.selection.any and bool(not self.port.internal_local or self.selection.local)

    @property
    def external(self) -> bool:
        """Whether outside traffic leads anywhere."""
        return self.selection.any and bool(not self.port.external_local or self.selection.local)

    def chain(self, prefix: str) -> str:
        """A chain of this port."""
        return chain_name(prefix, self.port.label, self.port.protocol)

    def own(self, prefix: str) -> ChainId:
        """The same with its table."""
        return ("nat", self.chain(prefix))

    def policy_chain(self, *, local_only: bool) -> str:
        """The chain that balances over all endpoints or over those of this node."""
        return self.chain("KUBE-SVL-" if local_only else "KUBE-SVC-")

    def endpoint_chain(self, endpoint: Endpoint) -> str:
        """The chain of one endpoint."""
        return endpoint_chain(self.port.label, self.port.protocol, endpoint)

    def to_port(
        self, text: str, where: Mapping[str, str] = ANYWHERE, *, number: int = 0, between: str = ""
    ) -> str:
        """What matches packets to a port of this protocol, with a comment; `where` as in `head`."""
        protocol = self.port.protocol
        ports = f"-m {protocol} --dport {number or self.port.port}"
        parts = (head(protocol=protocol, **where), comment(text), between, ports)
        return " ".join(part for part in parts if part)

    def unserved(self) -> tuple[str, str]:
        """Comment and target for a destination without endpoints (of this node)."""
        if self.selection.any:
            return f"{self.port.label} has no local endpoints", "DROP"
        return f"{self.port.label} has no endpoints", reject(self.family)


def service_port_rules(view: PortView) -> Iterator[Rule]:
    """Every rule of a service port, block by block."""
    yield from _cluster_ip_rules(view)
    yield from _external_ip_rules(view)
    yield from _load_balancer_rules(view)
    yield from _node_port_rules(view)
    yield from _health_check_rules(view)
    if not view.selection.any:
        return
    yield from _masquerade_rules(view)
    yield from _external_chain_rules(view)
    yield from _firewall_rules(view)
    if view.port.uses_cluster_endpoints:
        yield from _policy_rules(view, view.selection.cluster, local_only=False)
    if view.port.uses_local_endpoints:
        yield from _policy_rules(view, view.selection.local, local_only=True)
    for endpoint in view.selection.reachable:
        yield from _endpoint_rules(view, endpoint)


def _cluster_ip_rules(view: PortView) -> Iterator[Rule]:
    port = view.port
    where = at(port.cluster_ip)
    if view.internal:
        target = view.policy_chain(local_only=port.internal_local)
        match = view.to_port(f"{port.label} cluster IP", where)
        yield SERVICES, jump(match, target)
    else:
        text, target = view.unserved()
        yield FILTER_SERVICES, jump(view.to_port(text, where), target)


def _external_ip_rules(view: PortView) -> Iterator[Rule]:
    for address in view.port.external_ips:
        if view.selection.any:
            match = view.to_port(f"{view.port.label} external IP", at(address))
            yield SERVICES, jump(match, view.chain("KUBE-EXT-"))
        yield from _unserved_external_rules(view, address)


def _load_balancer_rules(view: PortView) -> Iterator[Rule]:
    port = view.port
    entry = view.chain("KUBE-FW-" if port.source_ranges else "KUBE-EXT-")
    for address in port.load_balancer_ips:
        if view.selection.any:
            match = view.to_port(f"{port.label} loadbalancer IP", at(address))
            yield SERVICES, jump(match, entry)
        if view.selection.any and port.source_ranges:
            text = f"{port.label} traffic not accepted by {entry}"
            yield FIREWALL, jump(view.to_port(text, at(address)), "DROP")
        yield from _unserved_external_rules(view, address)


def _unserved_external_rules(view: PortView, address: str) -> Iterator[Rule]:
    if view.external:
        return
    text, target = view.unserved()
    yield EXTERNAL_SERVICES, jump(view.to_port(text, at(address)), target)


def _node_port_rules(view: PortView) -> Iterator[Rule]:
    port = view.port
    if not port.node_port:
        return
    if view.selection.any:
        yield from _served_node_port_rules(view)
    if not view.external:
        text, target = view.unserved()
        match = view.to_port(text, number=port.node_port, between="-m addrtype --dst-type LOCAL")
        yield EXTERNAL_SERVICES, jump(match, target)


def _served_node_port_rules(view: PortView) -> Iterator[Rule]:
    port, target = view.port, view.chain("KUBE-EXT-")
    if view.options.nfacct and view.options.localhost_node_ports_in_force(view.family):
        counter = "-m nfacct --nfacct-name  localhost_nps_accepted_pkts"
        match = view.to_port(port.label, {"destination": "127.0.0.0/8"}, number=port.node_port)
        yield NODEPORTS, jump(match, counter, target)
    yield NODEPORTS, jump(view.to_port(port.label, number=port.node_port), target)


def _health_check_rules(view: PortView) -> Iterator[Rule]:
    number = view.port.health_check_node_port
    if number:
        text = comment(f"{view.port.label} health check node port")
        yield HEALTH, jump("-p tcp", text, f"-m tcp --dport {number}", "ACCEPT")


def _masquerade_rules(view: PortView) -> Iterator[Rule]:
    """Traffic to the cluster IP from anywhere but local Pods is masqueraded."""
    port = view.port
    if not view.internal or not (view.options.masquerade_all or view.detector):
        return
    where = at(port.cluster_ip)
    if view.detector and not view.options.masquerade_all:
        where |= local(view.detector, negated=True)
    chain = ("nat", view.policy_chain(local_only=port.internal_local))
    yield chain, jump(view.to_port(f"{port.label} cluster IP", where), "KUBE-MARK-MASQ")


def _external_chain_rules(view: PortView) -> Iterator[Rule]:
    port = view.port
    if not port.externally_accessible:
        return
    chain, cluster = view.own("KUBE-EXT-"), view.policy_chain(local_only=False)
    if not port.external_local:
        text = f"masquerade traffic for {port.label} external destinations"
        yield chain, jump(comment(text), "KUBE-MARK-MASQ")
        yield chain, jump(cluster)
        return
    if view.detector:
        text = f"pod traffic for {port.label} external destinations"
        yield chain, jump(head(**local(view.detector)), comment(text), cluster)
    from_node = "-m addrtype --src-type LOCAL"
    text = f"LOCAL traffic for {port.label} external destinations"
    yield chain, jump(comment(f"masquerade {text}"), from_node, "KUBE-MARK-MASQ")
    yield chain, jump(comment(f"route {text}"), from_node, cluster)
    if view.external:
        yield chain, jump(view.policy_chain(local_only=True))


def _firewall_rules(view: PortView) -> Iterator[Rule]:
    port = view.port
    if not port.load_balancer_ips or not port.source_ranges:
        return
    chain, target = view.own("KUBE-FW-"), view.chain("KUBE-EXT-")
    for source in allowed_sources(view):
        match = comment(f"{port.label} loadbalancer IP")
        yield chain, jump(head(source=source), match, target)
    text = f"other traffic to {port.label} will be dropped by KUBE-PROXY-FIREWALL"
    yield chain, comment(text)


def allowed_sources(view: PortView) -> tuple[str, ...]:
    """The source ranges, and when the node is inside one the LoadBalancer IPs too.

    A packet of the node to a LoadBalancer IP that is bound to the node has that IP as its source.
    """
    port, node = view.port, view.node.ip(view.family)
    inside = node and any(ip_address(node) in ip_network(r) for r in port.source_ranges)
    return (*port.source_ranges, *(map(host, port.load_balancer_ips) if inside else ()))


def _policy_rules(
    view: PortView, endpoints: tuple[Endpoint, ...], *, local_only: bool
) -> Iterator[Rule]:
    """The chain that picks one of the endpoints."""
    chain = ("nat", view.policy_chain(local_only=local_only))
    for match, target in balancing_matches(view, endpoints, _arrows(view, endpoints)):
        yield chain, jump(match, target)


def _arrows(view: PortView, endpoints: tuple[Endpoint, ...]) -> list[str]:
    if not view.comments:
        return ["" for _ in endpoints]
    return [comment(f"{view.port.label} -> {endpoint}") for endpoint in endpoints]


def balancing_matches(
    view: PortView, endpoints: tuple[Endpoint, ...], comments: list[str]
) -> Iterator[tuple[str, str]]:
    """Match and endpoint chain of the rules that pick an endpoint: by affinity, then in turn."""
    chains = [view.endpoint_chain(endpoint) for endpoint in endpoints]
    seconds = view.port.affinity_seconds
    if seconds:
        for chain, text in zip(chains, comments, strict=True):
            check = f"-m recent --rcheck --seconds {seconds} --reap {_recent_list(view, chain)}"
            yield f"{text} {check}".lstrip(), chain
    for index, (chain, text) in enumerate(zip(chains, comments, strict=True)):
        statistic = balance(len(chains) - index, view.options)
        yield f"{text} {statistic}".strip(), chain


def _recent_list(view: PortView, chain: str) -> str:
    mask = "255.255.255.255" if view.family is Family.IPV4 else "ffff:" * 7 + "ffff"
    return f"--name {chain} --mask {mask} --rsource"


def _endpoint_rules(view: PortView, endpoint: Endpoint) -> Iterator[Rule]:
    return endpoint_chain_rules(view, endpoint, comment(view.port.label) if view.comments else "")


def endpoint_chain_rules(view: PortView, endpoint: Endpoint, text: str) -> Iterator[Rule]:
    """KUBE-SEP: masquerade what an endpoint sends to itself, note the client, translate."""
    protocol, name = view.port.protocol, view.endpoint_chain(endpoint)
    chain = ("nat", name)
    yield chain, jump(head(source=host(endpoint.address)), text, "KUBE-MARK-MASQ")
    note = f"-m recent --set {_recent_list(view, name)}" if view.port.affinity_seconds else ""
    target = f"DNAT --to-destination {endpoint}"
    yield chain, jump(f"-p {protocol}", text, note, f"-m {protocol}", target)
