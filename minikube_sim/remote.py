"""exec, attach, port-forward and proxies on the simulated nodes.

Satisfies `apiserver.streaming.node.NodeStreams`; models the kubelet's streaming server over Docker.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from apiserver.machinery import meta
from apiserver.machinery.errors import InternalError
from apiserver.streaming.node import ConnectionFailed, ProxyRequest, ProxyResponse
from minikube_sim.exchange import Exchange, exchange
from minikube_sim.http import Request
from minikube_sim.process import SIGINT, Process, finish
from minikube_sim.shell.redirection import Input
from minikube_sim.shell.session import is_command, run_attached
from minikube_sim.terminal import LiveInput, LiveOutput, Terminal
from minikube_sim.tunnel import HTTPTunnel
from netsim.outcome import Connected, Refused
from netsim.packet import join_host_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from apiserver.machinery.types import Object
    from apiserver.streaming.node import RemoteIO, RemoteOptions
    from minikube_sim.nodes import Nodes
    from minikube_sim.runtime import SimContainer
    from netsim.outcome import ConnectOutcome

CANNOT_EXEC: Final = 126
_OCI: Final = "OCI runtime exec failed: exec failed: unable to start container process"
_LOCALHOST: Final = "127.0.0.1"


class RemoteAccess:
    """The kubelets' streaming servers, and the control plane's way into the network."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def find(self, pod: Object, container: str) -> None:
        """See NodeStreams."""
        self._container(pod, container)

    async def exec(self, pod: Object, options: RemoteOptions, io: RemoteIO) -> int:
        """See NodeStreams."""
        container = self._container(pod, options.container)
        words = list(options.command)
        if not (is_command(words[0]) or words[0] in container.machine.tools):
            io.out(f'{_OCI}: exec: "{words[0]}": executable file not found in $PATH: unknown\r\n'
                   .encode())
            return CANNOT_EXEC
        command = _Command(container, options, io)
        return await command.run()

    async def attach(self, pod: Object, options: RemoteOptions, io: RemoteIO) -> int:
        """See NodeStreams."""
        container = self._container(pod, options.container)
        sent = len(container.lines)
        async for _ in _news(container):
            for _, stream, text in container.lines[sent:]:
                (io.err if stream == "stderr" else io.out)(f"{text}\n".encode())
            sent = len(container.lines)
        return container.result.exit_code if container.result is not None else 0

    async def dial(self, pod: Object, port: int) -> HTTPTunnel:
        """See NodeStreams."""
        network = self._any_container(pod).network
        outcome = network.sockets.connect(_LOCALHOST, port)
        if not isinstance(outcome, Connected):
            raise ConnectionFailed(
                f"error forwarding port {port} to pod {meta.name(pod)}, uid {meta.uid(pod)}: "
                f"failed to connect to localhost:{port} inside namespace of the pod, IPv4: "
                f"dial tcp4 {_LOCALHOST}:{port}: connect: connection refused")
        return HTTPTunnel(self._nodes.clock, outcome)

    async def request(self, address: str, port: int, request: ProxyRequest) -> ProxyResponse:
        """See NodeStreams: asked from the first node, where the control plane runs."""
        asked = Request(method=request.method, target=request.target,
                        headers=tuple(request.headers), body=request.body)
        outcome = await finish(exchange(self._nodes.first_host(), address, port, asked),
                               self._nodes.clock)
        if not isinstance(outcome, Exchange):
            raise ConnectionFailed(f"dial tcp {join_host_port(address, port)}: {_why(outcome)}")
        if outcome.response is None:
            raise ConnectionFailed("EOF")
        answer = outcome.response
        return ProxyResponse(status=answer.status, headers=answer.headers, body=answer.body)

    async def kubelet(self, node: str, path: str) -> ProxyResponse:
        """See NodeStreams."""
        from minikube_sim.nodeserver.pages import kubelet_page

        return kubelet_page(self._nodes, node, path)

    def _container(self, pod: Object, name: str) -> SimContainer:
        """A running container. Raises InternalError in the kubelet's words."""
        kubelet = self._nodes.kubelets.get(pod["spec"].get("nodeName", ""))
        found = kubelet.container_id(meta.namespaced_name(pod), name) if kubelet else None
        try:
            container = self._nodes.runtime.container(found or "")
        except KeyError:
            container = None
        if container is None or container.result is not None:
            raise InternalError(f'unable to upgrade connection: container not found ("{name}")')
        return container

    def _any_container(self, pod: Object) -> SimContainer:
        """A running container of the pod: all share its network. Raises ConnectionFailed."""
        for each in pod["spec"]["containers"]:
            try:
                return self._container(pod, each["name"])
            except InternalError:
                continue
        raise ConnectionFailed(f"error forwarding port to pod {meta.name(pod)}: "
                               "unable to find any running container")


class _Command:
    """One exec: a process in a container, its streams far away."""

    def __init__(self, container: SimContainer, options: RemoteOptions, io: RemoteIO) -> None:
        self._container = container
        self._options = options
        self._io = io
        self._process: Process | None = None
        self._terminal = Terminal(io.out, self._interrupt) if options.tty else None

    async def run(self) -> int:
        """To its end; the exit code. Cancelling kills it."""
        ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def over(code: int) -> None:
            if not ended.done():
                ended.set_result(code)

        stdin = self._stdin()
        feeding = asyncio.ensure_future(self._feed(stdin))
        self._process = Process(self._body(stdin), self._container.clock, over)
        self._process.start()
        try:
            return await ended
        finally:
            feeding.cancel()
            self._process.kill()

    def _stdin(self) -> Input:
        if self._terminal is not None:
            return self._terminal.input
        return LiveInput() if self._options.stdin else Input()

    async def _body(self, stdin: Input) -> int:
        io, terminal = self._io, self._terminal
        out = LiveOutput(terminal.show if terminal else io.out)
        err = LiveOutput(terminal.show if terminal else io.err)
        return await run_attached(self._container.machine, self._options.command, stdin, (out, err))

    async def _feed(self, stdin: Input) -> None:
        if not isinstance(stdin, LiveInput):
            return
        feed = self._terminal.type if self._terminal else stdin.feed
        while data := await self._io.stdin.read():
            feed(data)
        (self._terminal.hang_up if self._terminal else stdin.end)()

    def _interrupt(self) -> None:
        if self._process is not None:
            self._process.interrupt(SIGINT)


async def _news(container: SimContainer) -> AsyncIterator[None]:
    """Whenever a container has written something, until it has ended."""
    changed = asyncio.Event()
    with _listening(container, changed.set):
        while container.result is None:
            await changed.wait()
            changed.clear()
            yield
        yield


@contextmanager
def _listening(container: SimContainer, told: Callable[[], None]) -> Iterator[None]:
    container.on_line.append(told)
    try:
        yield
    finally:
        container.on_line.remove(told)


def _why(outcome: ConnectOutcome) -> str:
    """Go's words for a connection that failed."""
    return "connect: connection refused" if isinstance(outcome, Refused) else "i/o timeout"
