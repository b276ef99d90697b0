"""How many replicas a metric asks for. Models podautoscaler/replica_calculator.go."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.clock import parse_time
from apiserver.machinery.meta import is_terminating, name
from apiserver.machinery.quantity import parse_quantity
from controllers import pods

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apiserver.machinery.types import Object

TOLERANCE: Final = 0.1
"""So far from the target nothing happens."""
CPU_INITIALIZATION: Final = 300.0
"""Seconds after its start in which a Pod's CPU only counts while it is ready."""
INITIAL_READINESS: Final = 30.0


class NoMetrics(Exception):
    """The number cannot be told, in upstream's words."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one metric asks for."""

    replicas: int
    average: int
    """Per Pod, in thousandths."""
    utilization: int | None = None
    """Per cent of what the Pods request."""


@dataclass(slots=True)
class _Groups:
    """Pods by what is known of them (groupPods)."""

    ready: int
    unready: set[str]
    missing: set[str]
    ignored: set[str]


def resource_metrics(items: Sequence[Object], resource: str, container: str) -> dict[str, int]:
    """Use by Pod, in thousandths (getPodMetrics); of one container or of all."""
    found: dict[str, int] = {}
    for item in items:
        parts = [one for one in item.get("containers") or ()
                 if not container or one.get("name") == container]
        amounts = [(one.get("usage") or {}).get(resource) for one in parts]
        if parts and all(text is not None for text in amounts):
            found[name(item)] = sum(parse_quantity(str(text)).milli for text in amounts)
    return found


def requests_of(all_pods: Sequence[Object], resource: str, container: str) -> dict[str, int]:
    """What each Pod requests, in thousandths. Raises NoMetrics where a container does not say."""
    found: dict[str, int] = {}
    for pod in all_pods:
        total = 0
        for one in pods.spec(pod).get("containers") or ():
            if container and one.get("name") != container:
                continue
            text = ((one.get("resources") or {}).get("requests") or {}).get(resource)
            if text is None:
                raise NoMetrics(f"missing request for {resource} in container {one.get('name')} of"
                                f" Pod {name(pod)}")
            total += parse_quantity(str(text)).milli
        found[name(pod)] = total
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What is known at one moment of the Pods of a scale."""

    pods: Sequence[Object]
    metrics: Mapping[str, int]
    resource: str
    container: str
    now: float
    window: float

    def proposal(self, current: int, target: Mapping[str, Any]) -> Proposal:
        """The replicas that a target asks for. Raises NoMetrics."""
        groups = self._groups()
        metrics = {key: value for key, value in self.metrics.items()
                   if key not in groups.ignored and key not in groups.unready}
        if target.get("averageUtilization") is None:
            return self._by_value(current, target, groups, metrics)
        requests = requests_of(self.pods, self.resource, self.container)
        if not metrics:
            raise NoMetrics("did not receive metrics for targeted pods (pods might be unready)")
        percent = int(target["averageUtilization"])
        asked = sum(requests.get(key, 0) for key in metrics)
        if not asked:
            raise NoMetrics("no metrics returned matched known pods")
        used = sum(metrics.values())
        utilization = used * 100 // asked

        def ratio(amounts: Mapping[str, int]) -> float:
            whole = sum(requests.get(key, 0) for key in amounts)
            return sum(amounts.values()) * 100 // whole / percent

        replicas = _settle(current, groups, metrics, ratio,
                           {key: max(100, percent) * requests.get(key, 0) // 100
                            for key in groups.missing})
        return Proposal(replicas, used // len(metrics), utilization)

    def _by_value(self, current: int, target: Mapping[str, Any], groups: _Groups,
                  metrics: dict[str, int]) -> Proposal:
        if not metrics:
            raise NoMetrics("did not receive metrics for targeted pods (pods might be unready)")
        wanted = max(parse_quantity(str(target.get("averageValue") or "1")).milli, 1)

        def ratio(amounts: Mapping[str, int]) -> float:
            return sum(amounts.values()) // len(amounts) / wanted

        replicas = _settle(current, groups, metrics, ratio, dict.fromkeys(groups.missing, wanted))
        return Proposal(replicas, sum(metrics.values()) // len(metrics))

    def _groups(self) -> _Groups:
        groups = _Groups(0, set(), set(), set())
        for pod in self.pods:
            own, phase = name(pod), pods.phase(pod)
            if is_terminating(pod) or phase == "Failed":
                groups.ignored.add(own)
            elif phase == "Pending":
                groups.unready.add(own)
            elif own not in self.metrics:
                groups.missing.add(own)
            elif self.resource == "cpu" and self._is_fresh(pod):
                groups.unready.add(own)
            else:
                groups.ready += 1
        return groups

    def _is_fresh(self, pod: Object) -> bool:
        """Whether a Pod's CPU may still be that of its start."""
        ready, started = pods.condition(pod, "Ready"), pods.status(pod).get("startTime")
        if ready is None or not started:
            return True
        begun, is_ready = parse_time(started), ready.get("status") == "True"
        changed = parse_time(ready.get("lastTransitionTime") or started)
        if begun + CPU_INITIALIZATION > self.now:
            return not is_ready or bool(self.now < changed + self.window)
        return not is_ready and begun + INITIAL_READINESS > changed


def _settle(current: int, groups: _Groups, metrics: dict[str, int], ratio: Any,
            assumed: Mapping[str, int]) -> int:
    """The replicas, with careful guesses for Pods of which nothing is known.

    `assumed`: what missing Pods are taken to use when that speaks against fewer replicas.
    """
    first = ratio(metrics)
    unready = bool(groups.unready) and first > 1
    if not unready and not groups.missing:
        return current if abs(1 - first) <= TOLERANCE else math.ceil(first * groups.ready)
    if groups.missing:
        metrics = {**metrics, **(assumed if first < 1 else dict.fromkeys(groups.missing, 0))}
    if unready:
        metrics = {**metrics, **dict.fromkeys(groups.unready, 0)}
    second = ratio(metrics)
    if abs(1 - second) <= TOLERANCE or (first - 1) * (second - 1) < 0:
        return current
    wanted: int = math.ceil(second * len(metrics))
    if (second < 1 and wanted > current) or (second > 1 and wanted < current):
        return current
    return wanted
