"""PersistentVolumeClaims. Models pkg/registry/core/persistentvolumeclaim and its validation."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final

from apiserver.machinery.quantity import parse_quantity
from apiserver.machinery.validation import FieldError, Path, forbidden, immutable, same
from apiserver.resource import Resource
from apiserver.resources.core.claim_validation import claim_spec_errors
from apiserver.resources.core.diff import spec_diff
from apiserver.resources.core.persistentvolumes import (
    ATTRIBUTES_CLASS,
    PHASE,
    STORAGE_CLASS,
    VOLUME_MODE,
    modes_text,
)
from apiserver.resources.core.pod_defaults import default_claim_spec, round_amounts
from apiserver.resources.core.resource_validation import amount_errors, resource_name_errors
from apiserver.resources.printing import AGE, NAME, dig, field, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_SPEC: Final = Path("spec")
_IMMUTABLE: Final = ("spec is immutable after creation except resources.requests and "
                     "volumeAttributesClassName for bound claims\n")


class PersistentVolumeClaimStrategy(Strategy):
    """A wish for storage."""

    has_generation = False
    delete_returns_object = True

    def default(self, obj: Object) -> None:
        default_claim(obj)

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {"phase": "Pending"}
        _mirror_data_source(obj["spec"])

    def prepare_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        if dig(old, "spec", "dataSource") is None and dig(old, "spec", "dataSourceRef") is None:
            return
        _mirror_data_source(obj["spec"])

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return claim_spec_errors(obj.get("spec") or {}, _SPEC)

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return self.validate(ctx, obj) + _change_errors(obj, old)

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        path = Path("status.capacity")
        errors: list[FieldError] = []
        for name, amount in (dig(obj, "status", "capacity") or {}).items():
            own = path.key(name)
            errors += resource_name_errors(name, own) + amount_errors(name, amount, own)
        return errors


def default_claim(obj: Object) -> None:
    """What a claim gets, a template's in a StatefulSet too."""
    spec = obj.setdefault("spec", {})
    default_claim_spec(spec)
    if not dig(obj, "status", "phase"):
        obj.setdefault("status", {})["phase"] = "Pending"
    round_amounts(dig(obj, "status", "capacity"))


def _mirror_data_source(spec: Object) -> None:
    """`dataSource` and `dataSourceRef` say the same (NormalizeDataSources)."""
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if source is not None and reference is None:
        spec["dataSourceRef"] = copy.deepcopy(source)
    elif reference is not None and source is None and not reference.get("namespace"):
        spec["dataSource"] = copy.deepcopy(reference)


def _change_errors(obj: Object, old: Object) -> list[FieldError]:
    spec, before = dict(obj["spec"]), dict(old["spec"])
    if not before.get("volumeName") and spec.get("volumeName"):
        before["volumeName"] = spec["volumeName"]
    if _class_is_set(obj, old):
        before["storageClassName"] = spec["storageClassName"]
    sizes = [parse_quantity(dig(s, "resources", "requests", "storage") or "0")
             for s in (spec, before)]
    if dig(obj, "status", "phase") == "Bound":
        _take_size(spec, before)
    spec.pop("volumeAttributesClassName", None)
    old_class = before.pop("volumeAttributesClassName", None)
    errors: list[FieldError] = []
    if not same(spec, before):
        text = spec_diff("PersistentVolumeClaimSpec", before, spec)
        errors.append(forbidden(_SPEC, _IMMUTABLE + text))
    if sizes[0] < sizes[1]:
        errors += _shrink_errors(obj)
    errors += immutable(Path("volumeMode"), spec.get("volumeMode"), before.get("volumeMode"))
    new_class, path = obj["spec"].get("volumeAttributesClassName"), _SPEC.child(
        "volumeAttributesClassName")
    if old_class is not None and new_class is None:
        errors.append(forbidden(path, "update from non-nil value to nil is forbidden"))
    return errors


def _class_is_set(obj: Object, old: Object) -> bool:
    """A claim without a class gets the default one later."""
    return (dig(old, "spec", "storageClassName") is None
            and dig(obj, "spec", "storageClassName") is not None)


def _take_size(spec: Object, before: Object) -> None:
    if dig(spec, "resources", "requests") is None:
        return
    requests = dict(spec["resources"]["requests"])
    old = dig(before, "resources", "requests", "storage")
    if old is not None:
        requests["storage"] = old
    spec["resources"] = {**spec["resources"], "requests": requests}


def _shrink_errors(obj: Object) -> list[FieldError]:
    size = parse_quantity(dig(obj, "spec", "resources", "requests", "storage") or "0")
    now = parse_quantity(dig(obj, "status", "capacity", "storage") or "0")
    if size > now:
        return []
    return [forbidden(_SPEC.child("resources", "requests", "storage"),
                      "field can not be less than status.capacity")]


def _capacity(obj: Object, now: float) -> str:
    return (dig(obj, "status", "capacity", "storage") or "0") if _bound(obj) else ""


def _modes(obj: Object, now: float) -> str:
    return modes_text(dig(obj, "status", "accessModes")) if _bound(obj) else ""


def _bound(obj: Object) -> bool:
    return bool(dig(obj, "spec", "volumeName"))


PERSISTENTVOLUMECLAIMS = Resource(
    group="", version="v1", kind="PersistentVolumeClaim", plural="persistentvolumeclaims",
    short_names=("pvc",), strategy=PersistentVolumeClaimStrategy(), status=True,
    columns=(
        NAME,
        PHASE,
        named("Volume", field("spec", "volumeName"), "Which volume it has."),
        named("Capacity", _capacity, "How much that holds."),
        named("Access Modes", _modes, "How it can be mounted."),
        STORAGE_CLASS,
        ATTRIBUTES_CLASS,
        AGE,
        VOLUME_MODE))
