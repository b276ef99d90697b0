"""Ways from this computer to Services with a node port: `minikube-sim service NAME`.

Each is a small HTTP server on a loopback port; a request goes, as from the host outside, to the
first node's port, through the rules that kube-proxy wrote.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, Final

import uvicorn

from apiserver.machinery.gvk import SERVICES
from minikube_sim.addressing import family_name
from minikube_sim.exchange import Exchange, exchange
from minikube_sim.http import Request, Response
from minikube_sim.process import finish
from netsim.outcome import Refused
from netsim.packet import join_host_port

if TYPE_CHECKING:
    from apiserver.machinery.types import Object
    from minikube_sim.cluster import Cluster

_HOP_BY_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "te",
                                "trailer", "proxy-authorization", "proxy-authenticate"})


class NotExposable(Exception):
    """The Service has no node port; one line for people."""


class Exposures:
    """The open ways; one for each node port, opened once."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._urls: dict[int, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, namespace: str, name: str) -> list[dict[str, str]]:
        """The ports of a Service with their URLs. Raises NotFound, NotExposable."""
        service = await self._cluster.client.get(SERVICES, name, namespace)
        ports = [p for p in service["spec"].get("ports") or () if p.get("nodePort")
                 and p.get("protocol", "TCP") == "TCP"]
        if not ports:
            raise NotExposable(f"service {namespace}/{name} has no node port: change its type with "
                               f"kubectl patch service {name} -n {namespace} "
                               "-p '{\"spec\":{\"type\":\"NodePort\"}}'")
        node_ip = self._node_ip(service)
        return [{"target": "/".join(filter(None, (port.get("name"), str(port["port"])))),
                 "node_url": f"http://{join_host_port(node_ip, port['nodePort'])}",
                 "url": await self._open(node_ip, port["nodePort"])} for port in ports]

    def _node_ip(self, service: Object) -> str:
        """The first node's address in the Service's first family."""
        addresses = self._cluster.options.node_addresses()[0]
        family = next(iter(service["spec"].get("ipFamilies") or ()), "IPv4")
        return next((one for one in addresses if family_name(one) == family), addresses[0])

    async def _open(self, node_ip: str, node_port: int) -> str:
        if node_port not in self._urls:
            listener = socket.create_server(("127.0.0.1", 0))
            self._urls[node_port] = f"http://127.0.0.1:{listener.getsockname()[1]}"
            config = uvicorn.Config(self._app(node_ip, node_port), log_config=None,
                                    access_log=False, lifespan="off", timeout_graceful_shutdown=1)
            server = uvicorn.Server(config)
            task = asyncio.ensure_future(server._serve([listener]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return self._urls[node_port]

    def _app(self, node_ip: str, node_port: int) -> Any:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                return
            request = await _request(scope, receive)
            response = await finish(self._pass_on(node_ip, node_port, request), self._cluster.clock)
            await _send(send, response)

        return app

    async def _pass_on(self, node_ip: str, node_port: int, request: Request) -> Response:
        outside = self._cluster.network.outside
        outcome = await exchange(outside, node_ip, node_port, request)
        if isinstance(outcome, Exchange):
            return outcome.response or Response.text("empty reply from the Pod\n", status=502)
        if isinstance(outcome, Refused):
            return Response.text("connection refused: has the Service a ready Pod?\n", status=503)
        return Response.text("nobody answers\n", status=504)


async def _request(scope: Any, receive: Any) -> Request:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    query = scope["query_string"].decode("latin-1")
    target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
    headers = tuple((name.decode("latin-1"), value.decode("latin-1"))
                    for name, value in scope["headers"])
    return Request(method=scope["method"], target=target, headers=headers, body=body)


async def _send(send: Any, response: Response) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1"))
               for name, value in response.headers if name.lower() not in _HOP_BY_HOP]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
