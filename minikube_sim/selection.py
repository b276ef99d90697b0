"""Which controllers and agents of a cluster run: `--controllers`, over the tables of both."""

from __future__ import annotations

from typing import Final

from controllers import ALIASES, CONTROLLERS, OFF_BY_DEFAULT
from controllers.selection import parse_selection, select

_AGENT_ALIASES: Final = {
    "scheduler": "kube-scheduler", "proxy": "kube-proxy", "kubeproxy": "kube-proxy",
    "serviceips": "service-ip-allocator", "networkpolicies": "kube-network-policies"}
AGENTS: Final = ("kubelet", "kube-proxy", "kube-scheduler", "service-ip-allocator",
                 "kube-network-policies")
"""What `--controllers` switches besides the controllers of kube-controller-manager."""


def selected(text: str) -> frozenset[str]:
    """The names that run for `'*,-replicaset'`. Raises UnknownController."""
    return select(parse_selection(text), [*CONTROLLERS, *AGENTS], {**ALIASES, **_AGENT_ALIASES},
                  OFF_BY_DEFAULT)
