"""What is wrong with a pod or a pod template. Models ValidatePodSpec, ValidatePodCreate and
ValidatePodTemplateSpec of pkg/apis/core/validation.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import orjson

from apiserver.machinery.names import (
    is_dns1123_label,
    is_dns1123_subdomain,
    is_dns1123_subdomain_with_underscore,
    is_qualified_name,
    is_valid_ip_legacy,
    range_error,
)
from apiserver.machinery.quantity import parse_quantity
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    forbidden,
    internal_struct,
    invalid,
    required,
    too_long,
)
from apiserver.resources.core.apparmor import (
    APPARMOR,
    SECCOMP_CONTAINER,
    SECCOMP_POD,
    agreement_errors,
)
from apiserver.resources.core.container_validation import (
    Surroundings,
    containers_errors,
    ephemeral_containers_errors,
    init_containers_errors,
    one_of,
    padded_image,
)
from apiserver.resources.core.paths import descending_path
from apiserver.resources.core.pod_defaults import aggregate
from apiserver.resources.core.resource_validation import HUGE, requirements_errors
from apiserver.resources.core.scheduling_validation import (
    affinity_errors,
    spread_errors,
    tolerations_errors,
)
from apiserver.resources.core.security_validation import (
    containers_with_paths,
    host_process_errors,
    host_users_errors,
    os_errors,
    pod_security_errors,
)
from apiserver.resources.core.volume_validation import volumes_errors
from apiserver.resources.metadata import validate_annotations, validate_labels
from apiserver.schema.json_syntax import explain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.machinery.types import Object

MAX_INT32: Final = 2**31 - 1
MIRROR: Final = "kubernetes.io/config.mirror"
_COST: Final = "controller.kubernetes.io/pod-deletion-cost"
_TOLERATIONS: Final = "scheduler.alpha.kubernetes.io/tolerations"
_RESTART: Final = ("Always", "OnFailure", "Never")
_MAX_HOSTNAME: Final = 64
_DNS: Final = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")


def pod_errors(pod: Object) -> list[FieldError]:
    """What is wrong with a Pod besides its metadata (validatePodMetadataAndSpec)."""
    spec, path = pod.get("spec") or {}, Path("spec")
    meta = pod.get("metadata") or {}
    annotations = meta.get("annotations") or {}
    errors = annotation_errors(annotations, spec, Path("metadata.annotations"))
    errors += spec_errors(spec, path, pod=pod)
    errors += _token_errors(spec, path)
    for name in ("containers", "initContainers"):
        for i, container in enumerate(spec.get(name) or ()):
            errors += padded_image(container, path.child(name).at(i))
    return errors


def create_errors(pod: Object) -> list[FieldError]:
    """What is wrong with a new Pod."""
    spec, path = pod.get("spec") or {}, Path("spec")
    errors = pod_errors(pod)
    if spec.get("ephemeralContainers"):
        errors.append(forbidden(path.child("ephemeralContainers"), "cannot be set on create"))
    if spec.get("nodeName") and spec.get("schedulingGates"):
        errors.append(forbidden(path.child("nodeName"),
                                "cannot be set until all schedulingGates have been cleared"))
    return errors + agreement_errors(pod.get("metadata") or {}, spec, path)


def template_errors(template: Object, path: Path) -> list[FieldError]:
    """What is wrong with a PodTemplateSpec."""
    meta, spec = template.get("metadata") or {}, template.get("spec") or {}
    annotations = meta.get("annotations") or {}
    errors = validate_labels(meta.get("labels"), path.child("labels"))
    errors += validate_annotations(annotations, path.child("annotations"))
    errors += annotation_errors(annotations, spec, path.child("annotations"))
    errors += spec_errors(spec, path.child("spec"))
    errors += agreement_errors(meta, spec, path.child("spec"))
    if spec.get("ephemeralContainers"):
        errors.append(forbidden(path.child("spec", "ephemeralContainers"),
                                "ephemeral containers not allowed in pod template"))
    return errors


def annotation_errors(annotations: Mapping[str, str], spec: Object,
                      path: Path) -> list[FieldError]:
    """Annotations that mean something to Kubernetes (ValidatePodSpecificAnnotations)."""
    if not annotations:
        return []
    errors = []
    if MIRROR in annotations and not spec.get("nodeName"):
        errors.append(invalid(path.key(MIRROR), annotations[MIRROR],
                              "must set spec.nodeName if mirror pod annotation is set"))
    if annotations.get(_TOLERATIONS):
        errors += _old_tolerations_errors(annotations[_TOLERATIONS], path)
    if _COST in annotations and not _is_int32(annotations[_COST]):
        errors.append(invalid(path.key(_COST), annotations[_COST], "must be a 32bit integer"))
    for key, value in annotations.items():
        if key == SECCOMP_POD or key.startswith(SECCOMP_CONTAINER):
            errors += _seccomp_errors(value, path.child(key))
        elif key.startswith(APPARMOR):
            errors += _apparmor_errors(key, value, spec, path)
    return errors


def _old_tolerations_errors(text: str, path: Path) -> list[FieldError]:
    """Tolerations as an annotation, from before there was a field."""
    if complaint := explain(text.encode()):
        return [invalid(path, _TOLERATIONS, complaint)]
    tolerations = orjson.loads(text)
    if not isinstance(tolerations, list) or not all(isinstance(t, dict) for t in tolerations):
        return [] if tolerations is None else [invalid(
            path, _TOLERATIONS, "json: cannot unmarshal into Go value of type []core.Toleration")]
    return tolerations_errors(tolerations, path.child(_TOLERATIONS))


def _is_int32(text: str) -> bool:
    if not re.fullmatch("0|[+-]?[1-9][0-9]*", text) or text.startswith("+"):
        return False
    return -MAX_INT32 - 1 <= int(text) <= MAX_INT32


def _seccomp_errors(profile: str, path: Path) -> list[FieldError]:
    if profile in ("runtime/default", "docker/default", "unconfined"):
        return []
    if profile.startswith("localhost/"):
        return descending_path(profile.removeprefix("localhost/"), path)
    return [invalid(path, profile, "must be a valid seccomp profile")]


def _apparmor_errors(key: str, profile: str, spec: Object, path: Path) -> list[FieldError]:
    name = key.removeprefix(APPARMOR)
    errors = []
    if name not in {c.get("name") for c, _ in containers_with_paths(spec, path)}:
        errors.append(invalid(path.key(key), name, "container not found"))
    if profile not in ("", "runtime/default", "unconfined") \
            and not profile.startswith("localhost/"):
        errors.append(invalid(path.key(key), profile,
                              f'invalid AppArmor profile name: "{profile}"'))
    return errors


def _token_errors(spec: Object, path: Path) -> list[FieldError]:
    if spec.get("serviceAccountName"):
        return []
    return [forbidden(path.child("volumes").at(i).child("projected").child("sources").at(j)
                      .child("serviceAccountToken"),
                      "must not be specified when serviceAccountName is not set")
            for i, volume in enumerate(spec.get("volumes") or ())
            for j, source in enumerate((volume.get("projected") or {}).get("sources") or ())
            if source.get("serviceAccountToken") is not None]


def spec_errors(spec: Object, path: Path, *, pod: Object | None = None) -> list[FieldError]:
    """What is wrong with a PodSpec; `pod` is the Pod that it is part of, if it is."""
    name = ((pod or {}).get("metadata") or {}).get("name") or ""
    errors = [] if spec.get("terminationGracePeriodSeconds") is not None \
        else [required(path.child("terminationGracePeriodSeconds"))]
    volumes, wrong = volumes_errors(spec.get("volumes") or (), name, path.child("volumes"))
    errors += wrong + _claims_errors(spec, path.child("resourceClaims"))
    around = _surroundings(spec, volumes)
    errors += _all_containers_errors(spec, around, path)
    errors += _pod_resources_errors(spec, around.claims, path)
    errors += _host_network_errors(spec, path, is_pod=pod is not None)
    errors += one_of(spec.get("restartPolicy"), _RESTART, path.child("restartPolicy"))
    errors += one_of(spec.get("dnsPolicy"), _DNS, path.child("dnsPolicy"))
    errors += validate_labels(spec.get("nodeSelector"), path.child("nodeSelector"))
    errors += pod_security_errors(spec, path.child("securityContext"))
    errors += affinity_errors(spec.get("affinity"), path.child("affinity"))
    errors += _dns_config_errors(spec, path.child("dnsConfig"))
    errors += _gates_errors(spec, path)
    errors += spread_errors(spec.get("topologySpreadConstraints") or (),
                            path.child("topologySpreadConstraints"))
    errors += host_process_errors(spec, path) + host_users_errors(spec, path)
    errors += _names_errors(spec, path)
    errors += tolerations_errors(spec.get("tolerations") or (), path.child("tolerations"))
    return errors + _rest_errors(spec, path)


def _surroundings(spec: Object, volumes: Mapping[str, Object]) -> Surroundings:
    claims = frozenset(c["name"] for c in spec.get("resourceClaims") or () if c.get("name"))
    return Surroundings(volumes=volumes, claims=claims,
                        grace_period=spec.get("terminationGracePeriodSeconds"),
                        restart_policy=spec.get("restartPolicy") or "",
                        host_users=spec.get("hostUsers") is not False)


def _all_containers_errors(spec: Object, around: Surroundings, path: Path) -> list[FieldError]:
    regular, init = spec.get("containers") or (), spec.get("initContainers") or ()
    errors = containers_errors(regular, around, path.child("containers"))
    if init:
        errors += init_containers_errors(init, regular, around, path.child("initContainers"))
    if spec.get("ephemeralContainers"):
        errors += ephemeral_containers_errors(spec["ephemeralContainers"], (*regular, *init),
                                              around, path.child("ephemeralContainers"))
    return errors


def _claims_errors(spec: Object, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    names: set[str] = set()
    for i, claim in enumerate(spec.get("resourceClaims") or ()):
        own, name = path.at(i), claim.get("name") or ""
        if not name:
            errors.append(required(own.child("name")))
        elif name in names:
            errors.append(duplicate(own.child("name"), name))
        else:
            errors += all_invalid(own.child("name"), name, is_dns1123_label(name))
        names.add(name)
        given = [n for n in ("resourceClaimName", "resourceClaimTemplateName")
                 if claim.get(n) is not None]
        shown = internal_struct(claim, ("Name", ""), "ResourceClaimName",
                                "ResourceClaimTemplateName")
        if len(given) > 1:
            errors.append(invalid(own, shown, "at most one of `resourceClaimName` or "
                                  "`resourceClaimTemplateName` may be specified"))
        if not given:
            errors.append(invalid(own, shown, "must specify one of: `resourceClaimName`, "
                                  "`resourceClaimTemplateName`"))
        for n in given:
            errors += all_invalid(own.child(n), claim[n], is_dns1123_subdomain(claim[n]))
    return errors


def _pod_resources_errors(spec: Object, claims: frozenset[str], path: Path) -> list[FieldError]:
    resources, own = spec.get("resources"), path.child("resources")
    if not resources:
        return []
    if (spec.get("os") or {}).get("name") == "windows":
        return [forbidden(own, "may not be set for a windows pod")]
    errors = []
    if resources.get("claims") is not None:
        errors.append(forbidden(own.child("claims"),
                                "claims cannot be set for Resources at pod-level"))
    errors += requirements_errors(resources, claims, own, pod_level=True)
    errors += _aggregate_errors(spec, "requests", own)
    errors += _aggregate_errors(spec, "limits", own, only=HUGE)
    return errors + _container_limits_errors(spec, resources.get("limits") or {}, own)


def _aggregate_errors(spec: Object, side: str, path: Path, only: str = "") -> list[FieldError]:
    """What the pod is given is at least what its containers are given together."""
    given = spec["resources"].get(side) or {}
    return [invalid(path.child(side).key(name), str(amount),
                    f"must be greater than or equal to aggregate container {side} of {needed}")
            for name, needed in aggregate(spec, side).items()
            if name in given and name.startswith(only)
            and needed > (amount := parse_quantity(given[name]))]


def _container_limits_errors(spec: Object, limits: Mapping[str, str],
                             path: Path) -> list[FieldError]:
    errors = []
    for i, container in enumerate(spec.get("containers") or ()):
        for name, text in ((container.get("resources") or {}).get("limits") or {}).items():
            amount = parse_quantity(text)
            if name in limits and amount > parse_quantity(limits[name]):
                errors.append(invalid(
                    path.child("containers").at(i).key(name).child("limits"), str(amount),
                    f"must be less than or equal to pod limits of {limits[name]}"))
    return errors


def _host_network_errors(spec: Object, path: Path, *, is_pod: bool) -> list[FieldError]:
    if not spec.get("hostNetwork"):
        return []
    return [invalid(path.child("containers").at(i).child("ports").at(j).child("hostPort"),
                    port.get("hostPort") or 0,
                    "must match `containerPort` when `hostNetwork` is true")
            for i, container in enumerate(spec.get("containers") or ())
            for j, port in enumerate(container.get("ports") or ())
            if (is_pod or port.get("hostPort"))
            and (port.get("hostPort") or 0) != (port.get("containerPort") or 0)]


def _dns_config_errors(spec: Object, path: Path) -> list[FieldError]:
    config = spec.get("dnsConfig")
    if spec.get("dnsPolicy") == "None":
        if config is None:
            return [required(path, "must provide `dnsConfig` when `dnsPolicy` is None")]
        if not config.get("nameservers"):
            return [required(path.child("nameservers"), "must provide at least one DNS nameserver "
                             "when `dnsPolicy` is None")]
    if config is None:
        return []
    servers, searches = config.get("nameservers") or [], config.get("searches") or []
    errors = []
    if len(servers) > 3:
        errors.append(invalid(path.child("nameservers"), servers,
                              "must not have more than 3 nameservers"))
    for i, server in enumerate(servers):
        errors += all_invalid(path.child("nameservers").at(i), server, is_valid_ip_legacy(server))
    errors += _search_errors(searches, path.child("searches"))
    errors += [required(path.child("options").at(i), "must not be empty")
               for i, option in enumerate(config.get("options") or ()) if not option.get("name")]
    return errors


def _search_errors(searches: list[str], path: Path) -> list[FieldError]:
    errors = []
    if len(searches) > 32:
        errors.append(invalid(path, searches, "must not have more than 32 search paths"))
    if len(" ".join(searches)) > 2048:
        errors.append(invalid(path, searches, "must not have more than 2048 characters (including "
                              "spaces) in the search list"))
    for i, search in enumerate(searches):
        name = search.removesuffix(".")
        if search != ".":
            errors += all_invalid(path.at(i), name, is_dns1123_subdomain_with_underscore(name))
    return errors


def _gates_errors(spec: Object, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    for i, gate in enumerate(spec.get("readinessGates") or ()):
        kind = gate.get("conditionType") or ""
        errors += all_invalid(path.child("readinessGates").at(i).child("conditionType"), kind,
                              is_qualified_name(kind))
    seen: set[str] = set()
    for i, gate in enumerate(spec.get("schedulingGates") or ()):
        own, name = path.child("schedulingGates").at(i), gate.get("name") or ""
        errors += all_invalid(own, name, is_qualified_name(name))
        if name in seen:
            errors.append(duplicate(own, name))
        seen.add(name)
    return errors


def _names_errors(spec: Object, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    for name, check in (("serviceAccountName", is_dns1123_subdomain),
                        ("nodeName", is_dns1123_subdomain)):
        if spec.get(name):
            errors += all_invalid(path.child(name), spec[name], check(spec[name]))
    seconds = spec.get("activeDeadlineSeconds")
    if seconds is not None and not 1 <= seconds <= MAX_INT32:
        errors.append(invalid(path.child("activeDeadlineSeconds"), seconds,
                              range_error(1, MAX_INT32)))
    for name in ("hostname", "subdomain"):
        if spec.get(name):
            errors += all_invalid(path.child(name), spec[name], is_dns1123_label(spec[name]))
    return errors + _hostname_errors(spec, path.child("hostnameOverride"))


def _hostname_errors(spec: Object, path: Path) -> list[FieldError]:
    name = spec.get("hostnameOverride")
    if not name:
        return []
    errors = [too_long(path, _MAX_HOSTNAME)] if len(name) > _MAX_HOSTNAME else []
    errors += all_invalid(path, name, is_dns1123_subdomain(name))
    return errors + [forbidden(path, f"may not be specified when {other} is true")
                     for other in ("setHostnameAsFQDN", "hostNetwork") if spec.get(other)]


def _rest_errors(spec: Object, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    for i, alias in enumerate(spec.get("hostAliases") or ()):
        own, ip = path.child("hostAliases").at(i), alias.get("ip") or ""
        errors += all_invalid(own.child("ip"), ip, is_valid_ip_legacy(ip))
        for j, host in enumerate(alias.get("hostnames") or ()):
            errors += all_invalid(own.child("hostnames").at(j), host, is_dns1123_subdomain(host))
    for name in ("priorityClassName", "runtimeClassName"):
        if spec.get(name) or (name == "runtimeClassName" and spec.get(name) is not None):
            errors += all_invalid(path.child(name), spec[name], is_dns1123_subdomain(spec[name]))
    policy = spec.get("preemptionPolicy")
    if policy is not None:
        errors += one_of(policy, ("PreemptLowerPriority", "Never"),
                         path.child("preemptionPolicy"))
    if spec.get("overhead"):
        errors += requirements_errors({"limits": spec["overhead"]}, (), path.child("overhead"))
    return errors + os_errors(spec, path)
