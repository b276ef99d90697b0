"""The Kubernetes API as one plain ASGI application. Models apiserver/pkg/server's handler chain.

    authenticate · what is named? · impersonate · authorize
    negotiate · handle · make durable · send
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from apiserver.authentication.impersonation import impersonate, wanted_user
from apiserver.authorization.attributes import Attributes
from apiserver.authorization.request import attributes_of
from apiserver.context import RequestContext
from apiserver.flowcontrol.controller import SCOPE as FLOW
from apiserver.flowcontrol.controller import flow_headers
from apiserver.handlers import answer as answers
from apiserver.handlers.answer import Answer, failure, json_answer, not_found_text, text_answer
from apiserver.handlers.call import Call
from apiserver.handlers.options import boolean
from apiserver.handlers.pretty import wants_indents
from apiserver.handlers.request import AUDIT, Disconnected, Request
from apiserver.handlers.routing import find_handler, find_resource, not_allowed, not_served
from apiserver.health import ENDPOINTS, Health
from apiserver.lifetime import SCOPE as LIFETIME
from apiserver.lifetime import Lifetime
from apiserver.limits import Limits, TooMany, deadline, is_long_running
from apiserver.machinery.errors import (
    ApiError,
    BadRequest,
    Forbidden,
    InternalError,
    Timeout,
    Unauthorized,
    Unknown,
)
from apiserver.metrics.families import Sources
from apiserver.metrics.family import MoreFamilies, no_more
from apiserver.metrics.page import pages as metrics_pages
from apiserver.metrics.recorder import RECORDER, Recorder, labels_of
from apiserver.negotiation import JSON, YAML, negotiate
from apiserver.request_info import RequestInfo, parse_request
from apiserver.storage import StorageFailed
from apiserver.streaming import carrier
from apiserver.streaming.websocket_watch import WatchSocket
from apiserver.subresources import SUBRESOURCES
from apiserver.subresources.remote import STREAMS

if TYPE_CHECKING:
    from apiserver.audit import AuditEntry
    from apiserver.authentication.authenticator import Authenticate
    from apiserver.context import User
    from apiserver.flowcontrol.controller import Flow, FlowControl
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
_REMOVED: Final = re.compile(r"unavailable in v(\d+\.\d+)\+")


async def allow_all(attributes: Attributes) -> None:
    """The authorizer of a server that has none."""


class KubernetesApp:
    """Serves one registry."""

    def __init__(self, registry: Registry, *, authenticate: Authenticate,
                 authorize: Authorize = allow_all, version: Object | None = None,
                 pages: Mapping[str, Page] | None = None, health: Health | None = None,
                 node_logs: NodeLogs | None = None, node_streams: NodeStreams | None = None,
                 limits: Limits | None = None, lifetime: Lifetime | None = None,
                 flow: FlowControl | None = None,
                 more_metrics: MoreFamilies = no_more) -> None:
        """`version`: what /version answers. `pages`: by path, or by prefix when it ends in '/'.

        `flow`: priorities and fairness; without it `limits` bound how many requests run.
        `more_metrics`: what others in the process have for /metrics.
        """
        self._registry = registry
        self._authenticate = authenticate
        self._authorize = authorize
        self._version = version or {}
        self._pages = dict(pages or {})
        self._health = health or Health()
        self._lifetime = lifetime or Lifetime()
        self._limits = limits or Limits()
        self._recorder = Recorder()
        self._shared = {"apiserver.node_logs": node_logs, STREAMS: node_streams,
                        LIFETIME: self._lifetime, RECORDER: self._recorder}
        self._flow = flow
        self._pages |= metrics_pages(Sources(
            registry=registry, recorder=self._recorder, limits=self._limits, health=self._health,
            version=self._version, flow=flow, more=more_metrics))

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
        info = parse_request(request.method, request.path)
        if info is not None and info.verb == "list" and boolean(request, "watch"):
            info.verb = "watch"
        begun = self._registry.clock.now()
        try:
            answer = await self._admitted(request, info, send)
        except ApiError as error:
            answer = _in_accepted_form(request, failure(error))
        except TooMany:
            answer = _too_many()
        except Disconnected:
            self._record(request, info, None, self._registry.clock.now() - begun)
            raise
        except Exception:
            log.exception("request failed: %s %s", request.method, request.path)
            answer = failure(InternalError("Internal error occurred: the server has the details"))
        self._record(request, info, answer, self._registry.clock.now() - begun)
        return answer

    async def _admitted(self, request: Request, info: RequestInfo | None,
                        send: Send) -> Answer | None:
        """Find out who asks, and give the request its place. Raises ApiError, TooMany."""
        asked = await self._asked(request, info)
        flow = self._classify(request, asked, info)
        with self._limits.seat(info, asked.user, bounded=flow is None):
            if flow is None or self._flow is None:
                return await self._within_time(request, asked, info, send)
            with await self._flow.enter(flow, info):
                return await self._within_time(request, asked, info, send)

    async def _asked(self, request: Request, info: RequestInfo | None) -> Attributes:
        """Who asks, as whom, for what. Raises Unauthorized, Forbidden, BadRequest."""
        try:
            user = await self._authenticate(request.scope)
        except Unauthorized:
            self._recorder.authentications["failure"] += 1
            raise
        self._recorder.authentications["success"] += 1
        asked = attributes_of(user, request, info)
        audit: AuditEntry | None = request.scope.get(AUDIT)
        if audit is not None:
            audit.known(user, asked)
        if (wanted := wanted_user(request.scope["headers"])) is not None:
            minor = self._registry.schema.minor
            asked = replace(asked, user=await impersonate(wanted, asked, minor, self._authorize))
            if audit is not None:
                audit.acts_as(asked)
        return asked

    def _classify(self, request: Request, asked: Attributes,
                  info: RequestInfo | None) -> Flow | None:
        """The priority of a request; streams other than watches have none."""
        if self._flow is None or (is_long_running(info) and asked.verb != "watch"):
            return None
        flow = self._flow.classify(asked)
        if flow is not None:
            request.scope[FLOW] = flow
        return flow

    def _record(self, request: Request, info: RequestInfo | None, answer: Answer | None,
                seconds: float) -> None:
        """Count resource requests and health checks."""
        if info is not None and info.resource:
            record = self._recorder.record_of(info, request)
        elif request.path.strip("/").split("/")[0] in ENDPOINTS:
            record = self._recorder.record_of_path(request.path, request.method)
        else:
            return
        code, size = (answer.status, len(answer.body)) if answer is not None else (200, 0)
        self._recorder.answered(record, code, seconds, size)

    async def _within_time(self, request: Request, asked: Attributes, info: RequestInfo | None,
                           send: Send) -> Answer | None:
        """Answer before the request's time is over. Raises Timeout."""
        if info is None or not info.resource:
            return await self._page(request, asked, info)
        if is_long_running(info):
            with self._recorder.running(labels_of(info, request)):
                return await self._lasting(request, asked, info, send)
        try:
            async with deadline(request):
                return await self._allowed(request, asked, info, send)
        except TimeoutError:
            raise Timeout("request did not complete within the allotted timeout",
                          details={}) from None

    async def _lasting(self, request: Request, asked: Attributes, info: RequestInfo,
                       send: Send) -> Answer | None:
        if info.verb == "watch":
            return await self._allowed(request, asked, info, send)
        with self._lifetime.cancelling():
            return await self._allowed(request, asked, info, send)

    async def _allowed(self, request: Request, asked: Attributes, info: RequestInfo,
                       send: Send) -> Answer | None:
        await self._check(asked)
        return await self._resource(request, asked.user, info, send)

    async def _check(self, asked: Attributes) -> None:
        """Ask the authorizer. Raises Forbidden."""
        try:
            await self._authorize(asked)
        except Forbidden:
            self._recorder.authorizations["denied"] += 1
            raise
        self._recorder.authorizations["allowed"] += 1

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
        audit: AuditEntry | None = request.scope.get(AUDIT)
        if audit is not None:
            ctx.notes = audit.notes
        if resource.deprecation:
            ctx.warn(resource.deprecation)
            ctx.note("k8s.io/deprecated", "true")
            if gone := _REMOVED.search(resource.deprecation):
                ctx.note("k8s.io/removed-release", gone[1])
            self._recorder.deprecated.add((info.group, info.version, info.resource,
                                           info.subresource))
        handler = find_handler(resource, info)
        if request.scope["type"] in carrier.KINDS and not _streams(info):
            send = _watched(request, info, send)
        accepted = negotiate(request.header(b"accept"), streams=info.verb in _LISTS)
        answer = await handler(Call(registry, request, info, ctx, accepted, send))
        if answer is not None and ctx.warnings:
            answer.headers += answers.warning_headers(ctx.warnings)
        return answer

    async def _finish(self, request: Request, answer: Answer, send: Send) -> None:
        """Send an answer, once all that it shows would survive a crash."""
        if answer.revision:
            answer = await self._durable(answer)
        if answer.media_type == JSON and wants_indents(request):
            answer = answers.indented(answer)
        if len(answer.body) >= answers.GZIP_FROM and "gzip" in request.header(b"accept-encoding"):
            answer = await answers.compressed(answer)
        headers = [(b"content-length", str(len(answer.body)).encode()),
                   *flow_headers(request.scope), *answer.headers]
        if all(name != b"cache-control" for name, _ in answer.headers):
            headers.append(_CACHE)
        if answer.media_type:
            headers.append((b"content-type", answer.media_type.encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        body = b"" if request.method == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": body})

    async def _durable(self, answer: Answer) -> Answer:
        """The answer once its revision is on disk; else what keeps it from there."""
        try:
            await self._registry.store.wait_durable(answer.revision)
        except StorageFailed as error:
            log.error("storage failed: %s", error)
            return failure(Unknown(f"storage: {error}"))
        return answer

    # --- what is no resource ---------------------------------------------------------------------

    async def _page(self, request: Request, asked: Attributes,
                    info: RequestInfo | None) -> Answer:
        path = asked.path
        await self._check(asked)
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
        return answers.indented(json_answer(self._version))

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


def _too_many() -> Answer:
    """A line of text, as upstream's filters answer before there is a Status."""
    answer = text_answer(b"Too many requests, please try again later.\n", status=429)
    answer.headers += [(b"retry-after", b"1"), (b"x-content-type-options", b"nosniff")]
    return answer


def _watched(request: Request, info: RequestInfo, send: Send) -> Send:
    """How a watch sends to the client of a WebSocket. Raises BadRequest."""
    if info.verb != "watch" or request.scope["type"] != carrier.WEBSOCKET:
        raise BadRequest("this resource is not streamed over WebSockets")
    socket = WatchSocket(request, send)
    request.receive = socket.receive
    return socket.send


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
