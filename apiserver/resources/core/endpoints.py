"""Endpoints. Models pkg/registry/core/endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import (
    is_dns1123_label,
    is_dns1123_subdomain,
    is_qualified_name,
    is_valid_ip_legacy,
    is_valid_port,
)
from apiserver.machinery.validation import FieldError, Path, all_invalid, required
from apiserver.resource import Resource
from apiserver.resources.core.container_validation import PROTOCOLS, one_of
from apiserver.resources.core.ips import ip_warnings, non_special_ip_errors
from apiserver.resources.printing import AGE, NAME, NONE, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_SHOWN: Final = 3


class EndpointsStrategy(Strategy):
    """Addresses behind a Service, in the old form."""

    create_on_update = True
    has_generation = False
    revalidates_metadata = True

    def default(self, obj: Object) -> None:
        for subset in obj.get("subsets") or ():
            for port in subset.get("ports") or ():
                if not port.get("protocol"):
                    port["protocol"] = "TCP"

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        path = Path("subsets")
        return [error for i, subset in enumerate(obj.get("subsets") or ())
                for error in _subset_errors(subset, path.at(i))]


    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        return [text for i, subset in enumerate(obj.get("subsets") or ())
                for name in ("addresses", "notReadyAddresses")
                for j, address in enumerate(subset.get(name) or ())
                for text in ip_warnings(Path("subsets").at(i).child(name).at(j).child("ip"),
                                        address.get("ip") or "")]


def _subset_errors(subset: Object, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    if not subset.get("addresses") and not subset.get("notReadyAddresses"):
        errors.append(required(path, "must specify `addresses` or `notReadyAddresses`"))
    for name in ("addresses", "notReadyAddresses"):
        for i, address in enumerate(subset.get(name) or ()):
            errors += _address_errors(address, path.child(name).at(i))
    ports = subset.get("ports") or ()
    for i, port in enumerate(ports):
        errors += _port_errors(port, len(ports) > 1, path.child("ports").at(i))
    return errors


def _address_errors(address: Object, path: Path) -> list[FieldError]:
    ip, host, node = address.get("ip") or "", address.get("hostname"), address.get("nodeName")
    errors = all_invalid(path.child("ip"), ip, is_valid_ip_legacy(ip))
    if host:
        errors += all_invalid(path.child("hostname"), host, is_dns1123_label(host))
    if node is not None:
        errors += all_invalid(path.child("nodeName"), node, is_dns1123_subdomain(node))
    return errors + non_special_ip_errors(ip, path.child("ip"))


def _port_errors(port: Object, needs_name: bool, path: Path) -> list[FieldError]:
    name, number = port.get("name") or "", port.get("port") or 0
    errors: list[FieldError] = []
    if name:
        errors += all_invalid(path.child("name"), name, is_dns1123_label(name))
    elif needs_name:
        errors.append(required(path.child("name")))
    errors += all_invalid(path.child("port"), number, is_valid_port(number))
    errors += one_of(port.get("protocol"), PROTOCOLS, path.child("protocol"))
    if port.get("appProtocol") is not None:
        errors += all_invalid(path.child("appProtocol"), port["appProtocol"],
                              is_qualified_name(port["appProtocol"]))
    return errors


def _subset(subset: Object) -> list[str]:
    ips = [a["ip"] for a in subset.get("addresses") or ()]
    if not subset.get("ports"):
        return ips
    return [_host_port(ip, p["port"]) for p in subset["ports"] for ip in ips]


def _host_port(ip: str, port: int) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def _text(obj: Object, now: float) -> str:
    if not obj.get("subsets"):
        return NONE
    every = [text for subset in obj["subsets"] for text in _subset(subset)]
    text = ",".join(every[:_SHOWN])
    return f"{text} + {len(every) - _SHOWN} more..." if len(every) > _SHOWN else text


ENDPOINTS = Resource(
    group="", version="v1", kind="Endpoints", plural="endpoints", singular="endpoints",
    short_names=("ep",), strategy=EndpointsStrategy(),
    deprecation="v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    columns=(NAME, named("Endpoints", _text, "Addresses and ports behind the service."), AGE))
