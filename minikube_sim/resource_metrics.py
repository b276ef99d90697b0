"""metrics.k8s.io/v1beta1: what nodes and pods use, for `kubectl top` and the autoscaler.

Models kubernetes-sigs/metrics-server, which the server asks as an aggregated API; here its objects
are worked out from the simulated containers when somebody asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery import meta
from apiserver.machinery.clock import rfc3339
from apiserver.machinery.errors import MethodNotAllowed
from apiserver.machinery.quantity import NANO, ZERO, Quantity, parse_quantity
from apiserver.resource import Column, Resource
from apiserver.schema.types import Type
from apiserver.storage.store import Change, Page, Version
from apiserver.strategy import Strategy
from minikube_sim.usage import NODE_CPU, NODE_MEMORY, WINDOW, cores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry
    from apiserver.storage.store import Store, StoreWatch
    from minikube_sim.runtime import SimContainer, SimRuntime

GROUP: Final = "metrics.k8s.io"


def _used(name: str) -> Callable[[Object, float], Any]:
    return lambda obj, now: (obj.get("usage") or {}).get(name, "")


def _sum_of(name: str) -> Callable[[Object, float], Any]:
    def total(obj: Object, now: float) -> str:
        return str(sum((parse_quantity(one["usage"][name]) for one in obj["containers"]), ZERO))

    return total


def _name(obj: Object, now: float) -> str:
    return meta.name(obj)


_VERBS: Final = ("get", "list")
NODE_METRICS: Final = Resource(
    group=GROUP, version="v1beta1", kind="NodeMetrics", plural="nodes", singular="",
    namespaced=False, verbs=_VERBS, strategy=Strategy(),
    columns=(Column("Name", _name, format="name"), Column("cpu", _used("cpu")),
             Column("memory", _used("memory")),
             Column("Window", lambda obj, now: obj["window"])))
POD_METRICS: Final = Resource(
    group=GROUP, version="v1beta1", kind="PodMetrics", plural="pods", singular="",
    verbs=_VERBS, strategy=Strategy(),
    columns=(Column("Name", _name, format="name"),
             Column("cpu", _sum_of("cpu")), Column("memory", _sum_of("memory")),
             Column("Window", lambda obj, now: obj["window"])))


def serve_metrics(registry: Registry, runtime: SimRuntime) -> None:
    """Serve the group from now on."""
    found = _Objects(registry, runtime)
    for resource, objects in ((NODE_METRICS, found.nodes), (POD_METRICS, found.pods)):
        registry.keep_in(resource.gvr, ComputedStore(registry.store, objects))
        registry.catalog.add(resource, Type(resource.kind))


class ComputedStore:
    """A collection that is worked out whenever it is read. Satisfies StoreView."""

    def __init__(self, store: Store, objects: Callable[[], Iterable[tuple[str, Object]]]) -> None:
        """`objects` gives (namespace, object) in any order."""
        self._store = store
        self._objects = objects

    @property
    def revision(self) -> int:
        """That of the store: the newest there is."""
        return self._store.revision

    async def get(self, key: str, revision: int = 0) -> Version | None:
        """One object."""
        place, name = key.split("/")[-2:]
        for namespace, obj in self._objects():
            if meta.name(obj) == name and namespace in ("", place):
                return Version(key, obj, self.revision, self.revision)
        return None

    async def list(self, prefix: str, *, revision: int = 0, start: str = "",
                   limit: int = 0) -> Page:
        """All of a namespace, or all; never in pages, as metrics-server."""
        place = prefix.removesuffix("/").rpartition("/")[2]
        found = [Version(f"{prefix}{meta.name(obj)}", obj, self.revision, self.revision)
                 for namespace, obj in self._objects()
                 if not namespace or namespace == place or place == "pods"]
        return Page(sorted(found, key=lambda one: (meta.namespace(one.object), one.key)),
                    self.revision)

    async def put(self, key: str, value: Object, *, expected: int) -> Version:
        """Raises MethodNotAllowed."""
        raise MethodNotAllowed("metrics are not written")

    async def delete(self, key: str, *, expected: int) -> Change:
        """Raises MethodNotAllowed."""
        raise MethodNotAllowed("metrics are not deleted")

    def watch(self, prefix: str, revision: int, *, limit: int = 0) -> StoreWatch:
        """Raises MethodNotAllowed."""
        raise MethodNotAllowed("metrics are not watched")


class _Objects:
    """Metrics of the containers that run now."""

    def __init__(self, registry: Registry, runtime: SimRuntime) -> None:
        self._registry = registry
        self._runtime = runtime

    def pods(self) -> Iterable[tuple[str, Object]]:
        """(namespace, PodMetrics)."""
        running: dict[tuple[str, str], list[SimContainer]] = {}
        for one in self._runtime.running():
            running.setdefault((meta.namespace(one.pod), meta.name(one.pod)), []).append(one)
        for (namespace, name), containers in running.items():
            labels = meta.labels(containers[0].pod)
            yield namespace, {
                **self._head("PodMetrics", name, namespace, labels),
                "containers": [{"name": one.name, "usage": self._usage([one])}
                               for one in sorted(containers, key=lambda one: one.name)]}

    def nodes(self) -> Iterable[tuple[str, Object]]:
        """('', NodeMetrics)."""
        running: dict[str, list[SimContainer]] = {}
        for one in self._runtime.running():
            running.setdefault((one.pod.get("spec") or {}).get("nodeName") or "", []).append(one)
        for name, containers in running.items():
            if name:
                usage = self._usage(containers, cpu=NODE_CPU, memory=NODE_MEMORY)
                yield "", {**self._head("NodeMetrics", name, "", {}), "usage": usage}

    def _head(self, kind: str, name: str, namespace: str, labels: Any) -> Object:
        now = rfc3339(self._registry.clock.now())
        metadata: Object = {"name": name, "creationTimestamp": now}
        if namespace:
            metadata["namespace"] = namespace
        if labels:
            metadata["labels"] = dict(labels)
        return {"kind": kind, "apiVersion": f"{GROUP}/v1beta1", "metadata": metadata,
                "timestamp": now, "window": f"{WINDOW:.0f}s"}

    def _usage(self, containers: Iterable[SimContainer], *, cpu: float = 0.0,
               memory: int = 0) -> Object:
        now = self._registry.clock.now()
        for one in containers:
            cpu += cores(one.cpu, now)
            memory += one.program.memory_bytes
        return {"cpu": str(Quantity(round(cpu * NANO))), "memory": f"{memory // 1024}Ki"}
