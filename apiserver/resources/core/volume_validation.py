"""What is wrong with a pod's volumes. Models validateVolumeSource and its parts of
pkg/apis/core/validation, in the order in which Kubernetes looks at the sources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.names import is_dns1123_label, is_dns1123_subdomain
from apiserver.machinery.quantity import parse_quantity
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    forbidden,
    invalid,
    not_supported,
    required,
    too_long,
)
from apiserver.resources.core.claim_validation import claim_template_errors
from apiserver.resources.core.paths import descending_path, key_to_path, mode_errors, needs
from apiserver.resources.core.volume_disks import (
    aws_disk,
    azure_disk,
    fibre_channel,
    flex,
    gce_disk,
    host_path,
    iscsi,
    nfs,
    quobyte,
)
from apiserver.resources.core.volume_projections import downward, projected

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from apiserver.machinery.types import Object

_MORE: Final = "may not specify more than 1 volume type"
_PORTAL: Final = ("Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters "
                  "if iscsi.initiatorName is specified.")


def volumes_errors(volumes: Sequence[Object], pod_name: str,
                   path: Path) -> tuple[dict[str, Object], list[FieldError]]:
    """(the good volumes by name, what is wrong); `pod_name` is '' in a template."""
    errors: list[FieldError] = []
    good: dict[str, Object] = {}
    created = {f"{pod_name}-{v.get('name')}" for v in volumes if pod_name and v.get("ephemeral")}
    for i, volume in enumerate(volumes):
        own, name = path.at(i), volume.get("name") or ""
        wrong = source_errors(volume, own, name, pod_name)
        wrong += (all_invalid(own.child("name"), name, is_dns1123_label(name)) if name
                  else [required(own.child("name"))])
        if name in good:
            wrong.append(duplicate(own.child("name"), name))
        if not wrong:
            good[name] = volume
        errors += wrong
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if claim in created:
            errors.append(invalid(own.child("persistentVolumeClaim", "claimName"), claim,
                                  "must not reference a PVC that gets created for an ephemeral "
                                  "volume"))
    return good, errors


def source_errors(volume: Object, path: Path, name: str, pod_name: str) -> list[FieldError]:
    """What is wrong with a volume's source (validateVolumeSource)."""
    errors: list[FieldError] = []
    count = 0
    for key, (more, own, check) in _SOURCES.items():
        source = volume.get(key)
        if source is None:
            continue
        count += 1
        errors += ([forbidden(path.child(more), _MORE)] if count > 1
                   else check(source, path.child(own)))
        if key == "iscsi" and _portal_too_long(source, name):
            errors.append(invalid(path.child("name"), name, _PORTAL))
        if key == "ephemeral" and count == 1 and pod_name and name:
            claim = f"{pod_name}-{name}"
            errors += [invalid(path.child("name"), name, f'PVC name "{claim}": {text}')
                       for text in is_dns1123_subdomain(claim)]
    if not count:
        errors.append(required(path, "must specify a volume type"))
    return errors


def _portal_too_long(source: Object, name: str) -> bool:
    return (source.get("initiatorName") is not None
            and len(f"{name}:{source.get('targetPortal', '')}") > 64)


def _empty_dir(source: Object, path: Path) -> list[FieldError]:
    limit = source.get("sizeLimit")
    if limit is not None and parse_quantity(limit).nano < 0:
        return [forbidden(path.child("sizeLimit"),
                          "SizeLimit field must be a valid resource quantity")]
    return []


def _git_repo(source: Object, path: Path) -> list[FieldError]:
    return (needs("repository")(source, path)
            + descending_path(source.get("directory") or "", path.child("directory")))


def _files(name: str) -> Callable[[Object, Path], list[FieldError]]:
    def check(source: Object, path: Path) -> list[FieldError]:
        errors = needs(name)(source, path)
        errors += mode_errors(source.get("defaultMode"), path.child("defaultMode"))
        for i, item in enumerate(source.get("items") or ()):
            errors += key_to_path(item, path.child("items").at(i))
        return errors
    return check


def _flocker(source: Object, path: Path) -> list[FieldError]:
    name, uid = source.get("datasetName") or "", source.get("datasetUUID")
    errors = []
    if not name and not uid:
        errors.append(required(path, "one of datasetName and datasetUUID is required"))
    if name and uid:
        errors.append(invalid(path, "resource",
                              "datasetName and datasetUUID can not be specified simultaneously"))
    if "/" in name:
        errors.append(invalid(path.child("datasetName"), name, "must not contain '/'"))
    return errors


def csi_driver_name_errors(name: str, path: Path) -> list[FieldError]:
    """The name of a CSI driver."""
    errors = [] if name else [required(path)]
    if len(name) > 63:
        errors.append(too_long(path, 63))
    return errors + all_invalid(path, name, is_dns1123_subdomain(name.lower()))


def _csi(source: Object, path: Path) -> list[FieldError]:
    errors = csi_driver_name_errors(source.get("driver") or "", path.child("driver"))
    secret = source.get("nodePublishSecretRef")
    if secret is None:
        return errors
    name = secret.get("name")
    if not name:
        return [*errors, required(path.child("nodePublishSecretRef", "name"))]
    return errors + all_invalid(path.child("name"), name, is_dns1123_subdomain(name))


def storage_os(source: Object, path: Path) -> list[FieldError]:
    """A StorageOS volume."""
    errors = needs("volumeName")(source, path)
    for name in ("volumeName", "volumeNamespace"):
        if source.get(name):
            errors += all_invalid(path.child(name), source[name], is_dns1123_label(source[name]))
    return errors + needs("secretRef.name")(source, path)


def _ephemeral(source: Object, path: Path) -> list[FieldError]:
    template = source.get("volumeClaimTemplate")
    if template is None:
        return [required(path.child("volumeClaimTemplate"))]
    return claim_template_errors(template, path.child("volumeClaimTemplate"))


def _image(source: Object, path: Path) -> list[FieldError]:
    errors = needs("reference")(source, path)
    policy = source.get("pullPolicy") or ""
    if policy not in ("Always", "IfNotPresent", "Never"):
        errors.append(not_supported(path.child("pullPolicy"), policy,
                                    ["Always", "IfNotPresent", "Never"]) if policy
                      else required(path.child("pullPolicy")))
    return errors


def _same(name: str, check: Any, *, more: str = "", own: str = "") -> tuple[str, Any]:
    return name, (more or name, own or name, check)


_SOURCES: Final[Mapping[str, tuple[str, str, Callable[[Object, Path], list[FieldError]]]]] = dict([
    _same("emptyDir", _empty_dir),
    _same("hostPath", host_path),
    _same("gitRepo", _git_repo),
    _same("gcePersistentDisk", gce_disk, own="persistentDisk"),
    _same("awsElasticBlockStore", aws_disk),
    _same("secret", _files("secretName")),
    _same("nfs", nfs),
    _same("iscsi", iscsi),
    _same("glusterfs", needs("endpoints", "path")),
    _same("flocker", _flocker),
    _same("persistentVolumeClaim", needs("claimName")),
    _same("rbd", needs("monitors", "image")),
    _same("cinder", needs("volumeID", "secretRef.name")),
    _same("cephfs", needs("monitors"), more="cephFS"),
    _same("quobyte", quobyte),
    _same("downwardAPI", downward, more="downwarAPI"),
    _same("fc", fibre_channel),
    _same("flexVolume", flex),
    _same("configMap", _files("name")),
    _same("azureFile", needs("secretName", "shareName")),
    _same("vsphereVolume", needs("volumePath")),
    _same("photonPersistentDisk", needs("pdID")),
    _same("portworxVolume", needs("volumeID")),
    _same("azureDisk", azure_disk),
    _same("storageos", storage_os),
    _same("projected", projected),
    _same("scaleIO", needs("gateway", "system", "volumeName")),
    _same("csi", _csi),
    _same("ephemeral", _ephemeral),
    _same("image", _image),
])
"""JSON name -> (name in "more than one", name in its own complaints, check), in order."""
