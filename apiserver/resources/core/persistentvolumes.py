"""PersistentVolumes. Models pkg/registry/core/persistentvolume and ValidatePersistentVolume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.clock import rfc3339
from apiserver.machinery.names import is_dns1123_subdomain
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    forbidden,
    immutable,
    invalid,
    not_supported,
    required,
    same,
)
from apiserver.resource import Resource
from apiserver.resources.core.claim_validation import VOLUME_MODES, access_mode_errors
from apiserver.resources.core.diff import spec_diff
from apiserver.resources.core.paths import needs, no_backsteps
from apiserver.resources.core.pod_defaults import round_amounts
from apiserver.resources.core.resource_validation import amount_errors, positive_amount_errors
from apiserver.resources.core.scheduling_validation import node_selector_errors
from apiserver.resources.core.volume_validation import csi_driver_name_errors, source_errors
from apiserver.resources.printing import AGE, NAME, UNSET, dig, field, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_SPEC: Final = Path("spec")
_POLICIES: Final = ("Delete", "Recycle", "Retain")
_SOURCES: Final = (
    "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "glusterfs", "flocker", "nfs", "rbd",
    "quobyte", "cephfs", "iscsi", "cinder", "fc", "flexVolume", "azureFile", "vsphereVolume",
    "photonPersistentDisk", "portworxVolume", "azureDisk", "scaleIO", "local", "storageos", "csi")
_SHORT_MODES: Final = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX",
                       "ReadWriteOncePod": "RWOP"}
_PHASES: Final = ("Pending", "Available", "Bound", "Released", "Failed")


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
        return _spec_errors(obj.get("spec") or {})

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        spec, before = obj.get("spec") or {}, old.get("spec") or {}
        errors = _spec_errors(spec)
        sources = [{name: s[name] for name in _SOURCES if name in s} for s in (spec, before)]
        _allow_new_secret(*sources)
        if not same(*sources):
            path = _SPEC.child("persistentvolumesource")
            text = spec_diff("PersistentVolumeSource", sources[1], sources[0])
            errors.append(forbidden(path, f"{path} is immutable after creation\n{text}"))
        errors += immutable(Path("volumeMode"), spec.get("volumeMode"), before.get("volumeMode"))
        affinity = before.get("nodeAffinity")
        if affinity is not None and not same(spec.get("nodeAffinity"), affinity):
            errors.append(invalid(Path("nodeAffinity"), spec.get("nodeAffinity"),
                                  "field is immutable"))
        return errors

    def prepare_status_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        status, before = obj.get("status") or {}, old.get("status") or {}
        if status.get("phase") != before.get("phase") and (
                status.get("lastPhaseTransitionTime") == before.get("lastPhaseTransitionTime")):
            status["lastPhaseTransitionTime"] = rfc3339(ctx.now)


def _allow_new_secret(source: Object, before: Object) -> None:
    """A CSI volume may get a secret for expansion on nodes or on the controller later."""
    for name in ("controllerExpandSecretRef", "nodeExpandSecretRef"):
        if dig(before, "csi", name) is None and dig(source, "csi", name) is not None:
            source["csi"] = {key: value for key, value in source["csi"].items() if key != name}


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


def _spec_errors(spec: Object) -> list[FieldError]:
    modes = spec.get("accessModes") or []
    errors = [] if modes else [required(_SPEC.child("accessModes"))]
    errors += access_mode_errors(modes, _SPEC.child("accessModes"))
    errors += _capacity_errors(spec.get("capacity") or None, _SPEC.child("capacity"))
    policy, own = spec.get("persistentVolumeReclaimPolicy"), _SPEC.child(
        "persistentVolumeReclaimPolicy")
    if policy and policy not in _POLICIES:
        errors.append(not_supported(own, policy, _POLICIES))
    affinity = dig(spec, "nodeAffinity", "required")
    errors += _affinity_errors(spec.get("nodeAffinity"), _SPEC.child("nodeAffinity"))
    errors += _source_errors(spec, pinned=affinity is not None)
    host = dig(spec, "hostPath", "path")
    if host and not host.strip("/") and policy == "Recycle":
        errors.append(forbidden(own, "may not be 'recycle' for a hostPath mount of '/'"))
    errors += _class_errors(spec)
    return errors


def _capacity_errors(capacity: Object | None, path: Path) -> list[FieldError]:
    errors = [] if capacity else [required(path)]
    if not capacity or set(capacity) != {"storage"}:
        errors.append(not_supported(path, capacity, ["storage"]))
    for name, amount in (capacity or {}).items():
        own = path.key(name)
        errors += amount_errors("", amount, own) + positive_amount_errors(amount, own)
    return errors


def _affinity_errors(affinity: Object | None, path: Path) -> list[FieldError]:
    if affinity is None:
        return []
    if affinity.get("required") is None:
        return [required(path.child("required"), "must specify required node constraints")]
    return node_selector_errors(affinity["required"], path.child("required"))


def _source_errors(spec: Object, *, pinned: bool) -> list[FieldError]:
    errors: list[FieldError] = []
    given = [name for name in _SOURCES if spec.get(name) is not None]
    for i, name in enumerate(given):
        path, source = _SPEC.child(name), spec[name]
        if i:
            errors.append(forbidden(path, "may not specify more than 1 volume type"))
        elif name == "local":
            errors += needs("path")(source, path)
            errors += no_backsteps(source.get("path") or "", path.child("path"))
            if not pinned:
                errors.append(required(Path("metadata.annotations"),
                                       "Local volume requires node affinity"))
        elif name == "csi":
            errors += _csi_errors(source, path)
        else:
            errors += source_errors({name: source}, _SPEC, "", "")
    return errors if given else [required(_SPEC, "must specify a volume type")]


def _csi_errors(source: Object, path: Path) -> list[FieldError]:
    errors = csi_driver_name_errors(source.get("driver") or "", path.child("driver"))
    if not source.get("volumeHandle"):
        errors.append(required(path.child("volumeHandle")))
    for name in ("controllerPublishSecretRef", "controllerExpandSecretRef",
                 "nodePublishSecretRef", "nodeExpandSecretRef"):
        if source.get(name) is not None:
            errors += needs("name", "namespace")(source[name], path.child(name))
    return errors


def _class_errors(spec: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    name = spec.get("storageClassName")
    if name:
        errors += all_invalid(_SPEC.child("storageClassName"), name, is_dns1123_subdomain(name))
    mode = spec.get("volumeMode")
    if mode is not None and mode not in VOLUME_MODES:
        errors.append(not_supported(_SPEC.child("volumeMode"), mode, VOLUME_MODES))
    attributes, path = spec.get("volumeAttributesClassName"), _SPEC.child(
        "volumeAttributesClassName")
    if attributes is None:
        return errors
    if not attributes:
        return [*errors, required(path, "an empty string is disallowed")]
    errors += all_invalid(path, attributes, is_dns1123_subdomain(attributes))
    if spec.get("csi") is None:
        errors.append(required(_SPEC.child("csi"),
                               "has to be specified when using volumeAttributesClassName"))
    return errors


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
    old = dig(obj, "metadata", "annotations", "volume.beta.kubernetes.io/storage-class")
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
