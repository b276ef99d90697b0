"""The rules that kube-proxy writes whatever Services there are.

Models pkg/proxy/iptables/proxier.go (iptablesJumpChains and the fixed chains):

`jumps` lead from the built-in chains into kube-proxy's; `fixed_rules` fill kube-proxy's own chains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netsim.kubeproxy.current import NODEPORTS, SERVICES
from netsim.kubeproxy.rule_text import comment, head, host, jump
from netsim.kubeproxy.values import Family, Form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netsim.kubeproxy.rule_text import ChainId, Rule
    from netsim.kubeproxy.values import Node, Options

__all__ = ["CANARY", "fixed_chains", "fixed_rules", "jumps", "node_port_rules"]

CANARY = "KUBE-PROXY-CANARY"
"""An empty chain in mangle, nat and filter: when it is gone, somebody flushed everything."""

_NEW = "-m conntrack --ctstate NEW"
_ESTABLISHED = "-m conntrack --ctstate RELATED,ESTABLISHED"
_PORTALS = comment("kubernetes service portals")
_OUTER_PORTALS = comment("kubernetes externally-visible service portals")
_BALANCER = comment("kubernetes load balancer firewall")
_FORWARDING = comment("kubernetes forwarding rules")
_POSTROUTING = comment("kubernetes postrouting rules")
_SNAT = comment("kubernetes service traffic requiring SNAT")

_NAT_JUMPS: tuple[Rule, ...] = (
    (("nat", "PREROUTING"), jump(_PORTALS, "KUBE-SERVICES")),
    (("nat", "OUTPUT"), jump(_PORTALS, "KUBE-SERVICES")),
    (("nat", "POSTROUTING"), jump(_POSTROUTING, "KUBE-POSTROUTING")),
)
_JUMPS: dict[Form, tuple[Rule, ...]] = {
    Form.CURRENT: (
        *_NAT_JUMPS,
        (("filter", "INPUT"), jump("KUBE-FIREWALL")),
        (("filter", "INPUT"), jump(_NEW, _BALANCER, "KUBE-PROXY-FIREWALL")),
        (
            ("filter", "INPUT"),
            jump(comment("kubernetes health check service ports"), "KUBE-NODEPORTS"),
        ),
        (("filter", "INPUT"), jump(_NEW, _OUTER_PORTALS, "KUBE-EXTERNAL-SERVICES")),
        (("filter", "FORWARD"), jump(_NEW, _BALANCER, "KUBE-PROXY-FIREWALL")),
        (("filter", "FORWARD"), jump(_FORWARDING, "KUBE-FORWARD")),
        (("filter", "FORWARD"), jump(_NEW, _PORTALS, "KUBE-SERVICES")),
        (("filter", "FORWARD"), jump(_NEW, _OUTER_PORTALS, "KUBE-EXTERNAL-SERVICES")),
        (("filter", "OUTPUT"), jump("KUBE-FIREWALL")),
        (("filter", "OUTPUT"), jump(_NEW, _BALANCER, "KUBE-PROXY-FIREWALL")),
        (("filter", "OUTPUT"), jump(_NEW, _PORTALS, "KUBE-SERVICES")),
    ),
    Form.V1_13: (
        *_NAT_JUMPS,
        (("filter", "INPUT"), jump(_NEW, _OUTER_PORTALS, "KUBE-EXTERNAL-SERVICES")),
        (("filter", "INPUT"), jump("KUBE-FIREWALL")),
        (("filter", "FORWARD"), jump(_FORWARDING, "KUBE-FORWARD")),
        (("filter", "OUTPUT"), jump(_NEW, _PORTALS, "KUBE-SERVICES")),
        (("filter", "OUTPUT"), jump("KUBE-FIREWALL")),
    ),
}
_COMMON_CHAINS: tuple[ChainId, ...] = (
    ("nat", "KUBE-MARK-MASQ"),
    ("nat", "KUBE-NODEPORTS"),
    ("nat", "KUBE-POSTROUTING"),
    ("nat", "KUBE-SERVICES"),
    ("filter", "KUBE-EXTERNAL-SERVICES"),
    ("filter", "KUBE-FIREWALL"),
    ("filter", "KUBE-FORWARD"),
    ("filter", "KUBE-SERVICES"),
)
_CHAINS: dict[Form, tuple[ChainId, ...]] = {
    Form.CURRENT: (
        *_COMMON_CHAINS,
        ("filter", "KUBE-NODEPORTS"),
        ("filter", "KUBE-PROXY-FIREWALL"),
        ("mangle", CANARY),
        ("nat", CANARY),
        ("filter", CANARY),
    ),
    Form.V1_13: (*_COMMON_CHAINS, ("nat", "KUBE-MARK-DROP")),
}


def jumps(form: Form) -> tuple[Rule, ...]:
    """The rules in built-in chains, in the order in which they stand there."""
    return _JUMPS[form]


def fixed_chains(form: Form) -> tuple[ChainId, ...]:
    """The chains that are there even without any Service."""
    return _CHAINS[form]


def fixed_rules(options: Options, family: Family) -> Iterator[Rule]:
    """The rules of KUBE-MARK-MASQ, KUBE-POSTROUTING, KUBE-FORWARD and KUBE-FIREWALL."""
    mark = f"{options.mark:#x}/{options.mark:#x}"
    yield ("nat", "KUBE-MARK-MASQ"), jump(f"MARK --set-xmark {mark}")
    if options.form is Form.V1_13:
        yield from _old_fixed_rules(options, family, f"-m mark --mark {mark}")
        return
    post = ("nat", "KUBE-POSTROUTING")
    yield post, jump(f"-m mark ! --mark {mark}", "RETURN")
    yield post, jump(f"MARK --set-xmark {options.mark:#x}/0x0")
    yield post, jump(_SNAT, "MASQUERADE --random-fully")
    yield from _forward_rules(options, f"-m mark --mark {mark}")
    if options.localhost_node_ports_in_force(family):
        yield (
            ("filter", "KUBE-FIREWALL"),
            jump(
                head(source="! 127.0.0.0/8", destination="127.0.0.0/8"),
                comment("block incoming localnet connections"),
                "-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT",
                "DROP",
            ),
        )


def _forward_rules(options: Options, marked: str) -> Iterator[Rule]:
    chain = ("filter", "KUBE-FORWARD")
    if not options.conntrack_tcp_liberal:
        counter = "-m nfacct --nfacct-name  ct_state_invalid_dropped_pkts" if options.nfacct else ""
        yield chain, jump("-m conntrack --ctstate INVALID", counter, "DROP")
    yield chain, jump(_FORWARDING, marked, "ACCEPT")
    text = comment("kubernetes forwarding conntrack rule")
    yield chain, jump(text, _ESTABLISHED, "ACCEPT")


def _old_fixed_rules(options: Options, family: Family, marked: str) -> Iterator[Rule]:
    yield ("nat", "KUBE-MARK-DROP"), jump("MARK --set-xmark 0x8000/0x8000")
    yield ("nat", "KUBE-POSTROUTING"), jump(_SNAT, marked, "MASQUERADE")
    text = comment("kubernetes firewall for dropping marked packets")
    yield ("filter", "KUBE-FIREWALL"), jump(text, "-m mark --mark 0x8000/0x8000", "DROP")
    chain = ("filter", "KUBE-FORWARD")
    yield chain, jump(_FORWARDING, marked, "ACCEPT")
    detector = options.detector(family)
    if detector and detector.source:
        for end in ("source", "destination"):
            text = comment(f"kubernetes forwarding conntrack pod {end} rule")
            yield chain, jump(head(**{end: detector.source}), text, _ESTABLISHED, "ACCEPT")


def node_port_rules(options: Options, node: Node, family: Family) -> Iterator[Rule]:
    """The last rules of KUBE-SERVICES: what is addressed to this host may be for a node port."""
    note = "kubernetes service nodeports; NOTE: this must be the last rule in this chain"
    text, target = comment(note), NODEPORTS[1]
    addresses = options.node_port_ips(node, family)
    if addresses is None:
        where = _not_loopback(options, family)
        yield SERVICES, jump(where, text, "-m addrtype --dst-type LOCAL", target)
        return
    for address in addresses:
        yield SERVICES, jump(head(destination=host(address)), text, target)


def _not_loopback(options: Options, family: Family) -> str:
    if options.form is Form.V1_13:
        return ""
    if family is Family.IPV6:
        return head(destination="! ::1/128")
    if not options.localhost_node_ports:
        return head(destination="! 127.0.0.0/8")
    return ""
