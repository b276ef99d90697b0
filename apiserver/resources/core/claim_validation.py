"""What is wrong with a claim for storage. Models ValidatePersistentVolumeClaimSpec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_dns1123_label, is_dns1123_subdomain
from apiserver.machinery.selectors import selector_errors
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    forbidden,
    invalid,
    not_supported,
    required,
)
from apiserver.resources.core.resource_validation import amount_errors, positive_amount_errors
from apiserver.resources.metadata import validate_annotations, validate_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object

ACCESS_MODES: Final = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_META_FIELDS: Final = (
    "name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation",
    "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "ownerReferences",
    "finalizers", "managedFields")
"""What a template's metadata may not have, in the order of ObjectMeta's fields."""
VOLUME_MODES: Final = ("Block", "Filesystem")


def claim_template_errors(template: Object, path: Path) -> list[FieldError]:
    """A PersistentVolumeClaimTemplate of an ephemeral volume; only labels and annotations."""
    meta = template.get("metadata") or {}
    own = path.child("metadata")
    errors = validate_annotations(meta.get("annotations"), own.child("annotations"))
    errors += validate_labels(meta.get("labels"), own.child("labels"))
    errors += [forbidden(own.child(name), "cannot be set") for name in _META_FIELDS
               if meta.get(name) not in (None, "", 0, [])]
    return errors + claim_spec_errors(template.get("spec") or {}, path.child("spec"))


def access_mode_errors(modes: Sequence[str], path: Path) -> list[FieldError]:
    """Known modes; ReadWriteOncePod stands alone."""
    errors = [not_supported(path, mode, ACCESS_MODES)
              for mode in modes if mode not in ACCESS_MODES]
    known = {mode for mode in modes if mode in ACCESS_MODES}
    if "ReadWriteOncePod" in known and len(known) > 1:
        errors.append(forbidden(path, "may not use ReadWriteOncePod with other access modes"))
    return errors


def claim_spec_errors(spec: Object, path: Path) -> list[FieldError]:
    """What is wrong with a PersistentVolumeClaimSpec."""
    modes = spec.get("accessModes") or ()
    errors = []
    if not modes:
        errors.append(required(path.child("accessModes"), "at least 1 access mode is required"))
    errors += selector_errors(spec.get("selector"), path.child("selector"))
    errors += access_mode_errors(modes, path.child("accessModes"))
    errors += _storage_errors(spec, path.child("resources").key("storage"))
    errors += _class_errors(spec.get("storageClassName"), path.child("storageClassName"))
    mode = spec.get("volumeMode")
    if mode is not None and mode not in VOLUME_MODES:
        errors.append(not_supported(path.child("volumeMode"), mode, VOLUME_MODES))
    errors += _data_source_errors(spec, path)
    return errors + _class_errors(spec.get("volumeAttributesClassName"),
                                  path.child("volumeAttributesClassName"))


def _class_errors(name: str | None, path: Path) -> list[FieldError]:
    return all_invalid(path, name, is_dns1123_subdomain(name)) if name else []


def _storage_errors(spec: Object, path: Path) -> list[FieldError]:
    requests = (spec.get("resources") or {}).get("requests") or {}
    if "storage" not in requests:
        return [required(path)]
    return (positive_amount_errors(requests["storage"], path)
            or amount_errors("storage", requests["storage"], path))


def _data_source_errors(spec: Object, path: Path) -> list[FieldError]:
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    errors = []
    if source is not None:
        errors += _reference_errors(source, path.child("dataSource"))
    if reference is not None:
        errors += _reference_errors(reference, path.child("dataSourceRef"))
    if source is None or reference is None:
        return errors
    if reference.get("namespace"):
        errors.append(invalid(path, path.child("dataSource"),
                              "may not be specified when dataSourceRef.namespace is specified"))
    elif any(source.get(k) != reference.get(k) for k in ("apiGroup", "kind", "name")):
        errors.append(invalid(path, path.child("dataSource"), "must match dataSourceRef"))
    return errors


def _reference_errors(reference: Object, path: Path) -> list[FieldError]:
    errors = [required(path.child(name)) for name in ("name", "kind") if not reference.get(name)]
    group = reference.get("apiGroup") or ""
    if not group and reference.get("kind") != "PersistentVolumeClaim":
        errors.append(invalid(path, reference.get("kind") or "",
                              "must be 'PersistentVolumeClaim' when referencing the default "
                              "apiGroup"))
    if group:
        errors += all_invalid(path.child("apiGroup"), group, is_dns1123_subdomain(group))
    if reference.get("namespace"):
        errors += all_invalid(path.child("namespace"), reference["namespace"],
                              is_dns1123_label(reference["namespace"]))
    return errors
