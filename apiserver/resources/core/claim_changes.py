"""What may change in a claim for storage and in its status. Models
ValidatePersistentVolumeClaimUpdate and ValidatePersistentVolumeClaimStatusUpdate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_qualified_name
from apiserver.machinery.quantity import parse_quantity
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    forbidden,
    immutable,
    invalid,
    not_supported,
    same,
)
from apiserver.resources.core.diff import spec_diff
from apiserver.resources.core.persistentvolume_validation import OLD_CLASS
from apiserver.resources.core.resource_validation import basic_amount_errors, is_native
from apiserver.resources.printing import dig

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

_SPEC: Final = Path("spec")
_ATTRIBUTES: Final = "volumeAttributesClassName"
_IMMUTABLE: Final = ("spec is immutable after creation except resources.requests and "
                     "volumeAttributesClassName for bound claims\n")
_HELD: Final = "is forbidden when status.currentVolumeAttributesClassName is not nil"
_RESIZES: Final = ("ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizePending",
                   "NodeResizeInProgress", "NodeResizeInfeasible")


def claim_change_errors(obj: Object, old: Object) -> list[FieldError]:
    """What of a changed claim may not change."""
    spec, before = dict(obj["spec"]), dict(old["spec"])
    if not before.get("volumeName"):
        before["volumeName"] = spec.get("volumeName")
    errors = _class_errors(spec, before, *(_old_class(o) for o in (obj, old)))
    if dig(obj, "status", "phase") == "Bound":
        _take_size(spec, before)
        spec[_ATTRIBUTES] = before.get(_ATTRIBUTES)
    if not same(_given(spec), _given(before)):
        text = spec_diff("PersistentVolumeClaimSpec", _given(before), _given(spec))
        errors.append(forbidden(_SPEC, _IMMUTABLE + text))
    errors += _shrink_errors(obj, old)
    errors += immutable(Path("volumeMode"), spec.get("volumeMode"), before.get("volumeMode"))
    return errors + _attributes_errors(obj, old)


def _given(spec: Object) -> Object:
    return {name: value for name, value in spec.items() if value not in (None, "")}


def _old_class(claim: Object) -> str | None:
    value: str | None = dig(claim, "metadata", "annotations", OLD_CLASS)
    return value


def _class_errors(spec: Object, before: Object, new: str | None,
                  old: str | None) -> list[FieldError]:
    """A claim without a class gets one later; the old annotation may become the field."""
    name = spec.get("storageClassName")
    fresh = before.get("storageClassName") is None and name is not None
    if fresh and (old is None or name == old):
        del spec["storageClassName"]
    if (fresh and name == old and new in (None, old)) or (new or "") == (old or ""):
        return []
    path = Path("metadata.annotations").child(OLD_CLASS)
    return [invalid(path, new or "", "field is immutable")]


def _take_size(spec: Object, before: Object) -> None:
    if dig(spec, "resources", "requests") is None:
        return
    old = dig(before, "resources", "requests", "storage") or "0"
    requests = {**spec["resources"]["requests"], "storage": old}
    spec["resources"] = {**spec["resources"], "requests": requests}


def _shrink_errors(obj: Object, old: Object) -> list[FieldError]:
    """A claim may ask for less again, down to what it has."""
    new, before = (parse_quantity(dig(o, "spec", "resources", "requests", "storage") or "0")
                   for o in (obj, old))
    if not new < before or new > parse_quantity(dig(old, "status", "capacity", "storage") or "0"):
        return []
    return [forbidden(_SPEC.child("resources", "requests", "storage"),
                      "field can not be less than status.capacity")]


def _attributes_errors(obj: Object, old: Object) -> list[FieldError]:
    """A class of attributes that is in force is only replaced, never taken away."""
    new, before = (o["spec"].get(_ATTRIBUTES) for o in (obj, old))
    if new or new == before or dig(old, "status", "currentVolumeAttributesClassName") is None:
        return []
    what = "nil" if new is None else "empty string"
    return [forbidden(_SPEC.child(_ATTRIBUTES), f"update to {what} {_HELD}")]


def claim_status_errors(status: Object) -> list[FieldError]:
    """What is wrong with a claim's status."""
    path = Path("status")
    errors: list[FieldError] = []
    for name, amount in (status.get("capacity") or {}).items():
        errors += basic_amount_errors(amount, path.child("capacity").key(name))
    for name, state in (status.get("allocatedResourceStatuses") or {}).items():
        own = path.child("allocatedResourceStatus")
        errors += _key_errors(name, own)
        if state not in _RESIZES:
            errors.append(not_supported(own, name, sorted(_RESIZES)))
    for name, amount in (status.get("allocatedResources") or {}).items():
        own = path.child("allocatedResources")
        errors += _key_errors(name, own) or basic_amount_errors(amount, own.key(name))
    return errors


def _key_errors(name: str, path: Path) -> list[FieldError]:
    errors = all_invalid(path, name, is_qualified_name(name))
    if errors or name == "storage" or not is_native(name):
        return errors
    return [not_supported(path, name, ["storage"])]
