"""What may change in a Pod: through itself, its status, ephemeral containers and resize. Models
ValidatePodUpdate, ValidatePodStatusUpdate, ValidatePodEphemeralContainersUpdate, ValidatePodResize.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.names import (
    is_dns1123_subdomain,
    is_qualified_name,
    is_valid_ip_legacy,
    parse_ip,
    range_error,
)
from apiserver.machinery.quantity import parse_quantity
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    forbidden,
    immutable,
    invalid,
    required,
    same,
)
from apiserver.resources.core.container_validation import padded_image
from apiserver.resources.core.diff import spec_diff
from apiserver.resources.core.pod_validation import MAX_INT32, MIRROR, annotation_errors, pod_errors
from apiserver.resources.core.qos import qos_class
from apiserver.resources.core.scheduling_validation import tolerations_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apiserver.machinery.types import Object

_SPEC: Final = Path("spec")
_UPDATABLE: Final = (
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)")
_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
_APPARMOR: Final = "container.apparmor.security.beta.kubernetes.io/"


def update_errors(pod: Object, old: Object) -> list[FieldError]:
    """What is wrong with a change of a Pod itself."""
    spec, before = pod["spec"], old["spec"]
    errors = pod_errors(pod) + _annotation_changes(pod, old)
    for name in ("containers", "initContainers"):
        wrong, stop = _image_errors(spec.get(name) or (), before.get(name) or (), _SPEC.child(name))
        errors += wrong
        if stop:
            return errors
    deadline, stop = _deadline_errors(spec, before)
    errors += deadline
    if stop:
        return errors
    errors += _toleration_changes(spec.get("tolerations") or (), before.get("tolerations") or ())
    errors += _gate_changes(spec.get("schedulingGates") or (), before.get("schedulingGates") or ())
    return errors + _other_changes(spec, before)


def _annotation_changes(pod: Object, old: Object) -> list[FieldError]:
    new = (pod.get("metadata") or {}).get("annotations") or {}
    before = (old.get("metadata") or {}).get("annotations") or {}
    path, errors = Path("metadata.annotations"), []
    for key in (k for k in before if new.get(k) != before[k]):
        if key.startswith(_APPARMOR):
            errors.append(forbidden(path.key(key), "may not remove or update AppArmor annotations"))
        if key == MIRROR:
            errors.append(forbidden(path.key(key),
                                    "may not remove or update mirror pod annotation"))
    for key in (k for k in new if k not in before):
        if key.startswith(_APPARMOR):
            errors.append(forbidden(path.key(key), "may not add AppArmor annotations"))
        if key == MIRROR:
            errors.append(forbidden(path.key(key), "may not add mirror pod annotation"))
    return errors + annotation_errors(new, pod.get("spec") or {}, path)


def _image_errors(new: Sequence[Object], old: Sequence[Object],
                  path: Path) -> tuple[list[FieldError], bool]:
    if len(new) != len(old):
        return [forbidden(path, "pod updates may not add or remove containers")], True
    errors = []
    for i, container in enumerate(new):
        if not container.get("image"):
            errors.append(required(path.at(i).child("image")))
        errors += padded_image(container, path.at(i))
    return errors, False


def _deadline_errors(spec: Object, before: Object) -> tuple[list[FieldError], bool]:
    path, new = _SPEC.child("activeDeadlineSeconds"), spec.get("activeDeadlineSeconds")
    old = before.get("activeDeadlineSeconds")
    if new is None:
        removed = invalid(path, None, "must not update from a positive integer to nil value")
        return ([] if old is None else [removed]), False
    if not 0 <= new <= MAX_INT32:
        return [invalid(path, new, range_error(0, MAX_INT32))], True
    if old is not None and old < new:
        return [invalid(path, new, "must be less than or equal to previous value")], True
    return [], False


def _toleration_changes(new: Sequence[Object], old: Sequence[Object]) -> list[FieldError]:
    path = _SPEC.child("tolerations")
    kept = [_without(toleration, "tolerationSeconds") for toleration in new]
    if any(_without(toleration, "tolerationSeconds") not in kept for toleration in old):
        return [forbidden(path, "existing toleration can not be modified except its "
                          "tolerationSeconds")]
    return tolerations_errors(new, path)


def _without(obj: Object, name: str) -> Object:
    return {key: value for key, value in obj.items() if key != name}


def _gate_changes(new: Sequence[Object], old: Sequence[Object]) -> list[FieldError]:
    known = {gate.get("name") for gate in old}
    return [forbidden(_SPEC.child("schedulingGates").at(i).child("name"), "only deletion is "
                      f"allowed, but found new scheduling gate '{gate.get('name', '')}'")
            for i, gate in enumerate(new) if gate.get("name") not in known]


def _other_changes(spec: Object, before: Object) -> list[FieldError]:
    """All fields that may not change, after putting back those that may."""
    if spec == before:
        return []
    munged = {**spec, "activeDeadlineSeconds": before.get("activeDeadlineSeconds"),
              "schedulingGates": before.get("schedulingGates"),
              "tolerations": before.get("tolerations")}
    for name in ("containers", "initContainers"):
        munged[name] = [{**new, "image": old.get("image")} for new, old
                        in zip(spec.get(name) or (), before.get(name) or (), strict=True)]
    grace = before.get("terminationGracePeriodSeconds")
    if grace is not None and grace < 0 and munged.get("terminationGracePeriodSeconds") == 1:
        munged["terminationGracePeriodSeconds"] = grace
    errors = _gated_changes(munged, before) if before.get("schedulingGates") else []
    if not same(munged, before):
        errors.append(forbidden(_SPEC, "pod updates may not change fields other than "
                                f"{_UPDATABLE}\n{spec_diff('PodSpec', before, munged)}"))
    return errors


def _gated_changes(munged: Object, before: Object) -> list[FieldError]:
    """A gated pod may still be confined: node selectors and node affinity may grow."""
    new, old = munged.get("nodeSelector") or {}, before.get("nodeSelector") or {}
    errors = []
    if any(new.get(key) != value for key, value in old.items()):
        errors.append(invalid(_SPEC.child("nodeSelector"), new, "only additions to "
                              "spec.nodeSelector are allowed (no mutations or deletions)"))
    munged["nodeSelector"] = before.get("nodeSelector")
    affinity, previous = munged.get("affinity") or {}, before.get("affinity") or {}
    errors += _node_affinity_changes(affinity.get("nodeAffinity"), previous.get("nodeAffinity"))
    restored = {**affinity, "nodeAffinity": previous.get("nodeAffinity")}
    munged["affinity"] = {k: v for k, v in restored.items() if v is not None} or None
    return errors


def _terms(affinity: Object | None) -> list[Object]:
    return list(((affinity or {}).get(_REQUIRED) or {}).get("nodeSelectorTerms") or [])


def _node_affinity_changes(new: Object | None, old: Object | None) -> list[FieldError]:
    before, after = _terms(old), _terms(new)
    path = _SPEC.child("affinity", "nodeAffinity", _REQUIRED, "nodeSelectorTerms")
    if before and len(before) != len(after):
        return [invalid(path, after, "no additions/deletions to non-empty NodeSelectorTerms list "
                        "are allowed")]
    return [invalid(path.at(i), after[i], "only additions are allowed (no mutations or deletions)")
            for i, term in enumerate(before) if not _only_additions(after[i], term)]


def _only_additions(new: Object, old: Object) -> bool:
    lists = [(old.get(n) or [], new.get(n) or []) for n in ("matchExpressions", "matchFields")]
    if not any(before for before, _ in lists):
        return not any(after for _, after in lists)
    return all(after[:len(before)] == before for before, after in lists)


def status_errors(pod: Object, old: Object) -> list[FieldError]:
    """What is wrong with a change of a Pod's status."""
    status, before = pod.get("status") or {}, old.get("status") or {}
    errors = _annotation_changes(pod, old)
    for i, condition in enumerate(status.get("conditions") or ()):
        kind = condition.get("type") or ""
        errors += all_invalid(Path("metadata.conditions").at(i).child("Type"), kind,
                              is_qualified_name(kind))
    node = status.get("nominatedNodeName") or ""
    if node and node != before.get("nominatedNodeName"):
        errors += all_invalid("status.nominatedNodeName", node, is_dns1123_subdomain(node))
    errors += immutable("status.qosClass", status.get("qosClass") or "",
                        before.get("qosClass") or "")
    errors += _transition_errors(status, before, old.get("spec") or {})
    return errors + _ip_errors(status, "podIPs", "podIP") + _ip_errors(status, "hostIPs", "hostIP")


def _transition_errors(status: Object, before: Object, spec: Object) -> list[FieldError]:
    policy = spec.get("restartPolicy") or ""
    sidecars = frozenset(c["name"] for c in spec.get("initContainers") or ()
                         if c.get("restartPolicy") == "Always")
    lists = (("containerStatuses", policy, frozenset[str]()),
             ("initContainerStatuses", policy, sidecars),
             ("ephemeralContainerStatuses", "Never", frozenset[str]()))
    errors: list[FieldError] = []
    for name, restart, exempt in lists:
        errors += _revived(status.get(name) or (), before.get(name) or (), restart, exempt,
                           Path("status").child(name))
    return errors


def _revived(new: Sequence[Object], old: Sequence[Object], policy: str, exempt: frozenset[str],
             path: Path) -> list[FieldError]:
    """Containers that ended for good and run again."""
    if policy == "Always":
        return []
    states = {c.get("name"): c.get("state") or {} for c in new}
    errors = []
    for i, container in enumerate(old):
        ended, name = (container.get("state") or {}).get("terminated"), container.get("name")
        if ended is None or name in exempt or name not in states:
            continue
        if ended.get("exitCode") and policy == "OnFailure":
            continue
        if states[name].get("terminated") is None:
            errors.append(forbidden(path.at(i).child("state"),
                                    "may not be transitioned to non-terminated state"))
    return errors


def _ip_errors(status: Object, several: str, single: str) -> list[FieldError]:
    path, entries = Path("status").child(several), status.get(several) or []
    ips = [entry.get("ip") or "" for entry in entries]
    errors: list[FieldError] = []
    if several == "hostIPs" and ips and ips[0] != (status.get(single) or ""):
        errors.append(invalid(path.at(0).child("ip"), ips[0], "must be equal to `hostIP`"))
    for i, ip in enumerate(ips):
        errors += all_invalid(path.at(i), ip, is_valid_ip_legacy(ip))
    if len(ips) < 2 or errors:
        return errors
    families = {address.version for address in map(parse_ip, ips) if address}
    shown = [{"IP": ip} for ip in ips]
    if len(families) != 2 or len(ips) > 2:
        errors.append(invalid(path, shown, "may specify no more than one IP for each IP family"))
    return errors + [duplicate(path.at(i), shown[i]) for i, ip in enumerate(ips) if ip in ips[:i]]


def ephemeral_errors(pod: Object, old: Object) -> list[FieldError]:
    """What is wrong with a change through `ephemeralcontainers`: only additions."""
    errors = pod_errors(pod) + _annotation_changes(pod, old)
    if MIRROR in ((old.get("metadata") or {}).get("annotations") or {}):
        return [forbidden("", "static pods do not support ephemeral containers")]
    path = _SPEC.child("ephemeralContainers")
    new = {c.get("name"): c for c in pod["spec"].get("ephemeralContainers") or ()}
    for container in old["spec"].get("ephemeralContainers") or ():
        name = container.get("name", "")
        if name not in new:
            errors.append(forbidden(path, f'existing ephemeral containers "{name}" may not be '
                                    "removed\n"))
        elif not same(new[name], container):
            errors.append(forbidden(path, f'existing ephemeral containers "{name}" may not be '
                                    "changed\n"
                                    f"{spec_diff('EphemeralContainer', container, new[name])}"))
    return errors


def resize_errors(pod: Object, old: Object) -> list[FieldError]:
    """What is wrong with a change through `resize`: cpu and memory of what runs."""
    refusal = _never_resized(pod, old)
    if refusal:
        return [forbidden("", refusal)]
    errors = pod_errors(pod)
    spec, before = pod["spec"], old["spec"]
    if qos_class(spec) != qos_class(before):
        errors.append(invalid(_SPEC, (pod.get("status") or {}).get("qosClass") or "",
                              "Pod QOS Class may not change as a result of resizing"))
    if not _node_resizes(old):
        errors.append(forbidden(_SPEC, "Pod running on node without support for resize"))
    for name in ("initContainers", "containers"):
        errors += _resized(spec.get(name) or (), before.get(name) or (), _SPEC.child(name))
    if not errors and not same(_unsized(spec), _unsized(before)):
        errors.append(forbidden(_SPEC, "only cpu and memory resources are mutable"))
    return errors


def _never_resized(pod: Object, old: Object) -> str:
    if MIRROR in ((old.get("metadata") or {}).get("annotations") or {}):
        return "static pods cannot be resized"
    if (old["spec"].get("os") or {}).get("name") == "windows":
        return "windows pods cannot be resized"
    levels = [p["spec"].get("resources") or {} for p in (pod, old)]
    if any(level.get("requests") or level.get("limits") for level in levels):
        return "pods with pod-level resources cannot be resized"
    return ""


def _node_resizes(old: Object) -> bool:
    for container in (old.get("status") or {}).get("containerStatuses") or ():
        if (container.get("state") or {}).get("running") is not None:
            return container.get("resources") is not None
    return True


def _unsized(spec: Object) -> Object:
    return {**spec, **{name: [_without_cpu_and_memory(c) for c in spec.get(name) or ()]
                       for name in ("containers", "initContainers")}}


def _without_cpu_and_memory(container: Object) -> Object:
    resources = container.get("resources") or {}
    kept = {side: {k: v for k, v in (resources.get(side) or {}).items()
                   if k not in ("cpu", "memory")} for side in ("limits", "requests")}
    return {**container, "resources": {**resources, **kept}}


def _resized(new: Sequence[Object], old: Sequence[Object], path: Path) -> list[FieldError]:
    if len(new) != len(old):
        return [forbidden(_SPEC, "only cpu and memory resources are mutable")]
    errors: list[FieldError] = []
    init = path.endswith("initContainers")
    for i, (container, before) in enumerate(zip(new, old, strict=True)):
        if init and before.get("restartPolicy") != "Always":
            if not same(container, before):
                errors.append(forbidden(_SPEC, "resources for non-sidecar init containers are "
                                        "immutable"))
            continue
        errors += _resources_changes(container, before, path.at(i).child("resources"))
        if not same(_without_cpu_and_memory(container), _without_cpu_and_memory(before)):
            what = " for sidecar containers" if init else ""
            errors.append(forbidden(_SPEC, f"only cpu and memory resources{what} are mutable"))
    return errors


def _resources_changes(container: Object, before: Object, path: Path) -> list[FieldError]:
    new, old = container.get("resources") or {}, before.get("resources") or {}
    errors = [forbidden(path.child(side), f"resource {side} cannot be removed")
              for side in ("requests", "limits") if _removed(new.get(side), old.get(side))]
    policies = {p.get("resourceName"): p.get("restartPolicy")
                for p in container.get("resizePolicy") or ()}
    if policies.get("memory") in (None, "", "NotRequired"):
        errors += _memory_errors(new.get("limits") or {}, old.get("limits") or {},
                                 path.child("limits").key("memory"))
    return errors


def _removed(new: Mapping[str, Any] | None, old: Mapping[str, Any] | None) -> bool:
    return any(name not in (new or {}) for name in old or ())


def _memory_errors(new: Mapping[str, str], old: Mapping[str, str], path: Path) -> list[FieldError]:
    if "memory" not in new or "memory" not in old:
        return []
    if parse_quantity(new["memory"]) < parse_quantity(old["memory"]):
        return [forbidden(path, "memory limits cannot be decreased unless resizePolicy is "
                          "RestartContainer")]
    return []
