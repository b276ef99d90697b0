"""What the API server asks of the node that runs a Pod. Models the kubelet's streaming server.

The consumer owns the interface: the composition root gives the app something that satisfies it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from apiserver.streaming.pipe import Pipe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apiserver.machinery.types import Object

STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
"""The channels of a remote command, as the WebSocket protocols number them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteOptions:
    """What to run or attach to (v1.PodExecOptions, v1.PodAttachOptions)."""

    container: str
    command: Sequence[str] = ()
    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False


class RemoteIO:
    """The client's side of a remote command, whatever carries it."""

    def __init__(self, write: Callable[[int, bytes], None]) -> None:
        self._write = write
        self.stdin = Pipe()
        self.sizes = Pipe()
        """Terminal sizes as JSON: `{"Width":80,"Height":24}`."""

    def out(self, data: bytes) -> None:
        """Write to the client's stdout."""
        if data:
            self._write(STDOUT, data)

    def err(self, data: bytes) -> None:
        """Write to the client's stderr."""
        if data:
            self._write(STDERR, data)


class ConnectionFailed(Exception):
    """Nobody can be reached; the text is what the client reads."""


class Tunnel(Protocol):
    """A connection into a Pod, or to what a proxy leads to."""

    closed: bool
    """The other side has closed it."""

    async def exchange(self, data: bytes) -> bytes:
        """Send bytes; what comes back of them, maybe nothing."""

    def close(self) -> None:
        """End it; harmless twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyRequest:
    """An HTTP request to pass on."""

    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyResponse:
    """What came back."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


class NodeStreams(Protocol):
    """The kubelets of a cluster, and the API server's way into its network."""

    def find(self, pod: Object, container: str) -> None:
        """Whether the container runs. Raises NotFound, in the kubelet's words."""

    async def exec(self, pod: Object, options: RemoteOptions, io: RemoteIO) -> int:
        """Run a command in a container; its exit code. Cancelling kills it."""

    async def attach(self, pod: Object, options: RemoteOptions, io: RemoteIO) -> int:
        """Show what a container writes until it ends; its exit code."""

    async def dial(self, pod: Object, port: int) -> Tunnel:
        """Connect inside of a Pod. Raises ConnectionFailed."""

    async def request(self, address: str, port: int, request: ProxyRequest) -> ProxyResponse:
        """Ask an address of the cluster from the control plane. Raises ConnectionFailed."""

    async def kubelet(self, node: str, path: str) -> ProxyResponse:
        """Ask a node's kubelet. Raises ConnectionFailed."""
