"""What a cluster is made with: the options of `minikube-sim start` and of `Cluster(...)`.

One pydantic model: the CLI's flags, the profile's saved file and keyword arguments all become it.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

NEWEST_KUBERNETES: Final = 37
OLDEST_KUBERNETES: Final = 25


def _ipv4(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise ValueError("must be an IPv4 address, such as 10.211.55.120") from None


def _cidr(text: str) -> str:
    try:
        return str(ipaddress.IPv4Network(text))
    except ValueError as error:
        raise ValueError(f"must be an IPv4 range, such as 172.17.0.0/16 ({error})") from None


IPv4 = Annotated[str, AfterValidator(_ipv4)]
IPv4Range = Annotated[str, AfterValidator(_cidr)]


class ClusterOptions(BaseModel):
    """All that decides how a cluster behaves. The same options and calls give the same run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    nodes: Annotated[int, Field(ge=1, le=500)] = 1
    """How many nodes: minikube, minikube-m02, ..."""
    node_ip: IPv4 = "10.211.55.120"
    """The first node's address; the others follow."""
    pod_cidr: IPv4Range = "172.17.0.0/16"
    service_cluster_ip_range: IPv4Range = "10.96.0.0/12"
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
            raise ValueError(f"must be 1.{OLDEST_KUBERNETES} to 1.{NEWEST_KUBERNETES}")
        return f"v1.{numbers[1]}.{numbers[2] if len(numbers) > 2 else 0}"

    @model_validator(mode="after")
    def _consistent(self) -> ClusterOptions:
        if self.proxy_mode == "nftables" and self.proxy_rules == "v1.13":
            raise ValueError("proxy_rules v1.13 exists in proxy_mode iptables only")
        if self.nodes > 1 and ipaddress.IPv4Network(self.pod_cidr).prefixlen > self.node_mask - 1:
            raise ValueError(f"pod_cidr {self.pod_cidr} has no room for a /24 for each node")
        return self

    @property
    def minor(self) -> int:
        """The minor version: 37 of v1.37.0."""
        return int(self.kubernetes_version.split(".")[1])

    @property
    def node_mask(self) -> int:
        """Prefix length of each node's Pod range: the whole range for one node, else /24."""
        return ipaddress.IPv4Network(self.pod_cidr).prefixlen if self.nodes == 1 else 24

    def node_names(self) -> list[str]:
        """minikube, minikube-m02, minikube-m03, ..."""
        return ["minikube", *(f"minikube-m{i:02d}" for i in range(2, self.nodes + 1))]

    def node_addresses(self) -> list[str]:
        """One address a node, counted up from node_ip."""
        first = ipaddress.IPv4Address(self.node_ip)
        return [str(first + i) for i in range(self.nodes)]

    def node_pod_cidrs(self) -> list[str]:
        """One Pod range a node, in order."""
        subnets = ipaddress.IPv4Network(self.pod_cidr).subnets(new_prefix=self.node_mask)
        return [str(next(subnets)) for _ in range(self.nodes)]

    def service_ip(self, offset: int) -> str:
        """An address of the Service range: 1 is `kubernetes`, 10 is `kube-dns`."""
        return str(ipaddress.IPv4Network(self.service_cluster_ip_range)[offset])


def explain(error: ValueError) -> str:
    """One line for people: which option, which value, what would be right."""
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    first = errors()[0]
    name = ".".join(str(part) for part in first["loc"]).replace("_", "-")
    message = first["msg"].removeprefix("Value error, ")
    if not name:
        return str(message)
    return f"--{name} {first['input']}: {message[0].lower()}{message[1:]}"
