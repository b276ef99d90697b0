"""PersistentVolumeClaims. Models pkg/registry/core/persistentvolumeclaim and its validation."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final

from apiserver.machinery.validation import FieldError, Path
from apiserver.resource import Resource
from apiserver.resources.core.claim_changes import claim_change_errors, claim_status_errors
from apiserver.resources.core.claim_validation import claim_spec_errors
from apiserver.resources.core.persistentvolume_validation import OLD_CLASS, OLD_CLASS_TEXT
from apiserver.resources.core.persistentvolumes import (
    ATTRIBUTES_CLASS,
    PHASE,
    STORAGE_CLASS,
    VOLUME_MODE,
    modes_text,
)
from apiserver.resources.core.pod_defaults import default_claim_spec, round_amounts
from apiserver.resources.core.volume_warnings import claim_spec_warnings
from apiserver.resources.printing import AGE, NAME, dig, field, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_SPEC: Final = Path("spec")
_OLD_SOURCES: Final = (("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot"))
"""What `dataSource` alone could always name."""


class PersistentVolumeClaimStrategy(Strategy):
    """A wish for storage."""

    has_generation = False
    delete_returns_object = True

    def default(self, obj: Object) -> None:
        default_claim(obj)

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {"phase": "Pending"}
        _settle_data_source(obj["spec"], {})

    def prepare_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        _settle_data_source(obj["spec"], old["spec"])

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return claim_spec_errors(obj.get("spec") or {}, _SPEC)

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return self.validate(ctx, obj) + claim_change_errors(obj, old)

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        return claim_status_errors(obj.get("status") or {})

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        if ctx.subresource:
            return []
        old_class = OLD_CLASS in (obj["metadata"].get("annotations") or {})
        texts = [f"metadata.annotations[{OLD_CLASS}]: {OLD_CLASS_TEXT}"] if old_class else []
        return [*texts, *claim_spec_warnings(obj["spec"], _SPEC)]


def default_claim(obj: Object) -> None:
    """What a claim gets, a template's in a StatefulSet too."""
    spec = obj.setdefault("spec", {})
    default_claim_spec(spec)
    if not dig(obj, "status", "phase"):
        obj.setdefault("status", {})["phase"] = "Pending"
    round_amounts(dig(obj, "status", "capacity"))


def _settle_data_source(spec: Object, before: Object) -> None:
    """Drop what only a newer or another API means, then let `dataSource` and `dataSourceRef` say
    the same (EnforceDataSourceBackwardsCompatibility, NormalizeDataSources)."""
    if dig(spec, "dataSourceRef", "namespace") and before.get("dataSourceRef") is None:
        del spec["dataSourceRef"]
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    known = before.get("dataSource") is not None or before.get("dataSourceRef") is not None
    if source is not None and reference is None and not known and (
            source.get("apiGroup") or "", source.get("kind")) not in _OLD_SOURCES:
        source = None
        del spec["dataSource"]
    if source is not None and reference is None:
        spec["dataSourceRef"] = copy.deepcopy(source)
    elif reference is not None and source is None and not reference.get("namespace"):
        spec["dataSource"] = copy.deepcopy(reference)


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
