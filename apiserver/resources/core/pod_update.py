"""What may change in a Pod through itself and through `ephemeralcontainers`. Models
ValidatePodUpdate and ValidatePodEphemeralContainersUpdate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import range_error
from apiserver.machinery.validation import (
    FieldError,
    Path,
    forbidden,
    invalid,
    required,
    same,
)
from apiserver.resources.core.container_validation import padded_image
from apiserver.resources.core.diff import spec_diff
from apiserver.resources.core.pod_validation import MAX_INT32, MIRROR, annotation_errors, pod_errors
from apiserver.resources.core.scheduling_validation import tolerations_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    errors = pod_errors(pod) + annotation_changes(pod, old)
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


def annotation_changes(pod: Object, old: Object) -> list[FieldError]:
    """Annotations that only mean something at the start (ValidatePodSpecificAnnotationUpdates)."""
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


def ephemeral_errors(pod: Object, old: Object) -> list[FieldError]:
    """What is wrong with a change through `ephemeralcontainers`: only additions."""
    errors = pod_errors(pod) + annotation_changes(pod, old)
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
