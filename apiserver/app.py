"""The Kubernetes API as one plain ASGI application. Models apiserver/pkg/server's handler chain.

    authenticate · what is named? · impersonate · authorize
    negotiate · handle · make durable · send
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from apiserver.audit import SCOPE as AUDIT
from apiserver.authentication.impersonation import impersonate, wanted_user
from apiserver.authorization.attributes import Attributes
from apiserver.authorization.request import attributes_of
from apiserver.context import RequestContext
from apiserver.handlers import answer as answers
from apiserver.handlers.answer import Answer, failure, json_answer, not_found_text, text_answer
from apiserver.handlers.call import Call
from apiserver.handlers.options import boolean
from apiserver.handlers.request import Disconnected, Request
from apiserver.handlers.routing import find_handler, find_resource, not_allowed, not_served
from apiserver.health import ENDPOINTS, Health
from apiserver.lifetime import SCOPE as LIFETIME
from apiserver.lifetime import Lifetime
from apiserver.limits import Limits, deadline, is_long_running
from apiserver.machinery.errors import ApiError, BadRequest, InternalError, Timeout
from apiserver.metrics import Metrics
from apiserver.negotiation import YAML, negotiate
from apiserver.request_info import RequestInfo, parse_request
from apiserver.streaming import carrier
from apiserver.subresources import SUBRESOURCES
from apiserver.subresources.remote import STREAMS

if TYPE_CHECKING:
    from apiserver.audit import AuditEntry
    from apiserver.authentication.authenticator import Authenticate
    from apiserver.context import User
    from apiserver.handlers.call import Receive, Send
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry
    from apiserver.streaming.node import NodeStreams
    from apiserver.subresources.log import NodeLogs

log = logging.getLogger(__name__)

Authorize: TypeAlias = Callable[[Attributes], Awaitable[None]]
"""Returns for what is allowed. Raises Forbidden."""
Page: TypeAlias = Callable[[Request], "Answer | Awaitable[Answer]"]
"""Answers a path that names no resource: discovery, OpenAPI, metrics."""

_CACHE: Final = (b"cache-control", b"no-cache, private")
_LISTS: Final = frozenset({"list", "watch"})


async def allow_all(attributes: Attributes) -> None:
    """The authorizer of a server that has none."""


class KubernetesApp:
    """Serves one registry."""

    def __init__(self, registry: Registry, *, authenticate: Authenticate,
                 authorize: Authorize = allow_all, version: Object | None = None,
                 pages: Mapping[str, Page] | None = None, health: Health | None = None,
                 node_logs: NodeLogs | None = None, node_streams: NodeStreams | None = None,
                 limits: Limits | None = None, lifetime: Lifetime | None = None) -> None:
        """`version`: what /version answers. `pages`: by path, or by prefix when it ends in '/'."""
        self._registry = registry
        self._authenticate = authenticate
        self._authorize = authorize
        self._version = version or {}
        self._pages = dict(pages or {})
        self._health = health or Health()
        self._lifetime = lifetime or Lifetime()
        self._limits = limits or Limits()
        self._shared = {"apiserver.node_logs": node_logs, STREAMS: node_streams,
                        LIFETIME: self._lifetime}
        self._metrics = Metrics(registry)
        self._pages.setdefault("/metrics", self._metrics.page)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """ASGI: one request."""
        request = Request({"method": "GET", **scope, **self._shared}, receive)
        try:
            answer = await self._answer(request, send)
            if answer is None:
                return
            if scope["type"] in carrier.KINDS:
                await carrier.refuse(scope, receive, send, answer)
            else:
                await self._finish(request, answer, send)
        except Disconnected:
            return
        except asyncio.CancelledError:
            if not self._lifetime.over:  # what the server cuts off when it ends is no failure
                raise

    # --- the way of a request --------------------------------------------------------------------

    async def _answer(self, request: Request, send: Send) -> Answer | None:
        try:
            user = await self._authenticate(request.scope)
            info = parse_request(request.method, request.path)
            if info is not None and info.verb == "list" and boolean(request, "watch"):
                info.verb = "watch"
            asked = attributes_of(user, request, info)
            audit: AuditEntry | None = request.scope.get(AUDIT)
            if audit is not None:
                audit.known(user, asked)
            if (wanted := wanted_user(request.scope["headers"])) is not None:
                minor = self._registry.schema.minor
                user = await impersonate(wanted, asked, minor, self._authorize)
                asked = replace(asked, user=user)
                if audit is not None:
                    audit.acts_as(asked)
            with self._limits.seat(info, user):
                return await self._within_time(request, asked, info, send)
        except ApiError as error:
            return _in_accepted_form(request, failure(error))
        except Disconnected:
            raise
        except Exception:
            log.exception("request failed: %s %s", request.method, request.path)
            return failure(InternalError("Internal error occurred: the server has the details"))

    async def _within_time(self, request: Request, asked: Attributes, info: RequestInfo | None,
                           send: Send) -> Answer | None:
        """Answer before the request's time is over. Raises Timeout."""
        if info is None or not info.resource:
            return await self._page(request, asked, info)
        if info.verb == "watch":
            return await self._counted(request, asked, info, send)
        if is_long_running(info):
            with self._lifetime.cancelling():
                return await self._counted(request, asked, info, send)
        try:
            async with deadline(request):
                return await self._counted(request, asked, info, send)
        except TimeoutError:
            raise Timeout("request did not complete within the allotted timeout",
                          details={}) from None

    async def _counted(self, request: Request, asked: Attributes, info: RequestInfo,
                       send: Send) -> Answer | None:
        try:
            await self._authorize(asked)
            answer = await self._resource(request, asked.user, info, send)
        except ApiError as error:
            self._metrics.count(info, error.code)
            raise
        self._metrics.count(info, answer.status if answer is not None else 200)
        return answer

    async def _resource(self, request: Request, user: User, info: RequestInfo,
                        send: Send) -> Answer | None:
        registry = self._registry
        try:
            resource = find_resource(registry.catalog, info)
        except ApiError:
            if not info.group or registry.catalog.has_group(info.group):
                raise
            return not_found_text()
        ctx = RequestContext(
            resource=resource, verb=info.verb, user=user, namespace=info.namespace,
            name=info.name, subresource=info.subresource, now=registry.clock.now())
        if resource.deprecation:
            ctx.warn(resource.deprecation)
        handler = find_handler(resource, info)
        if request.scope["type"] in carrier.KINDS and not _streams(info):
            raise BadRequest("this resource is not streamed over WebSockets")
        accepted = negotiate(request.header(b"accept"), streams=info.verb in _LISTS)
        answer = await handler(Call(registry, request, info, ctx, accepted, send))
        if answer is not None and ctx.warnings:
            answer.headers += answers.warning_headers(ctx.warnings)
        return answer

    async def _finish(self, request: Request, answer: Answer, send: Send) -> None:
        """Send an answer, once all that it shows would survive a crash."""
        if answer.revision:
            await self._registry.store.wait_durable(answer.revision)
        if len(answer.body) >= answers.GZIP_FROM and "gzip" in request.header(b"accept-encoding"):
            answer = await answers.compressed(answer)
        headers = [(b"content-length", str(len(answer.body)).encode()), _CACHE, *answer.headers]
        if answer.media_type:
            headers.append((b"content-type", answer.media_type.encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        body = b"" if request.method == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": body})

    # --- what is no resource ---------------------------------------------------------------------

    async def _page(self, request: Request, asked: Attributes,
                    info: RequestInfo | None) -> Answer:
        path = asked.path
        await self._authorize(asked)
        first = path.strip("/").split("/")[0]
        if first in ENDPOINTS:
            return self._health.answer(request, path)
        if path == "/version":
            return self._show_version(request)
        if info is not None and not info.resource:
            self._check_group_version(request, info)
        page = self._find_page(path)
        if page is None:
            return not_found_text()
        answer = page(request)
        return answer if isinstance(answer, Answer) else await answer

    def _show_version(self, request: Request) -> Answer:
        if request.method not in ("GET", "HEAD"):
            return text_answer(b"405: Method Not Allowed", status=405)
        return json_answer(self._version)

    def _check_group_version(self, request: Request, info: RequestInfo) -> None:
        """`/api/v1` and `/apis/G/V`. Raises NotFound, MethodNotAllowed."""
        served = any(resource.group == info.group and resource.version == info.version
                     for resource in self._registry.catalog)
        if not served and (not info.group or self._registry.catalog.has_group(info.group)):
            raise not_served()
        if served and request.method not in ("GET", "HEAD"):
            raise not_allowed()

    def _find_page(self, path: str) -> Page | None:
        if path in self._pages:
            return self._pages[path]
        prefixes = [prefix for prefix in self._pages
                    if prefix.endswith("/") and path.startswith(prefix) and prefix != "/"]
        return self._pages[max(prefixes, key=len)] if prefixes else None


def _streams(info: RequestInfo) -> bool:
    subresource = SUBRESOURCES.get(info.subresource)
    return subresource is not None and subresource.connect is not None


def _in_accepted_form(request: Request, answer: Answer) -> Answer:
    """A Status in YAML for those who asked for it; in JSON for everybody else."""
    try:
        accepted = negotiate(request.header(b"accept"))
    except ApiError:
        return answer
    return answers.to_yaml(answer) if accepted.media_type == YAML else answer
