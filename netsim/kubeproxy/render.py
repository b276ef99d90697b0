"""All rules at once, as iptables-save text: a pure function of objects, node and settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netsim.kubeproxy.current import PortView, service_port_rules
from netsim.kubeproxy.fixed import fixed_chains, fixed_rules, jumps, node_port_rules
from netsim.kubeproxy.selection import select
from netsim.kubeproxy.service_map import ServiceMap
from netsim.kubeproxy.v113 import OldPortView, old_selection, old_service_port_rules
from netsim.kubeproxy.values import Family, Form

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from netsim.kubeproxy.rule_text import ChainId, Rule
    from netsim.kubeproxy.values import Endpoint, Node, Options, ServicePort

__all__ = ["BUILTIN", "port_rules", "render", "render_ports", "sort_key"]

BUILTIN = {
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
}
"""The built-in chains of the tables that kube-proxy writes, as iptables-save lists them."""


def render(
    services: Iterable[dict[str, Any]],
    slices: Iterable[dict[str, Any]],
    *,
    node: Node,
    options: Options,
    family: Family = Family.IPV4,
) -> str:
    """What iptables-save (ip6tables-save) prints on `node` after a sync of these objects."""
    service_map = ServiceMap(family)
    service_map.replace(services, slices)
    ports = [port for key in service_map.keys() for port in service_map.ports(key)]  # noqa: SIM118
    pairs = [(port, service_map.endpoints(port, node.name)) for port in ports]
    return render_ports(pairs, node=node, options=options, family=family)


def render_ports(
    ports: Sequence[tuple[ServicePort, Sequence[Endpoint]]],
    *,
    node: Node,
    options: Options,
    family: Family = Family.IPV4,
) -> str:
    """The same from service ports and all their endpoints."""
    comments = sum(len(endpoints) for _, endpoints in ports) <= options.large_cluster_endpoints
    rules = list(jumps(options.form)) + list(fixed_rules(options, family))
    for port, endpoints in sorted(ports, key=lambda pair: sort_key(pair[0])):
        rules += port_rules(port, endpoints, node=node, options=options, comments=comments)
    rules += node_port_rules(options, node, family)
    return _save_text(fixed_chains(options.form), rules)


def sort_key(port: ServicePort) -> tuple[str, str]:
    """Where the rules of a service port stand among those of others in shared chains."""
    return port.label, port.protocol


def port_rules(
    port: ServicePort,
    endpoints: Sequence[Endpoint],
    *,
    node: Node,
    options: Options,
    comments: bool = True,
) -> Iterator[Rule]:
    """The rules of one service port, in the form that the settings ask for."""
    family = Family.of(port.cluster_ip)
    if options.form is Form.V1_13:
        old = old_selection(endpoints)
        view = OldPortView(port=port, selection=old, node=node, options=options, family=family)
        return old_service_port_rules(view)
    selection = select(port, endpoints, node)
    return service_port_rules(
        PortView(
            port=port,
            selection=selection,
            node=node,
            options=options,
            family=family,
            comments=comments,
        )
    )


def _save_text(chains: Iterable[ChainId], rules: Iterable[Rule]) -> str:
    by_chain: dict[ChainId, list[str]] = {chain: [] for chain in chains}
    for chain, text in rules:
        by_chain.setdefault(chain, []).append(text)
    return "".join(_table_text(table, by_chain) for table in BUILTIN)


def _table_text(table: str, by_chain: dict[ChainId, list[str]]) -> str:
    user = sorted(name for t, name in by_chain if t == table and name not in BUILTIN[table])
    if not user:
        return ""
    lines = [f"*{table}", *(f":{name} ACCEPT [0:0]" for name in BUILTIN[table])]
    lines += [f":{name} - [0:0]" for name in user]
    for name in (*BUILTIN[table], *user):
        lines += [f"-A {name} {rule}" for rule in by_chain.get((table, name), ())]
    return "\n".join([*lines, "COMMIT", ""])
