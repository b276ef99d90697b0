"""kube-proxy of one simulated node. Models cmd/kube-proxy: it follows Services, slices and its
Node, and keeps the rules of the node's network stack (`netsim.kubeproxy.NodeProxy` writes them).

Changes are noted as they come and written together, Service by Service, at the next sync.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

from apiserver.machinery.gvk import ENDPOINTSLICES, NODES, SERVICES
from apiserver.machinery.meta import labels, name, namespace
from controllers.controller import Controller, ControllerContext, Result
from netsim.kubeproxy import Family, NodeProxy, Options
from netsim.kubeproxy import Node as ProxyNode
from netsim.kubeproxy.proxier import SYNC_PERIOD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.machinery.gvk import GVR
    from apiserver.machinery.types import Object
    from controllers.controller import KeysOf
    from netsim.fabric import Node
    from netsim.kubeproxy import HealthCheck

SYNC: Final = "sync"
HEADLESS: Final = "service.kubernetes.io/headless"
PROXY_NAME: Final = "service.kubernetes.io/service-proxy-name"
ZONE: Final = "topology.kubernetes.io/zone"


class Closable(Protocol):
    """Something that listens."""

    def close(self) -> None:
        """Stop listening."""


HealthAnswer = Callable[[], tuple[int, str]]
"""The status and JSON text that a health check port answers now."""
Listen = Callable[["Node", int, HealthAnswer], Closable]
"""Answer HTTP on a node's port."""


class KubeProxy(Controller):
    """Keeps one node's rules. Add it under a name of its own per node."""

    name: ClassVar[str] = "kube-proxy"

    def __init__(self, context: ControllerContext, node: Node, options: Options,
                 listen: Listen) -> None:
        self.proxy = NodeProxy(node, options=options, node=ProxyNode(
            name=node.name, addresses=tuple(node.addresses)))
        self._context = context
        self._node = node
        self._listen = listen
        self._health: dict[int, Closable] = {}

    def watches(self) -> Mapping[GVR, KeysOf]:
        """Services, slices, and the own Node for its zone."""
        return {SERVICES: self._service, ENDPOINTSLICES: self._slice, NODES: self._own_node}

    async def start(self) -> None:
        """Write the fixed rules, without any Service too; again when somebody flushes them."""
        self.proxy.watch_rules(lambda: self.queue.add_after(SYNC, SYNC_PERIOD))
        self.queue.add(SYNC)

    async def reconcile(self, key: str) -> Result | None:
        """Write what has changed."""
        self.proxy.sync()
        self._serve_health(self.proxy.health_checks())
        return None

    def _service(self, old: Object | None, new: Object | None) -> Iterable[str]:
        service = new if new is not None else old
        assert service is not None
        if new is None or not _is_ours(new):
            self.proxy.remove_service((namespace(service), name(service)))
        else:
            self.proxy.apply_service(new)
        return (SYNC,)

    def _slice(self, old: Object | None, new: Object | None) -> Iterable[str]:
        entry = new if new is not None else old
        assert entry is not None
        if new is None or HEADLESS in labels(new) or PROXY_NAME in labels(new):
            self.proxy.remove_slice((namespace(entry), name(entry)))
        else:
            self.proxy.apply_slice(new)
        return (SYNC,)

    def _own_node(self, old: Object | None, new: Object | None) -> Iterable[str]:
        if new is None or name(new) != self._node.name:
            return ()
        zone = labels(new).get(ZONE, "")
        if zone == self.proxy.proxiers[Family.IPV4].node.zone:
            return ()
        self.proxy.set_zone(zone)
        return (SYNC,)

    def _serve_health(self, wanted: Mapping[int, HealthCheck]) -> None:
        """Listen on exactly the health check node ports that are wanted."""
        for port in [port for port in self._health if port not in wanted]:
            self._health.pop(port).close()
        for port in wanted:
            if port not in self._health:
                self._health[port] = self._listen(self._node, port, self._answer(port))

    def _answer(self, port: int) -> HealthAnswer:
        def answer() -> tuple[int, str]:
            check = self.proxy.health_checks().get(port)
            return (check.status, check.body) if check is not None else (503, "{}")
        return answer


def _is_ours(service: Object) -> bool:
    """Other proxies serve what carries their name; headless Services have nothing to proxy."""
    return PROXY_NAME not in labels(service) and HEADLESS not in labels(service)
