"""kube-proxy: from Services and EndpointSlices to rules. Models pkg/proxy.

`render` is the whole text as a pure function; a `Proxier` with a writer keeps the rules of a node.
"""

from netsim.kubeproxy.health import HealthCheck
from netsim.kubeproxy.iptables_writer import IptablesWriter
from netsim.kubeproxy.nftables_writer import NftablesWriter
from netsim.kubeproxy.node_proxy import NodeProxy, iptables_of, nftables_of
from netsim.kubeproxy.proxier import SYNC_PERIOD, Changes, PortState, Proxier, RuleWriter
from netsim.kubeproxy.render import render, render_ports
from netsim.kubeproxy.service_map import ServiceMap
from netsim.kubeproxy.values import (
    Balancing,
    Endpoint,
    Family,
    Form,
    LocalDetector,
    Mode,
    Node,
    Options,
    ServicePort,
)

__all__ = [
    "SYNC_PERIOD",
    "Balancing",
    "Changes",
    "Endpoint",
    "Family",
    "Form",
    "HealthCheck",
    "IptablesWriter",
    "LocalDetector",
    "Mode",
    "NftablesWriter",
    "Node",
    "NodeProxy",
    "Options",
    "PortState",
    "Proxier",
    "RuleWriter",
    "ServiceMap",
    "ServicePort",
    "iptables_of",
    "nftables_of",
    "render",
    "render_ports",
]
