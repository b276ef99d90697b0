"""kube-proxy: from Services and EndpointSlices to rules. Models pkg/proxy.

`render` is the whole text as a pure function.
"""

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
    "Balancing",
    "Endpoint",
    "Family",
    "Form",
    "LocalDetector",
    "Mode",
    "Node",
    "Options",
    "ServiceMap",
    "ServicePort",
    "render",
    "render_ports",
]
