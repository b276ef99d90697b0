"""Warnings about pods and pod templates that are valid but doubtful. Models
pkg/api/pod/warnings.go and pkg/api/node/util.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_valid_label_value
from apiserver.machinery.validation import Path, go_quote
from apiserver.resources.core.apparmor import APPARMOR, SECCOMP_CONTAINER, SECCOMP_POD
from apiserver.resources.core.ips import ip_warnings
from apiserver.resources.core.security_validation import containers_with_paths
from apiserver.resources.core.volume_warnings import byte_warnings, volume_warnings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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
    "app.kubernetes.io/created-by": "deprecated since v1.9",
    "scheduler.alpha.kubernetes.io/preferAvoidPods":
        "deprecated since v1.22; use Taints and Tolerations instead",
    "node-role.kubernetes.io/master": 'use "node-role.kubernetes.io/control-plane" instead',
}
_ANNOTATIONS: Final = {
    "scheduler.alpha.kubernetes.io/critical-pod":
        'non-functional in v1.16+; use the "priorityClassName" field instead',
    "security.alpha.kubernetes.io/sysctls":
        'non-functional in v1.11+; use the "sysctls" field instead',
    "security.alpha.kubernetes.io/unsafe-sysctls":
        'non-functional in v1.11+; use the "sysctls" field instead',
}
_SECCOMP_TEXT: Final = 'non-functional in v1.27+; use the "seccompProfile" field instead'
APPARMOR_TEXT: Final = 'deprecated since v1.30; use the "appArmorProfile" field instead'
_NO_POD: Final = "a null labelSelector results in matching no pod"
_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED: Final = "preferredDuringSchedulingIgnoredDuringExecution"
_BYTES: Final = ("memory", "ephemeral-storage")


def pod_warnings(spec: Object, meta: Object, path: Path) -> list[str]:
    """Warnings about a Pod (`path` is '') or a template (`path` is `spec.template`)."""
    own, annotations = path.child("spec"), path.child("metadata", "annotations")
    return [*_node_label_warnings(spec, own),
            *_annotation_warnings(spec, meta, annotations),
            *volume_warnings(spec.get("volumes") or (), own.child("volumes")),
            *_list_warnings(spec, own),
            *byte_warnings(spec.get("overhead"), _BYTES, own.child("overhead")),
            *_container_warnings(spec, meta, own, annotations, template=bool(path)),
            *_port_warnings(spec, own),
            *_grace_warnings(spec, own.child("terminationGracePeriodSeconds")),
            *_affinity_warnings(spec.get("affinity") or {}, own.child("affinity")),
            *_address_warnings(spec, own)]


def node_label_warning(key: str) -> str:
    """What is wrong with using a label of nodes; '' for nothing (GetNodeLabelDeprecatedMessage)."""
    return _NODE_LABELS.get(key, "")


def node_term_warnings(term: Object, path: Path, *, values: bool = False) -> Iterator[str]:
    """Warnings about a NodeSelectorTerm; `values`: about its values too."""
    for i, expression in enumerate(term.get("matchExpressions") or ()):
        own, key = path.child("matchExpressions").at(i), expression.get("key") or ""
        if text := node_label_warning(key):
            yield f"{own.child('key')}: {key} is {text}"
        if values:
            yield from (f"{own.child('values').at(j)}: {value} is invalid, {text}"
                        for j, value in enumerate(expression.get("values") or ())
                        for text in is_valid_label_value(value))


def _node_label_warnings(spec: Object, path: Path) -> Iterator[str]:
    for label in spec.get("nodeSelector") or ():
        if text := node_label_warning(label):
            yield f"{path.child('nodeSelector').key(label)}: {text}"
    yield from _node_affinity_warnings((spec.get("affinity") or {}).get("nodeAffinity") or {},
                                       path.child("affinity", "nodeAffinity"))
    for i, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        own, key = path.child("topologySpreadConstraints").at(i), constraint.get("topologyKey")
        if key in _NODE_LABELS:
            yield f"{own.child('topologyKey')}: {key} is {_NODE_LABELS[key]}"
        if constraint.get("labelSelector") is None:
            yield f"{own.child('labelSelector')}: {_NO_POD}"


def _node_affinity_warnings(affinity: Object, path: Path) -> Iterator[str]:
    terms = (affinity.get(_REQUIRED) or {}).get("nodeSelectorTerms") or ()
    for i, term in enumerate(terms):
        yield from node_term_warnings(term, path.child(_REQUIRED, "nodeSelectorTerms").at(i))
    for i, term in enumerate(affinity.get(_PREFERRED) or ()):
        own = path.child(_PREFERRED).at(i).child("preference")
        yield from node_term_warnings(term.get("preference") or {}, own, values=True)


def _annotation_warnings(spec: Object, meta: Object, path: Path) -> Iterator[str]:
    annotations = meta.get("annotations") or {}
    for key, text in _ANNOTATIONS.items():
        if key in annotations:
            yield f"{path.key(key)}: {text}"
    if SECCOMP_POD in annotations and not _profile(spec, "seccompProfile"):
        yield f"{path.key(SECCOMP_POD)}: {_SECCOMP_TEXT}"


def _profile(holder: Object, name: str) -> bool:
    return (holder.get("securityContext") or {}).get(name) is not None


def _list_warnings(spec: Object, path: Path) -> Iterator[str]:
    aliases = [alias.get("ip") or "" for alias in spec.get("hostAliases") or ()]
    for i, ip in _repeated(aliases):
        yield f"{path.child('hostAliases').at(i).child('ip')}: duplicate ip {go_quote(ip)}"
    secrets = [secret.get("name") or "" for secret in spec.get("imagePullSecrets") or ()]
    own = path.child("imagePullSecrets")
    for i, name in _repeated(secrets):
        yield f"{own.at(i).child('name')}: duplicate name {go_quote(name)}"
    for i, name in enumerate(secrets):
        if not name:
            yield f'{own.at(i).child("name")}: invalid empty name ""'


def _repeated(values: Sequence[str]) -> Iterable[tuple[int, str]]:
    return ((i, value) for i, value in enumerate(values) if value in values[:i])


def _container_warnings(spec: Object, meta: Object, path: Path, own: Path, *,
                        template: bool) -> Iterator[str]:
    annotations = meta.get("annotations") or {}
    for container, at in containers_with_paths(spec, path):
        name = container.get("name") or ""
        if SECCOMP_CONTAINER + name in annotations and not _profile(container, "seccompProfile"):
            yield f"{own.key(SECCOMP_CONTAINER + name)}: {_SECCOMP_TEXT}"
        confined = any(_profile(holder, "appArmorProfile") for holder in (spec, container))
        if template and APPARMOR + name in annotations and not confined:
            yield f"{own.key(APPARMOR + name)}: {APPARMOR_TEXT}"
        resources = container.get("resources") or {}
        for amount in _BYTES:
            for side in ("limits", "requests"):
                yield from byte_warnings(resources.get(side), (amount,),
                                         at.child("resources", side))
        yield from _env_warnings(container, at.child("env"))


def _env_warnings(container: Object, path: Path) -> Iterator[str]:
    seen: set[str] = set()
    for i, variable in enumerate(container.get("env") or ()):
        name, value = variable.get("name") or "", variable.get("value") or ""
        reference = f"$({name})"
        hides = (variable.get("valueFrom") is not None or value == reference
                 or reference not in value)
        if name in seen and hides:
            yield (f"{path.at(i)}: hides previous definition of {go_quote(name)}, which may be "
                   "dropped when using apply")
        seen.add(name)


def _port_warnings(spec: Object, path: Path) -> Iterator[str]:
    """Ports of all containers that get in each other's way."""
    ports: dict[tuple[int, str], list[tuple[Path, str, int]]] = {}
    names: dict[str, Path] = {}
    for container, at in containers_with_paths(spec, path):
        lasting = "initContainers" not in at or container.get("restartPolicy") == "Always"
        for i, port in enumerate(container.get("ports") or ()):
            own = at.child("ports").at(i)
            yield from _one_port_warnings(port, own, ports)
            if lasting and port.get("name"):
                yield from _name_warnings(port["name"], own, names)


def _one_port_warnings(port: Object, own: Path,
                       known: dict[tuple[int, str], list[tuple[Path, str, int]]]) -> Iterator[str]:
    ip, host = port.get("hostIP") or "", port.get("hostPort") or 0
    number, protocol = port.get("containerPort") or 0, port.get("protocol") or ""
    if ip and not host:
        yield (f"{own}: hostIP set without hostPort: {{Name:{port.get('name') or ''} HostPort:0 "
               f"ContainerPort:{number} Protocol:{protocol} HostIP:{ip}}}")
    others = known.setdefault((number, protocol), [])
    for at, other_ip, other_host in others:
        if (ip, host) == (other_ip, other_host):
            yield f"{own}: duplicate port definition with {at}"
        elif not host or not other_host:
            yield f"{own}: overlapping port definition with {at}"
        elif host == other_host and bool(ip) != bool(other_ip):
            yield f"{own}: dangerously ambiguous port definition with {at}"
    others.append((own, ip, host))


def _name_warnings(name: str, own: Path, names: dict[str, Path]) -> Iterator[str]:
    first = names.setdefault(name, own)
    if first is not own:
        yield (f"{own}: duplicate port name {go_quote(name)} with {first}, services and probes "
               f"that select ports by name will use {first}")


def _grace_warnings(spec: Object, path: Path) -> Iterator[str]:
    grace = spec.get("terminationGracePeriodSeconds")
    if grace is not None and grace < 0:
        yield f"{path}: must be >= 0; negative values are invalid and will be treated as 1"


def _affinity_warnings(affinity: Object, path: Path) -> Iterator[str]:
    for name in ("podAffinity", "podAntiAffinity"):
        own, terms = path.child(name), affinity.get(name) or {}
        for i, term in enumerate(terms.get(_REQUIRED) or ()):
            if term.get("labelSelector") is None:
                yield f"{own.child(_REQUIRED).at(i).child('labelSelector')}: {_NO_POD}"
        for i, term in enumerate(terms.get(_PREFERRED) or ()):
            if (term.get("podAffinityTerm") or {}).get("labelSelector") is None:
                at = own.child(_PREFERRED).at(i).child("podAffinityTerm", "labelSelector")
                yield f"{at}: {_NO_POD}"


def _address_warnings(spec: Object, path: Path) -> Iterator[str]:
    servers = (spec.get("dnsConfig") or {}).get("nameservers") or ()
    for i, server in enumerate(servers):
        yield from ip_warnings(path.child("dnsConfig", "nameservers").at(i), server)
    for i, alias in enumerate(spec.get("hostAliases") or ()):
        yield from ip_warnings(path.child("hostAliases").at(i).child("ip"), alias.get("ip") or "")
