"""What runs on the cluster's nodes: kubelets, kube-proxies and the scheduler, on the simulated
container runtime; and the node's shells.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from apiserver.machinery.gvk import NODES, PODS
from controllers.node.config import DEFAULT_CAPACITY, NodeConfig
from controllers.node.kubelet import Kubelet
from controllers.node.kubeproxy import KubeProxy
from controllers.node.networkpolicy import NetworkPolicyAgent
from controllers.node.nodestatus import OS_IMAGE
from controllers.scheduler import Scheduler
from minikube_sim.dns.directory import InformerDirectory
from minikube_sim.exchange import listen_json
from minikube_sim.images import IMAGES, ImageRegistry
from minikube_sim.images.coredns import CoreDNS
from minikube_sim.resource_metrics import serve_metrics
from minikube_sim.runtime import SimRuntime
from minikube_sim.shell.context import Machine, ProcessInfo
from netsim.kubeproxy import Options
from netsim.kubeproxy.values import Balancing, Form, Mode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from apiserver.machinery.types import Object
    from minikube_sim.clock import RealClock, VirtualClock
    from minikube_sim.cluster import Cluster
    from minikube_sim.config import ClusterOptions
    from minikube_sim.images.program import Program
    from minikube_sim.network import Network
    from netsim.fabric import Node

COREDNS = "registry.k8s.io/coredns/coredns"
_MODES = {"iptables": Mode.IPTABLES, "nftables": Mode.NFTABLES}
_FORMS = {"current": Form.CURRENT, "v1.13": Form.V1_13}
_BALANCING = {"round-robin": Balancing.ROUND_ROBIN, "random": Balancing.RANDOM}
_CONTROL_PLANE = {
    "node-role.kubernetes.io/control-plane": "",
    "node.kubernetes.io/exclude-from-external-load-balancers": "",
    "minikube.k8s.io/primary": "true",
}


class Nodes:
    """The agents of all nodes."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.images = ImageRegistry(IMAGES, unknown=cluster.options.unknown_images)
        self.runtime = SimRuntime(self.images, cluster.clock, cluster.chance("containers"))
        self.kubelets: dict[str, Kubelet] = {}
        self.booted = cluster.clock.now()
        """When the machines were switched on, on the cluster clock."""
        self._files: dict[str, dict[str, str]] = {}
        self._own: dict[str, type[Program]] = {}

    def add(self) -> None:
        """Hand the agents that are switched on to the manager."""
        cluster, options = self._cluster, self._cluster.options
        if cluster.enabled("kube-scheduler"):
            cluster.manager.add(Scheduler(cluster.context("kube-scheduler"),
                                          minor=options.minor))
        self._give_coredns_the_api()
        if cluster.enabled("kubelet"):
            serve_metrics(cluster.registry, self.runtime)
        for index, name in enumerate(options.node_names()):
            if cluster.enabled("kubelet"):
                config = _config(options, index, cluster.network)
                kubelet = Kubelet(cluster.context("kubelet"), config, self.runtime,
                                  cluster.network.host(name))
                self.kubelets[name] = kubelet
                cluster.manager.add(kubelet, f"kubelet-{name}")
            if cluster.enabled("kube-proxy"):
                cluster.manager.add(
                    KubeProxy(cluster.context("kube-proxy"), cluster.network.host(name),
                              _proxy_options(options), listen_json), f"kube-proxy-{name}")
            if cluster.enabled("kube-network-policies"):
                agent = NetworkPolicyAgent(cluster.context("kube-network-policies"),
                                           cluster.network.host(name))
                cluster.manager.add(agent, f"kube-network-policies-{name}")

    def _give_coredns_the_api(self) -> None:
        """Its image reads Services and endpoints from this cluster."""
        directory = InformerDirectory(self._cluster.context("coredns").informers)
        self.images[COREDNS] = type("CoreDNS", (CoreDNS,), {"directory": directory})
        self._own = dict(self.images)

    @contextmanager
    def resuming(self, pods: Mapping[str, Sequence[str]]) -> Iterator[None]:
        """Meanwhile the kubelets take over these pods, by node, as the store has them."""
        for node, kubelet in self.kubelets.items():
            kubelet.resumes = pods[node]
        try:
            yield
        finally:
            for kubelet in self.kubelets.values():
                kubelet.resumes = None

    @property
    def are_plain(self) -> bool:
        """Whether the system's own images are those that every cluster has."""
        return all(self.images.get(name) is program for name, program in self._own.items())

    def states(self) -> dict[str, str]:
        """`Running` or `Stopped` for each node's kubelet."""
        return {name: "Running" if name in self.kubelets else "Stopped"
                for name in self._cluster.options.node_names()}

    @property
    def clock(self) -> VirtualClock | RealClock:
        """The cluster clock."""
        return self._cluster.clock

    def first_host(self) -> Node:
        """The network stack of the first node, where the control plane runs."""
        return self._cluster.network.host(self._cluster.options.node_names()[0])

    def pods_of(self, node: str) -> list[Object]:
        """The Pods that are bound to a node, as the API has them."""
        return [pod for pod in self._cluster.context("").informers.get(PODS)
                if pod["spec"].get("nodeName") == node]

    def now(self) -> float:
        """The cluster clock, in seconds since 1970."""
        return self._cluster.clock.now()

    def machine(self, name: str, user: str = "docker") -> Machine:
        """A node as a shell sees it; files that a shell writes are seen by the next one."""
        cluster = self._cluster
        files = self._files.setdefault(name, _node_files(
            cluster.options, name, cluster.network.gateway))
        return Machine(hostname=name, network=cluster.network.host(name), clock=cluster.clock,
                       chance=cluster.chance(f"shell/{name}"), files=files, user=user,
                       booted=self.booted, processes=lambda: _processes(cluster))

    def all_ready(self) -> bool:
        """Whether every node of the cluster is Ready."""
        informer = self._cluster.context("").informers.get(NODES)
        return all(_is_ready(informer.get(name) or {})
                   for name in self._cluster.options.node_names())


def _is_ready(node: dict[str, object]) -> bool:
    status = node.get("status")
    conditions = status.get("conditions") if isinstance(status, dict) else None
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions or ())


def _config(options: ClusterOptions, index: int, network: Network) -> NodeConfig:
    name = options.node_names()[index]
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux",
              "kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux",
              "beta.kubernetes.io/arch": "amd64", "minikube.k8s.io/name": "minikube"}
    if index == 0:
        labels |= _CONTROL_PLANE
    return NodeConfig(
        name=name, addresses=options.node_addresses()[index],
        pod_cidrs=options.node_pod_cidrs()[index], kubernetes_version=options.kubernetes_version,
        labels=labels, capacity={**DEFAULT_CAPACITY, "pods": str(options.max_pods)},
        cluster_dns=options.service_ips(10), resolv_conf=f"nameserver {network.gateway}\n")


def _proxy_options(options: ClusterOptions) -> Options:
    return Options(mode=_MODES[options.proxy_mode], form=_FORMS[options.proxy_rules],
                   balancing=_BALANCING[options.lb], cluster_cidrs=options.pod_cidrs,
                   service_cidrs=options.service_cidrs, nfacct=False)


def _node_files(options: ClusterOptions, name: str, gateway: str) -> dict[str, str]:
    hosts = "".join(f"{address}\t{host}\n" for host, addresses in zip(
        options.node_names(), options.node_addresses(), strict=True) for address in addresses)
    v6 = {"/proc/sys/net/ipv6/conf/all/forwarding": "1\n"} if "IPv6" in options.families else {}
    local = "127.0.0.1\tlocalhost\n" + "::1\tlocalhost ip6-localhost ip6-loopback\n" * bool(v6)
    return {
        **v6,
        "/etc/hostname": f"{name}\n",
        "/etc/hosts": f"{local}{hosts}",
        "/etc/resolv.conf": f"nameserver {gateway}\n",
        "/etc/os-release": _os_release(),
        "/proc/sys/net/ipv4/ip_forward": "1\n",
        "/home/docker/.bashrc": "",
        "/root/.bashrc": "",
        "/tmp/.keep": "",
    }


def _os_release() -> str:
    name, _, version = OS_IMAGE.partition(" ")
    return (f'NAME={name}\nVERSION={version}\nID={name.lower()}\nVERSION_ID={version}\n'
            f'PRETTY_NAME="{OS_IMAGE}"\n')


def _processes(cluster: Cluster) -> list[ProcessInfo]:
    commands = ["/sbin/init", "/usr/bin/dockerd", "/var/lib/minikube/binaries/kubelet",
                "/usr/local/bin/kube-proxy"]
    if cluster.enabled("kube-scheduler"):
        commands.append("kube-scheduler")
    return [ProcessInfo(pid, "root", command) for pid, command in enumerate(commands, 1)]
