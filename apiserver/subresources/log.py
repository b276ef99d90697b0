"""pods/log: what a container wrote. Models LogREST of pkg/registry/core/pod and pod/strategy.go.

The node that runs the Pod knows the log; the app is given who asks it (`KubernetesApp.node_logs`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from apiserver.handlers.answer import TEXT, Answer, text_answer
from apiserver.handlers.options import boolean, integer
from apiserver.machinery import meta
from apiserver.machinery.errors import BadRequest, Invalid, ServiceUnavailable
from apiserver.machinery.validation import FieldError, forbidden, invalid
from apiserver.schema.gotime import parse_rfc3339
from apiserver.schema.state import DecodeError
from apiserver.subresources.subresource import Subresource

if TYPE_CHECKING:
    from apiserver.handlers.call import Call
    from apiserver.handlers.request import Request
    from apiserver.machinery.types import Object


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """Which part of the log (v1.PodLogOptions)."""

    container: str
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    since_seconds: int | None = None
    since_time: float | None = None
    """Seconds since 1970."""
    tail_lines: int | None = None
    limit_bytes: int | None = None


NodeLogs: TypeAlias = Callable[["Object", LogOptions], AsyncIterator[bytes]]
"""The log of a Pod's container, piece by piece. Raises ApiError before the first piece."""


async def read_log(call: Call) -> Answer | None:
    """The log as text; empty for a Pod that has no node. Raises NotFound, BadRequest."""
    pod = (await call.registry.get(call.ctx)).object
    options = _options(call.request, pod)
    if errors := _errors(call.request, options):
        raise Invalid.object("", "PodLogOptions", meta.name(pod), errors)
    if not (pod.get("spec") or {}).get("nodeName"):
        return Answer(b"", 204, "")
    logs: NodeLogs | None = call.request.scope.get("apiserver.node_logs")
    if logs is None:
        raise ServiceUnavailable("no node agent serves logs")
    pieces = logs(pod, options)
    if options.follow:
        await _stream(call, pieces)
        return None
    return text_answer(b"".join([piece async for piece in pieces]))


async def _stream(call: Call, pieces: AsyncIterator[bytes]) -> None:
    started = False
    async for piece in pieces:
        if not started:
            await _start(call)
            started = True
        await call.send({"type": "http.response.body", "body": piece, "more_body": True})
    if not started:
        await _start(call)
    await call.send({"type": "http.response.body", "body": b"", "more_body": False})


async def _start(call: Call) -> None:
    await call.send({"type": "http.response.start", "status": 200,
                     "headers": [(b"content-type", TEXT.encode())]})


def _options(request: Request, pod: Object) -> LogOptions:
    return LogOptions(
        container=container_of(request.parameter("container"), pod),
        follow=boolean(request, "follow"), previous=boolean(request, "previous"),
        timestamps=boolean(request, "timestamps"),
        since_seconds=integer(request, "sinceSeconds"),
        since_time=_time(request.parameter("sinceTime")),
        tail_lines=integer(request, "tailLines"), limit_bytes=integer(request, "limitBytes"))


def _errors(request: Request, options: LogOptions) -> list[FieldError]:
    """What is wrong with the options (validation.ValidatePodLogOptions)."""
    errors: list[FieldError] = []
    if options.tail_lines is not None and options.tail_lines < 0:
        errors.append(invalid("tailLines", options.tail_lines,
                              "must be greater than or equal to 0"))
    for name, value in (("limitBytes", options.limit_bytes),
                        ("sinceSeconds", options.since_seconds)):
        if value is not None and value < 1:
            errors.append(invalid(name, value, "must be greater than 0"))
    if options.since_time is not None and options.since_seconds is not None:
        errors.append(forbidden("", "at most one of `sinceTime` or `sinceSeconds` may be"
                                    " specified"))
    if request.parameter("stream"):  # its feature, PodLogsQuerySplitStreams, is off by default
        errors.append(forbidden("stream", "may not be specified"))
    return errors


def _time(text: str) -> float | None:
    """Raises BadRequest."""
    try:
        return parse_rfc3339(text, micro=False) if text else None
    except DecodeError as error:
        raise BadRequest(str(error)) from None


def container_of(wanted: str, pod: Object) -> str:
    """The container that is meant. Raises BadRequest."""
    spec = pod.get("spec") or {}
    own, init = _names(spec, "containers"), _names(spec, "initContainers")
    every = [*init, *own, *_names(spec, "ephemeralContainers")]
    name = meta.name(pod)
    if wanted:
        if wanted not in every:
            raise BadRequest(f"container {wanted} is not valid for pod {name}")
        return wanted
    default = meta.annotations(pod).get("kubectl.kubernetes.io/default-container", "")
    if default in every:
        return default
    if len(own) == 1:
        return own[0]
    choice = f"a container name must be specified for pod {name}, choose one of: [{' '.join(own)}]"
    if init:
        choice += f" or one of the init containers: [{' '.join(init)}]"
    raise BadRequest(choice)


def _names(spec: dict[str, Any], field: str) -> list[str]:
    return [container["name"] for container in spec.get(field) or ()]


LOG = Subresource(name="log", kind=None, read=read_log)
