"""EndpointSlices. Models pkg/registry/discovery/endpointslice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import (
    is_dns1123_label,
    is_dns1123_subdomain,
    is_fully_qualified_domain_name,
    is_qualified_name,
    is_valid_ip_legacy,
    is_valid_label_value,
    is_valid_port,
    parse_ip,
)
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    immutable,
    invalid,
    required,
    too_many,
)
from apiserver.resource import Resource
from apiserver.resources.core.container_validation import PROTOCOLS, one_of
from apiserver.resources.core.ips import ip_warnings, non_special_ip_errors
from apiserver.resources.printing import AGE, NAME, UNSET, field, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_SHOWN: Final = 3


_MAX_ENDPOINTS: Final = 1000
_MAX_ADDRESSES: Final = 100
_MAX_PORTS: Final = 20000
_MAX_HINTS: Final = 8
_MAX_LABELS: Final = 16
_TYPES: Final = ("FQDN", "IPv4", "IPv6")


class EndpointSliceStrategy(Strategy):
    """Addresses behind a Service."""

    revalidates_metadata = True

    def default(self, obj: Object) -> None:
        for port in obj.get("ports") or ():
            if port.get("name") is None:
                port["name"] = ""
            if not port.get("protocol"):
                port["protocol"] = "TCP"

    def generation_changed(self, obj: Object, old: Object) -> bool:
        """Anything but the metadata counts."""
        return any(obj.get(k) != old.get(k) for k in (obj.keys() | old.keys()) - {"metadata"})

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        kind = obj.get("addressType") or ""
        errors = one_of(kind, _TYPES, Path("addressType"))
        errors += _endpoints_errors(obj.get("endpoints") or (), kind, Path("endpoints"))
        return errors + _ports_errors(obj.get("ports") or (), Path("ports"))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return self.validate(ctx, obj) + immutable("addressType", obj.get("addressType"),
                                                   old.get("addressType"))


    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        if obj.get("addressType") == "FQDN":
            return ["spec.addressType: FQDN endpoints are deprecated"]
        return [text for i, endpoint in enumerate(obj.get("endpoints") or ())
                for j, address in enumerate(endpoint.get("addresses") or ())
                for text in ip_warnings(Path("endpoints").at(i).child("addresses").at(j), address)]


def _endpoints_errors(endpoints: Sequence[Object], kind: str, path: Path) -> list[FieldError]:
    if len(endpoints) > _MAX_ENDPOINTS:
        return [too_many(path, len(endpoints), _MAX_ENDPOINTS)]
    return [error for i, endpoint in enumerate(endpoints)
            for error in _endpoint_errors(endpoint, kind, path.at(i))]


def _endpoint_errors(endpoint: Object, kind: str, path: Path) -> list[FieldError]:
    own, addresses = path.child("addresses"), endpoint.get("addresses") or ()
    errors: list[FieldError] = []
    if not addresses:
        errors.append(required(own, "must contain at least 1 address"))
    elif len(addresses) > _MAX_ADDRESSES:
        errors.append(too_many(own, len(addresses), _MAX_ADDRESSES))
    for i, address in enumerate(addresses):
        errors += _address_errors(address, kind, own, i)
    node, host = endpoint.get("nodeName"), endpoint.get("hostname")
    if node is not None:
        errors += all_invalid(path.child("nodeName"), node, is_dns1123_subdomain(node))
    labels, own = endpoint.get("deprecatedTopology") or {}, path.child("deprecatedTopology")
    if len(labels) > _MAX_LABELS:
        errors.append(too_many(own, len(labels), _MAX_LABELS))
    for key, value in labels.items():
        errors += all_invalid(own, key, is_qualified_name(key))
        errors += all_invalid(own, value, is_valid_label_value(value))
    if host is not None:
        errors += all_invalid(path.child("hostname"), host, is_dns1123_label(host))
    return errors + _hints_errors(endpoint.get("hints") or {}, path.child("hints"))


def _address_errors(address: str, kind: str, path: Path, i: int) -> list[FieldError]:
    if kind == "FQDN":
        return all_invalid(path.at(i), address, is_fully_qualified_domain_name(address))
    if kind not in ("IPv4", "IPv6"):
        return []
    wrong = all_invalid(path.at(i), address, is_valid_ip_legacy(address))
    if wrong:
        return wrong
    parsed = parse_ip(address)
    errors = [] if parsed is not None and f"IPv{parsed.version}" == kind else [
        invalid(path, address, f"must be an {kind} address")]
    return errors + non_special_ip_errors(address, path.at(i))


def _hints_errors(hints: Object, path: Path) -> list[FieldError]:
    zones, own = hints.get("forZones") or (), path.child("forZones")
    if len(zones) > _MAX_HINTS:
        return [too_many(own, len(zones), _MAX_HINTS)]
    nodes, other = hints.get("forNodes") or (), path.child("forNodes")
    errors = _names_errors(zones, is_valid_label_value, own)
    if len(nodes) > _MAX_HINTS:
        return [*errors, too_many(other, len(nodes), _MAX_HINTS)]
    return errors + _names_errors(nodes, is_dns1123_subdomain, other)


def _names_errors(entries: Sequence[Object], check: Callable[[str], list[str]],
                  path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    for i, entry in enumerate(entries):
        name, own = entry.get("name") or "", path.at(i).child("name")
        if name in {e.get("name") for e in entries[:i]}:
            errors.append(duplicate(own, name))
        errors += all_invalid(own, name, check(name))
    return errors


def _ports_errors(ports: Sequence[Object], path: Path) -> list[FieldError]:
    if len(ports) > _MAX_PORTS:
        return [too_many(path, len(ports), _MAX_PORTS)]
    errors: list[FieldError] = []
    names: set[str] = set()
    for i, port in enumerate(ports):
        own, name, number = path.at(i), port.get("name") or "", port.get("port")
        if name:
            errors += all_invalid(own.child("name"), name, is_dns1123_label(name))
        if name in names:
            errors.append(duplicate(own.child("name"), name))
        names.add(name)
        errors += one_of(port.get("protocol"), PROTOCOLS, own.child("protocol"))
        if number is not None:
            errors += all_invalid(own.child("port"), number, is_valid_port(number))
        if port.get("appProtocol") is not None:
            errors += all_invalid(own.child("appProtocol"), port["appProtocol"],
                                  is_qualified_name(port["appProtocol"]))
    return errors


def first_of(texts: Sequence[str]) -> str:
    """The first three, how many more there are, or `<unset>`."""
    text = ",".join(texts[:_SHOWN])
    if len(texts) > _SHOWN:
        return f"{text} + {len(texts) - _SHOWN} more..."
    return text or UNSET


def _ports(obj: Object, now: float) -> str:
    return first_of([_port(port) for port in obj.get("ports") or ()])


def _port(port: Object) -> str:
    number = port.get("port")
    return str(number) if number is not None else port.get("name", "*")


def _endpoints(obj: Object, now: float) -> str:
    return first_of([a for e in obj.get("endpoints") or () for a in e.get("addresses") or ()])


ENDPOINTSLICES = Resource(
    group="discovery.k8s.io", version="v1", kind="EndpointSlice", plural="endpointslices",
    strategy=EndpointSliceStrategy(),
    columns=(
        NAME,
        named("AddressType", field("addressType"), "IPv4, IPv6 or FQDN."),
        named("Ports", _ports, "The ports of every endpoint."),
        named("Endpoints", _endpoints, "The addresses."),
        AGE))
