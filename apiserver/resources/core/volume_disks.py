"""Volumes on disks and servers outside of Kubernetes. Models their parts of
pkg/apis/core/validation; persistent volumes use them too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import range_error
from apiserver.machinery.validation import FieldError, Path, invalid, not_supported, required
from apiserver.resources.core.paths import needs, no_backsteps

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

_HOST_PATH_TYPES: Final = ("", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate",
                           "File", "FileOrCreate", "Socket")
_IQN: Final = re.compile(r"iqn\.\d{4}-\d{2}\.([\w.-]+)(:[^,;*&$|\s]+)$", re.ASCII)
_EUI: Final = re.compile(r"eui.[A-Za-z0-9]{16}$")
_NAA: Final = re.compile(r"naa.[A-Za-z0-9]{32}$")


def host_path(source: Object, path: Path) -> list[FieldError]:
    """A path on the node."""
    if not source.get("path"):
        return [required(path.child("path"))]
    errors = no_backsteps(source["path"], path.child("path"))
    kind = source.get("type")
    if kind is not None and kind not in _HOST_PATH_TYPES:
        errors.append(not_supported(path.child("type"), kind, _HOST_PATH_TYPES))
    return errors


def _partition(source: Object, path: Path) -> list[FieldError]:
    partition = source.get("partition") or 0
    return ([] if 0 <= partition <= 255
            else [invalid(path.child("partition"), partition, range_error(1, 255))])


def gce_disk(source: Object, path: Path) -> list[FieldError]:
    """A GCE disk."""
    return needs("pdName")(source, path) + _partition(source, path)


def aws_disk(source: Object, path: Path) -> list[FieldError]:
    """An AWS disk."""
    return needs("volumeID")(source, path) + _partition(source, path)


def nfs(source: Object, path: Path) -> list[FieldError]:
    """An NFS export."""
    errors = needs("server", "path")(source, path)
    if not (source.get("path") or "").startswith("/"):
        errors.append(invalid(path.child("path"), source.get("path") or "",
                              "must be an absolute path"))
    return errors


def iscsi(source: Object, path: Path) -> list[FieldError]:
    """An iSCSI disk."""
    errors = needs("targetPortal")(source, path)
    if not source.get("iqn"):
        errors.append(required(path.child("iqn")))
    else:
        errors += _initiator(source["iqn"], path.child("iqn"))
    lun = source.get("lun") or 0
    if not 0 <= lun <= 255:
        errors.append(invalid(path.child("lun"), lun, range_error(0, 255)))
    if (source.get("chapAuthDiscovery") or source.get("chapAuthSession")) \
            and source.get("secretRef") is None:
        errors.append(required(path.child("secretRef")))
    errors += needs("secretRef.name")(source, path)
    if source.get("initiatorName") is not None:
        errors += _initiator(source["initiatorName"], path.child("initiatorname"))
    return errors


def _initiator(name: str, path: Path) -> list[FieldError]:
    pattern = {"iqn": _IQN, "eui": _EUI, "naa": _NAA}.get(name[:3])
    if pattern is None:
        return [invalid(path, name, "must be valid format starting with iqn, eui, or naa")]
    found = pattern.search(name) if pattern is _IQN else pattern.match(name)
    return [] if found else [invalid(path, name, "must be valid format")]


def quobyte(source: Object, path: Path) -> list[FieldError]:
    """A Quobyte volume."""
    pairs = "must be a host:port pair or multiple pairs separated by commas"
    errors = []
    if not source.get("registry"):
        errors.append(required(path.child("registry"), pairs))
    elif len(source.get("tenant") or "") >= 65:
        errors.append(required(path.child("tenant"),
                               "must be a UUID and may not exceed a length of 64 characters"))
    else:
        errors += [invalid(path.child("registry"), source["registry"], pairs)
                   for pair in source["registry"].split(",") if pair.count(":") != 1]
    return errors + needs("volume")(source, path)


def fibre_channel(source: Object, path: Path) -> list[FieldError]:
    """A fibre channel disk."""
    targets, wwids = source.get("targetWWNs") or [], source.get("wwids") or []
    errors = []
    if not targets and not wwids:
        errors.append(required(path.child("targetWWNs"),
                               "must specify either targetWWNs or wwids, but not both"))
    if targets and wwids:
        errors.append(invalid(path.child("targetWWNs"), targets,
                              "targetWWNs and wwids can not be specified simultaneously"))
    lun = source.get("lun")
    if targets and lun is None:
        errors.append(required(path.child("lun"), "lun is required if targetWWNs is specified"))
    elif targets and lun is not None and not 0 <= lun <= 255:
        errors.append(invalid(path.child("lun"), lun, range_error(0, 255)))
    return errors


def flex(source: Object, path: Path) -> list[FieldError]:
    """A flex volume; options of Kubernetes' own are reserved."""
    errors = needs("driver")(source, path)
    for key in source.get("options") or {}:
        domain = f".{key.partition('/')[0].lower()}"
        if domain.endswith((".kubernetes.io", ".k8s.io")):
            errors.append(invalid(path.child("options").key(key), key,
                                  "kubernetes.io and k8s.io namespaces are reserved"))
    return errors


def azure_disk(source: Object, path: Path) -> list[FieldError]:
    """An Azure disk."""
    errors = needs("diskName", "diskURI")(source, path)
    caching, kind = source.get("cachingMode"), source.get("kind")
    if caching is not None and caching not in ("None", "ReadOnly", "ReadWrite"):
        errors.append(not_supported(path.child("cachingMode"), caching,
                                    ["None", "ReadOnly", "ReadWrite"]))
    if kind is not None and kind not in ("Dedicated", "Managed", "Shared"):
        errors.append(not_supported(path.child("kind"), kind, ["Dedicated", "Managed", "Shared"]))
    uri = source.get("diskURI") or ""
    start, form = _AZURE_URI["Managed" if kind == "Managed" else ""]
    if kind is not None and not uri.startswith(start):
        errors.append(not_supported(path.child("diskURI"), uri, [form]))
    return errors


_AZURE_URI: Final = {
    "Managed": ("/subscriptions/", "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/"
                "microsoft.compute/disks/{disk-id}"),
    "": ("https://",
         "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"),
}
