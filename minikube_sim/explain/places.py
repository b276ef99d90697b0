"""Where a flow begins and where it goes: `pod/client`, `node/minikube`, `outside`, `http://web:80/`.

A Service's name is looked up in the API as the cluster's DNS would answer, so that a flow can be
explained while DNS itself is broken.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from apiserver.machinery.errors import NotFound
from apiserver.machinery.meta import name, namespace
from netsim.packet import address_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apiserver.machinery.types import Object
    from minikube_sim.cluster import Cluster
    from netsim.namespace import Namespace

DEFAULT: Final = "default"
_SCHEMES: Final = {"http": ("tcp", 80), "https": ("tcp", 443), "tcp": ("tcp", 0), "udp": ("udp", 0),
                   "icmp": ("icmp", 0), "ping": ("icmp", 0)}
_SERVICE_WORDS: Final = ("svc", "service", "services")
_POD_WORDS: Final = ("pod", "po", "pods")
_NODE_WORDS: Final = ("node", "no", "nodes")


class ExplainError(ValueError):
    """What was asked makes no sense in this cluster: one line for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a flow goes to."""

    text: str
    """As it was asked for."""
    protocol: str
    """tcp, udp, sctp or icmp."""
    address: str
    port: int = 0
    scheme: str = ""
    """http, https or ''."""
    path: str = "/"
    service: tuple[str, str] | None = None
    """Namespace and name of the Service that was named."""

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        where = f"{self.protocol} {host}" + (f":{self.port}" if self.port else "")
        return f"{where} ({self.text})" if self.service or self.address not in self.text else where


class Places:
    """The hosts of a cluster by the names that people use."""

    def __init__(self, cluster: Cluster, namespace: str = DEFAULT) -> None:
        self._cluster = cluster
        self._namespace = namespace

    # ------------------------------------------------------------ where from

    def source(self, text: str) -> Namespace:
        """The network stack of `pod/NAME`, `pod/NAMESPACE/NAME`, `node/NAME` or `outside`.

        Raises ExplainError.
        """
        network = self._cluster.network
        kind, _, rest = text.partition("/")
        if text == "outside":
            return network.outside
        if kind in _NODE_WORDS and rest:
            try:
                return network.host(rest)
            except KeyError:
                raise ExplainError(_unknown("node", rest, network.fabric.nodes)) from None
        if kind in _POD_WORDS and rest:
            return self._pod_stack(*self._split(rest))
        raise ExplainError(f"--from {text}: must be pod/NAME, node/NAME or outside")

    def _split(self, text: str) -> tuple[str, str]:
        """'NAME' or 'NAMESPACE/NAME' -> namespace, name."""
        first, slash, second = text.partition("/")
        return (first, second) if slash else (self._namespace, first)

    def _pod_stack(self, space: str, pod: str) -> Namespace:
        found = self.pod(space, pod)
        host = found["spec"].get("nodeName", "")
        if found["spec"].get("hostNetwork") and host:
            return self._cluster.network.host(host)
        try:
            return self._cluster.network.fabric.namespace(f"{pod}.{space}")
        except KeyError:
            phase = found.get("status", {}).get("phase", "Pending")
            raise ExplainError(
                f"pod {space}/{pod} has no network: it is {phase}"
                + (f" on {host}" if host else " and on no node")) from None

    def pod(self, space: str, pod: str) -> Object:
        """A Pod. Raises ExplainError."""
        return self._object("pod", space, pod)

    def service(self, space: str, service: str) -> Object:
        """A Service. Raises ExplainError."""
        return self._object("service", space, service)

    def _object(self, kind: str, space: str, wanted: str) -> Object:
        try:
            return self._cluster.get(kind, wanted, space)
        except NotFound:
            pass
        there = self._cluster.list(kind)
        same = [f"{namespace(o)}/{name(o)}" for o in there if name(o) == wanted]
        near = get_close_matches(wanted, [name(o) for o in there if namespace(o) == space], n=3)
        hint = f"; there is {', '.join(same or near)}" if same or near else ""
        raise ExplainError(f"there is no {kind} {wanted!r} in namespace {space!r}{hint}")

    # ------------------------------------------------------------ where to

    def target(self, text: str) -> Target:
        """`http://web:80/`, `udp://10.96.0.10:53`, `icmp://10.0.0.1`, `svc/web:80`, `pod/a:8080`.

        Raises ExplainError.
        """
        scheme, marks, rest = text.partition("://")
        if marks:
            return self._url(text, scheme, rest)
        kind, _, rest = text.partition("/")
        place, _, port = rest.rpartition(":")
        if not place:
            raise ExplainError(f"--to {text}: must be a URL such as http://web:80/, or svc/web:80, "
                               "pod/NAME:PORT or node/NAME:PORT")
        if kind in _SERVICE_WORDS:
            return self._service_target(text, *self._split(place), port)
        if kind in _POD_WORDS:
            stack = self._pod_stack(*self._split(place))
        elif kind in _NODE_WORDS:
            stack = self.source(f"node/{place}")
        else:
            stack = None
        if stack is not None:
            return Target(text=text, protocol="tcp", address=_address(stack),
                          port=_port(text, port))
        raise ExplainError(f"--to {text}: must be a URL such as http://web:80/, or svc/web:80")

    def _url(self, text: str, scheme: str, rest: str) -> Target:
        if scheme not in _SCHEMES:
            raise ExplainError(f"--to {text}: scheme must be one of {', '.join(_SCHEMES)}")
        protocol, default = _SCHEMES[scheme]
        try:
            parts = urlsplit(f"//{rest}")
            port, host = parts.port or default, parts.hostname or ""
        except ValueError as error:
            raise ExplainError(f"--to {text}: {error}") from None
        if not host:
            raise ExplainError(f"--to {text}: names no host")
        if not port and protocol != "icmp":
            raise ExplainError(f"--to {text}: names no port")
        address, service = self._resolve(text, host)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Target(text=text, protocol=protocol, address=address, service=service, path=path,
                      port=0 if protocol == "icmp" else port,
                      scheme=scheme if scheme.startswith("http") else "")

    def _resolve(self, text: str, host: str) -> tuple[str, tuple[str, str] | None]:
        """The address of a host, and the Service if it is one's."""
        try:
            return str(ipaddress.ip_address(host)), None
        except ValueError:
            pass
        nodes = self._cluster.network.fabric.nodes
        if host in nodes:
            return nodes[host].addresses[0], None
        words = host.removesuffix(".").split(".")
        if len(words) > 2 and words[2:] not in (["svc"], ["svc", "cluster", "local"]):
            raise ExplainError(f"--to {text}: {host} is no name of this cluster")
        space = words[1] if len(words) > 1 else self._namespace
        return self.service_address(self.service(space, words[0])), (space, words[0])

    def service_address(self, service: Object) -> str:
        """What DNS answers for a Service first, in its first family. Raises ExplainError."""
        return self.service_addresses(service)[0]

    def service_addresses(self, service: Object) -> list[str]:
        """What DNS answers for a Service: its ClusterIPs, or a headless one's first Pod, one of
        each family. Raises ExplainError.
        """
        spec = service["spec"]
        label = f"service {namespace(service)}/{name(service)}"
        if spec.get("type") == "ExternalName":
            raise ExplainError(f"{label} is an ExternalName: DNS sends clients to "
                               f"{spec.get('externalName', '')}, which is not in the cluster")
        if spec.get("clusterIP") != "None":
            if not spec.get("clusterIP"):
                raise ExplainError(f"{label} has no ClusterIP")
            return [*(spec.get("clusterIPs") or [spec["clusterIP"]])]
        first: dict[str, str] = {}
        for one in self.slices(service):
            for endpoint in one.get("endpoints") or ():
                if endpoint.get("conditions", {}).get("ready", True):
                    first.setdefault(one["addressType"], endpoint["addresses"][0])
        if first:
            wanted = [*(spec.get("ipFamilies") or ()), *first]
            return [first[family] for family in dict.fromkeys(wanted) if family in first]
        raise ExplainError(f"{label} is headless and no Pod behind it is ready: "
                           "DNS has no address for it")

    def slices(self, service: Object) -> list[Object]:
        """The EndpointSlices of a Service."""
        label = f"kubernetes.io/service-name={name(service)}"
        return self._cluster.list("endpointslices", namespace(service), label)

    def endpoints(self, service: Object) -> list[dict[str, Any]]:
        """All endpoints of a Service."""
        return [e for s in self.slices(service) for e in s.get("endpoints") or ()]

    def _service_target(self, text: str, space: str, wanted: str, port: str) -> Target:
        service = self.service(space, wanted)
        found = [p for p in service["spec"].get("ports") or ()
                 if port in (str(p["port"]), p.get("name"))]
        if not found:
            there = ", ".join(str(p["port"]) for p in service["spec"].get("ports") or ())
            raise ExplainError(f"--to {text}: service {space}/{wanted} has no port {port}; "
                               f"there is {there or 'none'}")
        return Target(text=text, protocol=found[0].get("protocol", "TCP").lower(),
                      address=self.service_address(service), port=found[0]["port"],
                      service=(space, wanted))


def display(stack: Namespace | str, nodes: Iterable[str]) -> str:
    """What people call a host: `pod/client`, `pod/kube-system/dns`, `node/minikube`, `outside`."""
    host = stack if isinstance(stack, str) else stack.name
    if host in nodes:
        return f"node/{host}"
    pod, dot, space = host.rpartition(".")
    if not dot:
        return host
    return f"pod/{pod}" if space == DEFAULT else f"pod/{space}/{pod}"


def _address(stack: Namespace) -> str:
    """A host's own address."""
    for interface in stack.interfaces.values():
        for entry in interface.addresses:
            if interface.name != "lo":
                return address_text(entry.family, entry.address)
    raise ExplainError(f"{stack.name} has no address")


def _port(text: str, port: str) -> int:
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ExplainError(f"--to {text}: {port!r} is no port")
    return int(port)


def _unknown(kind: str, wanted: str, there: Iterable[str]) -> str:
    return f"there is no {kind} {wanted!r}; there is {', '.join(there)}"
