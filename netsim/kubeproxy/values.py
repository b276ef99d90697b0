"""The values that kube-proxy works on. Models pkg/proxy/{serviceport,endpoint}.go.

They know nothing of API objects: `service_map` makes them from Service and EndpointSlice JSON.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from ipaddress import ip_address, ip_network

from netsim.packet import join_host_port

__all__ = [
    "Balancing",
    "Endpoint",
    "Family",
    "Form",
    "LocalDetector",
    "Mode",
    "Node",
    "Options",
    "ServicePort",
]


class Family(Enum):
    """An IP family; one proxier serves one of them."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"

    @classmethod
    def of(cls, address: str) -> Family:
        """The family of an address or a CIDR."""
        return cls.IPV6 if ":" in address else cls.IPV4


class Mode(Enum):
    """What the rules are written in."""

    IPTABLES = "iptables"
    NFTABLES = "nftables"


class Form(Enum):
    """Whose rules: today's kube-proxy, or that of v1.13 (2019; iptables only)."""

    CURRENT = "current"
    V1_13 = "v1.13"


class Balancing(Enum):
    """How an endpoint is picked: in turn (the default here) or by chance (as the real one does)."""

    ROUND_ROBIN = "round-robin"
    RANDOM = "random"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePort:
    """One port of a Service, in one family (BaseServicePortInfo)."""

    namespace: str
    name: str
    port_name: str
    protocol: str
    """tcp, udp or sctp."""
    cluster_ip: str
    port: int
    node_port: int = 0
    external_ips: tuple[str, ...] = ()
    load_balancer_ips: tuple[str, ...] = ()
    """Ingress IPs of the status with ipMode VIP."""
    source_ranges: tuple[str, ...] = ()
    affinity_seconds: int = 0
    """Seconds that ClientIP affinity lasts; 0 is no affinity."""
    internal_local: bool = False
    external_local: bool = False
    health_check_node_port: int = 0

    @property
    def label(self) -> str:
        """The name in comments: `ns/svc`, or `ns/svc:port` for a named port."""
        suffix = f":{self.port_name}" if self.port_name else ""
        return f"{self.namespace}/{self.name}{suffix}"

    @property
    def externally_accessible(self) -> bool:
        """Whether anything but the cluster IP leads here."""
        return bool(self.node_port or self.external_ips or self.load_balancer_ips)

    @property
    def uses_cluster_endpoints(self) -> bool:
        """Whether some traffic may go to endpoints of every node."""
        return not self.internal_local or self.externally_accessible

    @property
    def uses_local_endpoints(self) -> bool:
        """Whether some traffic may only go to endpoints of this node."""
        return self.internal_local or (self.external_local and self.externally_accessible)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address and port behind a service port (BaseEndpointInfo)."""

    address: str
    port: int
    local: bool = False
    ready: bool = True
    serving: bool = True
    terminating: bool = False
    node_hints: frozenset[str] = frozenset()
    zone_hints: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return join_host_port(self.address, self.port)


@dataclass(frozen=True, kw_only=True)
class Node:
    """The node a proxier runs on. The first address of a family is the node's IP in it."""

    name: str
    addresses: tuple[str, ...] = ()
    zone: str = ""
    """The label topology.kubernetes.io/zone."""

    def ip(self, family: Family) -> str:
        """The node's IP of that family, or ''."""
        return next((a for a in self.addresses if Family.of(a) is family), "")

    def addresses_of(self, family: Family) -> tuple[str, ...]:
        """Every address of that family, the loopback one too."""
        loopback = "127.0.0.1" if family is Family.IPV4 else "::1"
        own = tuple(a for a in self.addresses if Family.of(a) is family)
        return own if loopback in own else (*own, loopback)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalDetector:
    """How traffic of this node's Pods is told (pkg/proxy/util/localdetector.go)."""

    source: str = ""
    """A CIDR of Pods."""
    interface: str = ""
    """A bridge, or a prefix of interface names with + at its end."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The settings of kube-proxy that change its rules (KubeProxyConfiguration)."""

    mode: Mode = Mode.IPTABLES
    form: Form = Form.CURRENT
    balancing: Balancing = Balancing.ROUND_ROBIN
    cluster_cidrs: tuple[str, ...] = ()
    detect_local_mode: str = "ClusterCIDR"
    """ClusterCIDR, NodeCIDR (with the node's Pod ranges in cluster_cidrs), BridgeInterface or
    InterfaceNamePrefix.
    """
    bridge_interface: str = ""
    interface_name_prefix: str = ""
    masquerade_all: bool = False
    masquerade_bit: int = 14
    localhost_node_ports: bool = True
    node_port_addresses: tuple[str, ...] = ()
    """CIDRs, or the one word `primary`; empty: all in iptables mode, primary in nftables mode."""
    service_cidrs: tuple[str, ...] = ()
    large_cluster_endpoints: int = 1000
    """With more endpoints than this the comments of endpoint rules are left out."""
    nfacct: bool = True
    """Whether the kernel has the nfacct match."""
    conntrack_tcp_liberal: bool = False
    """Whether nf_conntrack_tcp_be_liberal is set."""
    affinity_set_size: int = field(default=65535, repr=False)

    @cached_property
    def mark(self) -> int:
        """The packet mark that asks for masquerading."""
        return 1 << self.masquerade_bit

    def detector(self, family: Family) -> LocalDetector | None:
        """How local traffic is told in that family; None when it cannot be."""
        if self.detect_local_mode == "BridgeInterface":
            return LocalDetector(interface=self.bridge_interface)
        if self.detect_local_mode == "InterfaceNamePrefix":
            return LocalDetector(interface=f"{self.interface_name_prefix}+")
        cidr = next((c for c in self.cluster_cidrs if Family.of(c) is family), "")
        return LocalDetector(source=cidr) if cidr else None

    def node_port_cidrs(self, family: Family) -> tuple[str, ...] | None:
        """The ranges whose addresses take node ports; None when every address does."""
        cidrs = tuple(c for c in self.node_port_addresses if Family.of(c) is family)
        return cidrs if cidrs and not any(c.endswith("/0") for c in cidrs) else None

    @property
    def node_ports_on_primary(self) -> bool:
        """Whether only the node's own IP takes node ports; nftables mode's default."""
        if self.node_port_addresses:
            return self.node_port_addresses == ("primary",)
        return self.mode is Mode.NFTABLES

    def node_port_ips(self, node: Node, family: Family) -> tuple[str, ...] | None:
        """The addresses of `node` that take node ports; None when every address does."""
        if self.node_ports_on_primary:
            primary = node.ip(family)
            return (primary,) if primary else ()
        cidrs = self.node_port_cidrs(family)
        if cidrs is None:
            return None
        ranges = [ip_network(c, strict=False) for c in cidrs]
        addresses = [ip_address(a) for a in node.addresses_of(family)]
        loopback = self.localhost_node_ports_in_force(family)
        return tuple(
            str(a)
            for a in addresses
            if any(a in r for r in ranges) and (loopback or not a.is_loopback)
        )

    def localhost_node_ports_in_force(self, family: Family) -> bool:
        """Whether 127.0.0.1:nodePort answers: asked for, IPv4, and in node_port_addresses."""
        if not self.localhost_node_ports or family is Family.IPV6 or self.mode is not Mode.IPTABLES:
            return False
        if self.node_ports_on_primary:
            return False
        cidrs = self.node_port_cidrs(family)
        loopback = ip_network("127.0.0.0/8")
        return cidrs is None or any(ip_network(c, strict=False).overlaps(loopback) for c in cidrs)
