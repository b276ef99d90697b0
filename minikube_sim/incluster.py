"""The API server as Pods reach it: https://kubernetes.default.svc, on port 8443 of the first node.

Requests go through the simulated network and its rules to the same application that listens on the
real socket. TLS is not simulated inside the cluster, and a watch would never end: it is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from minikube_sim.exchange import listen
from minikube_sim.http import Response, call_asgi

if TYPE_CHECKING:
    from apiserver.app import KubernetesApp
    from minikube_sim.cluster import Cluster
    from minikube_sim.http import Request

PORT: Final = 8443


def serve(cluster: Cluster) -> None:
    """Listen on the first node; the application is made at the first request."""
    made: list[KubernetesApp] = []

    async def answer(request: Request) -> Response:
        if "watch=" in request.query or "follow=" in request.query:
            return Response.text("streams are not simulated inside the cluster\n", status=501)
        if not made:
            made.append(_application(cluster))
        return await call_asgi(made[0], request)

    listen(cluster.network.host(cluster.options.node_names()[0]), PORT, answer)


def _application(cluster: Cluster) -> KubernetesApp:
    from apiserver.authentication.authenticator import Authenticator

    return cluster.http_app(Authenticator({}, service_accounts=cluster.registry.tokens))
