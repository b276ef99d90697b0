"""The loop over HorizontalPodAutoscalers. Models pkg/controller/podautoscaler/horizontal.go.

Every 15 seconds: read the target's scale, ask the metrics, work out the replicas, write the scale.
Resource metrics come from metrics.k8s.io; other kinds have no source here and say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from apiserver.machinery.clock import rfc3339
from apiserver.machinery.errors import ApiError, NotFound
from apiserver.machinery.gvk import GVR, parse_api_version
from apiserver.machinery.meta import namespace
from controllers import pods
from controllers.conditions import new_condition, with_condition
from controllers.controller import Controller, ControllerContext, KeysOf, Result, own_key
from controllers.events import NORMAL, WARNING
from controllers.podautoscaler.calculator import Measured, NoMetrics, Proposal, resource_metrics
from controllers.podautoscaler.limits import History, Outcome, limit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.machinery.types import Object

AUTOSCALERS: Final = GVR("autoscaling", "v2", "horizontalpodautoscalers")
POD_METRICS: Final = GVR("metrics.k8s.io", "v1beta1", "pods")
_PODS: Final = GVR("", "v1", "pods")
PERIOD: Final = 15.0
WINDOW: Final = 15.0


class HorizontalController(Controller):
    """Key: a HorizontalPodAutoscaler."""

    name: ClassVar[str] = "horizontal-pod-autoscaler-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._clock = ctx.clock
        self._discovery = ctx.discovery
        self._events = ctx.events.recorder("horizontal-pod-autoscaler")
        self._autoscalers = ctx.informers.get(AUTOSCALERS)
        self._histories: dict[str, History] = {}
        self._due: dict[str, float] = {}

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {AUTOSCALERS: own_key}

    async def reconcile(self, key: str) -> Result | None:
        hpa = self._autoscalers.get(key)
        if hpa is None:
            self._histories.pop(key, None)
            self._due.pop(key, None)
            return None
        now = self._clock.now()
        if (left := self._due.get(key, now) - now) > 0:  # our own write of the status woke us
            return Result(requeue_after=left)
        self._due[key] = now + PERIOD
        await _Run(self, hpa, self._histories.setdefault(key, History())).go()
        return Result(requeue_after=PERIOD)

    # --- what a run needs ------------------------------------------------------------------------

    async def target(self, reference: Object) -> GVR:
        """The resource of a scaleTargetRef. Raises NotFound."""
        group, _ = parse_api_version(reference.get("apiVersion") or "")
        for one in await self._discovery():
            if one.kind == reference.get("kind") and one.resource.group == group:
                return one.resource
        raise NotFound(f'no matches for kind "{reference.get("kind")}" in group "{group}"')


class _Run:
    """One look at one autoscaler."""

    def __init__(self, owner: HorizontalController, hpa: Object, history: History) -> None:
        self._owner = owner
        self._hpa = hpa
        self._spec = hpa["spec"]
        self._history = history
        self._now = owner._clock.now()
        self._conditions = list(pods.status(hpa).get("conditions") or ())
        self._metrics: list[Object] = []

    async def go(self) -> None:
        """Scale when that is due, and say so in the status."""
        owner, reference = self._owner, self._spec["scaleTargetRef"]
        try:
            resource = await owner.target(reference)
            scale = await owner._client.get(resource, reference["name"], namespace(self._hpa),
                                            subresource="scale")
        except ApiError as error:
            self._event(WARNING, "FailedGetScale", error.message)
            self._say("AbleToScale", "False", "FailedGetScale", "the HPA controller was unable to"
                      f" get the target's current scale: {error.message}")
            await self._write(pods.status(self._hpa).get("currentReplicas", 0),
                              pods.status(self._hpa).get("desiredReplicas", 0))
            return
        self._say("AbleToScale", "True", "SucceededGetScale",
                  "the HPA controller was able to get the target's current scale")
        current = (scale.get("spec") or {}).get("replicas", 0)
        try:
            desired, why = await self._desired(scale, current)
        except NoMetrics:
            await self._write(current, pods.status(self._hpa).get("desiredReplicas", 0))
            return
        if desired != current:
            await self._scale(resource, current, desired, why)
        await self._write(current, desired, scaled=desired != current)

    async def _desired(self, scale: Object, current: int) -> tuple[int, str]:
        """How many, and why. Raises NoMetrics."""
        lowest, highest = self._spec.get("minReplicas", 1), self._spec["maxReplicas"]
        if not current and lowest:
            self._say("ScalingActive", "False", "ScalingDisabled",
                      "scaling is disabled since the replica count of the target is zero")
            return 0, ""
        if current > highest:
            return highest, "Current number of replicas above Spec.MaxReplicas"
        if current < lowest:
            return lowest, "Current number of replicas below Spec.MinReplicas"
        wanted, metric = await self._proposed(scale, current)
        outcome: Outcome = limit(self._spec, current, wanted, self._history, self._now)
        self._say("AbleToScale", *outcome.able)
        self._say("ScalingLimited", *outcome.limited)
        if outcome.replicas > current:
            return outcome.replicas, f"{metric} above target"
        return outcome.replicas, "All metrics below target"

    async def _proposed(self, scale: Object, current: int) -> tuple[int, str]:
        """The most that any metric asks for, and its name. Raises NoMetrics."""
        best: tuple[int, str] | None = None
        failures: list[tuple[str, str]] = []
        for metric in self._spec.get("metrics") or ():
            try:
                found, title = await self._measure(metric, scale, current)
            except NoMetrics as error:
                failures.append((f"FailedGet{metric['type']}Metric", str(error)))
                continue
            if best is None or found.replicas > best[0]:
                best = (found.replicas, title)
        if best is None or (failures and best[0] < current):
            self._complain(failures)
            raise NoMetrics
        self._say("ScalingActive", "True", "ValidMetricFound", "the HPA was able to successfully"
                  f" calculate a replica count from {best[1]}")
        return best

    def _complain(self, failures: list[tuple[str, str]]) -> None:
        reason, text = failures[0] if failures else ("InvalidMetricSourceType", "no metrics")
        self._event(WARNING, reason, text)
        self._say("ScalingActive", "False", reason,
                  f"the HPA was unable to compute the replica count: {text}")
        self._event(WARNING, "FailedComputeMetricsReplicas",
                    f"invalid metrics ({len(failures)} invalid out of"
                    f" {len(self._spec.get('metrics') or ())}), first error is: failed to get"
                    f" metric value: {text}")

    async def _measure(self, metric: Object, scale: Object,
                       current: int) -> tuple[Proposal, str]:
        """One metric. Raises NoMetrics."""
        field = metric["type"][0].lower() + metric["type"][1:]
        if metric["type"] not in ("Resource", "ContainerResource"):
            raise NoMetrics(f"unable to get metric: no custom metrics API ({metric['type']})"
                            " registered")
        source = metric[field]
        resource, container = source["name"], source.get("container") or ""
        selector = (scale.get("status") or {}).get("selector") or ""
        if not selector:
            raise NoMetrics("selector is required")
        by_share = source["target"].get("averageUtilization") is not None
        try:
            measured = await self._measured(selector, resource, container)
            found = measured.proposal(current, source["target"])
        except NoMetrics as error:
            what = "utilization" if by_share else "usage"
            raise NoMetrics(f"failed to get {resource} {what}: {error}") from None
        now: Object = {"averageValue": f"{found.average}m"}
        if found.utilization is not None:
            now["averageUtilization"] = found.utilization
        shown = {"name": resource, "current": now}
        if container:
            shown["container"] = container
        self._metrics.append({"type": metric["type"], field: shown})
        tail = "utilization (percentage of request)" if by_share else ""
        return found, (f"{resource} {'container ' if container else ''}resource {tail}"
                       if tail else f"{resource} resource").strip()

    async def _measured(self, selector: str, resource: str, container: str) -> Measured:
        client, place = self._owner._client, namespace(self._hpa)
        try:
            answer = await client.list(POD_METRICS, place, label_selector=selector)
        except ApiError as error:
            raise NoMetrics(f"unable to get metrics for resource {resource}: unable to fetch"
                            f" metrics from resource metrics API: {error.message}") from None
        if not answer["items"]:
            raise NoMetrics(f"unable to get metrics for resource {resource}: no metrics returned"
                            " from resource metrics API")
        listed = await client.list(_PODS, place, label_selector=selector)
        if not listed["items"]:
            raise NoMetrics("no pods returned by selector while calculating replica count")
        return Measured(
            pods=listed["items"], metrics=resource_metrics(answer["items"], resource, container),
            resource=resource, container=container, now=self._now, window=WINDOW)

    # --- writing ---------------------------------------------------------------------------------

    async def _scale(self, resource: GVR, current: int, desired: int, why: str) -> None:
        target = self._spec["scaleTargetRef"]["name"]
        try:
            await self._owner._client.patch(resource, target, namespace(self._hpa),
                                            {"spec": {"replicas": desired}}, subresource="scale")
        except ApiError as error:
            self._event(WARNING, "FailedRescale", f"New size: {desired}; reason: {why}; error:"
                        f" {error.message}")
            self._say("AbleToScale", "False", "FailedUpdateScale", "the HPA controller was unable"
                      f" to update the target scale: {error.message}")
            await self._write(current, current)
            raise
        self._say("AbleToScale", "True", "SucceededRescale", "the HPA controller was able to"
                  f" update the target scale to {desired}")
        self._event(NORMAL, "SuccessfulRescale", f"New size: {desired}; reason: {why}")
        self._history.changes = [one for one in self._history.changes
                                 if one[0] > self._now - 1800] + [(self._now, desired - current)]

    async def _write(self, current: int, desired: int, *, scaled: bool = False) -> None:
        before = pods.status(self._hpa)
        status: dict[str, Any] = {"currentReplicas": current, "desiredReplicas": desired,
                                  "currentMetrics": self._metrics or None,
                                  "conditions": self._conditions}
        if scaled:
            status["lastScaleTime"] = rfc3339(self._now)
        elif before.get("lastScaleTime"):
            status["lastScaleTime"] = before["lastScaleTime"]
        status = {key: value for key, value in status.items() if value is not None}
        if status != before:
            await self._owner._client.update(
                AUTOSCALERS, {**self._hpa, "status": status}, subresource="status")

    def _say(self, type: str, status: str, reason: str, message: str) -> None:
        """Set a condition; it keeps its place in the list and, while it says the same, its time."""
        fresh = with_condition(self._conditions, new_condition(type, status, reason, message,
                                                               self._now))
        changed = next(one for one in fresh if one["type"] == type)
        changed = {**changed, "message": message}
        if any(one["type"] == type for one in self._conditions):
            self._conditions = [changed if one["type"] == type else one
                                for one in self._conditions]
        else:
            self._conditions.append(changed)

    def _event(self, type: str, reason: str, message: str) -> None:
        self._owner._events.event(self._hpa, type, reason, message)
