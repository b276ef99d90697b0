"""A container's environment. Models makeEnvironmentVariables of pkg/kubelet/kubelet_pods.go, the
service links of pkg/kubelet/envvars, and third_party/forked/golang/expansion.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery import meta
from apiserver.machinery.meta import labels, name, namespace, uid
from apiserver.machinery.quantity import parse_quantity
from netsim.packet import join_host_port

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from apiserver.machinery.types import Object
    from controllers.node.tokens import Held, Wanted

_REFERENCE: Final = re.compile(r"\$(?:\$|\(([^)]*)\))")
_KEYED_FIELD: Final = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")


class ConfigError(Exception):
    """Something that the container refers to is not there: CreateContainerConfigError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What values may come from: the pod as it will run, and objects by namespaced name."""

    pod: Object
    host_ips: Sequence[str]
    pod_ips: Sequence[str]
    config_map: Any
    """A function from name to the ConfigMap of the pod's namespace, or None."""
    secret: Any
    allocatable: Mapping[str, str]
    tokens: Mapping[Wanted, Held] = field(default_factory=dict)
    """Of the pod's service account, for its projected volumes."""


def expand(text: str, values: Mapping[str, str]) -> str:
    """`$(NAME)` becomes its value where there is one; `$$` is a dollar."""
    def value_of(match: re.Match[str]) -> str:
        if match.group() == "$$":
            return "$"
        return values.get(match.group(1), match.group())
    return _REFERENCE.sub(value_of, text)


def environment(container: Mapping[str, Any], sources: Sources,
                links: Mapping[str, str]) -> Mapping[str, str]:
    """All variables of a container; `links` are those of Services. Raises ConfigError."""
    values = links
    for source in container.get("envFrom") or ():
        values = {**values, **_from_source(source, sources)}
    own: dict[str, str] = {}
    for variable in container.get("env") or ():
        known = {**values, **own}
        if variable.get("valueFrom"):
            found = _value_from(variable["valueFrom"], container, sources)
            if found is None:
                continue
            own[variable["name"]] = found
        else:
            own[variable["name"]] = expand(variable.get("value", ""), known)
    return {**values, **own} if own else values


def service_variables(services: Iterable[Object]) -> dict[str, str]:
    """`WEB_SERVICE_HOST` and its kin of every Service that has an address."""
    values: dict[str, str] = {}
    for service in services:
        spec = service.get("spec") or {}
        address = spec.get("clusterIP") or "None"
        if address != "None" and spec.get("ports"):
            values |= _links(name(service).upper().replace("-", "_"), address, spec["ports"])
    return values


def field_value(pod: Object, path: str, pod_ips: Sequence[str] = ("",),
                host_ips: Sequence[str] = ("",)) -> str:
    """A downward API field of the pod. Raises ConfigError."""
    keyed = _KEYED_FIELD.fullmatch(path)
    if keyed:
        source = labels(pod) if keyed.group(1) == "labels" else meta.annotations(pod)
        return source.get(keyed.group(2), "")
    fields: dict[str, str] = {
        "metadata.name": name(pod), "metadata.namespace": namespace(pod), "metadata.uid": uid(pod),
        "metadata.labels": _listing(labels(pod)),
        "metadata.annotations": _listing(meta.annotations(pod)),
        "spec.nodeName": pod["spec"].get("nodeName", ""),
        "spec.serviceAccountName": pod["spec"].get("serviceAccountName", ""),
        "status.podIP": pod_ips[0], "status.podIPs": ",".join(pod_ips),
        "status.hostIP": host_ips[0], "status.hostIPs": ",".join(host_ips),
    }
    if path not in fields:
        raise ConfigError(f"unsupported fieldPath: {path}")
    return fields[path]


def decode_secret(secret: Object) -> dict[str, str]:
    """The data of a Secret as text (what is no UTF-8 is shown with replacement characters)."""
    data = secret.get("data") or {}
    return {key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()}


def _links(prefix: str, address: str, ports: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    first = ports[0]
    values = {f"{prefix}_SERVICE_HOST": address, f"{prefix}_SERVICE_PORT": str(first["port"])}
    for port in ports:
        if port.get("name"):
            own = port["name"].upper().replace("-", "_")
            values[f"{prefix}_SERVICE_PORT_{own}"] = str(port["port"])
    for index, port in enumerate(ports):
        protocol = port.get("protocol", "TCP")
        url = f"{protocol.lower()}://{join_host_port(address, port['port'])}"
        if index == 0:
            values[f"{prefix}_PORT"] = url
        link = f"{prefix}_PORT_{port['port']}_{protocol}"
        values |= {link: url, f"{link}_PROTO": protocol.lower(), f"{link}_PORT": str(port["port"]),
                   f"{link}_ADDR": address}
    return values


def _from_source(source: Mapping[str, Any], sources: Sources) -> dict[str, str]:
    prefix = source.get("prefix", "")
    if "configMapRef" in source:
        ref, found = source["configMapRef"], sources.config_map(source["configMapRef"]["name"])
        data = (found or {}).get("data") or {}
        what = "configmap"
    else:
        ref, found = source["secretRef"], sources.secret(source["secretRef"]["name"])
        data = decode_secret(found) if found else {}
        what = "secret"
    if found is None and not ref.get("optional"):
        raise ConfigError(f'{what} "{ref["name"]}" not found')
    return {prefix + key: value for key, value in data.items()}


def _value_from(source: Mapping[str, Any], container: Mapping[str, Any],
                sources: Sources) -> str | None:
    if "fieldRef" in source:
        return field_value(sources.pod, source["fieldRef"]["fieldPath"], sources.pod_ips,
                           sources.host_ips)
    if "configMapKeyRef" in source:
        ref = source["configMapKeyRef"]
        found = sources.config_map(ref["name"])
        return _keyed(found, (found or {}).get("data") or {}, ref, "ConfigMap", sources)
    if "secretKeyRef" in source:
        ref = source["secretKeyRef"]
        found = sources.secret(ref["name"])
        return _keyed(found, decode_secret(found) if found else {}, ref, "Secret", sources)
    if "resourceFieldRef" in source:
        return _resource(source["resourceFieldRef"], container, sources)
    return ""


def _keyed(found: Object | None, data: Mapping[str, str], ref: Mapping[str, Any], kind: str,
           sources: Sources) -> str | None:
    if found is None and not ref.get("optional"):
        raise ConfigError(f'{kind.lower()} "{ref["name"]}" not found')
    if ref["key"] not in data:
        if ref.get("optional"):
            return None
        raise ConfigError(f"couldn't find key {ref['key']} in {kind} "
                          f"{namespace(sources.pod)}/{ref['name']}")
    return data[ref["key"]]


def _resource(ref: Mapping[str, Any], container: Mapping[str, Any], sources: Sources) -> str:
    kind, _, what = ref["resource"].partition(".")
    resources = container.get("resources") or {}
    text = (resources.get(kind) or {}).get(what)
    if text is None and kind == "limits":
        text = sources.allocatable.get(what)
    divisor = parse_quantity(ref.get("divisor") or "1")
    unit = divisor.nano or parse_quantity("1").nano
    return str(-(-parse_quantity(text or "0").nano // unit))


def _listing(values: Mapping[str, str]) -> str:
    return "\n".join(f'{key}="{value}"' for key, value in sorted(values.items()))
