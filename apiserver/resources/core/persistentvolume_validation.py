"""What is wrong with a persistent volume. Models ValidatePersistentVolumeSpec,
ValidatePersistentVolumeUpdate and pkg/api/persistentvolume/util.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_dns1123_label, is_dns1123_subdomain
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
from apiserver.resources.core.claim_validation import VOLUME_MODES, access_mode_errors
from apiserver.resources.core.diff import spec_diff
from apiserver.resources.core.paths import needs, no_backsteps
from apiserver.resources.core.pod_warnings import node_term_warnings
from apiserver.resources.core.resource_validation import (
    basic_amount_errors,
    positive_amount_errors,
)
from apiserver.resources.core.scheduling_validation import node_selector_errors
from apiserver.resources.core.volume_validation import csi_driver_name_errors, source_errors
from apiserver.resources.printing import dig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apiserver.machinery.types import Object

_SPEC: Final = Path("spec")
_POLICIES: Final = ("Delete", "Recycle", "Retain")
_SOURCES: Final = (
    "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "glusterfs", "flocker", "nfs", "rbd",
    "quobyte", "cephfs", "iscsi", "cinder", "fc", "flexVolume", "azureFile", "vsphereVolume",
    "photonPersistentDisk", "portworxVolume", "azureDisk", "scaleIO", "local", "storageos", "csi")
_GROWN: Final = {
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
    "beta.kubernetes.io/os": "kubernetes.io/os",
    "beta.kubernetes.io/arch": "kubernetes.io/arch",
    "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
}
"""Labels of nodes under their old names and their present ones."""
_MORE_PATHS: Final = {"cephfs": "cephFS"}
_NAMESPACED: Final = {"cinder": "secretRef.namespace", "storageos": "secretRef.namespace"}
"""What a persistent volume's source needs besides what a pod's does."""
_RECYCLE: Final = ("The Recycle reclaim policy is deprecated. Instead, the recommended approach is "
                   "to use dynamic provisioning.")
OLD_CLASS: Final = "volume.beta.kubernetes.io/storage-class"
OLD_CLASS_TEXT: Final = 'deprecated since v1.8; use "storageClassName" attribute instead'
_OLD_ANNOTATIONS: Final = {
    OLD_CLASS: OLD_CLASS_TEXT,
    "volume.beta.kubernetes.io/mount-options":
        'deprecated since v1.31; use "mountOptions" attribute instead',
}
_OLD_SOURCES: Final = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}


def spec_errors(spec: Object) -> list[FieldError]:
    """What is wrong with a PersistentVolumeSpec."""
    modes = spec.get("accessModes") or []
    errors = [] if modes else [required(_SPEC.child("accessModes"))]
    errors += access_mode_errors(modes, _SPEC.child("accessModes"))
    errors += _capacity_errors(spec.get("capacity") or None, _SPEC.child("capacity"))
    policy, own = spec.get("persistentVolumeReclaimPolicy"), _SPEC.child(
        "persistentVolumeReclaimPolicy")
    if policy and policy not in _POLICIES:
        errors.append(not_supported(own, policy, _POLICIES))
    errors += _affinity_errors(spec.get("nodeAffinity"), _SPEC.child("nodeAffinity"))
    errors += _source_errors(spec)
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
        errors += basic_amount_errors(amount, own) + positive_amount_errors(amount, own)
    return errors


def _affinity_errors(affinity: Object | None, path: Path) -> list[FieldError]:
    if affinity is None:
        return []
    if affinity.get("required") is None:
        return [required(path.child("required"), "must specify required node constraints")]
    return node_selector_errors(affinity["required"], path.child("required"))


def _source_errors(spec: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    given = [name for name in _SOURCES if spec.get(name) is not None]
    for i, name in enumerate(given):
        path, source = _SPEC.child(name), spec[name]
        if i and name != "flexVolume":
            errors.append(forbidden(_SPEC.child(_MORE_PATHS.get(name, name)),
                                    "may not specify more than 1 volume type"))
        elif name == "local":
            errors += needs("path")(source, path)
            errors += no_backsteps(source.get("path") or "", path.child("path"))
            if spec.get("nodeAffinity") is None:
                errors.append(required(_SPEC.child("nodeAffinity"),
                                       "Local volume requires node affinity"))
        elif name == "csi":
            errors += _csi_errors(source, path)
        else:
            errors += source_errors({name: source}, _SPEC, "", "")
        if not i and name in _NAMESPACED:
            errors += needs(_NAMESPACED[name])(source, path)
    return errors if given else [required(_SPEC, "must specify a volume type")]


def _csi_errors(source: Object, path: Path) -> list[FieldError]:
    errors = csi_driver_name_errors(source.get("driver") or "", path.child("driver"))
    if not source.get("volumeHandle"):
        errors.append(required(path.child("volumeHandle")))
    for name in ("controllerPublishSecretRef", "controllerExpandSecretRef",
                 "nodePublishSecretRef", "nodeExpandSecretRef"):
        if source.get(name) is not None:
            errors += _secret_errors(source[name], path.child(name))
    return errors


def _secret_errors(secret: Object, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    for name, check in (("name", is_dns1123_subdomain), ("namespace", is_dns1123_label)):
        value = secret.get(name)
        errors += (all_invalid(path.child(name), value, check(value)) if value
                   else [required(path.child(name))])
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


def change_errors(spec: Object, before: Object) -> list[FieldError]:
    """What of a changed spec may not change."""
    errors: list[FieldError] = []
    new, old = _sources(spec), _sources(before)
    _allow_new_secret(new, old)
    if not same(new, old):
        path = _SPEC.child("persistentvolumesource")
        text = spec_diff("PersistentVolumeSource", old, new)
        errors.append(forbidden(path, f"{path} is immutable after creation\n{text}"))
    errors += immutable(Path("volumeMode"), spec.get("volumeMode"), before.get("volumeMode"))
    return errors + _affinity_changes(spec, before) + _class_changes(spec, before)


def _sources(spec: Object) -> Object:
    return {name: spec[name] for name in _SOURCES if name in spec}


def _allow_new_secret(source: Object, before: Object) -> None:
    """A CSI volume may get a secret for its expansion later."""
    name = "controllerExpandSecretRef"
    if "csi" in before and dig(before, "csi", name) is None and "csi" in source:
        source["csi"] = {key: value for key, value in source["csi"].items() if key != name}


def _affinity_changes(spec: Object, before: Object) -> list[FieldError]:
    new, old = spec.get("nodeAffinity"), before.get("nodeAffinity")
    if old is None or same(new, _renamed(old, new)):
        return []
    return [invalid(Path("nodeAffinity"), new,
                    "field is immutable, except for updating from beta label to GA")]


def _renamed(old: Object, new: Object | None) -> Object:
    """The old affinity, with the keys of labels that have grown up since where `new` has them."""
    terms = dig(old, "required", "nodeSelectorTerms") or []
    now = dig(new, "required", "nodeSelectorTerms") or []
    if [len(t.get("matchExpressions") or ()) for t in terms] != [
            len(t.get("matchExpressions") or ()) for t in now]:
        return old
    renamed = [{**term, "matchExpressions": [
        {**a, "key": b["key"]} if _GROWN.get(a["key"]) == b.get("key") else a
        for a, b in zip(term.get("matchExpressions") or (), other.get("matchExpressions") or (),
                        strict=True)]} for term, other in zip(terms, now, strict=True)]
    return {**old, "required": {**old["required"], "nodeSelectorTerms": renamed}} if renamed \
        else old


def _class_changes(spec: Object, before: Object) -> list[FieldError]:
    name = "volumeAttributesClassName"
    if before.get(name) is None or spec.get(name) is not None:
        return []
    return [forbidden(_SPEC.child(name), "update from non-nil value to nil is forbidden")]


def pv_warnings(volume: Object) -> Iterator[str]:
    """Warnings about old annotations, policies, labels and sources
    (pkg/api/persistentvolume/util.go)."""
    spec, annotations = volume.get("spec") or {}, volume["metadata"].get("annotations") or {}
    for key, text in _OLD_ANNOTATIONS.items():
        if key in annotations:
            yield f"metadata.annotations[{key}]: {text}"
    if spec.get("persistentVolumeReclaimPolicy") == "Recycle":
        yield f"spec.persistentVolumeReclaimPolicy: {_RECYCLE}"
    path = _SPEC.child("nodeAffinity", "required", "nodeSelectorTerms")
    for i, term in enumerate(dig(spec, "nodeAffinity", "required", "nodeSelectorTerms") or ()):
        yield from node_term_warnings(term, path.at(i))
    for name, text in _OLD_SOURCES.items():
        if spec.get(name) is not None:
            yield f"spec.persistentVolumeSource.{name}: {text}"
