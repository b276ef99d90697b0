"""pods/exec, pods/attach, pods/portforward. Models pkg/registry/core/pod/rest/subresources.go.

The streams are carried by `apiserver.streaming`; the node that runs the Pod does the work.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from apiserver.handlers.options import boolean
from apiserver.machinery import meta
from apiserver.machinery.errors import BadRequest
from apiserver.streaming import port_forward, remote_command
from apiserver.streaming.carrier import KINDS
from apiserver.streaming.node import NodeStreams, RemoteOptions
from apiserver.subresources.log import container_of
from apiserver.subresources.subresource import Subresource

if TYPE_CHECKING:
    from apiserver.handlers.call import Call
    from apiserver.machinery.types import Object

STREAMS = "apiserver.node_streams"
"""Where the app puts the NodeStreams into a scope."""


async def run_exec(call: Call) -> None:
    """A command in a container. Raises NotFound, BadRequest."""
    pod, streams = await _pod(call)
    options = replace(_options(call, pod), command=tuple(call.request.query.get("command", ())))
    if not options.command:
        raise BadRequest("you must specify at least one argument for the command")
    _check(call, pod, streams, options)
    await remote_command.serve(call, options, lambda io: streams.exec(pod, options, io))


async def attach(call: Call) -> None:
    """What a container writes, and its stdin. Raises NotFound, BadRequest."""
    pod, streams = await _pod(call)
    options = _options(call, pod)
    _check(call, pod, streams, options)
    await remote_command.serve(call, options, lambda io: streams.attach(pod, options, io))


async def forward(call: Call) -> None:
    """Connections into a Pod. Raises NotFound, BadRequest."""
    pod, streams = await _pod(call)
    _need_upgrade(call)
    await port_forward.serve(call, lambda port: streams.dial(pod, port))


async def _pod(call: Call) -> tuple[Object, NodeStreams]:
    """The Pod, and who leads to it. Raises NotFound, BadRequest."""
    pod = (await call.registry.get(call.ctx)).object
    if not (pod.get("spec") or {}).get("nodeName"):
        raise BadRequest(f"pod {meta.name(pod)} does not have a host assigned")
    return pod, streams_of(call)


def streams_of(call: Call) -> NodeStreams:
    """What the app was given. Raises InternalError."""
    streams: NodeStreams | None = call.request.scope.get(STREAMS)
    if streams is None:
        raise remote_command.unknown_failure()
    return streams


def _options(call: Call, pod: Object) -> RemoteOptions:
    request = call.request
    return RemoteOptions(
        container=container_of(request.parameter("container"), pod),
        stdin=boolean(request, "stdin"), stdout=boolean(request, "stdout"),
        stderr=boolean(request, "stderr"), tty=boolean(request, "tty"))


def _check(call: Call, pod: Object, streams: NodeStreams, options: RemoteOptions) -> None:
    """Before anything is switched. Raises BadRequest, NotFound."""
    if not (options.stdin or options.stdout or options.stderr):
        raise BadRequest("you must specify at least 1 of stdin, stdout, stderr")
    _need_upgrade(call)
    streams.find(pod, options.container)


def _need_upgrade(call: Call) -> None:
    if call.request.scope["type"] not in KINDS:
        raise remote_command.refuse_plain()


def _stream_options(kind: str, call: Call) -> Object:
    """PodExecOptions, PodAttachOptions: stdout and stderr are on by default."""
    request = call.request
    options: Object = {"kind": kind, "apiVersion": "v1"}
    for name, default in (("stdin", False), ("stdout", True), ("stderr", True), ("tty", False)):
        if boolean(request, name) or (default and name not in request.query):
            options[name] = True
    if container := request.parameter("container"):
        options["container"] = container
    return options


def _exec_options(call: Call) -> Object:
    command = list(call.request.query.get("command", ())) or None
    return {**_stream_options("PodExecOptions", call), "command": command}


def _port_options(call: Call) -> Object:
    ports = [int(port) for text in call.request.query.get("ports", ())
             for port in text.split(",") if port.isdecimal()]
    return {"kind": "PodPortForwardOptions", "apiVersion": "v1",
            **({"ports": ports} if ports else {})}


EXEC = Subresource(name="exec", kind=None, streams=True, connect=run_exec, options=_exec_options)
ATTACH = Subresource(name="attach", kind=None, streams=True, connect=attach,
                     options=partial(_stream_options, "PodAttachOptions"))
PORT_FORWARD = Subresource(name="portforward", kind=None, streams=True, connect=forward,
                           options=_port_options)
