"""Pods. Models pkg/registry/core/pod."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from apiserver.machinery.validation import FieldError, Path
from apiserver.resource import Resource
from apiserver.resources.core import pod_printing
from apiserver.resources.core.pod_defaults import default_pod, mirror_service_account
from apiserver.resources.core.pod_update import (
    ephemeral_errors,
    resize_errors,
    status_errors,
    update_errors,
)
from apiserver.resources.core.pod_validation import create_errors
from apiserver.resources.core.pod_warnings import pod_warnings
from apiserver.resources.core.qos import qos_class
from apiserver.strategy import RESETS, Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


class PodStrategy(Strategy):
    """What is special about Pods."""

    resets: ClassVar = {**RESETS, "status": (
        "spec", "metadata.deletionTimestamp", "metadata.ownerReferences")}
    writes_only: ClassVar = {
        "ephemeralcontainers": ("spec.ephemeralContainers",),
        "resize": tuple(f"spec.{containers}.*.{field}" for containers in (
            "containers", "initContainers") for field in ("resources", "resizePolicy"))}
    delete_returns_object = True
    revalidates_metadata = True

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        default_pod(obj)
        if (spec.get("terminationGracePeriodSeconds") or 0) < 0:
            spec["terminationGracePeriodSeconds"] = 1
        _sync_ips(obj.get("status") or {})

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        spec = obj["spec"]
        mirror_service_account(spec)
        obj["status"] = {"phase": "Pending", "qosClass": qos_class(spec)}
        if spec.get("schedulingGates"):
            obj["status"]["conditions"] = [_gated()]
        _spread_label_keys(obj)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return create_errors(obj)

    def generation_changed(self, obj: Object, old: Object) -> bool:
        """A binding is no change of what the user wants: a running Pod is at generation 1."""
        node = old["spec"].get("nodeName")
        return {**obj["spec"], "nodeName": node} != {**old["spec"], "nodeName": node}

    def prepare_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        if ctx.subresource == "ephemeralcontainers":
            new = obj["spec"].get("ephemeralContainers")
            _restore(obj, old, keep={"ephemeralContainers": new})
        elif ctx.subresource == "resize":
            _restore(obj, old, keep=_resized(obj["spec"], old["spec"]))
        mirror_service_account(obj["spec"])

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        if ctx.subresource == "ephemeralcontainers":
            return ephemeral_errors(obj, old)
        if ctx.subresource == "resize":
            return resize_errors(obj, old)
        return [] if ctx.subresource else update_errors(obj, old)

    def prepare_status_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """The class of service stays."""
        status = obj.setdefault("status", {})
        quality = (old.get("status") or {}).get("qosClass")
        if not status.get("qosClass") and quality:
            status["qosClass"] = quality
        _sync_ips(status)

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        return status_errors(obj, old)

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        if old is not None and obj["spec"] == old.get("spec"):
            return []
        return pod_warnings(obj["spec"], obj["metadata"], Path(""))

    def fields(self, obj: Object) -> dict[str, str]:
        spec, status = obj.get("spec") or {}, obj.get("status") or {}
        ips = status.get("podIPs") or ()
        address = ips[0].get("ip", "") if ips else ""
        return {
            "spec.nodeName": spec.get("nodeName", ""),
            "spec.host": spec.get("nodeName", ""),
            "spec.restartPolicy": spec.get("restartPolicy", ""),
            "spec.schedulerName": spec.get("schedulerName", ""),
            "spec.serviceAccountName": spec.get("serviceAccountName", ""),
            "spec.hostNetwork": "true" if spec.get("hostNetwork") else "false",
            "status.phase": status.get("phase", ""),
            "status.podIP": address,
            "status.podIPs": "",  # accepted, yet no Pod is known by it
            "status.nominatedNodeName": status.get("nominatedNodeName", ""),
        }

    def graceful_delete(self, ctx: RequestContext, obj: Object,
                        grace_period: int | None) -> int | None:
        """As asked, else the pod's own; none where nothing runs (yet, or any more)."""
        spec, phase = obj.get("spec") or {}, (obj.get("status") or {}).get("phase")
        if not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
            return 0
        if grace_period is None:
            grace_period = spec.get("terminationGracePeriodSeconds") or 0
        return 1 if grace_period < 0 else grace_period

    def row_conditions(self, obj: Object) -> list[Object]:
        return pod_printing.row_conditions(obj)


def _gated() -> Object:
    return {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates",
            "lastProbeTime": None, "lastTransitionTime": None}


def _sync_ips(status: Object) -> None:
    """`podIP` is the first of `podIPs`."""
    single, several = status.get("podIP"), status.get("podIPs")
    if single and (not several or several[0].get("ip") != single):
        status["podIPs"] = [{"ip": single}]
    elif several and not single:
        status["podIP"] = several[0].get("ip", "")


def _restore(obj: Object, old: Object, *, keep: Object) -> None:
    """Everything but `keep` is as it was: the subresource changes nothing else."""
    spec = {**old["spec"], **keep}
    obj["spec"] = {name: value for name, value in spec.items() if value is not None}
    if "status" in old:
        obj["status"] = old["status"]


def _resized(spec: Object, before: Object) -> Object:
    """The containers as they were, but with the new resources and resize policies."""
    kept: dict[str, Any] = {}
    for name in ("containers", "initContainers"):
        new, old = spec.get(name), before.get(name)
        if new and old and [c.get("name") for c in new] == [c.get("name") for c in old]:
            kept[name] = [{**b, **{k: a[k] for k in ("resources", "resizePolicy") if k in a}}
                          for a, b in zip(new, old, strict=True)]
        elif new != old:
            kept[name] = new
    return kept


def _spread_label_keys(pod: Object) -> None:
    """matchLabelKeys become expressions on the pod's own labels (pod strategy's mutations)."""
    labels = pod["metadata"].get("labels") or {}
    affinity = pod["spec"].get("affinity") or {}
    terms: list[Object] = []
    for name in ("podAffinity", "podAntiAffinity"):
        own = affinity.get(name) or {}
        terms += own.get(_REQUIRED) or []
        terms += [t["podAffinityTerm"] for t in own.get(_PREFERRED) or ()]
    for term in (*terms, *(pod["spec"].get("topologySpreadConstraints") or ())):
        selector = term.get("labelSelector")
        for field, operator in (("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")):
            for key in term.get(field) or ():
                if selector is not None and key in labels:
                    selector.setdefault("matchExpressions", []).append(
                        {"key": key, "operator": operator, "values": [labels[key]]})


PODS = Resource(
    group="", version="v1", kind="Pod", plural="pods", short_names=("po",), categories=("all",),
    strategy=PodStrategy(), status=True, columns=pod_printing.POD_COLUMNS,
    subresources=("attach", "binding", "ephemeralcontainers", "eviction", "exec", "log",
                  "portforward", "proxy", "resize"))
