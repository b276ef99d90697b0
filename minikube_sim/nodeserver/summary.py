"""/stats/summary: what a node, its pods and containers use. Models stats.Summary
(k8s.io/kubelet/pkg/apis/stats/v1alpha1) and pkg/kubelet/server/stats.

Only what is simulated is there: CPU, memory, and the node's disk as far as images fill it; the
other fields are optional and absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery import meta
from apiserver.machinery.clock import rfc3339
from apiserver.machinery.gvk import NODES
from apiserver.machinery.quantity import parse_quantity
from minikube_sim.usage import NODE_CPU, NODE_MEMORY, cores

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from apiserver.machinery.types import Object
    from minikube_sim.nodes import Nodes
    from minikube_sim.runtime import SimContainer

_NANO: Final = 10**9


class NodeStats:
    """The statistics of one node at one moment."""

    def __init__(self, nodes: Nodes, node: str) -> None:
        self._nodes = nodes
        self._node = node
        self._now = nodes.now()
        self.time = rfc3339(self._now)
        self._capacity = nodes.kubelets[node].host.config.capacity

    def summary(self, *, only_cpu_and_memory: bool = False) -> Object:
        """A stats.Summary."""
        pods = [self._pod(pod, containers) for pod, containers in self.running()]
        node = self._of_node(pods)
        if not only_cpu_and_memory:
            disk = self._disk()
            node |= {"fs": disk, "runtime": {"imageFs": disk}}
        return {"node": node, "pods": pods}

    def running(self) -> Iterator[tuple[Object, list[SimContainer]]]:
        """The node's pods with their running containers, in the order of both."""
        found: dict[str, list[SimContainer]] = {}
        for one in self._nodes.runtime.running():
            found.setdefault(meta.uid(one.pod), []).append(one)
        for pod in self._nodes.pods_of(self._node):
            if containers := found.get(meta.uid(pod)):
                yield pod, sorted(containers, key=lambda one: one.name)

    def _pod(self, pod: Object, containers: list[SimContainer]) -> Object:
        stats = [self._container(pod, one) for one in containers]
        return {
            "podRef": {"name": meta.name(pod), "namespace": meta.namespace(pod),
                       "uid": meta.uid(pod)},
            "startTime": (pod.get("status") or {}).get("startTime"),
            "containers": stats, "cpu": self._cpu(
                sum(one["cpu"]["usageNanoCores"] for one in stats),
                sum(one["cpu"]["usageCoreNanoSeconds"] for one in stats)),
            "memory": self._memory(sum(one["memory"]["usageBytes"] for one in stats))}

    def _container(self, pod: Object, one: SimContainer) -> Object:
        limit = _memory_limits(pod).get(one.name, "")
        return {"name": one.name, "startTime": rfc3339(one.started),
                "cpu": self._cpu(round(cores(one.cpu, self._now) * _NANO),
                                 round(one.cpu_seconds(self._now) * _NANO)),
                "memory": self._memory(one.program.memory_bytes, limit)}

    def _of_node(self, pods: list[Object]) -> Object:
        age = self._now - self._nodes.booted
        rate = sum(pod["cpu"]["usageNanoCores"] for pod in pods)
        spent = (sum(pod["cpu"]["usageCoreNanoSeconds"] for pod in pods)
                 + round(self._nodes.runtime.ended_cpu[self._node] * _NANO))
        memory = sum(pod["memory"]["usageBytes"] for pod in pods)
        start = rfc3339(self._nodes.booted)
        return {
            "nodeName": self._node,
            "systemContainers": [{"name": "pods", "startTime": start,
                                  "cpu": self._cpu(rate, spent),
                                  "memory": self._memory(memory, self._capacity["memory"])}],
            "startTime": start,
            "cpu": self._cpu(rate + round(NODE_CPU * _NANO), spent + round(NODE_CPU * age * _NANO)),
            "memory": self._memory(memory + NODE_MEMORY, self._capacity["memory"])}

    def _cpu(self, rate: int, spent: int) -> Object:
        return {"time": self.time, "usageNanoCores": rate, "usageCoreNanoSeconds": spent}

    def _memory(self, used: int, limit: str = "") -> Object:
        left = {"availableBytes": max(parse_quantity(limit).value - used, 0)} if limit else {}
        return {"time": self.time, **left, "usageBytes": used, "workingSetBytes": used}

    def _disk(self) -> Object:
        """The only file system of a node: full of images, as its Node lists them."""
        node = self._nodes.kubelets[self._node].host.informers.get(NODES).get(self._node) or {}
        images = (node.get("status") or {}).get("images") or ()
        capacity = parse_quantity(self._capacity["ephemeral-storage"]).value
        used = sum(image["sizeBytes"] for image in images)
        return {"time": self.time, "availableBytes": max(capacity - used, 0),
                "capacityBytes": capacity, "usedBytes": used}


def _memory_limits(pod: Object) -> Mapping[str, str]:
    spec = pod["spec"]
    return {one["name"]: ((one.get("resources") or {}).get("limits") or {}).get("memory", "")
            for one in (*spec["containers"], *(spec.get("initContainers") or ()))}
