"""A Pod as an endpoint. Models k8s.io/endpointslice/{utils,trafficdist}, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.meta import is_terminating, labels
from controllers import pods
from controllers.serving import addresses, find_port, has_cluster_ip, hostname, pod_reference

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

ZONE_LABEL: Final = "topology.kubernetes.io/zone"
SAME_ZONE: Final = frozenset({"PreferClose", "PreferSameZone", "PreferSameNode"})

Ports = tuple[tuple[str, str, int, str], ...]
"""(name, protocol, port, appProtocol) of each port of a slice."""


def families(service: Object) -> list[str]:
    """The address types that a Service's slices have."""
    known = pods.spec(service).get("ipFamilies")
    if known:
        return list(known)
    if has_cluster_ip(service):
        return ["IPv6" if ":" in pods.spec(service)["clusterIP"] else "IPv4"]
    return ["IPv4", "IPv6"]


def ports_of(service: Object, pod: Object) -> Ports:
    """The ports at which a Pod answers for a Service; those it does not have are left out."""
    found = ((port.get("name", ""), port.get("protocol", "TCP"), find_port(pod, port),
              port.get("appProtocol", "")) for port in pods.spec(service).get("ports") or ())
    return tuple((name, protocol, number, app)
                 for name, protocol, number, app in found if number is not None)


def port_objects(ports: Ports) -> list[Object]:
    """The `ports` of a slice."""
    return [{"name": name, "protocol": protocol, "port": number,
             **({"appProtocol": app} if app else {})} for name, protocol, number, app in ports]


def port_key(objects: list[Object] | None) -> Ports:
    """The ports of a slice in comparable form, in a fixed order."""
    return tuple(sorted((one.get("name") or "", one.get("protocol") or "TCP",
                         one.get("port") or 0, one.get("appProtocol") or "")
                        for one in objects or ()))


def to_endpoint(pod: Object, node: Object | None, service: Object, family: str) -> Object | None:
    """The endpoint of a Pod; None when it has no address of the family."""
    found = addresses(pod, family)
    if not found:
        return None
    serving, terminating = pods.is_ready(pod), is_terminating(pod)
    unready = bool(pods.spec(service).get("publishNotReadyAddresses"))
    endpoint: dict[str, Any] = {
        "addresses": found,
        "conditions": {"ready": unready or (serving and not terminating), "serving": serving,
                       "terminating": terminating},
        "targetRef": pod_reference(pod),
    }
    if own := pods.spec(pod).get("nodeName"):
        endpoint["nodeName"] = own
    if zone := labels(node).get(ZONE_LABEL) if node is not None else None:
        endpoint["zone"] = zone
    if host := hostname(pod, service):
        endpoint["hostname"] = host
    if hints := _hints(service, endpoint):
        endpoint["hints"] = hints
    return endpoint


def _hints(service: Object, endpoint: Object) -> Object:
    """Who should use the endpoint, by `spec.trafficDistribution`."""
    wish = pods.spec(service).get("trafficDistribution")
    if wish not in SAME_ZONE or not endpoint["conditions"]["ready"] or "zone" not in endpoint:
        return {}
    hints: dict[str, Any] = {"forZones": [{"name": endpoint["zone"]}]}
    if wish == "PreferSameNode" and "nodeName" in endpoint:
        hints["forNodes"] = [{"name": endpoint["nodeName"]}]
    return hints
