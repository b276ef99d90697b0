"""References to fields and resources of the pod (downward API). Models
validateObjectFieldSelector and validateContainerResourceFieldSelector.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_qualified_name
from apiserver.machinery.quantity import parse_quantity
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    invalid,
    not_supported,
    required,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object

VOLUME_FIELDS: Final = ("metadata.annotations", "metadata.labels", "metadata.name",
                        "metadata.namespace", "metadata.uid")
ENV_FIELDS: Final = ("metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName",
                     "spec.serviceAccountName", "status.hostIP", "status.hostIPs",
                     "status.podIP", "status.podIPs")
_KNOWN: Final = frozenset((*VOLUME_FIELDS, *ENV_FIELDS, "spec.restartPolicy",
                           "spec.schedulerName", "status.phase"))
_SUBSCRIPT: Final = re.compile(r"(?P<path>.*)\['(?P<key>.*)'\]", re.DOTALL)
_RESOURCES: Final = ("limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu",
                     "requests.ephemeral-storage", "requests.memory")
_HUGE: Final = ("requests.hugepages-", "limits.hugepages-")
_UNITS: Final = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")


def field_ref_errors(reference: Object, allowed: Sequence[str], path: Path) -> list[FieldError]:
    """What is wrong with an ObjectFieldSelector."""
    version, name = reference.get("apiVersion"), reference.get("fieldPath")
    if not version:
        return [required(path.child("apiVersion"))]
    if not name:
        return [required(path.child("fieldPath"))]
    match = _SUBSCRIPT.fullmatch(name)
    base = match["path"] if match else name
    if version != "v1" or (base not in _KNOWN and base != "spec.host"):
        why = (f"unsupported pod version: {version}" if version != "v1"
               else f"field label not supported: {base if match else name}")
        return [invalid(path.child("fieldPath"), name, f"error converting fieldPath: {why}")]
    if match:
        return _subscript_errors(base, match["key"], path)
    base = "spec.nodeName" if base == "spec.host" else base
    if base not in allowed:
        return [not_supported(path.child("fieldPath"), base, allowed)]
    return []


def _subscript_errors(base: str, key: str, path: Path) -> list[FieldError]:
    if base == "metadata.annotations":
        return all_invalid(path, key.lower(), is_qualified_name(key.lower()))
    if base == "metadata.labels":
        return all_invalid(path, key, is_qualified_name(key))
    return [invalid(path, base, "does not support subscript")]


def resource_field_errors(reference: Object, path: Path, *, volume: bool) -> list[FieldError]:
    """What is wrong with a ResourceFieldSelector."""
    name = reference.get("resource") or ""
    errors = []
    if volume and not reference.get("containerName"):
        errors.append(required(path.child("containerName")))
    elif not name:
        errors.append(required(path.child("resource")))
    elif name not in _RESOURCES and not name.startswith(_HUGE):
        errors.append(not_supported(path.child("resource"), name, _RESOURCES))
    return errors + _divisor_errors(name, reference.get("divisor"), path.child("divisor"))


def _divisor_errors(name: str, divisor: str | None, path: Path) -> list[FieldError]:
    amount = parse_quantity(divisor or "0")
    what = name.partition(".")[2]
    if amount.is_zero or not what:
        return []
    units, shown, label = (("1m", "1"), "1m and 1", "cpu") if what == "cpu" else (
        _UNITS, ", ".join(_UNITS), _LABELS.get(what, "hugepages" if "hugepages-" in what else ""))
    if not label or str(amount) in units:
        return []
    return [invalid(path, name,
                    f"only divisor's values {shown} are supported with the {label} resource")]


_LABELS: Final = {"memory": "memory", "ephemeral-storage": "local ephemeral storage"}
