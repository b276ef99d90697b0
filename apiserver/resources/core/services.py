"""Services. Models pkg/registry/core/service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.resource import Resource
from apiserver.resources.core.ips import cidr_warnings, ip_warnings
from apiserver.resources.core.service_validation import (
    IP_TYPES,
    SPEC,
    balancer_status_errors,
    externally_accessible,
    needs_health_check,
    service_errors,
    service_update_errors,
)
from apiserver.resources.printing import (
    AGE,
    NAME,
    NONE,
    UNKNOWN,
    dig,
    field,
    joined,
    labels,
    named,
)
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.machinery.validation import FieldError, Path

_HINTS: Final = "service.kubernetes.io/topology-aware-hints"


class ServiceStrategy(Strategy):
    """What is special about Services; addresses are allocated inside the write before this."""

    name_rule = "dns1123label"
    create_on_update = True
    delete_returns_object = True
    has_generation = False
    revalidates_metadata = True

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        _default_affinity(spec)
        if not spec.get("type"):
            spec["type"] = "ClusterIP"
        for port in spec.get("ports") or ():
            if not port.get("protocol"):
                port["protocol"] = "TCP"
            if not port.get("targetPort"):
                port["targetPort"] = port.get("port") or 0
        if externally_accessible(spec) and not spec.get("externalTrafficPolicy"):
            spec["externalTrafficPolicy"] = "Cluster"
        if spec.get("internalTrafficPolicy") is None and spec["type"] in IP_TYPES:
            spec["internalTrafficPolicy"] = "Cluster"
        if spec["type"] == "LoadBalancer":
            _default_balancer(obj)

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {"loadBalancer": {}}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return service_errors(obj)

    def prepare_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Drop what the new type has no use for and the client did not touch."""
        spec, before = obj["spec"], old.get("spec") or {}
        drop_unneeded(spec, before)
        if before.get("type") == "LoadBalancer" != spec.get("type"):
            obj["status"] = {**(obj.get("status") or {}), "loadBalancer": {}}

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return service_update_errors(obj, old)

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        return balancer_status_errors(obj)

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        return [] if ctx.subresource else service_warnings(obj)

    def fields(self, obj: Object) -> dict[str, str]:
        spec = obj.get("spec") or {}
        return {"spec.clusterIP": spec.get("clusterIP", ""), "spec.type": spec.get("type", "")}


def _default_affinity(spec: Object) -> None:
    if not spec.get("sessionAffinity"):
        spec["sessionAffinity"] = "None"
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP" \
            and dig(spec, "sessionAffinityConfig", "clientIP", "timeoutSeconds") is None:
        spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": 10800}}


def _default_balancer(service: Object) -> None:
    spec = service["spec"]
    if spec.get("allocateLoadBalancerNodePorts") is None:
        spec["allocateLoadBalancerNodePorts"] = True
    for ingress in dig(service, "status", "loadBalancer", "ingress") or ():
        if ingress.get("ip") and ingress.get("ipMode") is None:
            ingress["ipMode"] = "VIP"


def drop_unneeded(spec: Object, before: Object) -> None:
    """Wipe fields that no longer apply and that the client did not change
    (dropTypeDependentFields)."""
    kind, old = spec.get("type"), before.get("type")
    gone: list[str] = []
    if old in IP_TYPES and kind not in IP_TYPES:
        gone += ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy",
                 "internalTrafficPolicy"]
    if needs_health_check(before) and not needs_health_check(spec):
        gone.append("healthCheckNodePort")
    if old == "LoadBalancer" != kind:
        gone += ["allocateLoadBalancerNodePorts", "loadBalancerClass"]
    if externally_accessible(before) and not externally_accessible(spec):
        gone.append("externalTrafficPolicy")
    for name in gone:
        if spec.get(name) == before.get(name):
            spec.pop(name, None)
    if old in ("NodePort", "LoadBalancer") and kind not in ("NodePort", "LoadBalancer"):
        _drop_node_ports(spec.get("ports") or [], before.get("ports") or [])


def _drop_node_ports(ports: list[Object], before: list[Object]) -> None:
    held = {port["nodePort"] for port in before if port.get("nodePort")}
    if {port["nodePort"] for port in ports if port.get("nodePort")} <= held:
        for port in ports:
            port.pop("nodePort", None)


def service_warnings(service: Object) -> list[str]:
    """Warnings about fields without effect and odd addresses (pkg/api/service/warnings.go)."""
    spec = service.get("spec") or {}
    texts = []
    if _HINTS in (service["metadata"].get("annotations") or {}):
        texts.append(f"annotation {_HINTS} is deprecated, please use "
                     "service.kubernetes.io/topology-mode instead")
    headless = spec.get("type") == "ClusterIP" and spec.get("clusterIP") == "None"
    texts += _headless_warnings(spec) if headless else _list_warnings(
        "clusterIPs", spec.get("clusterIPs"), ip_warnings)
    external = spec.get("type") == "ExternalName"
    addresses = spec.get("externalIPs")
    texts += _list_warnings("externalIPs", addresses, ip_warnings)
    if addresses and not headless and not external:
        texts.append("spec.externalIPs is deprecated and may no longer be implemented in some "
                     "clusters")
    if spec.get("loadBalancerIP"):
        texts += ip_warnings(SPEC.child("loadBalancerIP"), spec["loadBalancerIP"])
    texts += _list_warnings("loadBalancerSourceRanges", spec.get("loadBalancerSourceRanges"),
                            cidr_warnings)
    if external and addresses:
        texts.append('spec.externalIPs is ignored when spec.type is "ExternalName"')
    if not external and spec.get("externalName"):
        texts.append('spec.externalName is ignored when spec.type is not "ExternalName"')
    if spec.get("trafficDistribution") == "PreferClose":
        texts.append('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"')
    return texts


def _headless_warnings(spec: Object) -> list[str]:
    given = {"spec.loadBalancerIP": bool(spec.get("loadBalancerIP")),
             "spec.externalIPs": bool(spec.get("externalIPs")),
             "spec.SessionAffinity": spec.get("sessionAffinity") != "None"}
    return [f"{name} is ignored for headless services" for name, there in given.items() if there]


def _list_warnings(name: str, values: Sequence[str] | None,
                   check: Callable[[Path, str], list[str]]) -> list[str]:
    return [text for i, value in enumerate(values or ())
            for text in check(SPEC.child(name).at(i), value)]


def load_balancer_text(status: Object) -> str:
    """The addresses or host names of a load balancer, sorted."""
    ingress = (status.get("loadBalancer") or {}).get("ingress") or ()
    return ",".join(sorted({i.get("ip") or i.get("hostname") or "" for i in ingress} - {""}))


def _cluster_ip(obj: Object, now: float) -> str:
    ips = obj["spec"].get("clusterIPs") or ()
    return str(ips[0]) if ips else NONE


def _external_ip(obj: Object, now: float) -> str:
    spec = obj["spec"]
    external = list(spec.get("externalIPs") or ())
    kind = spec.get("type")
    if kind in ("ClusterIP", "NodePort"):
        return joined(external)
    if kind == "LoadBalancer":
        balancer = load_balancer_text(obj.get("status") or {})
        return ",".join([*([balancer] if balancer else []), *external]) or "<pending>"
    return str(spec.get("externalName", "")) if kind == "ExternalName" else UNKNOWN


def _port(port: Object) -> str:
    number = f"{port['port']}:{port['nodePort']}" if port.get("nodePort") else str(port["port"])
    return f"{number}/{port.get('protocol', '')}"


SERVICES = Resource(
    group="", version="v1", kind="Service", plural="services", short_names=("svc",),
    categories=("all",), strategy=ServiceStrategy(), status=True, subresources=("proxy",),
    columns=(
        NAME,
        named("Type", field("spec", "type"), "How the service is exposed."),
        named("Cluster-IP", _cluster_ip, "Its virtual address."),
        named("External-IP", _external_ip, "Addresses outside the cluster."),
        named("Port(s)",
              lambda obj, now: joined([_port(p) for p in obj["spec"].get("ports") or ()]),
              "Ports, and node ports behind a colon."),
        AGE,
        named("Selector", labels("spec", "selector"), "Which pods answer.", priority=1)))
