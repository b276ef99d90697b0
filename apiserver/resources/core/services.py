"""Services. Models pkg/registry/core/service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME, NONE, UNKNOWN, field, joined, labels, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.machinery.types import Object


class ServiceStrategy(Strategy):
    """What is special about Services; addresses are allocated by admission/allocation."""

    name_rule = "dns1123label"
    create_on_update = True
    delete_returns_object = True
    has_generation = False

    def fields(self, obj: Object) -> dict[str, str]:
        spec = obj.get("spec") or {}
        return {"spec.clusterIP": spec.get("clusterIP", ""), "spec.type": spec.get("type", "")}


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
