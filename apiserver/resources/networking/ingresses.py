"""Ingresses. Models pkg/registry/networking/ingress and ValidateIngressCreate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import (
    is_dns1123_label,
    is_dns1123_subdomain,
    is_path_segment,
    is_valid_port,
    is_valid_port_name,
    is_wildcard_dns1123_subdomain,
    parse_ip,
)
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    invalid,
    not_supported,
    required,
)
from apiserver.resource import Resource
from apiserver.resources.core.ips import ip_warnings
from apiserver.resources.core.services import load_balancer_text
from apiserver.resources.printing import AGE, NAME, NONE, dig, field, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_SPEC: Final = Path("spec")
_CLASS: Final = "kubernetes.io/ingress.class"
_TYPES: Final = ("Exact", "ImplementationSpecific", "Prefix")
_SEQUENCES: Final = ("//", "/./", "/../", "%2f", "%2F")
_ENDS: Final = ("/..", "/.")
_MOST_HOSTS: Final = 3


class IngressStrategy(Strategy):
    """Which Services HTTP requests from outside go to."""

    revalidates_metadata = True

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {"loadBalancer": {}}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        errors = self.validate_update(ctx, obj, obj)
        old = dig(obj, "metadata", "annotations", _CLASS)
        name = dig(obj, "spec", "ingressClassName")
        if old is not None and name is not None and old != name:
            errors.append(invalid(f"annotations.{_CLASS}", old,
                                  "must match `ingressClassName` when both are specified"))
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return _spec_errors(obj.get("spec") or {})

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        return _status_errors(obj)

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        if ctx.subresource:
            return _status_warnings(obj)
        has, had = (dig(o, "metadata", "annotations", _CLASS) is not None for o in (obj, old))
        if has and not had:
            return [f'annotation "{_CLASS}" is deprecated, please use \'spec.ingressClassName\' '
                    "instead"]
        return []


def _spec_errors(spec: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    rules, backend = spec.get("rules") or (), spec.get("defaultBackend")
    if not rules and backend is None:
        errors.append(invalid(_SPEC, spec.get("rules"),
                              "either `defaultBackend` or `rules` must be specified"))
    if backend is not None:
        errors += _backend_errors(backend, _SPEC.child("defaultBackend"))
    for i, rule in enumerate(rules):
        errors += _rule_errors(rule, _SPEC.child("rules").at(i))
    for i, tls in enumerate(spec.get("tls") or ()):
        errors += _tls_errors(tls, _SPEC.child("tls").at(i))
    name = spec.get("ingressClassName")
    if name is not None:
        errors += all_invalid(_SPEC.child("ingressClassName"), name, is_dns1123_subdomain(name))
    return errors


def _host_texts(host: str) -> list[str]:
    check = is_wildcard_dns1123_subdomain if "*" in host else is_dns1123_subdomain
    return check(host)


def _rule_errors(rule: Object, path: Path) -> list[FieldError]:
    host, own = rule.get("host") or "", path.child("host")
    errors: list[FieldError] = []
    if host:
        if parse_ip(host):
            errors.append(invalid(own, host, "must be a DNS name, not an IP address"))
        errors += all_invalid(own, host, _host_texts(host))
    http = rule.get("http")
    if http is None:
        return errors
    paths, own = http.get("paths") or (), path.child("http", "paths")
    if not paths:
        errors.append(required(own))
    for i, item in enumerate(paths):
        errors += _path_errors(item, own.at(i))
    return errors


def _path_errors(item: Object, path: Path) -> list[FieldError]:
    kind, text, own = item.get("pathType"), item.get("path") or "", path.child("path")
    if kind is None:
        return [required(path.child("pathType"), "pathType must be specified")]
    errors: list[FieldError] = []
    if kind in ("Exact", "Prefix"):
        if not text.startswith("/"):
            errors.append(invalid(own, text, "must be an absolute path"))
        errors += [invalid(own, text, f"must not contain '{part}'")
                   for part in _SEQUENCES if part in text]
        errors += [invalid(own, text, f"cannot end with '{end}'")
                   for end in _ENDS if text.endswith(end)]
    elif kind == "ImplementationSpecific":
        if text and not text.startswith("/"):
            errors.append(invalid(own, text, "must be an absolute path"))
    else:
        errors.append(not_supported(path.child("pathType"), kind, _TYPES))
    return errors + _backend_errors(item.get("backend") or {}, path.child("backend"))


def _backend_errors(backend: Object, path: Path) -> list[FieldError]:
    resource, service = backend.get("resource"), backend.get("service")
    if resource is not None and service is not None:
        return [invalid(path, "", "cannot set both resource and service backends")]
    if resource is not None:
        return typed_reference_errors(resource, path.child("resource"))
    if service is None:
        return [invalid(path, "", "resource or service backend is required")]
    return _service_errors(service, path)


def typed_reference_errors(reference: Object, path: Path) -> list[FieldError]:
    """What is wrong with a TypedLocalObjectReference."""
    group = reference.get("apiGroup")
    errors: list[FieldError] = []
    if group is not None:
        errors += all_invalid(path.child("apiGroup"), group, is_dns1123_subdomain(group))
    for name in ("kind", "name"):
        value = reference.get(name) or ""
        errors += (all_invalid(path.child(name), value, is_path_segment(value)) if value
                   else [required(path.child(name), f"{name} is required")])
    return errors


def _service_errors(service: Object, path: Path) -> list[FieldError]:
    own, name = path.child("service"), service.get("name") or ""
    errors = all_invalid(own.child("name"), name, is_dns1123_label(name)) if name else [
        required(own.child("name"))]
    port = service.get("port") or {}
    if port.get("name") and port.get("number"):
        errors.append(invalid(path, "", "cannot set both port name & port number"))
    elif port.get("name"):
        errors += all_invalid(own.child("port", "name"), port["name"],
                              is_valid_port_name(port["name"]))
    elif port.get("number"):
        errors += all_invalid(own.child("port", "number"), port["number"],
                              is_valid_port(port["number"]))
    else:
        errors.append(required(path, "port name or number is required"))
    return errors


def _tls_errors(tls: Object, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    for i, host in enumerate(tls.get("hosts") or ()):
        errors += all_invalid(path.child("hosts").at(i), host, _host_texts(host))
    secret = tls.get("secretName")
    if secret:
        errors += all_invalid(path.child("secretName"), secret, is_dns1123_subdomain(secret))
    return errors


def _status_errors(obj: Object) -> list[FieldError]:
    path = Path("status.loadBalancer.ingress")
    errors: list[FieldError] = []
    for i, point in enumerate(dig(obj, "status", "loadBalancer", "ingress") or ()):
        ip, host = point.get("ip"), point.get("hostname")
        if ip and not parse_ip(ip):
            errors.append(invalid(path.at(i).child("ip"), ip, "must be a valid IP address, "
                                  "(e.g. 10.9.8.7 or 2001:db8::ffff)"))
        if host:
            errors += all_invalid(path.at(i).child("hostname"), host, is_dns1123_subdomain(host))
            if parse_ip(host):
                errors.append(invalid(path.at(i).child("hostname"), host,
                                      "must be a DNS name, not an IP address"))
    return errors


def _status_warnings(obj: Object) -> list[str]:
    path = Path("status.loadBalancer.ingress")
    return [text for i, point in enumerate(dig(obj, "status", "loadBalancer", "ingress") or ())
            for text in ip_warnings(path.at(i).child("ip"), point.get("ip") or "")]


def _hosts(obj: Object, now: float) -> str:
    rules = dig(obj, "spec", "rules") or ()
    hosts: list[str] = []
    for rule in rules:
        if len(hosts) == _MOST_HOSTS:
            return f"{','.join(hosts)} + {len(rules) - _MOST_HOSTS} more..."
        if rule.get("host"):
            hosts.append(rule["host"])
    return ",".join(hosts) or "*"


def _ports(obj: Object, now: float) -> str:
    return "80, 443" if dig(obj, "spec", "tls") else "80"


INGRESSES = Resource(
    group="networking.k8s.io", version="v1", kind="Ingress", plural="ingresses",
    short_names=("ing",), strategy=IngressStrategy(), status=True,
    columns=(
        NAME,
        named("Class", field("spec", "ingressClassName", default=NONE), "Who serves it."),
        named("Hosts", _hosts, "For which hosts."),
        named("Address", lambda obj, now: load_balancer_text(obj.get("status") or {}),
              "Where it is reached."),
        named("Ports", _ports, "On which ports."),
        AGE))
