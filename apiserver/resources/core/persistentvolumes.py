"""PersistentVolumes. Models pkg/registry/core/persistentvolume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.clock import rfc3339
from apiserver.resource import Resource
from apiserver.resources.core.persistentvolume_validation import (
    OLD_CLASS,
    change_errors,
    pv_warnings,
    spec_errors,
)
from apiserver.resources.core.pod_defaults import round_amounts
from apiserver.resources.printing import AGE, NAME, UNSET, dig, field, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.machinery.validation import FieldError

_SHORT_MODES: Final = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX",
                       "ReadWriteOncePod": "RWOP"}


class PersistentVolumeStrategy(Strategy):
    """Storage that exists, for claims."""

    has_generation = False
    delete_returns_object = True

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        if not spec.get("persistentVolumeReclaimPolicy"):
            spec["persistentVolumeReclaimPolicy"] = "Retain"
        if spec.get("volumeMode") is None:
            spec["volumeMode"] = "Filesystem"
        round_amounts(spec.get("capacity"))
        _default_source(spec)

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {"phase": "Pending", "lastPhaseTransitionTime": rfc3339(ctx.now)}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return spec_errors(obj.get("spec") or {})

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        spec = obj.get("spec") or {}
        return spec_errors(spec) + change_errors(spec, old.get("spec") or {})

    def prepare_status_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        status, before = obj.get("status") or {}, old.get("status") or {}
        if status.get("phase") != before.get("phase") and (
                status.get("lastPhaseTransitionTime") == before.get("lastPhaseTransitionTime")):
            status["lastPhaseTransitionTime"] = rfc3339(ctx.now)

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        return [] if ctx.subresource else list(pv_warnings(obj))


def _default_source(spec: Object) -> None:
    host = spec.get("hostPath")
    if host is not None and host.get("type") is None:
        host["type"] = ""
    defaults = {
        "iscsi": (("iscsiInterface", "default"),),
        "rbd": (("pool", "rbd"), ("user", "admin"), ("keyring", "/etc/ceph/keyring")),
        "scaleIO": (("storageMode", "ThinProvisioned"), ("fsType", "xfs")),
        "azureDisk": (("cachingMode", "ReadWrite"), ("kind", "Shared"), ("fsType", "ext4"),
                      ("readOnly", False)),
    }
    for name, fields in defaults.items():
        source = spec.get(name)
        if source is None:
            continue
        for key, value in fields:
            if source.get(key) in (None, ""):
                source[key] = value


def modes_text(modes: list[str] | None) -> str:
    """`RWO,ROX`. Models storage helpers' GetAccessModesAsString."""
    return ",".join(short for mode, short in _SHORT_MODES.items() if mode in (modes or ()))


def _phase(obj: Object, now: float) -> str:
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return dig(obj, "status", "phase") or ""


def _claim(obj: Object, now: float) -> str:
    claim = dig(obj, "spec", "claimRef")
    return f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else ""


def _storage_class(obj: Object, now: float) -> str:
    old = dig(obj, "metadata", "annotations", OLD_CLASS)
    return old if old is not None else dig(obj, "spec", "storageClassName") or ""


STORAGE_CLASS: Final = named("StorageClass", _storage_class, "The class of storage.")
ATTRIBUTES_CLASS: Final = named(
    "VolumeAttributesClass", field("spec", "volumeAttributesClassName", default=UNSET),
    "The class of its attributes.")
VOLUME_MODE: Final = named("VolumeMode", field("spec", "volumeMode", default=UNSET),
                           "A filesystem or a block device.", priority=1)
PHASE: Final = named("Status", _phase, "Where it is in its life.")

PERSISTENTVOLUMES = Resource(
    group="", version="v1", kind="PersistentVolume", plural="persistentvolumes",
    short_names=("pv",), namespaced=False, strategy=PersistentVolumeStrategy(), status=True,
    columns=(
        NAME,
        named("Capacity", field("spec", "capacity", "storage", default="0"), "How much it holds."),
        named("Access Modes", lambda obj, now: modes_text(dig(obj, "spec", "accessModes")),
              "How it can be mounted."),
        named("Reclaim Policy", field("spec", "persistentVolumeReclaimPolicy"),
              "What becomes of it when released."),
        PHASE,
        named("Claim", _claim, "Which claim has it."),
        STORAGE_CLASS,
        ATTRIBUTES_CLASS,
        named("Reason", field("status", "reason"), "Why it is in its phase."),
        AGE,
        VOLUME_MODE))
