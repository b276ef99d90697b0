"""Profiles of AppArmor and seccomp, which annotations could name before there were fields. Models
applyAppArmorVersionSkew of pkg/registry/core/pod/strategy.go and the checks that field and
annotation agree (validateSeccompAnnotationsAndFields and its sibling).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.validation import FieldError, Path, forbidden
from apiserver.resources.core.security_validation import containers_with_paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from apiserver.machinery.types import Object

APPARMOR: Final = "container.apparmor.security.beta.kubernetes.io/"
SECCOMP_POD: Final = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_CONTAINER: Final = "container.seccomp.security.alpha.kubernetes.io/"
_LOCAL: Final = "localhost/"
_WORDS: Final = {"Unconfined": ("unconfined",),
                 "RuntimeDefault": ("runtime/default", "docker/default")}


def adopt_annotations(pod: Object) -> Iterator[str]:
    """Copy a new Pod's AppArmor annotations to the fields; gives the warned keys."""
    if (pod["spec"].get("os") or {}).get("name") == "windows":
        return
    annotations = pod["metadata"].get("annotations") or {}
    own = (pod["spec"].get("securityContext") or {}).get("appArmorProfile")
    for container, _ in containers_with_paths(pod["spec"], Path("")):
        key = f"{APPARMOR}{container.get('name')}"
        context = container.get("securityContext") or {}
        if key not in annotations or context.get("appArmorProfile") is not None:
            continue
        profile = _apparmor_field(annotations[key])
        if profile is None or profile != own:
            yield key
        if profile is not None and profile != own:
            container["securityContext"] = {**context, "appArmorProfile": profile}


def _apparmor_field(annotation: str) -> Object | None:
    for kind, words in _WORDS.items():
        if annotation == words[0]:
            return {"type": kind}
    local = annotation.removeprefix(_LOCAL)
    if local == annotation or not local or local != local.strip():
        return None
    return {"type": "Localhost", "localhostProfile": local}


def agreement_errors(meta: Object, spec: Object, path: Path) -> list[FieldError]:
    """Complain where an annotation and its field say different things."""
    annotations = meta.get("annotations") or {}
    if not annotations:
        return []
    context = spec.get("securityContext") or {}
    errors = _differences(annotations.get(SECCOMP_POD), context.get("seccompProfile"), "seccomp",
                          path.child("securityContext", "seccompProfile"))
    containers = list(containers_with_paths(spec, path))
    for container, at in containers:
        own = (container.get("securityContext") or {}).get("seccompProfile")
        errors += _differences(annotations.get(f"{SECCOMP_CONTAINER}{container.get('name')}"), own,
                               "seccomp", at.child("securityContext", "seccompProfile"))
    if (spec.get("os") or {}).get("name") == "windows":
        return errors
    for container, at in containers:
        own = (container.get("securityContext") or {}).get("appArmorProfile")
        errors += _differences(annotations.get(f"{APPARMOR}{container.get('name')}"),
                               own or context.get("appArmorProfile"), "apparmor",
                               at.child("securityContext", "appArmorProfile"))
    return errors


def _differences(annotation: str | None, profile: Mapping[str, str] | None, what: str,
                 path: Path) -> list[FieldError]:
    if annotation is None or profile is None:
        return []
    kind, wrong = profile.get("type") or "", ""
    if kind == "Localhost":
        if not annotation.startswith(_LOCAL):
            wrong = "type"
        elif annotation.removeprefix(_LOCAL) != profile.get("localhostProfile"):
            wrong = "localhostProfile"
    elif kind in _WORDS:
        words = _WORDS[kind] if what == "seccomp" else _WORDS[kind][:1]
        wrong = "" if annotation in words else "type"
    if not wrong:
        return []
    subject = "type" if wrong == "type" else "profile"
    return [forbidden(path.child(wrong), f"{what} {subject} in annotation and field must match")]
