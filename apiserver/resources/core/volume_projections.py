"""Volumes made of other objects: downward API and projected. Models validateProjectionSources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.selectors import selector_errors
from apiserver.machinery.validation import (
    FieldError,
    Path,
    forbidden,
    invalid,
    required,
    shown_selector,
)
from apiserver.resources.core.field_refs import (
    VOLUME_FIELDS,
    field_ref_errors,
    resource_field_errors,
)
from apiserver.resources.core.paths import key_to_path, local_path, mode_errors, needs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from apiserver.machinery.types import Object


def downward(source: Object, path: Path) -> list[FieldError]:
    """Files with what the pod knows of itself."""
    errors = mode_errors(source.get("defaultMode"), path.child("defaultMode"))
    for item in source.get("items") or ():
        errors += _downward_file(item, path)
    return errors


def _downward_file(item: Object, path: Path) -> list[FieldError]:
    errors = needs("path")(item, path) + local_path(item.get("path") or "", path.child("path"))
    field, resource = item.get("fieldRef"), item.get("resourceFieldRef")
    if field is not None:
        errors += field_ref_errors(field, VOLUME_FIELDS, path.child("fieldRef"))
        if resource is not None:
            errors.append(invalid(path, "resource", "fieldRef and resourceFieldRef can not be "
                                  "specified simultaneously"))
    elif resource is not None:
        errors += resource_field_errors(resource, path.child("resourceFieldRef"), volume=True)
    else:
        errors.append(required(path, "one of fieldRef and resourceFieldRef is required"))
    return errors + mode_errors(item.get("mode"), path.child("mode"))


def projected(source: Object, path: Path) -> list[FieldError]:
    """Several sources in one directory."""
    errors = mode_errors(source.get("defaultMode"), path.child("defaultMode"))
    seen: set[str] = set()
    for i, part in enumerate(source.get("sources") or ()):
        own = path.child("sources").at(i)
        kinds = [kind for kind in _PROJECTIONS if part.get(kind) is not None]
        for kind in kinds:
            errors += _PROJECTIONS[kind](part[kind], own.child(kind), path, seen)
        if len(kinds) > 1:
            errors.append(forbidden(own, "may not specify more than 1 volume type per source"))
    return errors


def _taken(file: str, shown: str, path: Path, seen: set[str]) -> list[FieldError]:
    if not file:
        return []
    if file in seen:
        return [invalid(path, shown, "conflicting duplicate paths")]
    seen.add(file)
    return []


def _project_files(source: Object, own: Path, path: Path, seen: set[str]) -> list[FieldError]:
    errors = needs("name")(source, own)
    for i, item in enumerate(source.get("items") or ()):
        errors += key_to_path(item, own.child("items").at(i))
        errors += _taken(item.get("path") or "", source.get("name") or "", path, seen)
    return errors


def _project_downward(source: Object, own: Path, path: Path, seen: set[str]) -> list[FieldError]:
    errors: list[FieldError] = []
    for item in source.get("items") or ():
        file = item.get("path") or ""
        errors += _downward_file(item, own) + _taken(file, file, path, seen)
    return errors


def _project_token(source: Object, own: Path, path: Path, seen: set[str]) -> list[FieldError]:
    seconds = source.get("expirationSeconds") or 0
    errors = []
    if seconds < 600:
        errors.append(invalid(own.child("expirationSeconds"), seconds,
                              "may not specify a duration less than 10 minutes"))
    if seconds > 1 << 32:
        errors.append(invalid(own.child("expirationSeconds"), seconds,
                              "may not specify a duration larger than 2^32 seconds"))
    if not source.get("path"):
        return [*errors, required(path.child("path"))]
    return errors + local_path(source["path"], path.child("path"))


def _project_bundle(source: Object, own: Path, path: Path, seen: set[str]) -> list[FieldError]:
    file = source.get("path") or ""
    errors = _bundle_choice(source, own) + needs("path")(source, own)
    return errors + local_path(file, own.child("path")) + _taken(file, file, path, seen)


def _bundle_choice(source: Object, own: Path) -> list[FieldError]:
    name, signer = source.get("name"), source.get("signerName")
    if name is not None and signer is not None:
        return [invalid(own, source, "only one of name and signerName may be used")]
    if name is not None:
        errors = [] if name else [required(own.child("name"), "must be a valid object name")]
        if source.get("labelSelector") is not None:
            errors.append(invalid(own.child("labelSelector"),
                                  shown_selector(source["labelSelector"]),
                                  "labelSelector must be unset if name is specified"))
        return errors
    if signer is not None:
        errors = [] if signer else [required(own.child("signerName"),
                                             "must be a valid signer name")]
        return errors + selector_errors(source.get("labelSelector"), own.child("labelSelector"))
    return [required(own, "either name or signerName must be specified")]


def _project_certificate(source: Object, own: Path, path: Path,
                         seen: set[str]) -> list[FieldError]:
    errors = needs("signerName", "keyType")(source, own)
    for name in ("credentialBundlePath", "keyPath", "certificateChainPath"):
        file = source.get(name) or ""
        errors += local_path(file, own.child(name)) + _taken(file, file, path, seen)
    return errors


_PROJECTIONS: Final[Mapping[str, Callable[[Object, Path, Path, set[str]], list[FieldError]]]] = {
    "secret": _project_files,
    "configMap": _project_files,
    "downwardAPI": _project_downward,
    "serviceAccountToken": _project_token,
    "clusterTrustBundle": _project_bundle,
    "podCertificate": _project_certificate,
}
