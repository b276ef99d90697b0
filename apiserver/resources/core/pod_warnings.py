"""Warnings about pods and pod templates that are valid but doubtful. Models
pkg/api/pod/warnings.go and pkg/api/node/util.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.quantity import NANO, parse_quantity
from apiserver.machinery.validation import Path, go_quote
from apiserver.resources.core.security_validation import containers_with_paths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apiserver.machinery.types import Object

_NODE_LABELS: Final = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region":
        'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone":
        'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type":
        'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}
_ANNOTATIONS: Final = {
    "scheduler.alpha.kubernetes.io/critical-pod":
        'non-functional in v1.16+; use the "priorityClassName" field instead',
    "security.alpha.kubernetes.io/sysctls":
        'non-functional in v1.11+; use the "sysctls" field instead',
    "security.alpha.kubernetes.io/unsafe-sysctls":
        'non-functional in v1.11+; use the "sysctls" field instead',
    "seccomp.security.alpha.kubernetes.io/pod":
        'non-functional in v1.27+; use the "seccompProfile" field instead',
}
_SECCOMP: Final = "container.seccomp.security.alpha.kubernetes.io/"
_APPARMOR: Final = "container.apparmor.security.beta.kubernetes.io/"
_VOLUMES: Final = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11, and disabled by default in v1.33+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}


def pod_warnings(spec: Object, meta: Object, path: Path) -> list[str]:
    """Warnings about a Pod (`path` is '') or a template (`path` is `spec.template`)."""
    own = path.child("spec")
    return [*_label_warnings(spec, own), *_annotation_warnings(spec, meta, path),
            *_spec_warnings(spec, own), *_volume_warnings(spec, own),
            *_container_warnings(spec, own)]


def _label_warnings(spec: Object, path: Path) -> Iterator[str]:
    for label, text in _NODE_LABELS.items():
        if label in (spec.get("nodeSelector") or {}):
            yield f"{path.child('nodeSelector').key(label)}: {text}"
    for i, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        own, key = path.child("topologySpreadConstraints").at(i), constraint.get("topologyKey")
        if key in _NODE_LABELS:
            yield f"{own.child('topologyKey')}: {key} is {_NODE_LABELS[key]}"
        if constraint.get("labelSelector") is None:
            yield f"{own.child('labelSelector')}: a null labelSelector results in matching no pod"


def _annotation_warnings(spec: Object, meta: Object, path: Path) -> Iterator[str]:
    own = path.child("metadata", "annotations")
    annotations = meta.get("annotations") or {}
    for key, text in _ANNOTATIONS.items():
        if key in annotations and not (key.startswith("seccomp") and _seccomp(spec)):
            yield f"{own.key(key)}: {text}"
    for container, _ in containers_with_paths(spec, path):
        for prefix, name, version in ((_SECCOMP, "seccompProfile", "non-functional in v1.27+"),
                                      (_APPARMOR, "appArmorProfile", "deprecated since v1.30")):
            key = f"{prefix}{container.get('name')}"
            if key in annotations and not (container.get("securityContext") or {}).get(name):
                yield f'{own.key(key)}: {version}; use the "{name}" field instead'


def _seccomp(spec: Object) -> bool:
    return (spec.get("securityContext") or {}).get("seccompProfile") is not None


def _spec_warnings(spec: Object, path: Path) -> Iterator[str]:
    seen: set[str] = set()
    for i, alias in enumerate(spec.get("hostAliases") or ()):
        if alias.get("ip") in seen:
            own = path.child("hostAliases").at(i).child("ip")
            yield f"{own}: duplicate ip {go_quote(alias['ip'])}"
        seen.add(alias.get("ip") or "")
    seen = set()
    for i, secret in enumerate(spec.get("imagePullSecrets") or ()):
        own, name = path.child("imagePullSecrets").at(i).child("name"), secret.get("name") or ""
        if not name:
            yield f'{own}: invalid empty name ""'
        elif name in seen:
            yield f"{own}: duplicate name {go_quote(name)}"
        seen.add(name)
    grace = spec.get("terminationGracePeriodSeconds")
    if grace is not None and grace < 0:
        yield (f"{path.child('terminationGracePeriodSeconds')}: must be >= 0; negative values are "
               "invalid and will be treated as 1")


def _volume_warnings(spec: Object, path: Path) -> Iterator[str]:
    for i, volume in enumerate(spec.get("volumes") or ()):
        own = path.child("volumes").at(i)
        for source, text in _VOLUMES.items():
            if volume.get(source) is not None:
                yield f"{own.child(source)}: {text}"


def _container_warnings(spec: Object, path: Path) -> Iterator[str]:
    ports: dict[tuple[Any, ...], Path] = {}
    for container, own in containers_with_paths(spec, path):
        yield from _env_warnings(container, own.child("env"))
        yield from _memory_warnings(container, own.child("resources"))
        yield from _port_warnings(container, own.child("ports"), ports)


def _env_warnings(container: Object, path: Path) -> Iterator[str]:
    items = [(v.get("name") or "", v) for v in container.get("env") or ()]
    seen: dict[str, Object] = {}
    for i, (name, variable) in enumerate(items):
        if name in seen and f"$({name})" not in (variable.get("value") or ""):
            yield (f"{path.at(i)}: hides previous definition of {go_quote(name)}, which may be "
                   "dropped when using apply")
        seen[name] = variable


def _memory_warnings(container: Object, path: Path) -> Iterator[str]:
    resources = container.get("resources") or {}
    for side in ("limits", "requests"):
        for name in ("memory", "ephemeral-storage"):
            text = (resources.get(side) or {}).get(name)
            if text is not None and parse_quantity(text).nano % NANO:
                yield (f"{path.child(side).key(name)}: fractional byte value {go_quote(text)} is "
                       "invalid, must be an integer")


def _port_warnings(container: Object, path: Path,
                   known: dict[tuple[Any, ...], Path]) -> Iterator[str]:
    own: dict[tuple[Any, ...], Path] = {}
    for i, port in enumerate(container.get("ports") or ()):
        key = (port.get("containerPort"), port.get("protocol"), port.get("hostPort") or 0,
               port.get("hostIP") or "")
        if key in own:
            yield f"{path.at(i)}: duplicate port definition with {own[key]}"
        elif key in known:
            yield f"{path.at(i)}: duplicate port definition with {known[key]}"
        own.setdefault(key, path.at(i))
    for key, at in own.items():
        known.setdefault(key, at)
