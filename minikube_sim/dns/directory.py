"""What CoreDNS's kubernetes plugin knows of a cluster: Services, their endpoints, namespaces.

Models plugin/kubernetes/controller.go: informers with indexes by name and by address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from apiserver.machinery.gvk import ENDPOINTSLICES, NAMESPACES, SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from apiserver.machinery.types import Object
    from controllers.informer import Informers

_OF_SERVICE: Final = "dns/service"
_BY_ADDRESS: Final = "dns/address"
_SERVICE_NAME: Final = "kubernetes.io/service-name"


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """One ready address of a Service, with one of its ports; number -1: it has no port."""

    address: str
    hostname: str
    """The Pod's own, or made of the address: 172-17-0-6."""
    port: str = ""
    protocol: str = "TCP"
    number: int = -1


class Directory(Protocol):
    """Where records come from."""

    def namespace_exists(self, name: str) -> bool:
        """Whether there is such a namespace."""

    def service(self, namespace: str, name: str) -> Object | None:
        """A Service as JSON."""

    def endpoints(self, namespace: str, name: str) -> Iterable[Endpoint]:
        """The ready endpoints of a Service, once a port."""

    def services_at(self, address: str) -> Iterable[Object]:
        """The Services with that cluster IP."""

    def endpoints_at(self, address: str) -> Iterable[tuple[str, str, str]]:
        """(hostname, service, namespace) of the endpoints with that address."""


def addresses_of(service: Object) -> list[str]:
    """The cluster IPs of a Service; none of a headless one."""
    spec = service["spec"]
    found = spec.get("clusterIPs") or [spec.get("clusterIP")]
    return [address for address in found if address and address != "None"]


def hostname_of(endpoint: Any, address: str) -> str:
    """endpointHostname: the endpoint's own name, or its address with dashes."""
    own = endpoint.get("hostname")
    if own:
        return str(own)
    dashes = address.replace(".", "-").replace(":", "-")
    return f"{'0' * dashes.startswith('-')}{dashes}{'0' * dashes.endswith('-')}"


def slice_endpoints(entry: Object) -> Iterator[Endpoint]:
    """The endpoints of an EndpointSlice that get records."""
    for endpoint in entry.get("endpoints") or ():
        if (endpoint.get("conditions") or {}).get("ready") is False:
            continue
        for address in endpoint["addresses"]:
            hostname = hostname_of(endpoint, address)
            for port in entry.get("ports") or ():
                yield Endpoint(address, hostname, port.get("name") or "",
                               port.get("protocol") or "TCP", port.get("port") or -1)
            if not entry.get("ports"):
                yield Endpoint(address, hostname)


def _service_key(entry: Object) -> tuple[str, ...]:
    meta = entry["metadata"]
    name = (meta.get("labels") or {}).get(_SERVICE_NAME)
    return (f"{meta['namespace']}/{name}",) if name else ()


def _slice_addresses(entry: Object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.address for one in slice_endpoints(entry)))


class InformerDirectory:
    """A Directory over the caches of informers."""

    def __init__(self, informers: Informers) -> None:
        self._services = informers.get(SERVICES)
        self._slices = informers.get(ENDPOINTSLICES)
        self._namespaces = informers.get(NAMESPACES)
        self._indexed = False

    def _index(self) -> None:
        """Made at the first question: a cluster that nobody asks keeps no index."""
        if not self._indexed:
            self._indexed = True
            self._services.add_index(_BY_ADDRESS, lambda s: tuple(addresses_of(s)))
            self._slices.add_index(_OF_SERVICE, _service_key)
            self._slices.add_index(_BY_ADDRESS, _slice_addresses)

    def namespace_exists(self, name: str) -> bool:
        """See Directory."""
        return self._namespaces.get(name) is not None

    def service(self, namespace: str, name: str) -> Object | None:
        """See Directory."""
        return self._services.get(f"{namespace}/{name}")

    def endpoints(self, namespace: str, name: str) -> Iterator[Endpoint]:
        """See Directory."""
        self._index()
        for entry in self._slices.by(_OF_SERVICE, f"{namespace}/{name}"):
            yield from slice_endpoints(entry)

    def services_at(self, address: str) -> Iterable[Object]:
        """See Directory."""
        self._index()
        return self._services.by(_BY_ADDRESS, address)

    def endpoints_at(self, address: str) -> Iterator[tuple[str, str, str]]:
        """See Directory."""
        self._index()
        for entry in self._slices.by(_BY_ADDRESS, address):
            for key in _service_key(entry):
                namespace, _, service = key.partition("/")
                for endpoint in slice_endpoints(entry):
                    if endpoint.address == address:
                        yield endpoint.hostname, service, namespace
                        break
