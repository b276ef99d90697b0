"""The pages of a kubelet, by path."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

import orjson

from apiserver.machinery.quantity import parse_quantity
from apiserver.metrics.page import written
from apiserver.streaming.node import ConnectionFailed, ProxyResponse
from minikube_sim.nodeserver.cadvisor import cadvisor_families
from minikube_sim.nodeserver.metrics import kubelet_families, resource_families
from minikube_sim.nodeserver.summary import NodeStats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from apiserver.machinery.types import Object
    from apiserver.metrics.family import Family
    from minikube_sim.nodes import Nodes

    Page = Callable[[Nodes, str, Mapping[str, list[str]]], ProxyResponse]
    """Answers for a node, with the query."""

_PLAIN: Final = "text/plain; charset=utf-8"
_PORT: Final = 10250


def kubelet_page(nodes: Nodes, node: str, target: str) -> ProxyResponse:
    """What a node's kubelet answers to a path with its query. Raises ConnectionFailed."""
    kubelet = nodes.kubelets.get(node)
    if kubelet is None:
        raise ConnectionFailed(f"dial tcp: the kubelet of {node} does not run")
    if kubelet.paused:
        raise ConnectionFailed(f"dial tcp {kubelet.host.config.addresses[0]}:{_PORT}: connect:"
                               " connection refused")
    parts = urlsplit(target)
    page = PAGES.get(parts.path.rstrip("/"))
    if page is None:
        return _answer(b"404 page not found\n", _PLAIN, 404)
    return page(nodes, node, parse_qs(parts.query))


def _answer(body: bytes, media_type: str, status: int = 200) -> ProxyResponse:
    return ProxyResponse(status=status, headers=(("Content-Type", media_type),), body=body)


def _healthy(nodes: Nodes, node: str, query: Mapping[str, list[str]]) -> ProxyResponse:
    return _answer(b"ok", _PLAIN)


def _pods(nodes: Nodes, node: str, query: Mapping[str, list[str]]) -> ProxyResponse:
    pods = {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": nodes.pods_of(node)}
    return _answer(orjson.dumps(pods), "application/json")


def _summary(nodes: Nodes, node: str, query: Mapping[str, list[str]]) -> ProxyResponse:
    only = query.get("only_cpu_and_memory", [""])[0].lower() in ("1", "t", "true")
    found = NodeStats(nodes, node).summary(only_cpu_and_memory=only)
    return _answer(json.dumps(found, indent=1, separators=(",", ": ")).encode(),
                   "application/json")


def _resource(nodes: Nodes, node: str, query: Mapping[str, list[str]]) -> ProxyResponse:
    summary = NodeStats(nodes, node).summary(only_cpu_and_memory=True)
    return _metrics(resource_families(summary, nodes.now()))


def _own_metrics(nodes: Nodes, node: str, query: Mapping[str, list[str]]) -> ProxyResponse:
    return _metrics(kubelet_families(nodes, node))


def _cadvisor(nodes: Nodes, node: str, query: Mapping[str, list[str]]) -> ProxyResponse:
    capacity = nodes.kubelets[node].host.config.capacity
    return _metrics(cadvisor_families(NodeStats(nodes, node), capacity, nodes.now()))


def _metrics(found: Iterable[Family]) -> ProxyResponse:
    return _answer(*written(found))


def _configuration(nodes: Nodes, node: str, query: Mapping[str, list[str]]) -> ProxyResponse:
    config = {"kubeletconfig": configuration(nodes, node)}
    return _answer(orjson.dumps(config), "application/json")


def configuration(nodes: Nodes, node: str) -> Object:
    """The fields of the KubeletConfiguration that the simulated kubelet keeps to."""
    config = nodes.kubelets[node].host.config
    return {
        "port": _PORT,
        "clusterDomain": config.cluster_domain,
        "clusterDNS": list(config.cluster_dns),
        "nodeStatusReportFrequency": _duration(config.status_seconds),
        "nodeLeaseDurationSeconds": config.lease_seconds,
        "maxPods": parse_quantity(config.capacity["pods"]).value,
        "podCIDR": ",".join(config.pod_cidrs),
        "resolvConf": "/etc/resolv.conf",
    }


def _duration(seconds: float) -> str:
    """A metav1.Duration: `5m0s`."""
    minutes, left = divmod(int(seconds), 60)
    return f"{minutes}m{left}s" if minutes else f"{left}s"


PAGES: Final[Mapping[str, Page]] = {
    "/configz": _configuration,
    "/healthz": _healthy,
    "/healthz/log": _healthy,
    "/healthz/ping": _healthy,
    "/healthz/syncloop": _healthy,
    "/metrics": _own_metrics,
    "/metrics/cadvisor": _cadvisor,
    "/metrics/resource": _resource,
    "/pods": _pods,
    "/stats/summary": _summary,
}
