"""Endpoints. Models pkg/registry/core/endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME, NONE, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

_SHOWN: Final = 3


class EndpointsStrategy(Strategy):
    """Addresses behind a Service, in the old form."""

    create_on_update = True
    has_generation = False


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
    columns=(NAME, named("Endpoints", _text, "Addresses and ports behind the service."), AGE))
