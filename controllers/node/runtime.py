"""What a kubelet needs of a container runtime. Models cri-api's RuntimeService, simplified.

The consumer owns the interface: `minikube_sim.runtime` implements it with simulated images.
Calls return at once; what takes time is reported through callbacks, on the cluster's clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from apiserver.machinery.types import Object
    from netsim.namespace import Namespace


class ImageNotFound(Exception):
    """No such image; the text is what the event and the container's waiting message say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInfo:
    """What an image declares."""

    name: str
    """As the node lists it: `nginx:1.27`, the tag always there."""
    image_id: str
    pull_seconds: float
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerExit:
    """How a container ended."""

    exit_code: int
    reason: str
    """Completed, Error or OOMKilled."""
    signal: int = 0
    message: str = ""


class RuntimeListener(Protocol):
    """Told when something happened in a container."""

    def container_exited(self, container_id: str, result: ContainerExit) -> None:
        """Its program ended, by itself or because it was stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerConfig:
    """Everything that a container starts with, resolved by the kubelet."""

    pod: Object
    name: str
    image: str
    command: Sequence[str]
    """Empty: the image's own entrypoint."""
    args: Sequence[str]
    env: Mapping[str, str]
    """Beside what the image has, and HOSTNAME."""
    working_dir: str = ""
    tty: bool = False
    restart_count: int = 0
    container_id: str = ""
    """The run that this goes on with; empty: a new one."""
    hostname: str = ""
    files: Callable[[], dict[str, str]] = dict
    """What is mounted at the start: absolute path -> text. /etc/hosts and /etc/resolv.conf are
    among them. Made when it is asked for, always the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecResult:
    """What a command in a container did."""

    exit_code: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class HTTPProbe:
    """A GET that the node sends into a pod."""

    host: str
    port: int
    path: str = "/"
    scheme: str = "http"
    headers: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HTTPProbeResult:
    """The answer's status code, or why there is none (as Go's net/http says it)."""

    status: int = 0
    error: str = ""
    body: str = ""


class ContainerRuntime(Protocol):
    """Starts simulated images in a pod's network namespace."""

    def image(self, name: str) -> ImageInfo:
        """Look an image up. Raises ImageNotFound."""

    def start(self, config: ContainerConfig, network: Namespace, listener: RuntimeListener) -> str:
        """Start a container; its id (`docker://<64 hex>`). The listener hears of its end, maybe
        before this returns."""

    def stop(self, container_id: str, grace_seconds: float) -> None:
        """SIGTERM now, SIGKILL after the grace; the listener hears of the end."""

    def update_files(self, container_id: str, old: Mapping[str, str],
                     new: Mapping[str, str]) -> None:
        """The mounted files `old` are `new` now (those that the container has not changed)."""

    def remove(self, container_id: str) -> None:
        """Forget a container that has ended, and its log."""

    def logs(self, container_id: str) -> Sequence[tuple[float, str, str]]:
        """Lines so far: (time in seconds since 1970, 'stdout' or 'stderr', text)."""

    async def exec(self, container_id: str, command: Sequence[str],
                   stdin: bytes = b"") -> ExecResult:
        """Run a command in a container to its end."""

    def start_exec(self, container_id: str, command: Sequence[str],
                   done: Callable[[ExecResult], None]) -> Callable[[], None]:
        """Run a command in a container without waiting; `done` hears of its end, maybe before this
        returns. The result kills it."""

    def http_get(self, source: Namespace, request: HTTPProbe,
                 done: Callable[[HTTPProbeResult], None]) -> Callable[[], None]:
        """Ask from `source` (the node); `done` hears of the answer, maybe before this returns.
        The result calls it off."""
