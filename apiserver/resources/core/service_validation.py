"""What is wrong with a Service. Models ValidateService, ValidateServiceUpdate and
ValidateLoadBalancerStatus.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.names import (
    is_dns1123_label,
    is_dns1123_subdomain,
    is_qualified_name,
    is_valid_cidr_legacy,
    is_valid_ip_legacy,
    is_valid_port,
    parse_ip,
)
from apiserver.machinery.serviceips import cluster_ips_errors
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    forbidden,
    internal_struct,
    invalid,
    not_supported,
    required,
)
from apiserver.resources.core.container_validation import PROTOCOLS, one_of
from apiserver.resources.core.ips import non_special_ip_errors
from apiserver.resources.core.probe_validation import port_errors
from apiserver.resources.metadata import validate_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object

SPEC: Final = Path("spec")
IP_TYPES: Final = ("ClusterIP", "NodePort", "LoadBalancer")
_TYPES: Final = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_AFFINITIES: Final = ("ClientIP", "None")
_POLICIES: Final = ("Cluster", "Local")
_DISTRIBUTIONS: Final = ("PreferClose", "PreferSameZone", "PreferSameNode")
_HINTS: Final = "service.kubernetes.io/topology-aware-hints"
_MODE: Final = "service.kubernetes.io/topology-mode"
_RANGES: Final = "service.beta.kubernetes.io/load-balancer-source-ranges"
_ONLY_BALANCER: Final = "may only be used when `type` is 'LoadBalancer'"
MAX_AFFINITY_SECONDS: Final = 86400


def is_headless(spec: Object) -> bool:
    """Whether the Service has no address on purpose."""
    return list(spec.get("clusterIPs") or ()) == ["None"]


def externally_accessible(spec: Object) -> bool:
    """Whether traffic can come from outside of the cluster."""
    kind = spec.get("type")
    return (kind in ("LoadBalancer", "NodePort")
            or (kind == "ClusterIP" and bool(spec.get("externalIPs"))))


def needs_health_check(spec: Object) -> bool:
    """Whether a load balancer asks the nodes for local endpoints."""
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def service_errors(service: Object) -> list[FieldError]:
    """What is wrong with a Service besides its metadata."""
    spec = service.get("spec") or {}
    annotations = (service.get("metadata") or {}).get("annotations") or {}
    errors = _topology_errors(annotations) + _type_errors(spec)
    errors += _ports_errors(spec, SPEC.child("ports"))
    errors += validate_labels(spec.get("selector"), SPEC.child("selector"))
    errors += _affinity_errors(spec) + cluster_ips_errors(spec)
    for i, ip in enumerate(spec.get("externalIPs") or ()):
        own = SPEC.child("externalIPs").at(i)
        errors += all_invalid(own, ip, is_valid_ip_legacy(ip)) or non_special_ip_errors(ip, own)
    errors += one_of(spec.get("type"), _TYPES, SPEC.child("type"))
    errors += _node_ports_errors(spec) + _duplicate_port_errors(spec.get("ports") or ())
    errors += _ranges_errors(spec, annotations) + _balancer_errors(spec)
    return errors + _traffic_errors(spec)


def _topology_errors(annotations: Object) -> list[FieldError]:
    if annotations.get(_MODE, annotations.get(_HINTS)) == annotations.get(
            _HINTS, annotations.get(_MODE)):
        return []
    return [invalid(Path("metadata.annotations").key(_MODE), annotations[_MODE],
                    f"must match annotations[{_HINTS}] when both are specified")]


def _type_errors(spec: Object) -> list[FieldError]:
    kind = spec.get("type")
    errors = []
    if not spec.get("ports") and not is_headless(spec) and kind != "ExternalName":
        errors.append(required(SPEC.child("ports")))
    if kind in ("LoadBalancer", "NodePort") and is_headless(spec):
        errors.append(invalid(SPEC.child("clusterIPs").at(0), "None",
                              f"may not be set to 'None' for {kind} services"))
    return errors + (_external_name_errors(spec) if kind == "ExternalName" else [])


def _external_name_errors(spec: Object) -> list[FieldError]:
    errors = [forbidden(SPEC.child(name), "may not be set for ExternalName services")
              for name in ("clusterIPs", "ipFamilies", "ipFamilyPolicy") if spec.get(name)]
    path, name = SPEC.child("externalName"), (spec.get("externalName") or "").removesuffix(".")
    return errors + (all_invalid(path, name, is_dns1123_subdomain(name)) if name
                     else [required(path)])


def _ports_errors(spec: Object, path: Path) -> list[FieldError]:
    ports = spec.get("ports") or ()
    errors: list[FieldError] = []
    names: set[str] = set()
    for i, port in enumerate(ports):
        own, name, number = path.at(i), port.get("name") or "", port.get("port") or 0
        if name:
            errors += all_invalid(own.child("name"), name, is_dns1123_label(name))
            errors += [duplicate(own.child("name"), name)] if name in names else []
            names.add(name)
        elif len(ports) > 1:
            errors.append(required(own.child("name")))
        errors += all_invalid(own.child("port"), number, is_valid_port(number))
        errors += one_of(port.get("protocol"), PROTOCOLS, own.child("protocol"))
        errors += port_errors(port.get("targetPort") or 0, own.child("targetPort"))
        if port.get("appProtocol") is not None:
            errors += all_invalid(own.child("appProtocol"), port["appProtocol"],
                                  is_qualified_name(port["appProtocol"]))
    return errors


def _affinity_errors(spec: Object) -> list[FieldError]:
    affinity, config = spec.get("sessionAffinity"), spec.get("sessionAffinityConfig")
    errors = one_of(affinity, _AFFINITIES, SPEC.child("sessionAffinity"))
    path = SPEC.child("sessionAffinityConfig")
    if affinity == "ClientIP":
        errors += _client_ip_errors(config, path)
    elif affinity == "None" and config is not None:
        errors.append(forbidden(path, "must not be set when session affinity is None"))
    return errors


def _client_ip_errors(config: Object | None, path: Path) -> list[FieldError]:
    why = "when session affinity type is ClientIP"
    if config is None:
        return [required(path, why)]
    if config.get("clientIP") is None:
        return [required(path.child("clientIP"), why)]
    own, seconds = path.child("clientIP", "timeoutSeconds"), config["clientIP"].get(
        "timeoutSeconds")
    if seconds is None:
        return [required(own, why)]
    if 0 < seconds <= MAX_AFFINITY_SECONDS:
        return []
    return [invalid(own, seconds,
                    f"must be greater than 0 and less than {MAX_AFFINITY_SECONDS}")]


def _node_ports_errors(spec: Object) -> list[FieldError]:
    path, ports = SPEC.child("ports"), spec.get("ports") or ()
    errors = []
    if spec.get("type") == "ClusterIP":
        errors += [forbidden(path.at(i).child("nodePort"),
                             "may not be used when `type` is 'ClusterIP'")
                   for i, port in enumerate(ports) if port.get("nodePort")]
    seen: set[tuple[Any, Any]] = set()
    for i, port in enumerate(ports):
        key = (port.get("protocol"), port.get("nodePort"))
        if port.get("nodePort") and key in seen:
            errors.append(duplicate(path.at(i).child("nodePort"), port["nodePort"]))
        seen.add(key)
    return errors


def _duplicate_port_errors(ports: Sequence[Object]) -> list[FieldError]:
    errors = []
    seen: set[tuple[Any, Any]] = set()
    for i, port in enumerate(ports):
        key = (port.get("protocol"), port.get("port"))
        if key in seen:
            shown = internal_struct({"protocol": key[0], "port": key[1]}, ("Name", ""),
                                    ("Protocol", ""), "AppProtocol", ("Port", 0),
                                    ("TargetPort", 0), ("NodePort", 0))
            errors.append(duplicate(SPEC.child("ports").at(i), shown))
        seen.add(key)
    return errors


def _ranges_errors(spec: Object, annotations: Object) -> list[FieldError]:
    ranges, path = spec.get("loadBalancerSourceRanges") or (), SPEC.child(
        "LoadBalancerSourceRanges")
    balancer = spec.get("type") == "LoadBalancer"
    if ranges:
        errors = [] if balancer else [forbidden(path, _ONLY_BALANCER)]
        return errors + [error for i, text in enumerate(ranges) for error in all_invalid(
            path.at(i), text.strip(), is_valid_cidr_legacy(text.strip()))]
    if _RANGES not in annotations:
        return []
    own = Path("metadata.annotations").key(_RANGES)
    errors = [] if balancer else [forbidden(own, _ONLY_BALANCER)]
    texts = annotations[_RANGES].strip()
    return errors + [error for text in (texts.split(",") if texts else ())
                     for error in all_invalid(own, text.strip(),
                                              is_valid_cidr_legacy(text.strip()))]


def _balancer_errors(spec: Object) -> list[FieldError]:
    balancer = spec.get("type") == "LoadBalancer"
    allocate, name = spec.get("allocateLoadBalancerNodePorts"), spec.get("loadBalancerClass")
    errors = []
    if allocate is not None and not balancer:
        errors.append(forbidden(SPEC.child("allocateLoadBalancerNodePorts"), _ONLY_BALANCER))
    if allocate is None and balancer:
        errors.append(required("allocateLoadBalancerNodePorts"))
    if name is not None:
        path = SPEC.child("loadBalancerClass")
        errors += (all_invalid(path, name, is_qualified_name(name)) if balancer
                   else [forbidden(path, _ONLY_BALANCER)])
    return errors


def _traffic_errors(spec: Object) -> list[FieldError]:
    policy, path = spec.get("externalTrafficPolicy"), SPEC.child("externalTrafficPolicy")
    if externally_accessible(spec):
        errors = one_of(policy, _POLICIES, path)
    else:
        errors = [invalid(path, policy, "may only be set for externally-accessible services")] \
            if policy else []
    errors += _health_errors(spec)
    internal = spec.get("internalTrafficPolicy")
    if internal is None and spec.get("type") in IP_TYPES:
        errors.append(required(SPEC.child("internalTrafficPolicy")))
    elif internal is not None and internal not in _POLICIES:
        errors.append(not_supported(SPEC.child("internalTrafficPolicy"), internal, _POLICIES))
    distribution = spec.get("trafficDistribution")
    if distribution is not None and distribution not in _DISTRIBUTIONS:
        errors.append(not_supported(SPEC.child("trafficDistribution"), distribution,
                                    _DISTRIBUTIONS))
    return errors


def _health_errors(spec: Object) -> list[FieldError]:
    port, path = spec.get("healthCheckNodePort") or 0, SPEC.child("healthCheckNodePort")
    if needs_health_check(spec):
        return all_invalid(path, port, is_valid_port(port)) if port else [required(path)]
    if port:
        return [invalid(path, port, "may only be set when `type` is 'LoadBalancer' and "
                        "`externalTrafficPolicy` is 'Local'")]
    return []


def service_update_errors(service: Object, old: Object) -> list[FieldError]:
    """What is wrong with a changed Service."""
    spec, before = service.get("spec") or {}, old.get("spec") or {}
    errors: list[FieldError] = []
    if "ExternalName" not in (spec.get("type"), before.get("type")):
        if not (is_headless(spec) and is_headless(before)):
            errors += _changed_addresses(spec, before)
        if not is_headless(spec) and not is_headless(before):
            errors += _changed_families(spec, before)
    name, path = spec.get("loadBalancerClass"), SPEC.child("loadBalancerClass")
    if spec.get("type") == before.get("type") == "LoadBalancer" \
            and name != before.get("loadBalancerClass"):
        errors.append(invalid(path, name, "may not change once set"))
    errors += _class_format_errors(spec, path)
    if needs_health_check(spec) and needs_health_check(before) \
            and spec.get("healthCheckNodePort") != before.get("healthCheckNodePort"):
        errors.append(forbidden(SPEC.child("healthCheckNodePort"), "field is immutable"))
    return errors + service_errors(service)


def _class_format_errors(spec: Object, path: Path) -> list[FieldError]:
    name = spec.get("loadBalancerClass")
    if name is None:
        return []
    if spec.get("type") != "LoadBalancer":
        return [forbidden(path, _ONLY_BALANCER)]
    return all_invalid(path, name, is_qualified_name(name))


def _changed_addresses(spec: Object, before: Object) -> list[FieldError]:
    new, old = spec.get("clusterIPs") or [], before.get("clusterIPs") or []
    path = SPEC.child("clusterIPs")
    if len(new) == len(old):
        return [invalid(path.at(i), new, "may not change once set")
                for i, ip in enumerate(old) if ip != new[i]]
    if not new:
        return [invalid(path.at(0), new or None, "primary clusterIP can not be unset")]
    errors = []
    if old and new[0] != old[0]:
        errors.append(invalid(path.at(0), new, "may not change once set"))
    return errors + _released(spec, len(new), len(old), "secondary clusterIP")


def _changed_families(spec: Object, before: Object) -> list[FieldError]:
    new, old = spec.get("ipFamilies") or [], before.get("ipFamilies") or []
    path = SPEC.child("ipFamilies").at(0)
    if len(new) == len(old):
        return [invalid(path, new, "may not change once set")
                for a, b in zip(new, old, strict=True) if a != b]
    errors = []
    if len(old) > len(new) and not spec.get("clusterIPs"):
        errors.append(invalid(path, new, "primary ipFamily can not be unset"))
    if new and old and new[0] != old[0]:
        errors.append(invalid(path, spec.get("clusterIPs"), "may not change once set"))
    return errors + _released(spec, len(new), len(old), "secondary ipFamily")


def _released(spec: Object, new: int, old: int, what: str) -> list[FieldError]:
    if not old > new == 1 or spec.get("ipFamilyPolicy") == "SingleStack":
        return []
    return [invalid(SPEC.child("ipFamilyPolicy"), spec.get("ipFamilyPolicy"),
                    f"must be set to 'SingleStack' when releasing the {what}")]


def balancer_status_errors(service: Object) -> list[FieldError]:
    """What is wrong with a Service's status."""
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    path = Path("status.loadBalancer.ingress")
    if ingress and (service.get("spec") or {}).get("type") != "LoadBalancer":
        return [forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")]
    return [error for i, entry in enumerate(ingress)
            for error in _ingress_errors(entry, path.at(i))]


def _ingress_errors(entry: Object, path: Path) -> list[FieldError]:
    ip, mode, host = entry.get("ip") or "", entry.get("ipMode"), entry.get("hostname") or ""
    errors = all_invalid(path.child("ip"), ip, is_valid_ip_legacy(ip)) if ip else []
    own = path.child("ipMode")
    if mode is None and ip:
        errors.append(required(own, "must be specified when `ip` is set"))
    elif mode is not None and not ip:
        errors.append(forbidden(own, "may not be specified when `ip` is not set"))
    elif mode is not None and mode not in ("Proxy", "VIP"):
        errors.append(not_supported(own, mode, ["Proxy", "VIP"]))
    if host:
        errors += all_invalid(path.child("hostname"), host, is_dns1123_subdomain(host))
        if parse_ip(host) is not None:
            errors.append(invalid(path.child("hostname"), host,
                                  "must be a DNS name, not an IP address"))
    return errors
