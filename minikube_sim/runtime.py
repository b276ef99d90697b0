"""The simulated container runtime. Satisfies `controllers.node.runtime.ContainerRuntime`.

A container is a `Program` in a pod's network namespace: a coroutine that the clock steps. Its log
is a list of lines, its files are texts by path, its commands (`exec`) run in the simulated shell.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from types import FunctionType, MethodType
from typing import TYPE_CHECKING

from apiserver.machinery.clock import parse_time
from controllers.node.runtime import (
    ContainerConfig,
    ContainerExit,
    ExecResult,
    HTTPProbe,
    HTTPProbeResult,
    ImageInfo,
    RuntimeListener,
)
from minikube_sim.entry import entry
from minikube_sim.exchange import probe
from minikube_sim.process import SIGKILL, SIGTERM, Process, finish, pause
from minikube_sim.shell.context import Machine
from minikube_sim.shell.session import run_command
from minikube_sim.usage import IDLE_CPU, CpuMeter

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from apiserver.machinery.clock import Clock, Timer
    from apiserver.machinery.types import Object
    from minikube_sim.http import Request, Response
    from minikube_sim.images import ImageRegistry
    from minikube_sim.images.program import Program
    from netsim.namespace import Namespace
    from netsim.sockets import Datagram, Listener

MAX_LOG_LINES = 10_000
"""Older lines of a container's log are dropped, as log rotation does."""


@dataclass(slots=True, eq=False)
class SimContainer:
    """One run of one container. Satisfies `images.program.Container`."""

    id: str
    config: ContainerConfig
    network: Namespace
    clock: Clock
    chance: random.Random
    image: type[Program]
    program: Program = field(init=False)
    args: Sequence[str] = field(init=False)
    lines: list[tuple[float, str, str]] = field(default_factory=list)
    result: ContainerExit | None = None
    process: Process | None = None
    on_line: list[Callable[[], None]] = field(default_factory=list)
    """Called when something has been logged, or the program has ended (`logs -f`)."""
    cpu: CpuMeter = field(default_factory=CpuMeter)
    """What it has used of late."""
    started: float = field(init=False)
    """When, in seconds since 1970."""
    _sockets: list[Listener] = field(default_factory=list)
    _killer: Timer | None = None
    _machine: Machine | None = None

    def __post_init__(self) -> None:
        self.started = _began(self.config) or self.clock.now()
        self.program, self.args = entry(self.image, self.config, self)

    @property
    def machine(self) -> Machine:
        """What a shell in the container runs on; most containers never need it."""
        if self._machine is None:
            self._machine = self._boot()
        return self._machine

    def _boot(self) -> Machine:
        config = self.config
        env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               **self.image.env, "HOME": "/root", "HOSTNAME": config.hostname, **config.env}
        return Machine(
            hostname=config.hostname, network=self.network, clock=self.clock,
            files=config.files(), env=env, cwd=config.working_dir or "/", chance=self.chance,
            tools=self.image.tools)

    @property
    def name(self) -> str:
        """See Container."""
        return self.config.name

    @property
    def pod(self) -> Object:
        """See Container."""
        return self.config.pod

    @property
    def hostname(self) -> str:
        """See Container."""
        return self.config.hostname

    @property
    def address(self) -> str:
        """See Container."""
        return self.machine.address

    @property
    def addresses(self) -> Sequence[str]:
        """See Container."""
        return self.machine.addresses

    @property
    def env(self) -> Mapping[str, str]:
        """See Container."""
        return self.machine.env

    @property
    def files(self) -> Mapping[str, str]:
        """See Container."""
        return self.machine.files

    def cpu_seconds(self, now: float) -> float:
        """What it has used in all."""
        return IDLE_CPU * max(now - self.started, 0.0) + self.cpu.total

    def now(self) -> float:
        """See Container."""
        return self.clock.now()

    def log(self, text: str, stream: str = "stdout") -> None:
        """See Container."""
        now = self.clock.now()
        self.lines += [(now, stream, line) for line in text.splitlines()]
        del self.lines[:-MAX_LOG_LINES]
        self._tell()

    def listen(self, port: int, handler: object) -> None:
        """See Container."""
        self._sockets.append(self.network.sockets.listen("tcp", port, self._metered(handler)))

    def _metered(self, handler: object) -> object:
        """The same handler; what it answers takes CPU."""
        if not isinstance(handler, FunctionType | MethodType):
            return handler

        async def answer(request: Request) -> Response:
            self.cpu.spend(self.clock.now(), self.program.cpu_per_request)
            response: Response = await handler(request)
            return response

        return answer

    def listen_datagrams(self, port: int, handler: Callable[[Datagram], bytes | None]) -> None:
        """See Container."""
        self._sockets.append(self.network.sockets.listen("udp", port, handler))

    async def sleep(self, seconds: float) -> None:
        """See Container."""
        await pause(self.clock.now() + seconds)

    async def forever(self) -> None:
        """See Container."""
        await pause(None)

    def start(self, ended: Callable[[SimContainer], None]) -> None:
        """Run the program; `ended` hears of its end."""
        def over(code: int) -> None:
            self._release()
            self.result = _exit(code)
            self._tell()
            ended(self)

        self.process = Process(self.program.run(self), self.clock, over,
                               lambda text: self.log(text, "stderr"))
        self.process.start()

    def stop(self, grace: float) -> None:
        """SIGTERM, and SIGKILL after the grace."""
        if self.process is None or self.process.over:
            return
        self._cancel_killer()
        if grace <= 0:
            self.process.kill()
            return
        if self.program.handles_sigterm:
            self.process.interrupt(SIGTERM)
        if not self.process.over:
            self._killer = self.clock.call_at(self.clock.now() + grace, self.process.kill)

    def _tell(self) -> None:
        """Those who follow the log look again."""
        for told in list(self.on_line):
            told()

    def _release(self) -> None:
        self._cancel_killer()
        for socket in self._sockets:
            socket.close()
        self._sockets.clear()

    def _cancel_killer(self) -> None:
        if self._killer is not None:
            self._killer.cancel()
            self._killer = None


class SimRuntime:
    """All containers of a cluster."""

    def __init__(self, images: ImageRegistry, clock: Clock, chance: random.Random) -> None:
        self.images = images
        self._clock = clock
        self._chance = chance
        self._containers: dict[str, SimContainer] = {}
        self.ended_cpu: defaultdict[str, float] = defaultdict(float)
        """Seconds of CPU that containers used which have ended, by node."""

    def image(self, name: str) -> ImageInfo:
        """See ContainerRuntime."""
        return self.images.info(name)

    def container(self, container_id: str) -> SimContainer:
        """A container by id. Raises KeyError."""
        return self._containers[container_id]

    def running(self) -> Iterator[SimContainer]:
        """All containers that run now."""
        return (one for one in self._containers.values() if one.result is None)

    def start(self, config: ContainerConfig, network: Namespace,
              listener: RuntimeListener) -> str:
        """See ContainerRuntime."""
        container = self._create(config, network)
        self._containers[container.id] = container
        container.start(lambda done: self._ended(done, listener))
        return container.id

    def _ended(self, done: SimContainer, listener: RuntimeListener) -> None:
        node = done.pod["spec"].get("nodeName") or ""
        self.ended_cpu[node] += done.cpu_seconds(self._clock.now())
        listener.container_exited(done.id, done.result or _exit(0))

    def stop(self, container_id: str, grace_seconds: float) -> None:
        """See ContainerRuntime."""
        container = self._containers.get(container_id)
        if container is not None:
            container.stop(grace_seconds)

    def update_files(self, container_id: str, old: Mapping[str, str],
                     new: Mapping[str, str]) -> None:
        """See ContainerRuntime."""
        container = self._containers.get(container_id)
        if container is None:
            return
        files = container.machine.files
        for path in old.keys() - new.keys():
            files.pop(path, None)
        files.update(new)

    def remove(self, container_id: str) -> None:
        """See ContainerRuntime."""
        self._containers.pop(container_id, None)

    def logs(self, container_id: str) -> Sequence[tuple[float, str, str]]:
        """See ContainerRuntime."""
        container = self._containers.get(container_id)
        return container.lines if container is not None else ()

    async def exec(self, container_id: str, command: Sequence[str],
                   stdin: bytes = b"") -> ExecResult:
        """See ContainerRuntime. What takes time needs an event loop."""
        container = self._containers.get(container_id)
        if container is None or container.result is not None:
            return _NOT_RUNNING
        return await finish(_run(container.machine, command, stdin), self._clock)

    def start_exec(self, container_id: str, command: Sequence[str],
                   done: Callable[[ExecResult], None]) -> Callable[[], None]:
        """See ContainerRuntime."""
        container = self._containers.get(container_id)
        if container is None or container.result is not None:
            done(_NOT_RUNNING)
            return lambda: None
        machine = container.machine

        async def run() -> int:
            done(await _run(machine, command, b""))
            return 0

        process = Process(run(), self._clock, lambda code: None)
        process.start()
        return process.kill

    def http_get(self, source: Namespace, request: HTTPProbe,
                 done: Callable[[HTTPProbeResult], None]) -> Callable[[], None]:
        """See ContainerRuntime."""
        async def ask() -> int:
            done(await probe(source, request))
            return 0

        process = Process(ask(), self._clock, lambda code: None)
        process.start()
        return process.kill

    def _create(self, config: ContainerConfig, network: Namespace) -> SimContainer:
        image = self.images.program(config.image)
        return SimContainer(config.container_id or self._new_id(), config, network, self._clock,
                            self._chance, image)

    def _new_id(self) -> str:
        seed = self._chance.getrandbits(256).to_bytes(32, "big")
        return f"docker://{hashlib.sha256(seed).hexdigest()}"


def _began(config: ContainerConfig) -> float | None:
    """When the run began that a container goes on with, as its Pod says; None: a new run."""
    status = config.pod.get("status") or {} if config.container_id else {}
    for kind in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for one in status.get(kind) or ():
            if one["name"] == config.name:
                text = ((one.get("state") or {}).get("running") or {}).get("startedAt")
                return parse_time(text) if text else None
    return None


_NOT_RUNNING = ExecResult(exit_code=128, stdout=b"", stderr=b"container is not running\n")


async def _run(machine: Machine, command: Sequence[str], stdin: bytes) -> ExecResult:
    outcome = await run_command(machine, command, stdin)
    return ExecResult(exit_code=outcome.exit_code, stdout=outcome.stdout, stderr=outcome.stderr)


def _exit(code: int) -> ContainerExit:
    return ContainerExit(exit_code=code, reason="Completed" if code == 0 else "Error",
                         signal=SIGKILL if code == 128 + SIGKILL else 0)
