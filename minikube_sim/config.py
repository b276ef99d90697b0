"""What a cluster is made with: the options of `minikube-sim start` and of `Cluster(...)`.

One pydantic model: the CLI's flags, the profile's saved file and keyword arguments all become it.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from minikube_sim import addressing

NEWEST_KUBERNETES: Final = 37
OLDEST_KUBERNETES: Final = 25


Addresses = Annotated[str, BeforeValidator(addressing.addresses)]
PodRanges = Annotated[str, BeforeValidator(addressing.pod_ranges)]
ServiceRanges = Annotated[str, BeforeValidator(addressing.service_ranges)]


class ClusterOptions(BaseModel):
    """All that decides how a cluster behaves. The same options and calls give the same run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    nodes: Annotated[int, Field(ge=1, le=500)] = 1
    """How many nodes: minikube, minikube-m02, ..."""
    node_ip: Addresses = "10.211.55.120"
    """The first node's address, or one of each family; the others follow."""
    pod_cidr: PodRanges = "172.17.0.0/16"
    """The range of Pod addresses, or one of each family (`172.17.0.0/16,fd00:10:244::/64`)."""
    service_cluster_ip_range: ServiceRanges = "10.96.0.0/12"
    """The range of ClusterIPs, or one of each family: the first is what Services get unasked."""
    controllers: str = "*"
    """As in kube-controller-manager: `*`, `name`, `-name`, separated by commas."""
    kubernetes_version: str = f"v1.{NEWEST_KUBERNETES}.0"
    proxy_mode: Literal["iptables", "nftables"] = "iptables"
    lb: Literal["round-robin", "random"] = "round-robin"
    proxy_rules: Literal["current", "v1.13"] = "current"
    seed: int = 0
    max_pods: Annotated[int, Field(ge=1)] = 110
    """How many Pods a node takes."""
    unknown_images: Literal["refuse", "run"] = "refuse"
    """What an image that nobody defined does: ErrImagePull, or start as a plain web server."""

    @field_validator("kubernetes_version")
    @classmethod
    def _known_version(cls, text: str) -> str:
        parts = text.removeprefix("v").split(".")
        numbers = [int(p) for p in parts if p.isascii() and p.isdigit()]
        if len(numbers) != len(parts) or len(parts) not in (2, 3) or numbers[0] != 1 or not (
                OLDEST_KUBERNETES <= numbers[1] <= NEWEST_KUBERNETES):
            raise ValueError(f"must be v1.{OLDEST_KUBERNETES} to v1.{NEWEST_KUBERNETES}")
        return f"v1.{numbers[1]}.{numbers[2] if len(numbers) > 2 else 0}"

    @model_validator(mode="after")
    def _consistent(self) -> ClusterOptions:
        if self.proxy_mode == "nftables" and self.proxy_rules == "v1.13":
            raise ValueError("--proxy-rules v1.13: exists in --proxy-mode iptables only")
        addressing.check(self.node_ip, self.pod_cidr, self.service_cluster_ip_range, self.nodes)
        return self

    @property
    def minor(self) -> int:
        """The minor version: 37 of v1.37.0."""
        return int(self.kubernetes_version.split(".")[1])

    @property
    def pod_cidrs(self) -> tuple[str, ...]:
        """The range of Pods of each family, as given."""
        return addressing.each(self.pod_cidr)

    @property
    def service_cidrs(self) -> tuple[str, ...]:
        """The range of Services of each family, the default family first."""
        return addressing.each(self.service_cluster_ip_range)

    @property
    def families(self) -> tuple[str, ...]:
        """IPv4, IPv6 or both, the default family of Services first."""
        return addressing.families(self.service_cluster_ip_range)

    def node_masks(self) -> tuple[int, ...]:
        """Prefix length of each node's Pod range, one a family."""
        return tuple(addressing.node_prefix(ipaddress.ip_network(cidr), self.nodes)
                     for cidr in self.pod_cidrs)

    def node_names(self) -> list[str]:
        """minikube, minikube-m02, minikube-m03, ..."""
        return ["minikube", *(f"minikube-m{i:02d}" for i in range(2, self.nodes + 1))]

    def node_addresses(self) -> list[tuple[str, ...]]:
        """The addresses of each node, counted up from node_ip."""
        first = [ipaddress.ip_address(text) for text in addressing.each(self.node_ip)]
        return [tuple(str(one + i) for one in first) for i in range(self.nodes)]

    def node_pod_cidrs(self) -> list[tuple[str, ...]]:
        """The Pod ranges of each node, in order."""
        subnets = [ipaddress.ip_network(cidr).subnets(new_prefix=mask)
                   for cidr, mask in zip(self.pod_cidrs, self.node_masks(), strict=True)]
        return [tuple(str(next(one)) for one in subnets) for _ in range(self.nodes)]

    def service_ips(self, offset: int) -> tuple[str, ...]:
        """An address of each Service range: 1 is `kubernetes`, 10 is `kube-dns`."""
        return tuple(str(ipaddress.ip_network(cidr)[offset]) for cidr in self.service_cidrs)

    def service_ip(self, offset: int) -> str:
        """The same, in the default family."""
        return self.service_ips(offset)[0]
