"""Names of the chains that belong to one service port, by hash as in pkg/proxy/iptables."""

from __future__ import annotations

from base64 import b32encode
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netsim.kubeproxy.values import Endpoint, ServicePort

__all__ = ["PREFIXES", "chain_name", "endpoint_chain", "old_label"]

PREFIXES = ("KUBE-SVC-", "KUBE-SVL-", "KUBE-EXT-", "KUBE-FW-", "KUBE-SEP-", "KUBE-XLB-")
"""What the chains of kube-proxy's service ports begin with: its own to delete."""


@lru_cache(maxsize=1024)
def _hash(text: str) -> str:
    return b32encode(sha256(text.encode()).digest()).decode()[:16]


def old_label(port: ServicePort) -> str:
    """The name in comments in v1.13: the colon stands there with an unnamed port too."""
    return f"{port.namespace}/{port.name}:{port.port_name}"


def chain_name(prefix: str, label: str, protocol: str) -> str:
    """`KUBE-SVC-` and the like, followed by the hash of the service port."""
    return f"{prefix}{_hash(label + protocol)}"


def endpoint_chain(label: str, protocol: str, endpoint: Endpoint) -> str:
    """`KUBE-SEP-` followed by the hash of the service port and the endpoint."""
    return f"KUBE-SEP-{_hash(f'{label}{protocol}{endpoint}')}"
