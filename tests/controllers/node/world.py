"""A cluster with nodes: kubelets on the simulated runtime and network, on the virtual clock."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from apiserver.machinery.gvk import EVENTS, PODS
from controllers.drive import drive
from controllers.events import EventBroadcaster
from controllers.informer import Informers
from controllers.manager import Manager
from controllers.node.config import DEFAULT_CAPACITY, NodeConfig
from controllers.node.kubelet import Kubelet
from controllers.node.kubeproxy import KubeProxy
from minikube_sim.exchange import Exchange, exchange, listen_json
from minikube_sim.http import Request, Response
from minikube_sim.images import IMAGES, ImageRegistry, Program
from minikube_sim.runtime import SimRuntime
from netsim.fabric import Fabric
from netsim.kubeproxy import Options as ProxyOptions
from tests.controllers.world import World, obj

PROXY_OPTIONS = ProxyOptions(cluster_cidrs=("172.17.0.0/16",))

if TYPE_CHECKING:
    from apiserver.machinery.types import Object
    from netsim.namespace import Namespace


class NodeWorld(World):
    """Nodes minikube, minikube-m02, ... each with a kubelet."""

    def __init__(self, *names: str, nodes: int = 1, images: dict[str, type[Program]] | None = None,
                 pod_cidr: str = "172.17.{}.0/24",
                 capacity: dict[str, str] | None = None) -> None:
        super().__init__(*names)
        self.capacity = capacity or DEFAULT_CAPACITY
        self.fabric = Fabric(self.clock.now, random.Random(1))
        self.images = ImageRegistry({**IMAGES, **(images or {})})
        self.runtime = SimRuntime(self.images, self.clock, random.Random(1))
        self.kubelets: list[Kubelet] = []
        self.create_namespaces()
        for index in range(nodes):
            self._add_kubelet(index, pod_cidr.format(index))
        self.settle()

    def create_namespaces(self) -> None:
        """What the system needs."""
        from apiserver.machinery.gvk import CONFIGMAPS, NAMESPACES

        for own in ("kube-node-lease", "kube-system"):
            self.create(NAMESPACES, obj("v1", "Namespace", own, None))
        authority = obj("v1", "ConfigMap", "kube-root-ca.crt")
        self.create(CONFIGMAPS, {**authority, "data": {"ca.crt": "x"}})

    def _add_kubelet(self, index: int, cidr: str) -> None:
        own = "minikube" if index == 0 else f"minikube-m{index + 1:02}"
        address = f"10.211.55.{120 + index}"
        node = self.fabric.add_node(own, f"{address}/24", cidr)
        config = NodeConfig(name=own, addresses=(address,), pod_cidrs=(cidr,),
                            capacity=self.capacity)
        kubelet = Kubelet(self.context, config, self.runtime, node)
        self.kubelets.append(kubelet)
        self.manager.add(kubelet, f"kubelet-{own}")
        proxy = KubeProxy(self.context, node, PROXY_OPTIONS, listen_json)
        self.manager.add(proxy, f"kube-proxy-{own}")

    def rewire(self) -> None:
        """Another manager with empty caches over the same API: what a new process has."""
        self.informers = Informers(self.client)
        self.events = EventBroadcaster(self.client, self.clock)
        self.manager = Manager(self.clock, self.informers, self.events, strict=True)
        self.context = replace(self.context, informers=self.informers, events=self.events)

    def run(self, own: str, image: str = "nginx", *, node: str = "minikube",
            labels: Any = None, **spec: Any) -> Object:
        """Create a Pod of one container on a node and settle; the Pod as it is then."""
        container: Object = {"name": "c", "image": image, **spec.pop("container", {})}
        spec = {"containers": [container], "nodeName": node, **spec}
        self.create(PODS, obj("v1", "Pod", own, labels=labels, spec=spec))
        return self.pod(own)

    def pod(self, own: str) -> Object:
        """A Pod as it is now."""
        return self.get(PODS, own)

    def state(self, own: str, container: int = 0) -> Object:
        """The state of a container as the status shows it."""
        state: Object = self.pod(own)["status"]["containerStatuses"][container]["state"]
        return state

    def told(self, own: str) -> list[str]:
        """`Reason: message` of each event about an object, in order; repeats as (xN)."""
        found = [e for e in self.all(EVENTS) if e["involvedObject"]["name"] == own]
        return [f"{e['reason']}: {e['message']}" + (f" (x{e['count']})" if e.get("count", 1) > 1
                                                    else "") for e in found]


def ask(source: Namespace, address: str, port: int = 80, path: str = "/") -> Response | str:
    """GET from a namespace: the answer, or the name of what became of the connection."""
    outcome = drive(exchange(source, address, port, Request(target=path)))
    if isinstance(outcome, Exchange):
        assert outcome.response is not None
        return outcome.response
    return type(outcome).__name__


def condition(thing: Object, kind: str) -> Object:
    """A condition of an object's status."""
    found: Object = next(c for c in thing["status"]["conditions"] if c["type"] == kind)
    return found
