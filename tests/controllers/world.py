"""A cluster without kubelets: registry, client and chosen controllers on the virtual clock."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from apiserver.admission import admission_chain
from apiserver.local import LocalClient
from apiserver.machinery.gvk import GVR, NAMESPACES, NODES, PODS, SERVICEACCOUNTS, SERVICES
from apiserver.machinery.meta import name, namespace
from apiserver.registry import Registry
from apiserver.resources import BUILTIN
from apiserver.schema.schema import schema_for
from apiserver.storage import MemoryStore
from controllers import CONTROLLERS
from controllers.controller import ControllerContext, DiscoveredResource, Options
from controllers.drive import drive
from controllers.events import EventBroadcaster
from controllers.informer import Informers
from controllers.manager import Manager
from controllers.serviceips import ServiceAllocator
from minikube_sim.clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import JSON, Object

READY = {"phase": "Running", "conditions": [
    {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}


class World:
    """What a test of controllers needs, synchronously."""

    def __init__(self, *names: str, seed: int = 1, options: Options | None = None) -> None:
        self.reconciled = 0
        self.clock = VirtualClock()
        self.store = MemoryStore()
        self.registry = Registry(
            store=self.store, resources=BUILTIN, schema=schema_for("1.36"), clock=self.clock,
            chance=random.Random(seed), admission=admission_chain(),
            allocators={SERVICES: ServiceAllocator(random.Random(seed))})
        self.client = LocalClient(self.registry)
        self.informers = Informers(self.client)
        self.events = EventBroadcaster(self.client, self.clock)
        self.manager = Manager(self.clock, self.informers, self.events, strict=True)
        self.context = ControllerContext(
            client=self.client, clock=self.clock, informers=self.informers, events=self.events,
            discovery=self._discover, chance=random.Random(seed), options=options or Options())
        drive(self.client.create(NAMESPACES, obj("v1", "Namespace", "default", None)))
        if "serviceaccount-controller" not in names:
            self.add_account("default")
        for one in names:
            self.manager.add(CONTROLLERS[one](self.context))

    async def _discover(self) -> Sequence[DiscoveredResource]:
        return [DiscoveredResource(resource=one.gvr, kind=one.kind, namespaced=one.namespaced,
                                   verbs=one.verbs) for one in BUILTIN]

    def settle(self) -> int:
        """Run the controllers until they are idle."""
        count = self.manager.settle()
        self.reconciled += count
        return count

    def advance(self, seconds: float) -> None:
        """Let time pass, with all that happens in it."""
        self.settle()
        self.clock.advance(seconds, after_each=self._settle)

    def _settle(self) -> None:
        self.settle()

    def create(self, resource: GVR, body: Object) -> Object:
        """Create and settle."""
        made = drive(self.client.create(resource, body, namespace(body) or None))
        self.settle()
        return made

    def get(self, resource: GVR, own: str, place: str | None = "default") -> Object:
        """One object. Raises NotFound."""
        return drive(self.client.get(resource, own, place))

    def all(self, resource: GVR, selector: str = "") -> list[Object]:
        """All objects of a resource."""
        answer = drive(self.client.list(resource, label_selector=selector))
        items: list[Object] = answer["items"]
        return items

    def names(self, resource: GVR) -> list[str]:
        """The names of all objects of a resource."""
        return [name(one) for one in self.all(resource)]

    def patch(self, resource: GVR, own: str, patch: JSON, *, place: str | None = "default",
              **how: Any) -> Object:
        """Change and settle."""
        changed = drive(self.client.patch(resource, own, place, patch, **how))
        self.settle()
        return changed

    def delete(self, resource: GVR, own: str, *, place: str | None = "default", **how: Any) -> None:
        """Delete and settle."""
        drive(self.client.delete(resource, own, place, **how))
        self.settle()

    def make_ready(self, *pods: Object | str, ip: str = "") -> None:
        """What a kubelet would report of running Pods."""
        status = {**READY, **({"podIP": ip, "podIPs": [{"ip": ip}]} if ip else {})}
        for pod in pods:
            own = pod if isinstance(pod, str) else name(pod)
            drive(self.client.patch(PODS, own, "default", {"status": status},
                                    type="strategic", subresource="status"))
        self.settle()

    def add_account(self, place: str) -> None:
        """The ServiceAccount that Pods of a namespace need."""
        drive(self.client.create(SERVICEACCOUNTS, obj("v1", "ServiceAccount", "default", place)))

    def add_node(self, own: str = "n1", **labels: str) -> Object:
        """A Node, without a kubelet."""
        return self.create(NODES, obj("v1", "Node", own, None, labels=labels or None))


def obj(api_version: str, kind: str, own: str, place: str | None = "default", *,
        labels: Any = None, spec: Any = None, **metadata: Any) -> Object:
    """An object; `metadata` are further fields there."""
    meta = {"name": own, "namespace": place, "labels": labels, **metadata}
    body: Object = {"apiVersion": api_version, "kind": kind,
                    "metadata": {k: v for k, v in meta.items() if v is not None}}
    return {**body, "spec": spec} if spec is not None else body


def template(app: str = "r", image: str = "nginx:1", **labels: str) -> Object:
    """A Pod template that no scheduler touches."""
    return {"metadata": {"labels": {"app": app, **labels}}, "spec": {
        "schedulerName": "none", "containers": [{"name": "c", "image": image}]}}


def replicaset(own: str = "r", replicas: int = 2, app: str = "r", **spec: Any) -> Object:
    """A ReplicaSet of `app`."""
    return obj("apps/v1", "ReplicaSet", own, spec={
        "replicas": replicas, "selector": {"matchLabels": {"app": app}},
        "template": template(app), **spec})


def deployment(own: str = "d", replicas: int = 2, image: str = "nginx:1", **spec: Any) -> Object:
    """A Deployment of app=d."""
    return obj("apps/v1", "Deployment", own, spec={
        "replicas": replicas, "selector": {"matchLabels": {"app": "d"}},
        "template": template("d", image), **spec})


def pod(own: str, app: str = "r", **spec: Any) -> Object:
    """A bare Pod."""
    return obj("v1", "Pod", own, labels={"app": app}, spec={**template(app)["spec"], **spec})
