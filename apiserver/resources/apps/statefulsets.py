"""StatefulSets. Models pkg/registry/apps/statefulset and ValidateStatefulSet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_dns1123_label
from apiserver.machinery.selectors import selector_errors
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    forbidden,
    internal_struct,
    invalid,
    non_negative,
    not_supported,
    required,
    same,
    shown_selector,
)
from apiserver.resource import Resource, Scale
from apiserver.resources.apps.deployments import ready_of_desired
from apiserver.resources.core.claim_validation import claim_spec_errors
from apiserver.resources.core.persistentvolumeclaims import default_claim
from apiserver.resources.core.pod_validation import template_errors
from apiserver.resources.core.volume_warnings import claim_spec_warnings
from apiserver.resources.printing import AGE, NAME, dig, named, pod_columns, selector_text
from apiserver.resources.workloads import (
    SPEC,
    TEMPLATE,
    always_restart_errors,
    decremented_errors,
    default_workload,
    int_or_percent,
    int_or_percent_errors,
    mismatch_errors,
    numbers_errors,
    percent_limit_errors,
    selected_errors,
    status_counts_errors,
    template_warnings,
)
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_POLICIES: Final = ("OrderedReady", "Parallel")
_UPDATES: Final = ("RollingUpdate", "OnDelete")
_RETENTION: Final = ("Retain", "Delete")
_MUTABLE: Final = ("replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
                   "persistentVolumeClaimRetentionPolicy", "minReadySeconds")
_FROZEN: Final = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
    "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
    "'minReadySeconds' are forbidden")


class StatefulSetStrategy(Strategy):
    """Pods with names and volumes of their own."""

    name_rule = "dns1123label"

    def default(self, obj: Object) -> None:
        spec = default_workload(obj)
        if not spec.get("podManagementPolicy"):
            spec["podManagementPolicy"] = "OrderedReady"
        _default_update(spec.setdefault("updateStrategy", {}))
        policy = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
        for name in ("whenDeleted", "whenScaled"):
            if not policy.get(name):
                policy[name] = "Retain"
        if spec.get("revisionHistoryLimit") is None:
            spec["revisionHistoryLimit"] = 10
        for claim in spec.get("volumeClaimTemplates") or ():
            default_claim(claim)
            claim.setdefault("apiVersion", "v1")
            claim.setdefault("kind", "PersistentVolumeClaim")

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {"replicas": 0, "availableReplicas": 0}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return _spec_errors(obj["spec"], new=True)

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        errors = _spec_errors(obj["spec"], new=False)
        new, before = ({key: value for key, value in o["spec"].items() if key not in _MUTABLE}
                       for o in (obj, old))
        if not same(new, before):
            errors.append(forbidden(SPEC, _FROZEN))
        return errors

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        status, path = obj.get("status") or {}, Path("status")
        counts = ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")
        errors = numbers_errors(status, ("replicas", *counts, "observedGeneration"), path)
        errors += numbers_errors(status, ("collisionCount",), path)
        return (errors + status_counts_errors(status, counts, path)
                + decremented_errors(obj, old))

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        warnings = template_warnings(obj, old)
        for i, claim in enumerate(obj["spec"].get("volumeClaimTemplates") or ()):
            path = SPEC.child("volumeClaimTemplates").at(i)
            warnings += claim_spec_warnings(claim.get("spec") or {}, path)
        if (obj["spec"].get("revisionHistoryLimit") or 0) < 0:
            warnings.append("spec.revisionHistoryLimit: a negative value retains all historical "
                            "revisions; a value >= 0 is recommended")
        return warnings

    def scale_selector(self, obj: Object) -> str:
        return selector_text(obj["spec"].get("selector"))


def _default_update(strategy: Object) -> None:
    if not strategy.get("type"):
        strategy["type"] = "RollingUpdate"
        strategy.setdefault("rollingUpdate", {})
    rolling = strategy.get("rollingUpdate")
    if strategy["type"] == "RollingUpdate" and rolling is not None and (
            rolling.get("partition") is None):
        rolling["partition"] = 0


def _spec_errors(spec: Object, *, new: bool) -> list[FieldError]:
    """What is wrong with a StatefulSetSpec; what never changes is looked at when it is new."""
    errors = _policy_errors(spec)
    errors += _update_errors(spec.get("updateStrategy") or {}, SPEC.child("updateStrategy"))
    errors += _retention_errors(spec.get("persistentVolumeClaimRetentionPolicy") or {})
    for i, claim in enumerate(spec.get("volumeClaimTemplates") or () if new else ()):
        path = SPEC.child("volumeClaimTemplates").at(i).child("spec")
        errors += claim_spec_errors(claim.get("spec") or {}, path)
    errors += numbers_errors(spec, ("replicas", "minReadySeconds"), SPEC)
    start = dig(spec, "ordinals", "start")
    if start is not None:
        errors += non_negative(SPEC.child("ordinals", "start"), start)
    if new:
        errors += _service_errors(spec.get("serviceName"))
    return errors + _selected_errors(spec)


def _selected_errors(spec: Object) -> list[FieldError]:
    """The selector, and the template with the volumes that the claims will be."""
    path, own, template = SPEC.child("selector"), spec.get("selector"), _with_volumes(spec)
    errors = selected_errors(own, path, "statefulset")
    if own is not None and selector_errors(own, path):
        errors.append(invalid(path, shown_selector(own), ""))
    else:
        errors += mismatch_errors(own, template, TEMPLATE) + template_errors(template, TEMPLATE)
    return errors + always_restart_errors(template, TEMPLATE, "StatefulSet")


def _with_volumes(spec: Object) -> Object:
    template = spec.get("template") or {}
    pod = template.get("spec") or {}
    volumes = pod.get("volumes") or []
    known = {volume.get("name") for volume in volumes}
    claims = spec.get("volumeClaimTemplates") or ()
    more = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for claim in claims
            if (name := dig(claim, "metadata", "name") or "") and name not in known]
    return {**template, "spec": {**pod, "volumes": [*volumes, *more]}} if more else template


def _policy_errors(spec: Object) -> list[FieldError]:
    policy, path = spec.get("podManagementPolicy") or "", SPEC.child("podManagementPolicy")
    if not policy:
        return [required(path)]
    if policy not in _POLICIES:
        return [invalid(path, policy, "must be 'OrderedReady' or 'Parallel'")]
    return []


def _update_errors(strategy: Object, path: Path) -> list[FieldError]:
    kind, rolling = strategy.get("type") or "", strategy.get("rollingUpdate")
    if not kind:
        return [required(path)]
    if kind == "OnDelete":
        return [] if rolling is None else [invalid(
            path.child("rollingUpdate"), internal_struct(rolling, ("Partition", 0),
                                                         "MaxUnavailable"),
            "only allowed for updateStrategy 'RollingUpdate'")]
    if kind != "RollingUpdate":
        shown = internal_struct(strategy, ("Type", ""), "RollingUpdate")
        return [invalid(path, shown, "must be 'RollingUpdate' or 'OnDelete'")]
    return _rolling_errors(rolling or {}, path.child("rollingUpdate"))


def _rolling_errors(rolling: Object, path: Path) -> list[FieldError]:
    errors = numbers_errors(rolling, ("partition",), path)
    unavailable, own = rolling.get("maxUnavailable"), path.child("maxUnavailable")
    if unavailable is None:
        return errors
    errors += int_or_percent_errors(unavailable, own)
    if int_or_percent(unavailable) == 0:
        errors.append(invalid(own, unavailable, "cannot be 0"))
    return errors + percent_limit_errors(unavailable, own)


def _retention_errors(policy: Object) -> list[FieldError]:
    path = SPEC.child("persistentVolumeClaimRetentionPolicy")
    return [not_supported(path.child(name), policy.get(name) or "", _RETENTION)
            for name in ("whenDeleted", "whenScaled") if policy.get(name) not in _RETENTION]


def _service_errors(name: str | None) -> list[FieldError]:
    if not name:
        return []
    return all_invalid(SPEC.child("serviceName"), name, is_dns1123_label(name))


STATEFULSETS = Resource(
    group="apps", version="v1", kind="StatefulSet", plural="statefulsets", short_names=("sts",),
    categories=("all",), strategy=StatefulSetStrategy(), status=True, scale=Scale(),
    columns=(NAME, named("Ready", ready_of_desired, "How many of the wanted pods are ready."),
             AGE, *pod_columns("spec", "template", "spec")))
