"""Slices of Endpoints that somebody made by hand. Models pkg/controller/endpointslicemirroring."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.machinery import meta
from apiserver.machinery.gvk import ENDPOINTS, ENDPOINTSLICES, GVR, SERVICES
from controllers.controller import Controller, ControllerContext, KeysOf, Result, own_key
from controllers.endpointslice.controller import BY_SERVICE, MANAGED_BY, SERVICE_NAME, slice_service
from controllers.endpointslice.endpoints import Ports, port_key
from controllers.endpointslice.reconciler import Endpoints, SliceWriter, Template, identity, plan
from controllers.serving import HEADLESS_LABEL, TRIGGER_TIME, TriggerTimes, selector_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.machinery.types import Object

MANAGER: Final = "endpointslicemirroring-controller.k8s.io"
SKIP_MIRROR: Final = "endpointslice.kubernetes.io/skip-mirror"
LEADER: Final = "control-plane.alpha.kubernetes.io/leader"
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
LIMIT: Final = 1000
"""Endpoints in a slice, and mirrored addresses in a subset."""


class EndpointSliceMirroringController(Controller):
    """Key: Endpoints, and the Service of their name."""

    name: ClassVar[str] = "endpointslice-mirroring-controller"
    max_retries: ClassVar[int | None] = 15

    def __init__(self, ctx: ControllerContext) -> None:
        self._endpoints = ctx.informers.get(ENDPOINTS)
        self._services = ctx.informers.get(SERVICES)
        self._slices = ctx.informers.get(ENDPOINTSLICES)
        self._slices.add_index(BY_SERVICE, slice_service)
        self._triggers = TriggerTimes(ctx.clock)
        self._writer = SliceWriter(ctx.client)

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {
            ENDPOINTS: lambda old, new: self._triggers.note(own_key(old, new)),
            SERVICES: own_key,
            ENDPOINTSLICES: self._slice_changed,
        }

    async def reconcile(self, key: str) -> Result | None:
        endpoints, service = self._endpoints.get(key), self._services.get(key)
        trigger = self._triggers.take(key)
        existing = [one for one in self._slices.by(BY_SERVICE, key)
                    if meta.labels(one).get(MANAGED_BY) == MANAGER]
        if endpoints is None:
            return None
        mirrored = service is not None and not selector_of(service) and _wants_mirror(endpoints)
        desired = _desired(endpoints) if mirrored else {}
        changes = plan(_template(endpoints), desired, self._writer.current(existing, endpoints),
                       LIMIT, placeholder=False)
        await self._writer.write(changes, trigger)
        return None

    def _slice_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        obj = new if new is not None else old
        assert obj is not None
        if meta.labels(obj).get(MANAGED_BY) != MANAGER or self._writer.is_own_echo(old, new):
            return ()
        return slice_service(obj)


def _wants_mirror(endpoints: Object) -> bool:
    return (meta.labels(endpoints).get(SKIP_MIRROR) != "true"
            and LEADER not in meta.annotations(endpoints))


def _template(endpoints: Object) -> Template:
    own = {k: v for k, v in meta.labels(endpoints).items()
           if k not in (SERVICE_NAME, MANAGED_BY, SKIP_MIRROR, HEADLESS_LABEL)}
    annotations = {k: v for k, v in meta.annotations(endpoints).items()
                   if k not in (TRIGGER_TIME, LAST_APPLIED)}
    wanted = {**own, SERVICE_NAME: meta.name(endpoints), MANAGED_BY: MANAGER}
    return Template(endpoints, wanted, annotations)


def _desired(endpoints: Object) -> dict[str, dict[Ports, Endpoints]]:
    desired: dict[str, dict[Ports, Endpoints]] = {}
    for subset in endpoints.get("subsets") or ():
        ports = port_key(subset.get("ports"))
        for part, ready in (("addresses", True), ("notReadyAddresses", False)):
            for address in (subset.get(part) or ())[:LIMIT]:
                endpoint = _endpoint(address, ready)
                family = "IPv6" if ":" in address["ip"] else "IPv4"
                groups = desired.setdefault(family, {})
                groups.setdefault(ports, {})[identity(endpoint)] = endpoint
    return desired


def _endpoint(address: Object, ready: bool) -> Object:
    endpoint = {"addresses": [address["ip"]], "conditions": {"ready": ready}}
    copied = {part: address[part] for part in ("hostname", "nodeName", "targetRef")
              if address.get(part)}
    return {**endpoint, **copied}
