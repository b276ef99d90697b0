"""What may change in a Pod through `resize`: cpu and memory of what runs. Models
ValidatePodResize.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.validation import FieldError, Path, forbidden, invalid, same
from apiserver.resources.core.pod_validation import MIRROR, pod_errors
from apiserver.resources.core.qos import qos_class

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from apiserver.machinery.types import Object

_SPEC: Final = Path("spec")
_ONLY: Final = "only cpu and memory resources are mutable"
_SIZED: Final = ("cpu", "memory")
_SIDES: Final = ("requests", "limits")
_LISTS: Final = ("initContainers", "containers")
_RESTARTS: Final = ("non-sidecar init containers with a resize policy of RestartContainer cannot "
                    "be resized")


def resize_errors(pod: Object, old: Object) -> list[FieldError]:
    """What is wrong with a change through `resize`."""
    if refusal := _never_resized(old):
        return [forbidden("", refusal)]
    errors = pod_errors(pod)
    spec, before = pod["spec"], old["spec"]
    if qos_class(spec) != qos_class(before):
        errors.append(invalid(_SPEC, (pod.get("status") or {}).get("qosClass") or "",
                              "Pod QOS Class may not change as a result of resizing"))
    if not _node_resizes(old):
        errors.append(forbidden(_SPEC, "Pod running on node without support for resize"))
    errors += _pod_level_errors(spec.get("resources"), before.get("resources"))
    if misplaced := [e for name in reversed(_LISTS) for e in _misplaced_errors(spec, before, name)]:
        return errors + misplaced
    for name in _LISTS:
        for i, (container, was) in enumerate(_pairs(spec, before, name)):
            path = _SPEC.child(name).at(i).child("resources")
            errors += _removals(container.get("resources"), was.get("resources"), path, "resource")
    errors += _other_changes(spec, before)
    if not errors and not same(_unsized(spec), _unsized(before)):
        errors.append(forbidden(_SPEC, _ONLY))
    return errors


def _never_resized(old: Object) -> str:
    if MIRROR in ((old.get("metadata") or {}).get("annotations") or {}):
        return "static pods cannot be resized"
    windows = (old["spec"].get("os") or {}).get("name") == "windows"
    return "windows pods cannot be resized" if windows else ""


def _node_resizes(old: Object) -> bool:
    for container in (old.get("status") or {}).get("containerStatuses") or ():
        if (container.get("state") or {}).get("running") is not None:
            return container.get("resources") is not None
    return True


def _pod_level_errors(new: Object | None, old: Object | None) -> list[FieldError]:
    """What the whole pod has been given stays, but for its size."""
    own = _SPEC.child("resources")
    if old is not None and new is None:
        return [forbidden(own, "pod-level resources cannot be removed")]
    errors = _removals(new, old, own, "pod-level resource")
    if not same(_without_size({"resources": new}), _without_size({"resources": old})):
        errors.append(forbidden(_SPEC, f"{_ONLY} at pod-level"))
    return errors


def _misplaced_errors(spec: Object, before: Object, name: str) -> list[FieldError]:
    """The same containers in the same order."""
    new, old = (each.get(name) or () for each in (spec, before))
    if len(new) != len(old):
        return [forbidden(_SPEC.child(name), f"{name} may not be added or removed on resize")]
    return [forbidden(_SPEC.child(name).at(i).child("name"),
                      f"{name} may not be renamed or reordered on resize")
            for i, (container, was) in enumerate(zip(new, old, strict=True))
            if container.get("name") != was.get("name")]


def _removals(new: Object | None, old: Object | None, path: Path, what: str) -> list[FieldError]:
    """What has been given stays named."""
    after, given = new or {}, old or {}
    return [forbidden(path.child(side), f"{what} {side} cannot be removed") for side in _SIDES
            if any(name not in (after.get(side) or {}) for name in given.get(side) or ())]


def _other_changes(spec: Object, before: Object) -> Iterator[FieldError]:
    for container, old in _pairs(spec, before, "containers"):
        if not same(_without_size(container), _without_size(old)):
            yield forbidden(_SPEC, _ONLY)
    for i, (container, old) in enumerate(_pairs(spec, before, "initContainers")):
        path = _SPEC.child("initContainers").at(i)
        if not same(_without_size(container), _without_size(old)):
            yield forbidden(path, "only cpu and memory resources for init or sidecar containers "
                            "are mutable")
        if not same(container, old) and container.get("restartPolicy") != "Always" and any(
                policy.get("restartPolicy") == "RestartContainer"
                for policy in container.get("resizePolicy") or ()):
            yield forbidden(path, _RESTARTS)


def _pairs(spec: Object, before: Object, name: str) -> Iterable[tuple[Object, Object]]:
    return zip(spec.get(name) or (), before.get(name) or (), strict=True)


def _unsized(spec: Object) -> Object:
    return {**_without_size(spec), **{name: [_without_size(c) for c in spec.get(name) or ()]
                                      for name in _LISTS}}


def _without_size(holder: Object) -> Object:
    resources = holder.get("resources") or {}
    kept = {side: {name: text for name, text in (resources.get(side) or {}).items()
                   if name not in _SIZED} for side in _SIDES}
    return {**holder, "resources": {**resources, **kept}}
