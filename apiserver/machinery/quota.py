"""What objects use of a ResourceQuota. Models pkg/quota/v1 and pkg/quota/v1/evaluator/core.

Admission charges it and the controller counts it anew; both use these functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery import meta
from apiserver.machinery.clock import parse_time
from apiserver.machinery.quantity import ZERO, Quantity, parse_quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from apiserver.machinery.types import Object

Usage = dict[str, Quantity]
"""Amounts by the names that `hard` has."""

ONE: Final = parse_quantity("1")
_COMPUTE: Final = ("cpu", "memory", "ephemeral-storage")
_MUST_BE_SAID: Final = frozenset({
    "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"})
"""What every container must say when a quota restricts it (validationSet)."""
PLAIN_COUNTS: Final = frozenset({
    "configmaps", "persistentvolumeclaims", "replicationcontrollers", "resourcequotas", "secrets",
    "services"})
"""Kinds that `hard` may also count by their bare name."""
_FINISHED: Final = frozenset({"Succeeded", "Failed"})
_CLASS: Final = ".storageclass.storage.k8s.io/"
_NATIVE: Final = "kubernetes.io/"


def add(used: Usage, more: Mapping[str, Quantity]) -> None:
    """Add amounts, name by name."""
    for name, amount in more.items():
        used[name] = used[name] + amount if name in used else amount


def counted_name(group: str, plural: str) -> str:
    """`count/deployments.apps` (ObjectCountQuotaResourceNameFor)."""
    return f"count/{plural}.{group}" if group else f"count/{plural}"


# --- of one object -------------------------------------------------------------------------------


def usage_of(group: str, plural: str, obj: Object, now: float = 0.0) -> Usage:
    """What an object of a kind uses."""
    usage: Usage = {counted_name(group, plural): ONE}
    if not group and plural in PLAIN_COUNTS:
        usage[plural] = ONE
    measure = _MEASURES.get((group, plural))
    if measure is not None:
        usage.update(measure(obj, now))
    return usage


def restricts(group: str, plural: str, name: str) -> bool:
    """Whether a name of `hard` is about objects of this kind (MatchingResources)."""
    if name == counted_name(group, plural):
        return True
    if group:
        return False
    if plural == "pods":
        return _is_pod_resource(name)
    if plural == "services":
        return name in ("services", "services.nodeports", "services.loadbalancers")
    if plural == "persistentvolumeclaims":
        return name in ("persistentvolumeclaims", "requests.storage") or _CLASS in name
    return plural in PLAIN_COUNTS and name == plural


def _is_pod_resource(name: str) -> bool:
    bare = name.removeprefix("requests.").removeprefix("limits.")
    if name == "pods" or bare in _COMPUTE:
        return True
    bare = name.removeprefix("requests.")
    return bare.startswith("hugepages-") or (name.startswith("requests.") and _is_extended(bare))


def _is_extended(name: str) -> bool:
    """A resource of a vendor (IsExtendedResourceName); not those of storage classes."""
    return "/" in name and _NATIVE not in name and _CLASS not in name


def pod_usage(pod: Object, now: float = 0.0) -> Usage:
    """What a Pod uses; one that has ended, or should have, only counts as an object."""
    usage: Usage = {"count/pods": ONE}
    if not _is_charged(pod, now):
        return usage
    usage["pods"] = ONE
    usage.update(compute_usage(pod_resources(pod, "requests"), pod_resources(pod, "limits")))
    return usage


def _is_charged(pod: Object, now: float) -> bool:
    """Neither finished nor past its grace (QuotaV1Pod)."""
    if (pod.get("status") or {}).get("phase") in _FINISHED:
        return False
    metadata = meta.metadata(pod)
    ends, grace = metadata.get("deletionTimestamp"), metadata.get("deletionGracePeriodSeconds")
    return ends is None or grace is None or now <= parse_time(ends) + grace


def compute_usage(requests: Mapping[str, Quantity], limits: Mapping[str, Quantity]) -> Usage:
    """Requests and limits under the names that quotas have (podComputeUsageHelper)."""
    usage: Usage = {}
    for name, amount in requests.items():
        if name in _COMPUTE or name.startswith("hugepages-"):
            usage[name] = usage[f"requests.{name}"] = amount
        elif _is_extended(name):
            usage[f"requests.{name}"] = amount
    for name in _COMPUTE:
        if name in limits:
            usage[f"limits.{name}"] = limits[name]
    return usage


def service_usage(service: Object, now: float = 0.0) -> Usage:
    """Load balancers and node ports."""
    spec = service.get("spec") or {}
    kind, ports = spec.get("type"), spec.get("ports") or ()
    usage: Usage = {}
    if kind == "LoadBalancer":
        usage["services.loadbalancers"] = ONE
        if spec.get("allocateLoadBalancerNodePorts") is False:
            ports = [port for port in ports if port.get("nodePort")]
    if kind in ("NodePort", "LoadBalancer"):
        usage["services.nodeports"] = parse_quantity(str(len(ports)))
    return usage


def claim_usage(claim: Object, now: float = 0.0) -> Usage:
    """Requested storage, in all and by storage class."""
    spec = claim.get("spec") or {}
    asked = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    usage: Usage = {} if asked is None else {"requests.storage": parse_quantity(str(asked))}
    if own := spec.get("storageClassName"):
        usage[f"{own}{_CLASS}persistentvolumeclaims"] = ONE
        if asked is not None:
            usage[f"{own}{_CLASS}requests.storage"] = usage["requests.storage"]
    return usage


_MEASURES: Final[Mapping[tuple[str, str], Callable[[Object, float], Usage]]] = {
    ("", "pods"): pod_usage,
    ("", "services"): service_usage,
    ("", "persistentvolumeclaims"): claim_usage,
}


# --- resources of Pods ---------------------------------------------------------------------------


def amounts(container: Object, part: str) -> Usage:
    """`resources.requests` or `resources.limits` of a container (or of a whole Pod's spec)."""
    found = (container.get("resources") or {}).get(part) or {}
    return {name: parse_quantity(str(text)) for name, text in found.items()}


def pod_resources(pod: Object, part: str, *, overhead: bool = True) -> Usage:
    """Requests or limits of a Pod: containers and sidecars together, or the greatest init
    container, what is said of the whole Pod, and the overhead (resourcehelper.PodRequests)."""
    spec = pod.get("spec") or {}
    total: Usage = {}
    for container in spec.get("containers") or ():
        add(total, amounts(container, part))
    sidecars: Usage = {}
    peak: Usage = {}
    for container in spec.get("initContainers") or ():
        own = amounts(container, part)
        if container.get("restartPolicy") == "Always":
            add(total, own)
            add(sidecars, own)
            own = dict(sidecars)
        else:
            add(own, sidecars)
        for name, amount in own.items():
            peak[name] = max(peak.get(name, amount), amount)
    for name, amount in peak.items():
        total[name] = max(total.get(name, amount), amount)
    total.update(amounts(spec, part))
    if overhead:
        _add_overhead(total, spec.get("overhead") or {}, part)
    return total


def _add_overhead(total: Usage, overhead: Mapping[str, Any], part: str) -> None:
    for name, text in overhead.items():
        if part == "requests" or name in total:
            add(total, {name: parse_quantity(str(text))})


def unsaid(pod: Object, names: Iterable[str]) -> dict[str, list[str]]:
    """Which restricted resources which containers do not state (Constraints), sorted."""
    wanted = sorted(set(names) & _MUST_BE_SAID)
    missing: dict[str, set[str]] = {}
    spec = pod.get("spec") or {}
    whole = compute_usage(amounts(spec, "requests"), amounts(spec, "limits"))
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        said = compute_usage(amounts(container, "requests"), amounts(container, "limits"))
        for name in wanted:
            if name not in said and name not in whole:
                missing.setdefault(name, set()).add(container.get("name") or "")
    return {name: sorted(missing[name]) for name in sorted(missing)}


# --- scopes --------------------------------------------------------------------------------------


def scopes_of(quota: Object) -> list[Object]:
    """The scopes of a quota, plain ones and selectors, all as selectors."""
    spec = quota.get("spec") or {}
    plain = [{"scopeName": one, "operator": "Exists"} for one in spec.get("scopes") or ()]
    return [*plain, *((spec.get("scopeSelector") or {}).get("matchExpressions") or ())]


def covers(quota: Object, group: str, plural: str, obj: Object) -> bool:
    """Whether an object falls under all scopes; only Pods and claims know scopes."""
    scopes = scopes_of(quota)
    if not scopes:
        return True
    if group or plural not in ("pods", "persistentvolumeclaims"):
        return False
    fits = _pod_in_scope if plural == "pods" else _claim_in_scope
    return all(fits(one, obj) for one in scopes)


def _pod_in_scope(scope: Object, pod: Object) -> bool:
    spec = pod.get("spec") or {}
    name = scope["scopeName"]
    if name in ("BestEffort", "NotBestEffort"):
        return _is_best_effort(spec) is (name == "BestEffort")
    if name in ("Terminating", "NotTerminating"):
        return (spec.get("activeDeadlineSeconds") is not None) is (name == "Terminating")
    if name == "PriorityClass":
        return _fits(scope, spec.get("priorityClassName") or "")
    return name == "CrossNamespacePodAffinity" and _looks_abroad(spec)


def _claim_in_scope(scope: Object, claim: Object) -> bool:
    if scope["scopeName"] != "VolumeAttributesClass":
        return False
    return _fits(scope, (claim.get("spec") or {}).get("volumeAttributesClassName") or "")


def _fits(scope: Object, own: str) -> bool:
    values = scope.get("values") or ()
    return {"In": own in values, "NotIn": own not in values, "Exists": bool(own),
            "DoesNotExist": not own}[scope["operator"]]


def _is_best_effort(spec: Mapping[str, Any]) -> bool:
    """No container, and not the Pod itself, asks for CPU or memory (qos.ComputePodQOS)."""
    containers = (spec, *(spec.get("containers") or ()), *(spec.get("initContainers") or ()))
    return not any(amounts(one, part).get(name, ZERO) > ZERO for one in containers
                   for part in ("requests", "limits") for name in ("cpu", "memory"))


def _looks_abroad(spec: Mapping[str, Any]) -> bool:
    """Whether an affinity term looks at other namespaces."""
    affinity = spec.get("affinity") or {}
    terms: list[Object] = []
    for part in ("podAffinity", "podAntiAffinity"):
        known = affinity.get(part) or {}
        terms += known.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        terms += [one["podAffinityTerm"] for one in known.get(
            "preferredDuringSchedulingIgnoredDuringExecution") or ()]
    return any(one.get("namespaces") or one.get("namespaceSelector") is not None for one in terms)
