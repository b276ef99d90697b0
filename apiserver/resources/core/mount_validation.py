"""What is wrong with volume mounts and devices. Models ValidateVolumeMounts and
ValidateVolumeDevices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.validation import (
    FieldError,
    Path,
    forbidden,
    invalid,
    not_found,
    not_supported,
    required,
)
from apiserver.resources.core.paths import descending_path, no_backsteps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.machinery.types import Object

_PROPAGATIONS: Final = ("Bidirectional", "HostToContainer", "None")
_RECURSIVE: Final = ("Disabled", "Enabled", "IfPossible")


def mount_errors(container: Object, volumes: Mapping[str, Object], path: Path) -> list[FieldError]:
    """What is wrong with `volumeMounts`."""
    errors: list[FieldError] = []
    devices = {d.get("name"): d.get("devicePath") for d in container.get("volumeDevices") or ()}
    points: set[str] = set()
    for i, mount in enumerate(container.get("volumeMounts") or ()):
        own, name, point = path.at(i), mount.get("name") or "", mount.get("mountPath") or ""
        if not name:
            errors.append(required(own.child("name")))
        if name not in volumes:
            errors.append(not_found(own.child("name"), name))
        if not point:
            errors.append(required(own.child("mountPath")))
        if point in points:
            errors.append(invalid(own.child("mountPath"), point, "must be unique"))
        points.add(point)
        if name in devices:
            errors.append(invalid(own.child("name"), name,
                                  "must not already exist in volumeDevices"))
        if point in devices.values():
            errors.append(invalid(own.child("mountPath"), point,
                                  "must not already exist as a path in volumeDevices"))
        errors += _sub_path_errors(mount, volumes.get(name) or {}, own, path)
        errors += _propagation_errors(mount, container, path.child("mountPropagation"))
        errors += _recursive_errors(mount, path.child("recursiveReadOnly"))
    return errors


def _sub_path_errors(mount: Object, volume: Object, own: Path, path: Path) -> list[FieldError]:
    sub, expression = mount.get("subPath") or "", mount.get("subPathExpr") or ""
    errors = []
    if volume.get("image") is not None and expression:
        errors.append(invalid(own.child("subPathExpr"), expression,
                              "not allowed in image volume sources"))
    if sub:
        errors += descending_path(sub, path.child("subPath"))
    if expression and sub:
        errors.append(invalid(own.child("subPathExpr"), expression,
                              "subPathExpr and subPath are mutually exclusive"))
    if expression:
        errors += descending_path(expression, path.child("subPathExpr"))
    return errors


def _propagation_errors(mount: Object, container: Object, path: Path) -> list[FieldError]:
    mode = mount.get("mountPropagation")
    if mode is None:
        return []
    errors = [] if mode in _PROPAGATIONS else [not_supported(path, mode, _PROPAGATIONS)]
    privileged = (container.get("securityContext") or {}).get("privileged")
    if mode == "Bidirectional" and not privileged:
        errors.append(forbidden(path, "Bidirectional mount propagation is available only to "
                                "privileged containers"))
    return errors


def _recursive_errors(mount: Object, path: Path) -> list[FieldError]:
    mode = mount.get("recursiveReadOnly")
    if mode in (None, "Disabled"):
        return []
    if mode not in _RECURSIVE:
        return [not_supported(path, mode, _RECURSIVE)]
    errors = []
    if not mount.get("readOnly"):
        errors.append(forbidden(path, "may only be specified when readOnly is true"))
    if mount.get("mountPropagation") not in (None, "None"):
        errors.append(forbidden(path, "may only be specified when mountPropagation is None or not "
                                "specified"))
    return errors


def device_errors(container: Object, volumes: Mapping[str, Object],
                  path: Path) -> list[FieldError]:
    """What is wrong with `volumeDevices`."""
    errors: list[FieldError] = []
    mounts = {m.get("name"): m.get("mountPath") for m in container.get("volumeMounts") or ()}
    names: set[str] = set()
    points: set[str] = set()
    for i, device in enumerate(container.get("volumeDevices") or ()):
        own, name, point = path.at(i), device.get("name") or "", device.get("devicePath") or ""
        errors += _device_name_errors(name, names, volumes, own.child("name"))
        errors += _device_path_errors(point, points, own.child("devicePath"))
        if name in mounts:
            errors.append(invalid(own.child("name"), name,
                                  "must not already exist in volumeMounts"))
        if point in mounts.values():
            errors.append(invalid(own.child("devicePath"), point,
                                  "must not already exist as a path in volumeMounts"))
        names.add(name)
    return errors


def _device_name_errors(name: str, names: set[str], volumes: Mapping[str, Object],
                        path: Path) -> list[FieldError]:
    errors = [] if name else [required(path)]
    if name and name in names:
        errors.append(invalid(path, name, "must be unique"))
    volume = volumes.get(name)
    if volume is None:
        return [*errors, not_found(path, name)]
    if volume.get("persistentVolumeClaim") is None and volume.get("ephemeral") is None:
        errors.append(invalid(path, name, "can only use volume source type of "
                              "PersistentVolumeClaim or Ephemeral for block mode"))
    return errors


def _device_path_errors(point: str, points: set[str], path: Path) -> list[FieldError]:
    errors = [] if point else [required(path)]
    if point in points:
        errors.append(invalid(path, point, "must be unique"))
    if no_backsteps(point, path):
        errors.append(invalid(path, point, "can not contain backsteps ('..')"))
    else:
        points.add(point)
    return errors
