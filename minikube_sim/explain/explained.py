"""The methods of a Cluster that explain its network, and those that break its links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minikube_sim.part import Part

if TYPE_CHECKING:
    from minikube_sim.explain.matrix import Matrix
    from minikube_sim.explain.sniff import Capture
    from minikube_sim.explain.trace import FlowTrace
    from minikube_sim.explain.why import Why


class Explained(Part):
    """Part of Cluster; what it needs is imported when it is asked."""

    def trace(self, source: str, target: str, namespace: str = "default") -> FlowTrace:
        """Send a flow's first packets and tell all that they met: `trace("pod/a", "http://web/")`.

        `source` is pod/NAME, pod/NAMESPACE/NAME, node/NAME or outside; `target` a URL (http, https,
        tcp, udp, icmp) of an address or a name, or svc/NAME:PORT. Raises ExplainError.
        """
        from minikube_sim.explain.trace import trace_flow

        return trace_flow(self._cluster, source, target, namespace)

    def why(self, service: str, namespace: str = "default", source: str = "") -> Why:
        """What keeps a Service from answering, and the fix. Raises ExplainError for a source that
        does not exist.
        """
        from minikube_sim.explain.why import why

        return why(self._cluster, service, namespace, source)

    def matrix(self, namespace: str = "", *, services: bool = True, pods: bool = False) -> Matrix:
        """Who reaches what: every Pod, node and outside x every Service and port."""
        from minikube_sim.explain.matrix import matrix

        return matrix(self._cluster, namespace, services=services, pods=pods)

    def sniff(self, source: str, target: str, namespace: str = "default", at: str = "") -> Capture:
        """Try a flow and catch its frames: `sniff("pod/a", "http://web/").write("web.pcap")`.

        `at`: where to listen; '' is the source, `all` everywhere. Raises ExplainError.
        """
        from minikube_sim.explain.sniff import sniff

        flow = sniff(self._cluster, source, target, namespace, at)
        return self._cluster.complete(flow, "the flow")

    # ------------------------------------------------------------ links

    def partition(self, one: str, other: str) -> None:
        """Cut the link between two nodes, a node and `outside`, or a Pod and its node. Only packets
        are held up: the control plane goes on. Raises ExplainError.
        """
        self._fault(one, other).partition = True

    def loss(self, one: str, other: str, share: float) -> None:
        """Let a share of the frames on a link get lost, each way, by the cluster's chance. Raises
        ExplainError.
        """
        self._fault(one, other).loss = share

    def latency(self, one: str, other: str, seconds: float) -> None:
        """Let a frame take that long on a link, one way. Raises ExplainError."""
        self._fault(one, other).latency = seconds

    def heal(self, *hosts: str) -> None:
        """Mend all links, all those of one host, or the one between two. Raises ExplainError."""
        self._cluster.network.fabric.heal(*(self._host(host) for host in hosts))

    def _fault(self, one: str, other: str) -> Any:
        return self._cluster.network.fabric.fault(self._host(one), self._host(other))

    def _host(self, text: str) -> str:
        """`minikube` is `node/minikube`."""
        from minikube_sim.explain.places import Places

        plain = "/" in text or text == "outside"
        return Places(self._cluster).source(text if plain else f"node/{text}").name
