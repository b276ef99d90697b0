"""EndpointSlices. Models pkg/registry/discovery/endpointslice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME, UNSET, field, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object

_SHOWN: Final = 3


class EndpointSliceStrategy(Strategy):
    """Addresses behind a Service."""


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
