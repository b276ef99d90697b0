"""What the scheduler knows of nodes and the pods on them. Models pkg/scheduler/backend/cache.

A pod counts on its node as soon as the scheduler has decided (it is assumed), before the API server
says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from apiserver.machinery import meta
from controllers.scheduler.resources import Amounts, add, amounts, pod_requests

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from apiserver.machinery.types import Object

T = TypeVar("T")
HostPort = tuple[str, str, int]
"""(host IP, protocol, port)."""


@dataclass(frozen=True, slots=True)
class Group:
    """Pods that no selector tells apart."""

    namespace: str
    items: tuple[tuple[str, str], ...]
    terminating: bool

    @property
    def labels(self) -> dict[str, str]:
        """Their labels."""
        return dict(self.items)


class PodInfo:
    """A pod and what is computed of it once."""

    def __init__(self, pod: Object) -> None:
        self.pod = pod
        self.key = meta.namespaced_name(pod)
        self.namespace = meta.namespace(pod)
        self.labels: Mapping[str, str] = meta.labels(pod)
        self.spec: Mapping[str, Any] = pod["spec"]
        self.priority = int(self.spec.get("priority") or 0)
        self.group = Group(self.namespace, tuple(sorted(self.labels.items())),
                           meta.is_terminating(pod))

    @cached_property
    def requests(self) -> Amounts:
        """What it asks for."""
        return pod_requests(self.pod)

    @cached_property
    def assumed_requests(self) -> Amounts:
        """The same, with defaults for what it does not say (for scores)."""
        return pod_requests(self.pod, assume=True)

    @cached_property
    def host_ports(self) -> tuple[HostPort, ...]:
        """The node's ports that it takes."""
        ports = (port for container in self.spec["containers"]
                 for port in container.get("ports") or () if port.get("hostPort"))
        return tuple((port.get("hostIP") or "0.0.0.0", port.get("protocol", "TCP"),
                      port["hostPort"]) for port in ports)

    def affinity(self, kind: str, strength: str) -> list[Mapping[str, Any]]:
        """Terms of `podAffinity` or `podAntiAffinity`; strength `required` or `preferred`."""
        group = (self.spec.get("affinity") or {}).get(kind) or {}
        return list(group.get(f"{strength}DuringSchedulingIgnoredDuringExecution") or ())


@dataclass(slots=True, eq=False)
class NodeInfo:
    """A node with its pods, and sums over them."""

    node: Object
    pods: dict[str, PodInfo] = field(default_factory=dict)
    requested: Amounts = field(default_factory=dict)
    assumed: Amounts = field(default_factory=dict)
    """Requests with defaults, for scores."""
    ports: dict[HostPort, int] = field(default_factory=dict)
    groups: dict[Group, int] = field(default_factory=dict)
    """How many pods of each kind, as selectors see them."""
    with_affinity: dict[str, PodInfo] = field(default_factory=dict)
    """The pods that have affinity of their own."""
    allocatable: Amounts = field(default_factory=dict)
    images: dict[str, int] = field(default_factory=dict)
    """Sizes of the images on the node by name."""

    name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.set_node(self.node)

    def set_node(self, node: Object) -> None:
        """The Node as it is now."""
        self.node, self.name, self.labels = node, meta.name(node), meta.labels(node)
        status = node.get("status") or {}
        self.allocatable = amounts(status.get("allocatable"))
        self.images = {name: image.get("sizeBytes", 0) for image in status.get("images") or ()
                       for name in image.get("names") or ()}

    def add(self, pod: PodInfo) -> None:
        """A pod is here."""
        self.pods[pod.key] = pod
        if pod.spec.get("affinity"):
            self.with_affinity[pod.key] = pod
        self._count(pod, 1)

    def remove(self, key: str) -> None:
        """A pod is no longer here."""
        self.with_affinity.pop(key, None)
        self._count(self.pods.pop(key), -1)

    def _count(self, pod: PodInfo, sign: int) -> None:
        add(self.requested, pod.requests, sign)
        add(self.assumed, pod.assumed_requests, sign)
        _tally(self.groups, pod.group, sign)
        for port in pod.host_ports:
            _tally(self.ports, port, sign)


def _tally(counts: dict[T, int], key: T, change: int) -> None:
    counts[key] = counts.get(key, 0) + change
    if not counts[key]:
        del counts[key]


class Cache:
    """All nodes with their pods."""

    def __init__(self) -> None:
        self._nodes: dict[str, NodeInfo] = {}
        self._homes: dict[str, str] = {}
        """Node name by pod key."""
        self._orphans: dict[str, dict[str, PodInfo]] = {}
        """Pods of nodes that are not (yet) known."""

    def __iter__(self) -> Iterator[NodeInfo]:
        return iter(self._nodes.values())

    def __len__(self) -> int:
        return len(self._nodes)

    def get(self, name: str) -> NodeInfo | None:
        """A node by name."""
        return self._nodes.get(name)

    def set_node(self, node: Object) -> None:
        """A Node as it is now."""
        name = meta.name(node)
        info = self._nodes.get(name)
        if info is None:
            info = self._nodes[name] = NodeInfo(node)
            for pod in self._orphans.pop(name, {}).values():
                info.add(pod)
            self._nodes = dict(sorted(self._nodes.items()))
        info.set_node(node)

    def remove_node(self, name: str) -> None:
        """A Node is gone; its pods may stay a while."""
        info = self._nodes.pop(name, None)
        if info is not None and info.pods:
            self._orphans[name] = info.pods

    def set_pod(self, pod: Object, node: str) -> None:
        """A pod is on a node: bound, or assumed to be soon."""
        info = PodInfo(pod)
        self.remove_pod(info.key)
        self._homes[info.key] = node
        if node in self._nodes:
            self._nodes[node].add(info)
        else:
            self._orphans.setdefault(node, {})[info.key] = info

    def remove_pod(self, key: str) -> None:
        """A pod is on no node; harmless twice."""
        home = self._homes.pop(key, None)
        if home is None:
            return
        if home in self._nodes:
            self._nodes[home].remove(key)
        else:
            self._orphans.get(home, {}).pop(key, None)

    def has_pod(self, key: str) -> bool:
        """Whether the pod is on a node."""
        return key in self._homes
