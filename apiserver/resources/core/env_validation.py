"""What is wrong with environment variables. Models ValidateEnv and ValidateEnvFrom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import (
    is_config_map_key,
    is_dns1123_label,
    is_dns1123_subdomain,
    is_relaxed_env_name,
    mask_trailing_dash,
)
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    invalid,
    not_found,
    required,
)
from apiserver.resources.core.field_refs import (
    ENV_FIELDS,
    field_ref_errors,
    resource_field_errors,
)
from apiserver.resources.core.paths import local_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apiserver.machinery.types import Object

_MORE: Final = "may not have more than one field specified at a time"


def env_errors(variables: Sequence[Object], path: Path,
               volumes: Mapping[str, Object]) -> list[FieldError]:
    """What is wrong with `env`."""
    errors: list[FieldError] = []
    for i, variable in enumerate(variables):
        name = variable.get("name")
        errors += (all_invalid(path.at(i).child("name"), name, is_relaxed_env_name(name)) if name
                   else [required(path.at(i).child("name"))])
        source = variable.get("valueFrom")
        if source is not None:
            errors += _source_errors(source, variable.get("value") or "",
                                     path.at(i).child("valueFrom"), volumes)
    return errors


def _source_errors(source: Object, value: str, path: Path,
                   volumes: Mapping[str, Object]) -> list[FieldError]:
    given = [name for name in ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef",
                               "fileKeyRef") if source.get(name) is not None]
    errors: list[FieldError] = []
    for name in given:
        errors += _one_source_errors(name, source[name], path.child(name), volumes)
    if not given:
        errors.append(invalid(path, "", "must specify one of: `fieldRef`, `resourceFieldRef`, "
                              "`configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"))
    elif value:
        errors.append(invalid(path, "", "may not be specified when `value` is not empty"))
    elif len(given) > 1:
        errors.append(invalid(path, "", _MORE))
    return errors


def _one_source_errors(kind: str, source: Object, path: Path,
                       volumes: Mapping[str, Object]) -> list[FieldError]:
    if kind == "fieldRef":
        return field_ref_errors(source, ENV_FIELDS, path)
    if kind == "resourceFieldRef":
        return resource_field_errors(source, path, volume=False)
    if kind == "fileKeyRef":
        return _file_key_errors(source, path, volumes)
    name = source.get("name") or ""
    return (all_invalid(path.child("name"), name, is_dns1123_subdomain(name))
            + _key_errors(source.get("key"), path.child("key")))


def _key_errors(key: str | None, path: Path) -> list[FieldError]:
    return all_invalid(path, key, is_config_map_key(key)) if key else [required(path)]


def _file_key_errors(source: Object, path: Path,
                     volumes: Mapping[str, Object]) -> list[FieldError]:
    volume, file, key = (source.get(n) or "" for n in ("volumeName", "path", "key"))
    errors: list[FieldError] = []
    if not key:
        errors.append(required(path.child("key")))
    else:
        errors += all_invalid(path.child("key"), key, is_relaxed_env_name(key))
    if not volume:
        errors.append(required(path.child("volumeName")))
    elif wrong := is_dns1123_label(volume):
        errors += all_invalid(path.child("volumeName"), volume, wrong)
    elif volume not in volumes:
        errors.append(not_found(path.child("volumeName"), volume))
    elif volumes[volume].get("emptyDir") is None:
        errors.append(invalid(path.child("volumeName"), volume,
                              "referenced volume must be of type emptyDir"))
    return errors + (local_path(file, path.child("path")) if file
                     else [required(path.child("path"))])


def env_from_errors(sources: Sequence[Object], path: Path) -> list[FieldError]:
    """What is wrong with `envFrom`."""
    errors: list[FieldError] = []
    for i, source in enumerate(sources):
        if source.get("prefix"):
            errors += all_invalid(path.at(i).child("prefix"), source["prefix"],
                                  is_relaxed_env_name(source["prefix"]))
        given = [n for n in ("configMapRef", "secretRef") if source.get(n) is not None]
        for name in given:
            errors += _reference_errors(source[name], path.at(i).child(name).child("name"))
        if not given:
            errors.append(invalid(path, "",
                                  "must specify one of: `configMapRef` or `secretRef`"))
        elif len(given) > 1:
            errors.append(invalid(path, "", _MORE))
    return errors


def _reference_errors(reference: Object, path: Path) -> list[FieldError]:
    name = reference.get("name")
    if not name:
        return [required(path)]
    return all_invalid(path, name, is_dns1123_subdomain(mask_trailing_dash(name)))
