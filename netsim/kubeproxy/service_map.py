"""From Service and EndpointSlice JSON to kube-proxy's values.

Models pkg/proxy/{serviceport,servicechangetracker,endpointslicecache}.go.

`ServiceMap` follows the objects one by one and says which Services changed since it was asked last.
It keeps references to the objects that it is given and never changes them.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from netsim.kubeproxy.values import Endpoint, Family, ServicePort

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["ServiceMap", "endpoints_of", "service_key", "service_ports", "slice_service"]

Key = tuple[str, str]
"""Namespace and name of a Service."""
Json = dict[str, Any]
"""An API object or a part of one."""

_PROXY_NAME = "service.kubernetes.io/service-proxy-name"
_HEADLESS = "service.kubernetes.io/headless"
_SERVICE_NAME = "kubernetes.io/service-name"
_DEFAULT_AFFINITY_SECONDS = 10800


def service_key(obj: Json) -> Key:
    """Namespace and name of an object."""
    return obj["metadata"].get("namespace", "default"), obj["metadata"]["name"]


def service_ports(service: Json, family: Family) -> tuple[ServicePort, ...]:
    """The service ports of a Service in one family; none when kube-proxy has nothing to do.

    That is so for headless and ExternalName Services, those of another proxy, and without a
    cluster IP of the family.
    """
    spec = service.get("spec", {})
    cluster_ip = _cluster_ip(spec, family)
    other_proxy = _PROXY_NAME in (service["metadata"].get("labels") or {})
    if not cluster_ip or spec.get("type") == "ExternalName" or other_proxy:
        return ()
    common = _common_fields(service, family)
    return tuple(_service_port(port, cluster_ip, common) for port in spec.get("ports") or ())


def _cluster_ip(spec: Json, family: Family) -> str:
    if spec.get("clusterIP", "") in ("", "None"):
        return ""
    addresses = spec.get("clusterIPs") or (spec["clusterIP"],)
    return next((a for a in _of_family(addresses, family)), "")


def _of_family(addresses: Iterable[str], family: Family) -> Iterator[str]:
    return (_canonical(a) for a in addresses if a and Family.of(a) is family)


def _canonical(address: str) -> str:
    """IPv6 addresses have many spellings; rules have the shortest one."""
    return str(ip_address(address)) if ":" in address else address


def _service_port(port: Json, cluster_ip: str, common: Mapping[str, Any]) -> ServicePort:
    return ServicePort(
        port_name=port.get("name", ""),
        protocol=port.get("protocol", "TCP").lower(),
        cluster_ip=cluster_ip,
        port=port["port"],
        node_port=port.get("nodePort", 0),
        **common,
    )


def _common_fields(service: Json, family: Family) -> dict[str, Any]:
    """The fields that all ports of a Service share."""
    spec = service["spec"]
    namespace, name = service_key(service)
    external_local = _external_local(spec)
    needs_health_check = external_local and spec.get("type") == "LoadBalancer"
    return {
        "namespace": namespace,
        "name": name,
        "external_ips": tuple(_of_family(spec.get("externalIPs") or (), family)),
        "load_balancer_ips": tuple(_load_balancer_ips(service, family)),
        "source_ranges": _source_ranges(spec, family),
        "affinity_seconds": _affinity_seconds(spec),
        "internal_local": spec.get("internalTrafficPolicy") == "Local",
        "external_local": external_local,
        "health_check_node_port": spec.get("healthCheckNodePort", 0) if needs_health_check else 0,
    }


def _external_local(spec: Json) -> bool:
    reachable = spec.get("type") in ("LoadBalancer", "NodePort") or spec.get("externalIPs")
    return bool(reachable) and spec.get("externalTrafficPolicy") == "Local"


def _load_balancer_ips(service: Json, family: Family) -> Iterator[str]:
    """Ingress addresses that the node itself must answer for (ipMode VIP)."""
    ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress") or ()
    vips = (i.get("ip", "") for i in ingress if i.get("ipMode", "VIP") == "VIP")
    return _of_family(vips, family)


def _source_ranges(spec: Json, family: Family) -> tuple[str, ...]:
    """The ranges of the family; a /0 among them lifts the limit."""
    texts = (text.strip() for text in spec.get("loadBalancerSourceRanges") or ())
    networks = [ip_network(t, strict=False) for t in texts if Family.of(t) is family]
    if any(network.prefixlen == 0 for network in networks):
        return ()
    return tuple(str(network) for network in networks)


def _affinity_seconds(spec: Json) -> int:
    if spec.get("sessionAffinity") != "ClientIP":
        return 0
    client_ip = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
    return int(client_ip.get("timeoutSeconds") or _DEFAULT_AFFINITY_SECONDS)


def slice_service(endpoint_slice: Json) -> Key | None:
    """The Service that an EndpointSlice belongs to; None when kube-proxy passes it over."""
    metadata = endpoint_slice["metadata"]
    labels = metadata.get("labels") or {}
    if not labels.get(_SERVICE_NAME) or _HEADLESS in labels or _PROXY_NAME in labels:
        return None
    return metadata.get("namespace", "default"), labels[_SERVICE_NAME]


def endpoints_of(
    slices: Iterable[Json], port_name: str, protocol: str, node_name: str
) -> tuple[Endpoint, ...]:
    """The endpoints of one service port: each address and port once, sorted as text.

    Of two entries with the same address and port, one that is not terminating wins.
    """
    found: dict[str, Endpoint] = {}
    for endpoint_slice in slices:
        for number in _port_numbers(endpoint_slice, port_name, protocol):
            for entry in endpoint_slice.get("endpoints") or ():
                endpoint = _endpoint(entry, number, node_name)
                known = found.get(str(endpoint))
                if known is None or (known.terminating and not endpoint.terminating):
                    found[str(endpoint)] = endpoint
    return tuple(found[text] for text in sorted(found))


def _port_numbers(endpoint_slice: Json, port_name: str, protocol: str) -> Iterator[int]:
    for port in endpoint_slice.get("ports") or ():
        named = (port.get("name") or "") == port_name
        if named and (port.get("protocol") or "TCP").lower() == protocol and port.get("port"):
            yield port["port"]


def _endpoint(entry: Json, port: int, node_name: str) -> Endpoint:
    conditions, hints = entry.get("conditions") or {}, entry.get("hints") or {}
    return Endpoint(
        address=_canonical(entry["addresses"][0]),
        port=port,
        local=bool(node_name) and entry.get("nodeName") == node_name,
        ready=conditions.get("ready") is not False,
        serving=conditions.get("serving") is not False,
        terminating=conditions.get("terminating") is True,
        node_hints=_hinted(hints.get("forNodes")),
        zone_hints=_hinted(hints.get("forZones")),
    )


_NOBODY: frozenset[str] = frozenset()
"""One for all: most endpoints have no hints."""


def _hinted(hints: list[Json] | None) -> frozenset[str]:
    return frozenset(hint["name"] for hint in hints) if hints else _NOBODY


class ServiceMap:
    """The Services and EndpointSlices of one family, and which Services changed."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self._ports: dict[Key, tuple[ServicePort, ...]] = {}
        self._slices: dict[Key, dict[str, Json]] = {}
        self._owner: dict[Key, Key] = {}
        """EndpointSlice -> Service, to find what a deleted or relabelled slice belonged to."""
        self._changed: set[Key] = set()

    def apply_service(self, service: Json) -> None:
        """A Service as it is now."""
        self._set_ports(service_key(service), service_ports(service, self.family))

    def remove_service(self, key: Key) -> None:
        """A Service that is gone; its slices stay until they go themselves."""
        self._set_ports(key, ())

    def _set_ports(self, key: Key, ports: tuple[ServicePort, ...]) -> None:
        if self._ports.get(key, ()) == ports:
            return
        if ports:
            self._ports[key] = ports
        else:
            del self._ports[key]
        self._changed.add(key)

    def apply_slice(self, endpoint_slice: Json) -> None:
        """An EndpointSlice as it is now."""
        slice_key, owner = service_key(endpoint_slice), slice_service(endpoint_slice)
        if endpoint_slice.get("addressType") != self.family.value:
            owner = None
        if self._owner.get(slice_key) != owner:
            self.remove_slice(slice_key)
        if owner is None:
            return
        slices = self._slices.setdefault(owner, {})
        known = slices.get(slice_key[1])
        slices[slice_key[1]] = endpoint_slice
        self._owner[slice_key] = owner
        if known is None or _content(known) != _content(endpoint_slice):
            self._changed.add(owner)

    def remove_slice(self, slice_key: Key) -> None:
        """An EndpointSlice that is gone."""
        owner = self._owner.pop(slice_key, None)
        if owner is None:
            return
        del self._slices[owner][slice_key[1]]
        if not self._slices[owner]:
            del self._slices[owner]
        self._changed.add(owner)

    def replace(self, services: Iterable[Json], slices: Iterable[Json]) -> None:
        """Make the map say exactly this: all Services and all EndpointSlices there are."""
        by_key = {service_key(service): service for service in services}
        slices_by_key = {service_key(s): s for s in slices}
        for key in [k for k in self._ports if k not in by_key]:
            self.remove_service(key)
        for key in [k for k in self._owner if k not in slices_by_key]:
            self.remove_slice(key)
        for service in by_key.values():
            self.apply_service(service)
        for endpoint_slice in slices_by_key.values():
            self.apply_slice(endpoint_slice)

    def take_changes(self) -> list[Key]:
        """The Services that changed, or whose endpoints did, since this was asked last; sorted."""
        changed, self._changed = sorted(self._changed), set()
        return changed

    def keys(self) -> Iterable[Key]:
        """The Services that have service ports."""
        return self._ports.keys()

    def ports(self, key: Key) -> tuple[ServicePort, ...]:
        """The service ports of a Service; none when there is no such Service."""
        return self._ports.get(key, ())

    def endpoints(self, port: ServicePort, node_name: str) -> tuple[Endpoint, ...]:
        """All endpoints of a service port, ready or not."""
        slices = self._slices.get((port.namespace, port.name), {})
        in_order = (slices[name] for name in sorted(slices))
        return endpoints_of(in_order, port.port_name, port.protocol, node_name)


def _content(endpoint_slice: Json) -> tuple[Any, Any]:
    return endpoint_slice.get("ports"), endpoint_slice.get("endpoints")
