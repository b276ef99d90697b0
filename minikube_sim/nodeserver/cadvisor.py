"""/metrics/cadvisor: what containers and their pods use, by the names of cAdvisor's metrics. Models
google/cadvisor/metrics as the kubelet registers it, with the cgroups of the systemd driver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from apiserver.machinery import meta
from apiserver.machinery.quantity import parse_quantity
from apiserver.metrics.family import Family

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from apiserver.machinery.types import Object
    from minikube_sim.nodeserver.summary import NodeStats
    from minikube_sim.runtime import SimContainer

_LABELS: Final = ("container", "id", "image", "name", "namespace", "pod")
_SLICES: Final = {"BestEffort": "-besteffort", "Burstable": "-burstable", "Guaranteed": ""}


class _Cgroup(NamedTuple):
    """One cgroup: a container's, or (without a name) a pod's."""

    labels: tuple[str, ...]
    cpu: float
    memory: int
    started: float


def cadvisor_families(stats: NodeStats, capacity: Mapping[str, str],
                      now: float) -> Iterator[Family]:
    """The text's metrics; `capacity` is the node's."""
    found = [group for pod, containers in stats.running()
             for group in _groups(pod, containers, now)]
    yield Family("container_cpu_usage_seconds_total", "counter", "ALPHA",
                 "Cumulative cpu time consumed in seconds.", (*_LABELS, "cpu"),
                 [((*group.labels, "total"), group.cpu) for group in found], now)
    for name in ("usage", "working_set"):
        yield Family(f"container_memory_{name}_bytes", "gauge", "ALPHA", _MEMORY[name], _LABELS,
                     [(group.labels, group.memory) for group in found], now)
    yield Family("container_start_time_seconds", "gauge", "ALPHA",
                 "Start time of the container since unix epoch in seconds.", _LABELS,
                 [(group.labels, group.started) for group in found], now)
    yield Family("container_last_seen", "gauge", "ALPHA",
                 "Last time a container was seen by the exporter", _LABELS,
                 [(group.labels, now) for group in found], now)
    yield Family("machine_cpu_cores", "gauge", "ALPHA", "Number of logical CPU cores.", (),
                 [((), parse_quantity(capacity["cpu"]).value)])
    yield Family("machine_memory_bytes", "gauge", "ALPHA",
                 "Amount of memory installed on the machine.", (),
                 [((), parse_quantity(capacity["memory"]).value)])


_MEMORY: Final = {
    "usage": "Current memory usage in bytes, including all memory regardless of when it was"
             " accessed",
    "working_set": "Current working set in bytes.",
}


def _groups(pod: Object, containers: list[SimContainer], now: float) -> Iterator[_Cgroup]:
    whose = (meta.namespace(pod), meta.name(pod))
    path = _slice_of(pod)
    of_containers = []
    for one in containers:
        own = one.id.removeprefix("docker://")
        of_containers.append(_Cgroup(
            (one.name, f"{path}/docker-{own}.scope", one.config.image, own, *whose),
            one.cpu_seconds(now), one.program.memory_bytes, one.started))
    yield _Cgroup(("", path, "", "", *whose), sum(each.cpu for each in of_containers),
                  sum(each.memory for each in of_containers),
                  min(each.started for each in of_containers))
    yield from of_containers


def _slice_of(pod: Object) -> str:
    """A pod's cgroup."""
    quality = _SLICES.get((pod.get("status") or {}).get("qosClass") or "", "")
    parent = "/kubepods.slice" + (f"/kubepods{quality}.slice" if quality else "")
    return f"{parent}/kubepods{quality}-pod{meta.uid(pod).replace('-', '_')}.slice"
