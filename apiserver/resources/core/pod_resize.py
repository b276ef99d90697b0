"""What may change in a Pod through `resize`: cpu and memory of what runs. Models
ValidatePodResize.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.validation import FieldError, Path, forbidden, invalid, same
from apiserver.resources.core.pod_validation import MIRROR, pod_errors
from apiserver.resources.core.qos import qos_class

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from apiserver.machinery.types import Object

_SPEC: Final = Path("spec")
_ONLY: Final = "only cpu and memory resources are mutable"
_SIZED: Final = ("cpu", "memory")


def resize_errors(pod: Object, old: Object) -> list[FieldError]:
    """What is wrong with a change through `resize`."""
    if refusal := _never_resized(pod, old):
        return [forbidden("", refusal)]
    errors = pod_errors(pod)
    spec, before = pod["spec"], old["spec"]
    if qos_class(spec) != qos_class(before):
        errors.append(invalid(_SPEC, (pod.get("status") or {}).get("qosClass") or "",
                              "Pod QOS Class may not change as a result of resizing"))
    if not _node_resizes(old):
        errors.append(forbidden(_SPEC, "Pod running on node without support for resize"))
    for name in ("initContainers", "containers"):
        errors += _removals(spec.get(name) or (), before.get(name) or (), _SPEC.child(name))
    errors += [forbidden(_SPEC, text) for text in _other_changes(spec, before)]
    if not errors and not same(_unsized(spec), _unsized(before)):
        errors.append(forbidden(_SPEC, _ONLY))
    return errors


def _never_resized(pod: Object, old: Object) -> str:
    levels = [p["spec"].get("resources") or {} for p in (pod, old)]
    if any(level.get("requests") or level.get("limits") for level in levels):
        return "pods with pod-level resources cannot be resized"
    if MIRROR in ((old.get("metadata") or {}).get("annotations") or {}):
        return "static pods cannot be resized"
    windows = (old["spec"].get("os") or {}).get("name") == "windows"
    return "windows pods cannot be resized" if windows else ""


def _node_resizes(old: Object) -> bool:
    for container in (old.get("status") or {}).get("containerStatuses") or ():
        if (container.get("state") or {}).get("running") is not None:
            return container.get("resources") is not None
    return True


def _removals(new: Sequence[Object], old: Sequence[Object], path: Path) -> list[FieldError]:
    """What a running container has been given stays named."""
    errors: list[FieldError] = []
    for i, (container, before) in enumerate(zip(new, old, strict=False)):
        if path.endswith("initContainers") and not _lasts(before):
            continue
        after, given = (c.get("resources") or {} for c in (container, before))
        errors += [forbidden(path.at(i).child("resources", side),
                             f"resource {side} cannot be removed")
                   for side in ("requests", "limits")
                   if any(name not in (after.get(side) or {}) for name in given.get(side) or ())]
    return errors


def _lasts(container: Object) -> bool:
    return bool(container.get("restartPolicy") == "Always")


def _other_changes(spec: Object, before: Object) -> Iterable[str]:
    for container, old in _pairs(spec, before, "containers"):
        if not same(_without_size(container), _without_size(old)):
            yield _ONLY
    for container, old in _pairs(spec, before, "initContainers"):
        if not _lasts(container):
            if not same(container, old):
                yield "resources for non-sidecar init containers are immutable"
        elif not same(_without_size(container), _without_size(old)):
            yield "only cpu and memory resources for sidecar containers are mutable"


def _pairs(spec: Object, before: Object, name: str) -> Iterable[tuple[Object, Object]]:
    return zip(spec.get(name) or (), before.get(name) or (), strict=False)


def _unsized(spec: Object) -> Object:
    return {**spec, **{name: [_without_size(c) for c in spec.get(name) or ()]
                       for name in ("containers", "initContainers")}}


def _without_size(container: Object) -> Object:
    resources = container.get("resources") or {}
    kept = {side: {name: text for name, text in (resources.get(side) or {}).items()
                   if name not in _SIZED} for side in ("limits", "requests")}
    return {**container, "resources": {**resources, **kept}}
