"""pods/proxy, services/proxy, nodes/proxy: HTTP through the API server into the cluster.

Models core/pod/rest (ProxyREST), core/service/proxy.go, core/node/rest and apimachinery's proxy.
`NAME`, `NAME:PORT` and `SCHEME:NAME:PORT` name whom to ask; what follows /proxy is asked for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from apiserver.handlers.answer import Answer
from apiserver.machinery.errors import BadRequest, ServiceUnavailable
from apiserver.machinery.gvk import GVR
from apiserver.streaming.node import ConnectionFailed, ProxyRequest, ProxyResponse
from apiserver.subresources.remote import streams_of
from apiserver.subresources.subresource import Subresource

if TYPE_CHECKING:
    from apiserver.handlers.call import Call
    from apiserver.machinery.types import Object

_DROPPED: Final = frozenset({
    "authorization", "connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer",
    "proxy-authorization", "proxy-authenticate", "content-length", "date"})
_HTTP: Final = ("", "http", "https")
_SLICES: Final = GVR("", "v1", "endpoints")
_MOVED: Final = 301


async def proxy(call: Call) -> Answer:
    """Pass a request on. Raises NotFound, BadRequest, ServiceUnavailable."""
    path = call.request.path
    if not call.info.rest and not path.endswith("/") and call.request.method in ("GET", "HEAD"):
        return _moved(call, path)
    scheme, name, port = _split(call.info.name)
    call.ctx.name = name
    parent = (await call.registry.get(replace(call.ctx, verb="get", subresource=""))).object
    try:
        response = await _WAYS[call.ctx.resource.plural](call, parent, scheme, port)
    except ConnectionFailed as failed:
        raise ServiceUnavailable(f"error trying to reach service: {failed}") from None
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1"))
               for name, value in response.headers
               if name.lower() not in _DROPPED and name.lower() != "content-type"]
    kind = next((v for n, v in response.headers if n.lower() == "content-type"), "")
    return Answer(response.body, response.status, kind, headers=headers)


def _moved(call: Call, path: str) -> Answer:
    """Relative links in pages work only below a directory."""
    query = call.request.scope["query_string"].decode("latin-1")
    location = quote(path) + "/" + (f"?{query}" if query else "")
    return Answer(b"", _MOVED, "", headers=[(b"location", location.encode())])


def _split(text: str) -> tuple[str, str, str]:
    """(scheme, name, port) (utilnet.SplitSchemeNamePort). Raises BadRequest."""
    parts = text.split(":")
    if len(parts) == 1:
        return "", parts[0], ""
    if len(parts) == 2:
        return "", parts[0], parts[1]
    if len(parts) == 3 and parts[0] in _HTTP:
        return parts[0], parts[1], parts[2]
    raise BadRequest(f"invalid proxy request {text!r}")


async def _to_pod(call: Call, pod: Object, scheme: str, port: str) -> ProxyResponse:
    del scheme
    address = (pod.get("status") or {}).get("podIP") or ""
    if not address:
        raise BadRequest("address not allowed")
    number = port or str(_first_port(pod) or 80)
    if not number.isdigit():
        raise BadRequest(f"invalid port {number!r}")
    return await _ask(call, address, int(number))


def _first_port(pod: Object) -> int:
    """What a request without a port means: the first one that a container declares."""
    for container in pod["spec"]["containers"]:
        for port in container.get("ports") or ():
            return int(port["containerPort"])
    return 0


async def _to_service(call: Call, service: Object, scheme: str, port: str) -> ProxyResponse:
    del scheme
    name = call.ctx.name
    wanted = _service_port(service, port)
    if wanted is None:
        raise ServiceUnavailable(f'no service port "{port}" found for service "{name}"')
    resource = call.registry.catalog.resource(_SLICES)
    ctx = replace(call.ctx, resource=resource, verb="get", subresource="")
    endpoints = (await call.registry.get(ctx)).object
    found = [(address["ip"], int(one["port"])) for subset in endpoints.get("subsets") or ()
             for one in subset.get("ports") or () if (one.get("name") or "") == wanted
             for address in subset.get("addresses") or ()]
    if not found:
        raise ServiceUnavailable(f'no endpoints available for service "{name}"')
    address, number = call.registry.chance.choice(found)
    return await _ask(call, address, number)


def _service_port(service: Object, port: str) -> str | None:
    """The name of the port that is meant; '' is a name, None: there is no such port."""
    ports: list[dict[str, Any]] = service["spec"].get("ports") or []
    if not port:
        return (ports[0].get("name") or "") if len(ports) == 1 else ""
    for each in ports:
        if port in ((each.get("name") or ""), str(each["port"])):
            return each.get("name") or ""
    return None


async def _to_node(call: Call, node: Object, scheme: str, port: str) -> ProxyResponse:
    del scheme, port
    return await streams_of(call).kubelet(node["metadata"]["name"], _target(call))


async def _ask(call: Call, address: str, port: int) -> ProxyResponse:
    request = call.request
    headers = [(name.decode("latin-1"), value.decode("latin-1"))
               for name, value in request.scope["headers"]
               if name.decode("latin-1").lower() not in _DROPPED]
    client = (request.scope.get("client") or ("127.0.0.1", 0))[0]
    headers += [("X-Forwarded-For", client), ("X-Forwarded-Uri", request.path)]
    return await streams_of(call).request(address, port, ProxyRequest(
        method=request.method, target=_target(call), headers=headers, body=await request.body()))


def _target(call: Call) -> str:
    """Path and query for whom is asked."""
    rest = quote(call.info.rest, safe="/:@!$&'()*+,;=~-._")
    slash = "/" if rest and call.request.path.endswith("/") else ""
    query = call.request.scope["query_string"].decode("latin-1")
    return f"/{rest}{slash}" + (f"?{query}" if query else "")


_WAYS: Final = {"pods": _to_pod, "services": _to_service, "nodes": _to_node}

def _options(call: Call) -> Object:
    """PodProxyOptions, ServiceProxyOptions, NodeProxyOptions."""
    options: Object = {"kind": f"{call.ctx.resource.kind}ProxyOptions", "apiVersion": "v1"}
    return {**options, "path": call.info.rest} if call.info.rest else options


PROXY = Subresource(name="proxy", kind=None, connect=proxy, options=_options)
