"""/metrics/resource and /metrics of a kubelet. Models pkg/kubelet/metrics and its collector of
resource metrics.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from apiserver.machinery.clock import parse_time
from apiserver.metrics.families import build
from apiserver.metrics.family import Family
from minikube_sim.version import version_info

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apiserver.machinery.types import Object
    from minikube_sim.nodes import Nodes

_NANO: Final = 1e9
_POD: Final = ("pod", "namespace")
_CONTAINER: Final = ("container", *_POD)


@dataclass(frozen=True, slots=True)
class _Measured:
    """What has CPU and memory, by its labels."""

    labels: tuple[str, ...]
    stats: Object


def resource_families(summary: Object, now: float) -> Iterator[Family]:
    """/metrics/resource of a summary, as the kubelet makes it of one."""
    node = [_Measured((), summary["node"])]
    pods = [_Measured((pod["podRef"]["name"], pod["podRef"]["namespace"]), pod)
            for pod in summary["pods"]]
    containers = [_Measured((one["name"], *pod.labels), one)
                  for pod in pods for one in pod.stats["containers"]]
    yield Family("container_start_time_seconds", "gauge", "STABLE",
                 "Start time of the container since unix epoch in seconds", _CONTAINER,
                 [(one.labels, parse_time(one.stats["startTime"])) for one in containers])
    for what, labels, found in (("node", (), node), ("pod", _POD, pods),
                                ("container", _CONTAINER, containers)):
        yield from _usage(what, labels, found, now)
    yield Family("resource_scrape_error", "gauge", "STABLE",
                 "1 if there was an error while getting container metrics, 0 otherwise", (),
                 [((), 0)])
    yield Family("scrape_error", "gauge", "ALPHA",
                 "1 if there was an error while getting container metrics, 0 otherwise", (),
                 [((), 0)])


def _usage(what: str, labels: tuple[str, ...], found: list[_Measured],
           now: float) -> Iterator[Family]:
    yield Family(f"{what}_cpu_usage_seconds_total", "counter", "STABLE",
                 f"Cumulative cpu time consumed by the {what} in core-seconds", labels,
                 [(one.labels, one.stats["cpu"]["usageCoreNanoSeconds"] / _NANO)
                  for one in found], now)
    yield Family(f"{what}_memory_working_set_bytes", "gauge", "STABLE",
                 f"Current working set of the {what} in bytes", labels,
                 [(one.labels, one.stats["memory"]["workingSetBytes"]) for one in found], now)


def kubelet_families(nodes: Nodes, node: str) -> Iterator[Family]:
    """/metrics: what the kubelet says of itself."""
    kubelet = nodes.kubelets[node]
    states = Counter(kubelet.container_states())
    yield Family("kubelet_node_name", "gauge", "ALPHA",
                 "The node's name. The count is always 1.", ("node",), [((node,), 1)])
    yield Family("kubelet_running_containers", "gauge", "ALPHA",
                 "Number of containers currently running", ("container_state",),
                 [((state,), number) for state, number in sorted(states.items())])
    yield Family("kubelet_running_pods", "gauge", "ALPHA",
                 "Number of pods that have a running pod sandbox", (),
                 [((), kubelet.sandboxes)])
    yield build(version_info(kubelet.host.config.kubernetes_version))
