"""What a Service's Pods call for. Models endpointslice/endpointslice_controller.go."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.machinery import meta
from apiserver.machinery.errors import NotFound
from apiserver.machinery.gvk import ENDPOINTSLICES, GVR, NODES, PODS, SERVICES
from controllers import pods
from controllers.controller import Controller, ControllerContext, KeysOf, Result, own_key
from controllers.endpointslice.endpoints import Ports, families, ports_of, to_endpoint
from controllers.endpointslice.reconciler import Endpoints, SliceWriter, Template, plan
from controllers.serving import (
    HEADLESS_LABEL,
    Selection,
    TriggerTimes,
    belongs,
    has_cluster_ip,
    selector_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.machinery.types import Object

SERVICE_NAME: Final = "kubernetes.io/service-name"
MANAGED_BY: Final = "endpointslice.kubernetes.io/managed-by"
MANAGER: Final = "endpointslice-controller.k8s.io"
_RESERVED: Final = frozenset({SERVICE_NAME, MANAGED_BY, HEADLESS_LABEL})
BY_SERVICE: Final = "service"


def slice_service(one: Object) -> tuple[str, ...]:
    """Index and key function: the key of the Service that a slice belongs to."""
    own = meta.labels(one).get(SERVICE_NAME)
    return (f"{meta.namespace(one)}/{own}",) if own else ()


class EndpointSliceController(Controller):
    """Key: a Service."""

    name: ClassVar[str] = "endpointslice-controller"
    max_retries: ClassVar[int | None] = 15

    def __init__(self, ctx: ControllerContext) -> None:
        self._limit = ctx.options.max_endpoints_per_slice
        self._selection = Selection(ctx.informers)
        self._nodes = ctx.informers.get(NODES)
        self._slices = ctx.informers.get(ENDPOINTSLICES)
        self._slices.add_index(BY_SERVICE, slice_service)
        self._triggers = TriggerTimes(ctx.clock)
        self._writer = SliceWriter(ctx.client)

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {
            SERVICES: lambda old, new: self._triggers.note(own_key(old, new)),
            PODS: self._pod_changed,
            ENDPOINTSLICES: self._slice_changed,
            NODES: lambda old, new: (),
        }

    def _pod_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        for key in self._triggers.note(self._selection.pod_changed(old, new)):
            self.queue.add_batched(key, self._selection.size(key))
        return ()

    async def reconcile(self, key: str) -> Result | None:
        service = self._selection.services.get(key)
        trigger = self._triggers.take(key)
        if service is None or not selector_of(service) or (
                pods.spec(service).get("type") == "ExternalName"):
            return None
        desired, missing = self._desired(service)
        existing = [one for one in self._slices.by(BY_SERVICE, key)
                    if meta.labels(one).get(MANAGED_BY) == MANAGER]
        changes = plan(_template(service), desired, self._writer.current(existing, service),
                       self._limit, placeholder=True)
        if meta.is_terminating(service):
            changes.create.clear()
        await self._writer.write(changes, trigger)
        if missing:
            raise NotFound.object("", "nodes", missing)
        return None

    def _slice_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        obj = new if new is not None else old
        assert obj is not None
        if meta.labels(obj).get(MANAGED_BY) != MANAGER and (
                old is None or meta.labels(old).get(MANAGED_BY) != MANAGER):
            return ()
        if self._writer.is_own_echo(old, new):
            return ()
        return dict.fromkeys((*slice_service(obj), *(slice_service(old) if old else ())))

    def _desired(self, service: Object) -> tuple[dict[str, dict[Ports, Endpoints]], str]:
        """(the endpoints by address type and ports, the name of a node that is not there).

        A Pod of a missing node is left out, and the Service tried again.
        """
        desired: dict[str, dict[Ports, Endpoints]] = {one: {} for one in families(service)}
        missing = ""
        for pod in self._selection.pods_of(service):
            if not belongs(pod, terminating=True):
                continue
            node_name = pods.spec(pod).get("nodeName") or ""
            node = self._nodes.get(node_name)
            if node is None:
                missing = missing or node_name
                continue
            ports = ports_of(service, pod)
            for family, groups in desired.items():
                endpoint = to_endpoint(pod, node, service, family)
                if endpoint is not None:
                    groups.setdefault(ports, {})[meta.uid(pod)] = endpoint
        return desired, missing


def _template(service: Object) -> Template:
    own = {k: v for k, v in meta.labels(service).items() if k not in _RESERVED}
    if not has_cluster_ip(service):
        own[HEADLESS_LABEL] = ""
    return Template(service, {**own, SERVICE_NAME: meta.name(service), MANAGED_BY: MANAGER})
