"""The way to webhooks: HTTPS by httpx, or through the simulated network. Models
apiserver/pkg/util/webhook/client.go.

On an event loop calls really wait. A cluster that is driven without one (tests, notebooks without
`await`) calls too, but nothing else happens in this thread until the webhook has answered: a
webhook in the same thread can only be reached when the cluster runs on an event loop
(`serving()`).
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.machinery.types import Object

_JSON: Final = {"Content-Type": "application/json", "Accept": "application/json, */*",
                "User-Agent": "kube-apiserver-admission"}
_HTTPS: Final = 443
_CREATED: Final = 201


UNAVAILABLE: Final = 503
"""How a call counts that brought no answer."""


class CallFailed(Exception):
    """No answer, in the words of upstream's client."""

    def __init__(self, text: str, code: int = UNAVAILABLE) -> None:
        super().__init__(text)
        self.code = code
        """The status that came instead of an answer; 503 where none came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCall:
    """A POST to a Service."""

    namespace: str
    name: str
    port: int
    path: str
    """With the query, as it goes on the wire."""
    body: bytes
    headers: Mapping[str, str]
    timeout: float

    @property
    def host(self) -> str:
        """The name that the webhook's certificate has."""
        return f"{self.name}.{self.namespace}.svc"


class ServiceNetwork(Protocol):
    """How the server reaches Services. The composition root brings it."""

    async def post(self, call: ServiceCall) -> tuple[int, bytes]:
        """Status and body. Raises CallFailed (`service "web" not found`)."""


class NoNetwork:
    """A server without a network of its own."""

    async def post(self, call: ServiceCall) -> tuple[int, bytes]:
        """Raises CallFailed: there is no way to a Service."""
        raise CallFailed(f"dial tcp: lookup {call.host}: no such host (this API server has no"
                         " network to reach Services)")


class WebhookCaller:
    """Sends questions, one at a time, and gives back what was answered."""

    def __init__(self) -> None:
        self.network: ServiceNetwork = NoNetwork()
        """Where Services are; set by the composition root."""

    async def call(self, config: Object, body: bytes, seconds: float) -> bytes:
        """POST to a clientConfig. Raises CallFailed."""
        service = config.get("service")
        query = f"timeout={seconds:g}s"
        if service is None:
            url = str(config.get("url") or "")
            url += ("&" if "?" in url else "?") + query
            return _checked(*await _post(url, config, body, seconds))
        call = ServiceCall(
            namespace=service.get("namespace") or "", name=service.get("name") or "",
            port=service.get("port") or _HTTPS, path=f"{service.get('path') or '/'}?{query}",
            body=body, headers=_JSON, timeout=seconds)
        try:
            return _checked(*await self.network.post(call))
        except CallFailed as error:
            url = f"https://{call.host}:{call.port}{call.path}"
            raise CallFailed(f'Post "{url}": {error}', error.code) from None


async def _post(url: str, config: Object, body: bytes, seconds: float) -> tuple[int, bytes]:
    """Status and body. Raises CallFailed."""
    import httpx

    try:
        verify = _trust(config.get("caBundle"))
        if not loop_runs():
            return _post_blocking(url, body, verify, seconds)
        async with asyncio.timeout(seconds), httpx.AsyncClient(
                verify=verify, timeout=seconds, trust_env=False) as client:
            answer = await client.post(url, content=body, headers=_JSON)
    except (httpx.TimeoutException, TimeoutError):
        raise CallFailed(f'Post "{url}": context deadline exceeded') from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise CallFailed(f'Post "{url}": {_why(url, error)}') from None
    return answer.status_code, answer.content


def _post_blocking(url: str, body: bytes, verify: ssl.SSLContext,
                   seconds: float) -> tuple[int, bytes]:
    """The same where there is no event loop. Raises what httpx raises."""
    import httpx

    with httpx.Client(verify=verify, timeout=seconds, trust_env=False) as client:
        answer = client.post(url, content=body, headers=_JSON)
    return answer.status_code, answer.content


def loop_runs() -> bool:
    """Whether this code runs in a task, which may wait."""
    try:
        return asyncio.current_task() is not None
    except RuntimeError:
        return False


def _trust(bundle: str | None) -> ssl.SSLContext:
    """Whom to believe: the bundle, else the system."""
    if not bundle:
        return ssl.create_default_context()
    return ssl.create_default_context(cadata=base64.b64decode(bundle).decode())


def _why(url: str, error: Exception) -> str:
    """As Go's net/http says it, for the common ones."""
    import httpx

    text = str(error)
    target = httpx.URL(url)
    where = f"dial tcp {target.host}:{target.port or _HTTPS}: connect"
    if "certificate verify failed" in text.lower():
        return f"tls: failed to verify certificate: x509: {text}"
    if isinstance(error, httpx.ConnectError) and (
            "refused" in text or "attempts failed" in text):
        return f"{where}: connection refused"
    if isinstance(error, httpx.RemoteProtocolError):
        return "EOF"
    return text


def _checked(status: int, body: bytes) -> bytes:
    """The body of a success. Raises CallFailed (rest.transformResponse)."""
    if 200 <= status <= _CREATED:
        return body
    known: Any = {401: "the server has asked for the client to provide credentials",
                  403: "forbidden",
                  404: "the server could not find the requested resource",
                  405: "the server does not allow this method on the requested resource"}
    text = body.decode(errors="replace").strip() or "unknown"
    raise CallFailed(known.get(status) or f'an error on the server ("{text}") has prevented the'
                     " request from succeeding", status)
