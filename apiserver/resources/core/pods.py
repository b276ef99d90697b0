"""Pods. Models pkg/registry/core/pod."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from apiserver.machinery.names import is_dns1123_label
from apiserver.machinery.validation import FieldError, Path
from apiserver.resource import Resource
from apiserver.resources.core import pod_memory, pod_printing
from apiserver.resources.core.apparmor import adopt_annotations
from apiserver.resources.core.ips import ip_warnings
from apiserver.resources.core.pod_defaults import default_pod, mirror_service_account
from apiserver.resources.core.pod_resize import resize_errors
from apiserver.resources.core.pod_status import status_errors
from apiserver.resources.core.pod_update import ephemeral_errors, update_errors
from apiserver.resources.core.pod_validation import create_errors
from apiserver.resources.core.pod_warnings import APPARMOR_TEXT, pod_warnings
from apiserver.resources.core.qos import qos_class
from apiserver.resources.metadata import restore_metadata
from apiserver.strategy import RESETS, Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_HOSTNAME = ("metadata.name: this is used in the Pod's hostname, which can result in surprising "
             "behavior; a DNS label is recommended: ")
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


class PodStrategy(Strategy):
    """What is special about Pods."""

    resets: ClassVar = {**RESETS, "status": (
        "spec", "metadata.deletionTimestamp", "metadata.ownerReferences")}
    writes_only: ClassVar = {
        "ephemeralcontainers": ("spec.ephemeralContainers",),
        "resize": ("spec.resources", *(f"spec.{containers}.*.{field}" for containers in (
            "containers", "initContainers") for field in ("resources", "resizePolicy")))}
    delete_returns_object = True
    revalidates_metadata = True

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        default_pod(obj)
        if (spec.get("terminationGracePeriodSeconds") or 0) < 0:
            spec["terminationGracePeriodSeconds"] = 1
        self.default_status(obj)

    def default_status(self, obj: Object) -> None:
        _sync_ips(obj.get("status") or {})

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        spec = obj["spec"]
        mirror_service_account(spec)
        obj["status"] = {"phase": "Pending", "qosClass": qos_class(spec)}
        if spec.get("schedulingGates"):
            obj["status"]["conditions"] = [_gated()]
        _spread_label_keys(obj)
        for key in adopt_annotations(obj):
            ctx.warn(f"metadata.annotations[{key}]: {APPARMOR_TEXT}")

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        if pod_memory.knows(obj):
            return []
        errors = create_errors(obj)
        if not errors and not pod_warnings(obj["spec"], obj["metadata"], Path("")):
            pod_memory.note(obj)
        return errors

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
        _keep_observed(status, old.get("status") or {})
        _sync_ips(status)

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        return status_errors(obj, old)

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        if old is not None:
            return _status_warnings(obj.get("status") or {}) if ctx.subresource == "status" else []
        name = obj["metadata"].get("name") or ""
        wrong = is_dns1123_label(name)
        texts = [f"{_HOSTNAME}[{' '.join(wrong)}]"] if wrong else []
        return texts if pod_memory.knows(obj) else (
            texts + pod_warnings(obj["spec"], obj["metadata"], Path("")))

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


def _keep_observed(status: Object, before: Object) -> None:
    """A client that knows no observedGeneration does not clear it
    (preserveOldObservedGeneration)."""
    known: dict[str, list[int]] = {}
    for condition in before.get("conditions") or ():
        known.setdefault(condition.get("type", ""), []).append(
            condition.get("observedGeneration") or 0)
    for holder, generations in ((status, [before.get("observedGeneration") or 0]), *(
            (c, known.get(c.get("type", ""), [])) for c in status.get("conditions") or ())):
        generation = generations.pop(0) if generations else 0
        if generation and not holder.get("observedGeneration"):
            holder["observedGeneration"] = generation


def _status_warnings(status: Object) -> list[str]:
    """Warnings about addresses in an odd form."""
    return [text for name in ("podIPs", "hostIPs") for i, entry in enumerate(status.get(name) or ())
            for text in ip_warnings(Path("status").child(name).at(i).child("ip"),
                                    entry.get("ip") or "")]


def _restore(obj: Object, old: Object, *, keep: Object) -> None:
    """Everything but `keep` is as it was: the subresource changes nothing else."""
    restore_metadata(obj, old)
    spec = {**old["spec"], **keep}
    obj["spec"] = {name: value for name, value in spec.items() if value is not None}
    if "status" in old:
        obj["status"] = old["status"]


def _resized(spec: Object, before: Object) -> Object:
    """The containers as they were, but with the new resources and resize policies."""
    kept: dict[str, Any] = {"resources": spec.get("resources")}
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
