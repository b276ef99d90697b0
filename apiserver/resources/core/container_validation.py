"""What is wrong with containers. Models validateContainerCommon, validateContainers,
validateInitContainers and validateEphemeralContainers of pkg/apis/core/validation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.names import is_dns1123_label, is_valid_port, is_valid_port_name
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    forbidden,
    invalid,
    not_found,
    not_supported,
    required,
    too_long,
)
from apiserver.resources.core.env_validation import env_errors, env_from_errors
from apiserver.resources.core.mount_validation import device_errors, mount_errors
from apiserver.resources.core.probe_validation import handler_errors, probe_errors
from apiserver.resources.core.resource_validation import requirements_errors
from apiserver.resources.core.security_validation import container_security_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from apiserver.machinery.types import Object

PROTOCOLS: Final = ("SCTP", "TCP", "UDP")
PULL_POLICIES: Final = ("Always", "IfNotPresent", "Never")
_RESTART_POLICIES: Final = ("Always", "Never", "OnFailure")
_HANDLERS: Final = ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe")
_EPHEMERAL_FORBIDDEN: Final = ("ports", "resources", "resizePolicy", "restartPolicy",
                               "restartPolicyRules", "livenessProbe", "readinessProbe",
                               "startupProbe", "lifecycle")
_MAX_RULES: Final = 20
_MAX_EXIT_CODES: Final = 255
_NOT_EPHEMERAL: Final = "cannot be set for an Ephemeral Container"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a container's checks need to know of its pod."""

    volumes: Mapping[str, Object]
    claims: frozenset[str]
    grace_period: int | None
    restart_policy: str
    host_users: bool


def containers_errors(containers: Sequence[Object], around: Surroundings,
                      path: Path) -> list[FieldError]:
    """What is wrong with the regular containers."""
    if not containers:
        return [required(path)]
    errors: list[FieldError] = []
    names: set[str] = set()
    for i, container in enumerate(containers):
        own = path.at(i)
        errors += common_errors(container, around, own)
        errors += _duplicate_name(container, names, own)
        names.add(container.get("name") or "")
        errors += _running_errors(container, around, own)
        errors += _restart_errors(container, own)
    return errors + host_port_conflicts(containers, path)


def init_containers_errors(containers: Sequence[Object], regular: Sequence[Object],
                           around: Surroundings, path: Path) -> list[FieldError]:
    """What is wrong with the init containers; sidecars may have probes."""
    errors: list[FieldError] = []
    names = {c.get("name") or "" for c in regular}
    for i, container in enumerate(containers):
        own = path.at(i)
        errors += common_errors(container, around, own)
        errors += _restart_errors(container, own)
        errors += _duplicate_name(container, names, own)
        if container.get("name"):
            names.add(container["name"])
        errors += host_port_conflicts([container], path)
        if container.get("restartPolicy") == "Always":
            errors += _running_errors(container, around, own)
        else:
            errors += [forbidden(own.child(name), "may not be set for init containers without "
                                 "restartPolicy=Always")
                       for name in _HANDLERS if container.get(name) is not None]
    return errors


def ephemeral_containers_errors(containers: Sequence[Object], others: Iterable[Object],
                                around: Surroundings, path: Path) -> list[FieldError]:
    """What is wrong with ephemeral containers: only what debugging needs."""
    errors: list[FieldError] = []
    targets = {c.get("name") or "" for c in others}
    names = set(targets)
    for i, container in enumerate(containers):
        own = path.at(i)
        errors += common_errors(container, around, own) + padded_image(container, own)
        errors += _duplicate_name(container, names, own)
        names.add(container.get("name") or "")
        target = container.get("targetContainerName")
        if target and target not in targets:
            errors.append(not_found(own.child("targetContainerName"), target))
        errors += [forbidden(own.child(name), _NOT_EPHEMERAL)
                   for name in _EPHEMERAL_FORBIDDEN if container.get(name)]
        errors += _sub_path_errors(container, own)
    return errors


def _sub_path_errors(container: Object, path: Path) -> list[FieldError]:
    return [forbidden(path.child("volumeMounts").at(i).child(name), _NOT_EPHEMERAL)
            for i, mount in enumerate(container.get("volumeMounts") or ())
            for name in ("subPath", "subPathExpr") if mount.get(name)]


def padded_image(container: Object, path: Path) -> list[FieldError]:
    """No blanks around the image (pods only: templates may have them)."""
    image = container.get("image") or ""
    if image == image.strip():
        return []
    return [invalid(path.child("image"), image, "must not have leading or trailing whitespace")]


def common_errors(container: Object, around: Surroundings, path: Path) -> list[FieldError]:
    """What is wrong with any kind of container."""
    name = container.get("name")
    errors = (all_invalid(path.child("name"), name, is_dns1123_label(name)) if name
              else [required(path.child("name"))])
    if not container.get("image"):
        errors.append(required(path.child("image")))
    errors += one_of(container.get("terminationMessagePolicy"),
                     ("File", "FallbackToLogsOnError"), path.child("terminationMessagePolicy"))
    errors += port_errors(container.get("ports") or (), path.child("ports"))
    errors += env_errors(container.get("env") or (), path.child("env"), around.volumes)
    errors += env_from_errors(container.get("envFrom") or (), path.child("envFrom"))
    errors += mount_errors(container, around.volumes, path.child("volumeMounts"))
    errors += device_errors(container, around.volumes, path.child("volumeDevices"))
    errors += one_of(container.get("imagePullPolicy"), PULL_POLICIES,
                     path.child("imagePullPolicy"))
    errors += requirements_errors(container.get("resources") or {}, around.claims,
                                  path.child("resources"))
    errors += _resize_policy_errors(container, around, path.child("resizePolicy"))
    return errors + container_security_errors(container.get("securityContext"),
                                              path.child("securityContext"), around.host_users)


def one_of(value: Any, supported: Sequence[str], path: Path) -> list[FieldError]:
    """A required value out of a fixed set."""
    if not value:
        return [required(path)]
    return [] if value in supported else [not_supported(path, value, supported)]


def port_errors(ports: Sequence[Object], path: Path) -> list[FieldError]:
    """What is wrong with a container's ports."""
    errors: list[FieldError] = []
    names: set[str] = set()
    for i, port in enumerate(ports):
        own = path.at(i)
        errors += _port_name_errors(port.get("name"), names, own.child("name"))
        number, host = port.get("containerPort") or 0, port.get("hostPort") or 0
        if not number:
            errors.append(required(own.child("containerPort")))
        else:
            errors += all_invalid(own.child("containerPort"), number, is_valid_port(number))
        if host:
            errors += all_invalid(own.child("hostPort"), host, is_valid_port(host))
        errors += one_of(port.get("protocol"), PROTOCOLS, own.child("protocol"))
    return errors


def _port_name_errors(name: str | None, names: set[str], path: Path) -> list[FieldError]:
    if not name:
        return []
    if wrong := is_valid_port_name(name):
        return all_invalid(path, name, wrong)
    if name in names:
        return [duplicate(path, name)]
    names.add(name)
    return []


def host_port_conflicts(containers: Sequence[Object], path: Path) -> list[FieldError]:
    """Two ports on the same port of the node."""
    errors = []
    taken = set()
    for i, container in enumerate(containers):
        for j, port in enumerate(container.get("ports") or ()):
            if not port.get("hostPort"):
                continue
            key = f"{port.get('protocol', '')}/{port.get('hostIP') or ''}/{port['hostPort']}"
            if key in taken:
                errors.append(duplicate(path.at(i).child("ports").at(j).child("hostPort"), key))
            taken.add(key)
    return errors


def _duplicate_name(container: Object, names: set[str], path: Path) -> list[FieldError]:
    name = container.get("name") or ""
    return [duplicate(path.child("name"), name)] if name in names else []


def _running_errors(container: Object, around: Surroundings, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    lifecycle = container.get("lifecycle") or {}
    for name in ("postStart", "preStop"):
        if lifecycle.get(name) is not None:
            errors += handler_errors(lifecycle[name], around.grace_period,
                                     path.child("lifecycle").child(name))
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(name) is not None:
            errors += probe_errors(name, container[name], around.grace_period, path.child(name))
    return errors


def _restart_errors(container: Object, path: Path) -> list[FieldError]:
    policy, rules = container.get("restartPolicy"), container.get("restartPolicyRules") or ()
    errors = []
    if policy is not None and policy not in _RESTART_POLICIES:
        errors.append(not_supported(path.child("restartPolicy"), policy, _RESTART_POLICIES))
    if rules and policy is None:
        errors.append(required(path.child("restartPolicy"),
                               "must specify restartPolicy when restart rules are used"))
    own = path.child("restartPolicyRules")
    if len(rules) > _MAX_RULES:
        errors.append(too_long(own, _MAX_RULES))
    for i, rule in enumerate(rules):
        errors += _restart_rule_errors(rule, own.at(i))
    return errors


def _restart_rule_errors(rule: Object, path: Path) -> list[FieldError]:
    action, codes, own = rule.get("action") or "", rule.get("exitCodes"), path.child("exitCodes")
    errors = [] if action == "Restart" else [
        not_supported(path.child("action"), action, ["Restart"])]
    if codes is None:
        return [*errors, required(own, "must be specified")]
    operator = codes.get("operator") or ""
    if operator not in ("In", "NotIn"):
        errors.append(not_supported(own.child("operator"), operator, ["In", "NotIn"]))
    if len(codes.get("values") or ()) > _MAX_EXIT_CODES:
        errors.append(too_long(own.child("values"), _MAX_EXIT_CODES))
    return errors


def _resize_policy_errors(container: Object, around: Surroundings,
                          path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for i, policy in enumerate(container.get("resizePolicy") or ()):
        resource, restart = policy.get("resourceName") or "", policy.get("restartPolicy") or ""
        if resource in seen:
            errors.append(duplicate(path.at(i), resource))
        seen.add(resource)
        errors += one_of(resource, ("cpu", "memory"), path)
        errors += one_of(restart, ("NotRequired", "RestartContainer"), path)
        if around.restart_policy == "Never" and restart != "NotRequired":
            errors.append(invalid(path, restart,
                                  "must be 'NotRequired' when `restartPolicy` is 'Never'"))
    return errors
