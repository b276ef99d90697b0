"""Says of each APIService of a Service whether it can be asked. Models kube-aggregator's
pkg/controllers/status/remote, but for its request to the Service itself: who listens is available.

Upstream it is a part of kube-apiserver, so `--controllers` does not switch it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.machinery import meta
from apiserver.machinery.gvk import ENDPOINTSLICES, GVR, SERVICES
from controllers.conditions import get_condition, new_condition, without_condition
from controllers.controller import Controller, ControllerContext, KeysOf, Result, own_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.machinery.types import Object

_APISERVICES: Final = GVR("apiregistration.k8s.io", "v1", "apiservices")
_SERVICE_NAME: Final = "kubernetes.io/service-name"
_BY_SERVICE: Final = "service"
_GOOD: Final = ("True", "Passed", "all checks passed")


def _service_of(obj: Object) -> tuple[str, ...]:
    """The key of the Service that an APIService names."""
    service = (obj.get("spec") or {}).get("service")
    return (f"{service['namespace']}/{service['name']}",) if service else ()


def _service_of_slice(obj: Object) -> tuple[str, ...]:
    name = meta.labels(obj).get(_SERVICE_NAME)
    return (f"{meta.namespace(obj)}/{name}",) if name else ()


class APIServiceAvailability(Controller):
    """Key: an APIService."""

    name: ClassVar[str] = "apiservice-status-remote-available-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._clock = ctx.clock
        self._registered = ctx.informers.get(_APISERVICES)
        self._services = ctx.informers.get(SERVICES)
        self._slices = ctx.informers.get(ENDPOINTSLICES)
        self._registered.add_index(_BY_SERVICE, _service_of)
        self._slices.add_index(_BY_SERVICE, _service_of_slice)

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {_APISERVICES: own_key, SERVICES: self._service_changed,
                ENDPOINTSLICES: self._slice_changed}

    def _service_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        obj = new if new is not None else old
        assert obj is not None
        return self._keys((meta.namespaced_name(obj),))

    def _slice_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        obj = new if new is not None else old
        assert obj is not None
        return self._keys(_service_of_slice(obj))

    def _keys(self, services: Iterable[str]) -> list[str]:
        return [meta.name(each) for service in services
                for each in self._registered.by(_BY_SERVICE, service)]

    async def reconcile(self, key: str) -> Result | None:
        obj = self._registered.get(key)
        if obj is None or not _service_of(obj):
            return None
        status, reason, message = self._state(obj["spec"]["service"])
        conditions = (obj.get("status") or {}).get("conditions")
        held = get_condition(conditions, "Available")
        if held is not None and (held["status"], held["reason"], held["message"]) == (
                status, reason, message):
            return None
        wanted = new_condition("Available", status, reason, message, self._clock.now())
        if held is not None and held["status"] == status:
            wanted["lastTransitionTime"] = held["lastTransitionTime"]
        await self._client.update(_APISERVICES, {**obj, "status": {"conditions": [
            *without_condition(conditions, "Available"), wanted]}}, subresource="status")
        return None

    def _state(self, wanted: Object) -> tuple[str, str, str]:
        """Status, reason and message."""
        namespace, name, number = wanted["namespace"], wanted["name"], wanted.get("port") or 443
        which = f'service/{name} in "{namespace}"'
        service = self._services.get(f"{namespace}/{name}")
        if service is None:
            return "False", "ServiceNotFound", f"{which} is not present"
        if service["spec"].get("type", "ClusterIP") != "ClusterIP":
            return _GOOD
        port = next((each for each in service["spec"].get("ports") or ()
                     if each["port"] == number), None)
        if port is None:
            return "False", "ServicePortError", f"{which} is not listening on port {number}"
        slices = self._slices.by(_BY_SERVICE, f"{namespace}/{name}")
        if not slices:
            return "False", "EndpointsNotFound", f"cannot find endpoints for {which}"
        if not any(_listens(each, port.get("name") or "") for each in slices):
            return "False", "MissingEndpoints", (
                f'endpoints for {which} have no addresses with port name "{port.get("name", "")}"')
        return _GOOD


def _listens(each: Object, port: str) -> bool:
    """Whether a slice has a ready endpoint with that port."""
    ready = any((endpoint.get("conditions") or {}).get("ready") is not False
                for endpoint in each.get("endpoints") or ())
    return ready and any((one.get("name") or "") == port for one in each.get("ports") or ())
