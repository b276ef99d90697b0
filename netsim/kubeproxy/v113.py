"""The iptables rules of one service port in the form of v1.13 (2019).

Models release-1.13 pkg/proxy/iptables.

Masquerade rules stand in KUBE-SERVICES itself, chains of endpoints carry no comments, and what a
firewall or a policy refuses is marked for the kubelet's KUBE-MARK-DROP.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netsim.kubeproxy.current import (
    EXTERNAL_SERVICES,
    FILTER_SERVICES,
    NODEPORTS,
    SERVICES,
    PortView,
    allowed_sources,
    balancing_matches,
    endpoint_chain_rules,
)
from netsim.kubeproxy.names import chain_name, endpoint_chain, old_label
from netsim.kubeproxy.rule_text import at, comment, head, jump, local, reject
from netsim.kubeproxy.selection import Selection
from netsim.kubeproxy.values import Family

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netsim.kubeproxy.rule_text import Rule
    from netsim.kubeproxy.values import Endpoint

__all__ = ["OldPortView", "old_selection", "old_service_port_rules"]

_FROM_ELSEWHERE = "-m physdev ! --physdev-is-in -m addrtype ! --src-type LOCAL"
_TO_THIS_HOST = "-m addrtype --dst-type LOCAL"


class OldPortView(PortView):
    """A PortView whose names are those of v1.13."""

    __slots__ = ()

    @property
    def label(self) -> str:
        """`ns/svc:port`, the colon always."""
        return old_label(self.port)

    def chain(self, prefix: str) -> str:
        """A chain of this port."""
        return chain_name(prefix, self.label, self.port.protocol)

    def policy_chain(self, *, local_only: bool) -> str:
        """KUBE-XLB is what KUBE-SVL is today."""
        return self.chain("KUBE-XLB-" if local_only else "KUBE-SVC-")

    def endpoint_chain(self, endpoint: Endpoint) -> str:
        """The chain of one endpoint."""
        return endpoint_chain(self.label, self.port.protocol, endpoint)


def old_selection(endpoints: Sequence[Endpoint]) -> Selection:
    """The ready endpoints, as an Endpoints object lists them; no topology, no draining."""
    ready = tuple(e for e in endpoints if e.ready)
    local_ones = tuple(e for e in ready if e.local)
    return Selection(cluster=ready, local=local_ones, reachable=ready, any=bool(ready))


def old_service_port_rules(view: OldPortView) -> Iterator[Rule]:
    """Every rule of a service port, block by block."""
    if not view.selection.any:
        yield from _unserved_rules(view)
        return
    yield from _cluster_ip_rules(view)
    yield from _external_ip_rules(view)
    yield from _load_balancer_rules(view)
    yield from _firewall_rules(view)
    yield from _node_port_rules(view)
    no_comments = [""] * len(view.selection.cluster)
    for match, target in balancing_matches(view, view.selection.cluster, no_comments):
        yield view.own("KUBE-SVC-"), jump(match, target)
    for endpoint in view.selection.reachable:
        yield from endpoint_chain_rules(view, endpoint, "")
    if view.port.external_local:
        yield from _local_policy_rules(view)


def _unserved_rules(view: OldPortView) -> Iterator[Rule]:
    text, target = f"{view.label} has no endpoints", reject(view.family)
    to_vip = view.to_port(text, at(view.port.cluster_ip))
    yield FILTER_SERVICES, jump(to_vip, target)
    for address in (*view.port.external_ips, *view.port.load_balancer_ips):
        yield EXTERNAL_SERVICES, jump(view.to_port(text, at(address)), target)
    if view.port.node_port:
        match = view.to_port(text, number=view.port.node_port, between=_TO_THIS_HOST)
        yield EXTERNAL_SERVICES, jump(match, target)


def _cluster_ip_rules(view: OldPortView) -> Iterator[Rule]:
    text, where = f"{view.label} cluster IP", at(view.port.cluster_ip)
    match = view.to_port(text, where)
    if view.options.masquerade_all:
        yield SERVICES, jump(match, "KUBE-MARK-MASQ")
    elif view.detector:
        foreign = view.to_port(text, {**where, **local(view.detector, negated=True)})
        yield SERVICES, jump(foreign, "KUBE-MARK-MASQ")
    yield SERVICES, jump(match, view.chain("KUBE-SVC-"))


def _external_ip_rules(view: OldPortView) -> Iterator[Rule]:
    target = view.chain("KUBE-SVC-")
    for address in view.port.external_ips:
        match = view.to_port(f"{view.label} external IP", at(address))
        yield SERVICES, jump(match, "KUBE-MARK-MASQ")
        yield SERVICES, jump(match, _FROM_ELSEWHERE, target)
        yield SERVICES, jump(match, _TO_THIS_HOST, target)


def _load_balancer_rules(view: OldPortView) -> Iterator[Rule]:
    for address in view.port.load_balancer_ips:
        match = view.to_port(f"{view.label} loadbalancer IP", at(address))
        yield SERVICES, jump(match, view.chain("KUBE-FW-"))


def _firewall_rules(view: OldPortView) -> Iterator[Rule]:
    if not view.port.load_balancer_ips:
        return
    chain, text = view.own("KUBE-FW-"), comment(f"{view.label} loadbalancer IP")
    for address in view.port.load_balancer_ips:
        if not view.port.external_local:
            yield chain, jump(text, "KUBE-MARK-MASQ")
        target = view.policy_chain(local_only=view.port.external_local)
        one = replace(view, port=replace(view.port, load_balancer_ips=(address,)))
        for source in allowed_sources(one) if view.port.source_ranges else ("",):
            yield chain, jump(head(source=source), text, target)
        yield chain, jump(text, "KUBE-MARK-DROP")


def _node_port_rules(view: OldPortView) -> Iterator[Rule]:
    port = view.port
    if not port.node_port:
        return
    match = view.to_port(view.label, number=port.node_port)
    loopback = "127.0.0.0/8" if view.family is Family.IPV4 else "::1/128"
    origin = head(source=loopback) if port.external_local else ""
    yield NODEPORTS, jump(origin, match, "KUBE-MARK-MASQ")
    yield NODEPORTS, jump(match, view.policy_chain(local_only=port.external_local))


def _local_policy_rules(view: OldPortView) -> Iterator[Rule]:
    """KUBE-XLB: Pods go to any endpoint, everybody else to those of this node."""
    chain, endpoints = ("nat", view.policy_chain(local_only=True)), view.selection.local
    if view.detector:
        text = "Redirect pods trying to reach external loadbalancer VIP to clusterIP"
        yield chain, jump(head(**local(view.detector)), comment(text), view.chain("KUBE-SVC-"))
    if not endpoints:
        yield chain, jump(comment(f"{view.label} has no local endpoints"), "KUBE-MARK-DROP")
        return
    if view.port.affinity_seconds:
        names = [comment(view.label)] * len(endpoints)
        for match, target in list(balancing_matches(view, endpoints, names))[: len(endpoints)]:
            yield chain, jump(match, target)
    turns = replace(view, port=replace(view.port, affinity_seconds=0))
    texts = [comment(f"Balancing rule {i} for {view.label}") for i in range(len(endpoints))]
    for match, target in balancing_matches(turns, endpoints, texts):
        yield chain, jump(match, target)
