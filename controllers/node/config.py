"""What a kubelet is told about its node. Models KubeletConfiguration and its flags."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

from controllers.node.texts import minor_of

DEFAULT_CAPACITY: Final = {
    "cpu": "2", "ephemeral-storage": "17784752Ki", "hugepages-2Mi": "0", "memory": "3912940Ki",
    "pods": "110",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConfig:
    """One node."""

    name: str
    addresses: tuple[str, ...]
    """The node's own addresses, the first being its host IP."""
    pod_cidrs: tuple[str, ...]
    """Where its pods' addresses come from, one a family: 172.17.0.0/16."""
    held_addresses: int = 0
    """How many addresses after docker0's own the system keeps for itself."""
    kubernetes_version: str = "v1.37.0"
    labels: Mapping[str, str] = field(default_factory=dict)
    capacity: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_CAPACITY))
    lease_seconds: int = 40
    """How long a heartbeat counts; it is renewed four times as often."""
    status_seconds: float = 300.0
    """How often an unchanged Node status is reported (nodeStatusReportFrequency)."""
    cluster_dns: tuple[str, ...] = ("10.96.0.10",)
    cluster_domain: str = "cluster.local"
    resolv_conf: str = "nameserver 10.211.55.1\n"
    """The node's own, which hostNetwork and dnsPolicy Default pods get."""

    @property
    def sorted_pod_cidrs(self) -> list[str]:
        """The ranges of pods, that of the node's first address's family first (`sortPodIPs`)."""
        first = ":" in self.addresses[0]
        return sorted(self.pod_cidrs, key=lambda cidr: (":" in cidr) != first)

    @property
    def minor(self) -> int:
        """The minor version: 37 of v1.37.0."""
        return minor_of(self.kubernetes_version)
