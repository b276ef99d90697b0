"""What may change in a Pod's status. Models ValidatePodStatusUpdate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.names import (
    is_dns1123_subdomain,
    is_qualified_name,
    is_valid_ip_legacy,
    is_valid_user_id,
    parse_ip,
)
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    forbidden,
    immutable,
    invalid,
    not_supported,
)
from apiserver.resources.core.pod_update import annotation_changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object

_STATUS: Final = Path("status")
_LISTS: Final = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
_CONTAINERS: Final = ("containers", "initContainers", "ephemeralContainers")
_HEALTH: Final = ("Healthy", "Unhealthy", "Unknown")
_OBSERVED: Final = "must be a non-negative integer"
_CLAIM: Final = ("must match one of the container's resource claims in a format "
                 "'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty")
_REQUEST: Final = "must match one of the container's resource requests"


def status_errors(pod: Object, old: Object) -> list[FieldError]:
    """What is wrong with a change of a Pod's status."""
    status, before, spec = pod.get("status") or {}, old.get("status") or {}, pod.get("spec") or {}
    errors = annotation_changes(pod, old) + _condition_errors(status)
    errors += _nominated_errors(status, before, spec)
    errors += _observed_errors(status, _STATUS)
    errors += immutable("status.qosClass", status.get("qosClass") or "",
                        before.get("qosClass") or "")
    errors += _transition_errors(status, before, spec)
    errors += _claim_errors(status, spec)
    errors += _ip_errors(status, before, "podIPs", "podIP")
    errors += _ip_errors(status, before, "hostIPs", "hostIP")
    return errors + _user_errors(status, spec) + _allocated_errors(status, spec)


def _observed_errors(holder: Object, path: Path) -> list[FieldError]:
    generation = holder.get("observedGeneration") or 0
    own = path.child("observedGeneration")
    return [invalid(own, generation, _OBSERVED)] if generation < 0 else []


def _condition_errors(status: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    for i, condition in enumerate(status.get("conditions") or ()):
        kind = condition.get("type") or ""
        wrong = is_qualified_name(kind)
        if wrong or (condition.get("observedGeneration") or 0) < 0:
            path = _STATUS.child("conditions").at(i)
            errors += _observed_errors(condition, path)
            errors += all_invalid(path.child("Type"), kind, wrong)
    return errors


def _nominated_errors(status: Object, before: Object, spec: Object) -> list[FieldError]:
    node, path = status.get("nominatedNodeName") or "", _STATUS.child("nominatedNodeName")
    if not node or node == before.get("nominatedNodeName"):
        return []
    errors = all_invalid(path, node, is_dns1123_subdomain(node))
    if spec.get("nodeName"):
        errors.append(forbidden(path, "may not be set on pods that are already bound to a node"))
    return errors


def _transition_errors(status: Object, before: Object, spec: Object) -> list[FieldError]:
    """Containers that ended for good and run again."""
    errors: list[FieldError] = []
    for name, kind in zip(_LISTS, _CONTAINERS, strict=True):
        known = {c.get("name"): c for c in spec.get(kind) or ()}
        states = {c.get("name"): c.get("state") or {} for c in status.get(name) or ()}
        for i, container in enumerate(before.get(name) or ()):
            ended = (container.get("state") or {}).get("terminated")
            own = container.get("name")
            if ended is None or own not in states or states[own].get("terminated") is not None:
                continue
            if kind == "ephemeralContainers" or not _restarts(known.get(own), spec, ended):
                errors.append(forbidden(_STATUS.child(name).at(i).child("state"),
                                        "may not be transitioned to non-terminated state"))
    return errors


def _restarts(container: Object | None, spec: Object, ended: Object) -> bool:
    """Whether a container that ended starts again: by its first matching rule, by its own policy,
    by the pod's (podutil.ContainerShouldRestart)."""
    if container is None:
        return False
    code, policy = ended.get("exitCode") or 0, container.get("restartPolicy")
    if policy is not None and any(_matches(rule, code)
                                  for rule in container.get("restartPolicyRules") or ()):
        return True
    policy = policy or spec.get("restartPolicy") or "Always"
    return bool(policy == "Always" or (policy == "OnFailure" and code))


def _matches(rule: Object, code: int) -> bool:
    codes = rule.get("exitCodes") or {}
    inside = code in (codes.get("values") or ())
    return bool(codes) and inside is (codes.get("operator") == "In")


def _claim_errors(status: Object, spec: Object) -> list[FieldError]:
    known = {claim.get("name") for claim in spec.get("resourceClaims") or ()}
    errors: list[FieldError] = []
    seen: set[str] = set()
    for i, claim in enumerate(status.get("resourceClaimStatuses") or ()):
        name, path = claim.get("name") or "", _STATUS.child("resourceClaimStatuses").at(i)
        if name not in known:
            errors.append(invalid(path.child("name"), name,
                                  "must match the name of an entry in `spec.resourceClaims`"))
        if name in seen:
            errors.append(duplicate(path.child("name"), name))
        seen.add(name)
        made = claim.get("resourceClaimName")
        if made is not None:
            errors += all_invalid(path.child("name"), made, is_dns1123_subdomain(made))
    return errors


def _ip_errors(status: Object, before: Object, several: str, single: str) -> list[FieldError]:
    path, entries = _STATUS.child(several), status.get(several) or []
    ips = [entry.get("ip") or "" for entry in entries]
    kept = {entry.get("ip") for entry in before.get(several) or ()}
    errors: list[FieldError] = []
    if several == "hostIPs" and ips and ips[0] != (status.get(single) or ""):
        errors.append(invalid(path.at(0).child("ip"), ips[0], "must be equal to `hostIP`"))
    for i, ip in enumerate(ips):
        if ip not in kept:
            errors += all_invalid(path.at(i), ip, is_valid_ip_legacy(ip))
    families = {address.version for address in map(parse_ip, ips) if address}
    if len(ips) > 2 or (len(ips) == 2 and len(families) != 2):
        errors.append(invalid(path, [{"IP": ip} for ip in ips],
                              "may specify no more than one IP for each IP family"))
    return errors


def _user_errors(status: Object, spec: Object) -> list[FieldError]:
    system = (spec.get("os") or {}).get("name") or "linux"
    errors: list[FieldError] = []
    for name in _LISTS:
        for i, container in enumerate(status.get(name) or ()):
            user = (container.get("user") or {}).get("linux")
            path = _STATUS.child(name).at(i).child("user", "linux")
            if user is not None:
                errors += (_linux_user_errors(user, path) if system == "linux"
                           else [forbidden(path, "cannot be set for a windows pod")])
    return errors


def _linux_user_errors(user: Object, path: Path) -> list[FieldError]:
    numbers = [(path.child(name), user.get(name) or 0) for name in ("uid", "gid")]
    numbers += [(path.child("supplementalGroups").at(i), group)
                for i, group in enumerate(user.get("supplementalGroups") or ())]
    return [error for own, number in numbers
            for error in all_invalid(own, number, is_valid_user_id(number))]


def _allocated_errors(status: Object, spec: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    for name, kind in zip(_LISTS, _CONTAINERS, strict=True):
        known = {c.get("name"): c for c in spec.get(kind) or ()}
        for i, container in enumerate(status.get(name) or ()):
            path = _STATUS.child(name).at(i).child("allocatedResourcesStatus")
            allocated = container.get("allocatedResourcesStatus") or ()
            if kind == "ephemeralContainers" and allocated:
                errors.append(forbidden(path, "must not be specified in container status"))
                continue
            for j, resource in enumerate(allocated):
                errors += _resource_errors(resource, known.get(container.get("name")), path.at(j))
    return errors


def _resource_errors(resource: Object, container: Object | None, path: Path) -> list[FieldError]:
    name, errors = resource.get("name") or "", []
    if container is not None and name not in _wanted(container, claims=name.startswith("claim:")):
        errors.append(invalid(path.child("name"), name,
                              _CLAIM if name.startswith("claim:") else _REQUEST))
    return errors + _health_errors(resource.get("resources") or (), path.child("resources"))


def _wanted(container: Object, *, claims: bool) -> set[str]:
    resources = container.get("resources") or {}
    if not claims:
        return set(resources.get("requests") or ())
    return {"/".join(filter(None, (f"claim:{c.get('name', '')}", c.get("request"))))
            for c in resources.get("claims") or ()}


def _health_errors(resources: Sequence[Object], path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[Any] = set()
    for i, resource in enumerate(resources):
        health, own = resource.get("health") or "", resource.get("resourceID") or ""
        if health not in _HEALTH:
            errors.append(not_supported(path.at(i).child("health"), health, _HEALTH))
        if own in seen:
            errors.append(duplicate(path.at(i).child("resourceID"), own))
        seen.add(own)
    return errors
