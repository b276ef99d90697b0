"""Webhooks that run in the cluster: the API server's way to Services. Satisfies
`apiserver.admission.webhooks.ServiceNetwork`.

The request goes from the control plane's node to the Service's cluster IP, through the rules of
kube-proxy as any other; simulated programs speak plain HTTP, so certificates are not looked at. A
webhook that takes time (`container.sleep`) needs a cluster that runs on an event loop.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from apiserver.admission.webhooks import CallFailed, ServiceCall, loop_runs
from apiserver.streaming.node import ConnectionFailed, ProxyRequest

if TYPE_CHECKING:
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry
    from apiserver.streaming.node import ProxyResponse
    from minikube_sim.nodes import Nodes


class ClusterServices:
    """Services by namespace and name."""

    def __init__(self, registry: Registry, nodes: Nodes) -> None:
        self._registry = registry
        self._nodes = nodes

    async def post(self, call: ServiceCall) -> tuple[int, bytes]:
        """Status and body. Raises CallFailed."""
        address = _address(call, await self._service(call))
        headers = (("Host", f"{call.host}:{call.port}"), *call.headers.items(),
                   ("Content-Length", str(len(call.body))))
        request = ProxyRequest(method="POST", target=call.path, headers=headers, body=call.body)
        try:
            answer = await self._ask(address, call, request)
        except ConnectionFailed as error:
            raise CallFailed(str(error)) from None
        except TimeoutError:
            raise CallFailed("context deadline exceeded") from None
        return answer.status, answer.body

    async def _ask(self, address: str, call: ServiceCall, request: ProxyRequest) -> ProxyResponse:
        from minikube_sim.remote import RemoteAccess

        asking = RemoteAccess(self._nodes).request(address, call.port, request)
        if not loop_runs():
            return await asking  # an answer that takes no time needs no loop
        async with asyncio.timeout(call.timeout):
            return await asking

    async def _service(self, call: ServiceCall) -> Object:
        key = f"/registry/services/specs/{call.namespace}/{call.name}"
        version = await self._registry.store.get(key)
        if version is None:
            raise CallFailed(f'service "{call.name}" not found')
        return version.object


def _address(call: ServiceCall, service: Object) -> str:
    """The cluster IP (proxy.ResolveCluster). Raises CallFailed."""
    spec = service.get("spec") or {}
    address: str = spec.get("clusterIP") or ""
    if spec.get("type") == "ExternalName" or address in ("", "None"):
        raise CallFailed(f'unsupported service type "{spec.get("type")}"')
    if not any(port.get("port") == call.port for port in spec.get("ports") or ()):
        raise CallFailed(f'no service port {call.port} found for service "{call.name}"')
    return address
