"""What an image runs. Derive from `Program` (or `WebServer`) and put the class into a table:

    class Shop(WebServer):
        ports = (8080,)

        def handle(self, request: Request, container: Container) -> Response:
            return Response(body=b"hello\\n")

    cluster.images["shop:1.0"] = Shop
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from minikube_sim.http import Request, Response, call_asgi
from minikube_sim.process import Interrupted

if TYPE_CHECKING:
    from apiserver.machinery.types import Object
    from netsim.namespace import Namespace
    from netsim.sockets import Datagram

App = Callable[[Mapping[str, Any], Any, Any], Awaitable[None]]
"""An ASGI application."""


class Container(Protocol):
    """What a program sees of the container that it runs in."""

    @property
    def name(self) -> str:
        """The container's name in its pod."""

    @property
    def pod(self) -> Object:
        """The pod as it was when the container started."""

    @property
    def hostname(self) -> str:
        """What `hostname` prints."""

    @property
    def address(self) -> str:
        """The pod's IP."""

    @property
    def addresses(self) -> Sequence[str]:
        """The pod's IPs: one, or one of each family."""

    @property
    def args(self) -> Sequence[str]:
        """The arguments after the entrypoint."""

    @property
    def env(self) -> Mapping[str, str]:
        """The environment."""

    @property
    def files(self) -> Mapping[str, str]:
        """Text by absolute path: what is mounted, and what was written."""

    @property
    def network(self) -> Namespace:
        """The pod's network stack."""

    def now(self) -> float:
        """The cluster clock, in seconds since 1970."""

    def log(self, text: str, stream: str = "stdout") -> None:
        """Write lines to the container's log."""

    def listen(self, port: int, handler: Handler | object) -> None:
        """Accept connections to a port. Raises OSError when it is taken."""

    def listen_datagrams(self, port: int, handler: Callable[[Datagram], bytes | None]) -> None:
        """Answer datagrams to a port: `handler` gives the answer or None. Raises OSError when it
        is taken."""

    async def sleep(self, seconds: float) -> None:
        """Wait. Raises Interrupted when a signal comes."""

    async def forever(self) -> None:
        """Wait for a signal, which is raised as Interrupted."""


class Handler(Protocol):
    """What answers a request that has come over a connection."""

    async def __call__(self, request: Request) -> Response:
        """The answer."""


class Program:
    """What runs in a container. One instance for each start."""

    entrypoint: ClassVar[tuple[str, ...]] = ()
    """Names that a container's `command` may have and still mean this program."""
    ports: ClassVar[tuple[int, ...]] = ()
    """What it listens on when it is up."""
    start_seconds: ClassVar[float] = 0.0
    """How long it takes to come up."""
    handles_sigterm: ClassVar[bool] = True
    """Whether SIGTERM reaches it; otherwise it is killed when the grace is over (sh, sleep)."""
    pull_seconds: ClassVar[float] = 0.0
    size_bytes: ClassVar[int] = 60_000_000
    env: ClassVar[Mapping[str, str]] = {}
    """What the image adds to the environment."""
    tools: ClassVar[Mapping[str, Any]] = {}
    """Commands that this image has in a form of its own, by name."""

    cpu_per_request: ClassVar[float] = 0.002
    """Seconds of CPU that one request takes: what `kubectl top` and autoscalers see."""
    memory_bytes: ClassVar[int] = 12 * 2**20

    async def run(self, container: Container) -> int:
        """Run to the end; the exit code. Awaits only what `container` offers."""
        await self.start_up(container)
        return await self.until_stopped(container)

    async def start_up(self, container: Container) -> None:
        """Take the time that it takes."""
        if self.start_seconds:
            await container.sleep(self.start_seconds)

    async def until_stopped(self, container: Container) -> int:
        """Wait for SIGTERM and end well."""
        with contextlib.suppress(Interrupted):
            await container.forever()
        return 0


class WebServer(Program):
    """A program that answers HTTP: override `handle`, or set `app` to an ASGI application."""

    app: ClassVar[App | None] = None

    async def run(self, container: Container) -> int:
        """Listen on all ports until SIGTERM comes."""
        await self.start_up(container)
        for port in self.ports:
            self.serve(container, port)
        return await self.until_stopped(container)

    def serve(self, container: Container, port: int) -> None:
        """Answer on one port."""
        app = type(self).app

        async def answer(request: Request) -> Response:
            if app is not None:
                return await call_asgi(app, request)
            return self.handle(request, container)

        container.listen(port, answer)

    def handle(self, request: Request, container: Container) -> Response:
        """Answer one request, at once."""
        return Response(status=404, body=b"Not Found\n")
