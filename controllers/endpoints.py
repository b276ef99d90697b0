"""Endpoints of Services, the older form beside EndpointSlices. Models pkg/controller/endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from apiserver.machinery import meta
from apiserver.machinery.errors import ApiError, Forbidden, NotFound
from apiserver.machinery.gvk import ENDPOINTS, GVR, PODS, SERVICES
from controllers import pods
from controllers.controller import Controller, ControllerContext, KeysOf, Result, own_key
from controllers.events import WARNING
from controllers.serving import (
    HEADLESS_LABEL,
    TRIGGER_TIME,
    Selection,
    TriggerTimes,
    addresses,
    belongs,
    find_port,
    has_cluster_ip,
    hostname,
    pod_reference,
    selector_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from apiserver.machinery.types import Object

MAX_ADDRESSES: Final = 1000
OVER_CAPACITY: Final = "endpoints.kubernetes.io/over-capacity"


class EndpointsController(Controller):
    """Key: a Service, and the Endpoints of its name."""

    name: ClassVar[str] = "endpoints-controller"
    max_retries: ClassVar[int | None] = 15

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._events = ctx.events.recorder("endpoint-controller")
        self._selection = Selection(ctx.informers)
        self._endpoints = ctx.informers.get(ENDPOINTS)
        self._triggers = TriggerTimes(ctx.clock)

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {
            SERVICES: lambda old, new: self._triggers.note(own_key(old, new)),
            PODS: self._pod_changed,
            ENDPOINTS: lambda old, new: own_key(old, new) if new is None else (),
        }

    def _pod_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        for key in self._triggers.note(self._selection.pod_changed(old, new)):
            self.queue.add_batched(key, self._selection.size(key))
        return ()

    async def reconcile(self, key: str) -> Result | None:
        service = self._selection.services.get(key)
        trigger = self._triggers.take(key)
        if service is None:
            await self._delete(key)
        elif selector_of(service) and pods.spec(service).get("type") != "ExternalName":
            await self._sync(service, key, trigger)
        return None

    async def _delete(self, key: str) -> None:
        if self._endpoints.get(key) is None:
            return
        place, own = meta.split_key(key)
        try:
            await self._client.delete(ENDPOINTS, own, place)
        except NotFound:
            return

    async def _sync(self, service: Object, key: str, trigger: str | None) -> None:
        current = self._endpoints.get(key)
        subsets, truncated = _truncate(_subsets(service, self._selection.pods_of(service)))
        wanted = _wanted(service, current, subsets, truncated)
        if current is not None and _same(current, wanted):
            return
        stamp = {TRIGGER_TIME: trigger} if trigger else {}
        annotations = {**meta.annotations(wanted), **stamp}
        wanted = meta.with_metadata(wanted, annotations=annotations or None)
        try:
            if current is None:
                await self._client.create(ENDPOINTS, wanted, meta.namespace(service))
            else:
                await self._client.update(ENDPOINTS, wanted)
        except ApiError as error:
            self._complain(service, current, error)
            raise

    def _complain(self, service: Object, current: Object | None, error: ApiError) -> None:
        if current is None and isinstance(error, Forbidden):
            return
        verb = "create" if current is None else "update"
        self._events.event(
            service, WARNING, f"FailedTo{verb.title()}Endpoint",
            f"Failed to {verb} endpoint for service {meta.namespaced_name(service)}: {error}")


def _wanted(service: Object, current: Object | None, subsets: list[Object],
            truncated: bool) -> Object:
    """The Endpoints to write, but for the trigger time."""
    base = current or {"apiVersion": "v1", "kind": "Endpoints", "metadata": {
        "name": meta.name(service), "namespace": meta.namespace(service)}}
    wanted_labels = {k: v for k, v in meta.labels(service).items() if k != HEADLESS_LABEL}
    if not has_cluster_ip(service):
        wanted_labels[HEADLESS_LABEL] = ""
    annotations = {k: v for k, v in meta.annotations(base).items()
                   if k not in (TRIGGER_TIME, OVER_CAPACITY)}
    if truncated:
        annotations[OVER_CAPACITY] = "truncated"
    wanted = meta.with_metadata(base, labels=wanted_labels or None, annotations=annotations or None)
    wanted.pop("subsets", None)
    return {**wanted, "subsets": subsets} if subsets else wanted


def _same(current: Object, wanted: Object) -> bool:
    return (meta.labels(current) == meta.labels(wanted)
            and (current.get("subsets") or []) == (wanted.get("subsets") or [])
            and meta.annotations(current).get(OVER_CAPACITY)
            == meta.annotations(wanted).get(OVER_CAPACITY))


# Subsets -----------------------------------------------------------------------------------------

_Ports = tuple[tuple[str, str, int, str], ...]
"""(name, protocol, port, appProtocol) of the ports of a subset."""


def _subsets(service: Object, selected: Iterable[Object]) -> list[Object]:
    """One subset for each set of ports that Pods have in common (`RepackSubsets`)."""
    unready = bool(pods.spec(service).get("publishNotReadyAddresses"))
    groups: dict[_Ports, tuple[list[Object], list[Object]]] = {}
    for pod in selected:
        ports = _ports(service, pod)
        own = _address(service, pod) if belongs(pod, terminating=unready) else None
        if own is None or ports is None:
            continue
        ready, not_ready = groups.setdefault(ports, ([], []))
        (ready if unready or pods.is_ready(pod) else not_ready).append(own)
    return [_subset(ports, *found) for ports, found in sorted(groups.items())]


def _ports(service: Object, pod: Object) -> _Ports | None:
    """The ports of a Pod; () for a headless Service that has none, None when the Pod has none."""
    wanted = pods.spec(service).get("ports") or ()
    found = tuple((port.get("name", ""), port.get("protocol", "TCP"), number,
                   port.get("appProtocol", ""))
                  for port in wanted if (number := find_port(pod, port)) is not None)
    headless = not wanted and not has_cluster_ip(service)
    return found if found or headless else None


def _address(service: Object, pod: Object) -> Object | None:
    family = next(iter(pods.spec(service).get("ipFamilies") or ()), "IPv4")
    found = addresses(pod, family)
    if not found:
        return None
    own: dict[str, Any] = {"ip": found[0], "targetRef": pod_reference(pod)}
    if node := pods.spec(pod).get("nodeName"):
        own["nodeName"] = node
    if host := hostname(pod, service):
        own["hostname"] = host
    return own


def _subset(ports: _Ports, ready: list[Object], not_ready: list[Object]) -> Object:
    subset: dict[str, Any] = {}
    if ready:
        subset["addresses"] = sorted(ready, key=_by_ip)
    if not_ready:
        subset["notReadyAddresses"] = sorted(not_ready, key=_by_ip)
    if ports:
        subset["ports"] = [_port(*port) for port in ports]
    return subset


def _by_ip(address: Object) -> tuple[str, str]:
    return address["ip"], address["targetRef"]["uid"]


def _port(name: str, protocol: str, number: int, app_protocol: str) -> Object:
    port: dict[str, Any] = {"port": number, "protocol": protocol}
    if name:
        port["name"] = name
    if app_protocol:
        port["appProtocol"] = app_protocol
    return port


def _truncate(subsets: Sequence[Object]) -> tuple[list[Object], bool]:
    """At most a thousand addresses, ready ones first (`truncateEndpoints`)."""
    total = sum(len(subset.get(part) or ()) for subset in subsets
                for part in ("addresses", "notReadyAddresses"))
    if total <= MAX_ADDRESSES:
        return list(subsets), False
    left = MAX_ADDRESSES
    kept = [dict(subset) for subset in subsets]
    for part in ("addresses", "notReadyAddresses"):
        for subset in kept:
            some = (subset.pop(part, None) or [])[:left]
            left -= len(some)
            if some:
                subset[part] = some
    return [one for one in kept if one.get("addresses") or one.get("notReadyAddresses")], True
