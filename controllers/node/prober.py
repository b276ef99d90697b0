"""Startup, liveness and readiness probes. Models pkg/kubelet/prober (worker.go, prober.go).

A worker asks every periodSeconds; `failureThreshold` failures or `successThreshold` successes in a
row change its verdict. Liveness and readiness wait until the startup probe has succeeded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from controllers.node.backoff import go_duration
from controllers.node.runtime import ExecResult, HTTPProbe, HTTPProbeResult
from netsim.packet import join_host_port

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from apiserver.machinery.clock import Clock, Timer
    from apiserver.machinery.types import Object
    from controllers.node.record import ContainerRecord, Sandbox
    from controllers.node.runtime import ContainerRuntime
    from netsim.namespace import Namespace

Outcome = tuple[bool, str]
"""(whether it succeeded, what to say when it did not)."""


class ProbeKind(Enum):
    """The three probes, by their field of a container."""

    STARTUP = "startupProbe"
    LIVENESS = "livenessProbe"
    READINESS = "readinessProbe"

    @property
    def title(self) -> str:
        """As events say it: `Liveness`."""
        return self.value.removesuffix("Probe").capitalize()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a probe asks: one run of one container."""

    pod: Object
    container: Mapping[str, Any]
    record: ContainerRecord
    sandbox: Sandbox


class Prober:
    """Carries out a single probe (`prober.go`)."""

    def __init__(self, runtime: ContainerRuntime, host: Namespace) -> None:
        self._runtime = runtime
        self._host = host

    def ask(self, probe: Mapping[str, Any], target: Target,
            done: Callable[[Outcome], None]) -> Callable[[], None]:
        """Start it; `done` hears the outcome. The result calls it off."""
        if "exec" in probe:
            return self._runtime.start_exec(
                target.record.container_id, probe["exec"].get("command") or (),
                lambda result: done(_exec_outcome(result)))
        request = _request(probe, target)
        return self._runtime.http_get(self._host, request,
                                      lambda result: done(_http_outcome(request, result)))


@dataclass(slots=True)
class ProbeWorker:
    """One probe of one run of a container."""

    kind: ProbeKind
    spec: Mapping[str, Any]
    target: Target
    prober: Prober
    clock: Clock
    verdict: Callable[[ProbeWorker, bool], None]
    """Told when the verdict is reached or changes."""
    say: Callable[[str, str, str], None]
    _run_id: str = ""
    _streak: int = 0
    _last: bool | None = None
    _verdict: bool | None = None
    _asking: int = 0
    _stopped: bool = False
    _timers: list[Timer] = field(default_factory=list)
    _cancel: Callable[[], None] = lambda: None

    @property
    def run_id(self) -> str:
        """The container id of the run that is asked."""
        return self._run_id

    def start(self) -> None:
        """Begin after initialDelaySeconds."""
        self._run_id = self.target.record.container_id
        first = self.target.record.started_at + self.spec.get("initialDelaySeconds", 0)
        self._at(max(self.clock.now(), first), self._tick)

    def stop(self) -> None:
        """Ask no more."""
        self._stopped = True
        self._end_question()
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _at(self, when: float, call: Callable[[], None]) -> None:
        self._timers = [self.clock.call_at(when, call)]

    def _tick(self) -> None:
        if self._stopped:
            return
        now = self.clock.now()
        self._at(now + self.spec.get("periodSeconds", 10), self._tick)
        if self.kind is not ProbeKind.STARTUP and not self.target.record.started:
            return
        self._asking += 1
        self._ask(self._asking, now)

    def _ask(self, number: int, now: float) -> None:
        """Ask once; the first of answer and timeout counts."""
        timeout = self.spec.get("timeoutSeconds", 1)
        self._timers.append(self.clock.call_at(
            now + timeout, lambda: self._done(number, (False, _timeout(self.spec, self.target)))))
        self._cancel = self.prober.ask(self.spec, self.target,
                                       lambda outcome: self._done(number, outcome))

    def _done(self, number: int, outcome: Outcome) -> None:
        if self._stopped or number != self._asking:
            return
        self._asking += 1
        self._end_question()
        success, text = outcome
        if not success:
            self.say("Warning", "Unhealthy", f"{self.kind.title} probe failed: {text}")
        self._count(success)

    def _end_question(self) -> None:
        cancel, self._cancel = self._cancel, lambda: None
        cancel()

    def _count(self, success: bool) -> None:
        self._streak = self._streak + 1 if success is self._last else 1
        self._last = success
        threshold = self.spec.get("successThreshold", 1) if success else self.spec.get(
            "failureThreshold", 3)
        if self._streak < threshold or self._verdict is success:
            return
        self._verdict = success
        if self.kind is ProbeKind.STARTUP and success:
            self.stop()
        self.verdict(self, success)


_REFUSED: Final = {
    "refused": "connect: connection refused",
    "unreachable": "connect: no route to host",
    "timeout": "i/o timeout",
}


def resolve_port(port: int | str, container: Mapping[str, Any]) -> int:
    """A port number, or a named port of the container (0 when there is none)."""
    if isinstance(port, int):
        return port
    named = (p["containerPort"] for p in container.get("ports") or () if p.get("name") == port)
    return int(next(named, 0)) or (int(port) if port.isdigit() else 0)


def _request(probe: Mapping[str, Any], target: Target) -> HTTPProbe:
    """An httpGet as it is; tcpSocket and grpc as a bare connection."""
    action = probe.get("httpGet") or probe.get("tcpSocket") or probe.get("grpc") or {}
    host = action.get("host") or target.sandbox.address
    port = resolve_port(action.get("port", 0), target.container)
    if "httpGet" not in probe:
        return HTTPProbe(host=host, port=port, scheme="tcp")
    path = action.get("path") or "/"
    headers = [(h["name"], h.get("value", "")) for h in action.get("httpHeaders") or ()]
    return HTTPProbe(host=host, port=port, path=path if path.startswith("/") else f"/{path}",
                     scheme=action.get("scheme", "HTTP").lower(), headers=headers)


def _http_outcome(request: HTTPProbe, result: HTTPProbeResult) -> Outcome:
    if result.error:
        dial = f"dial tcp {_where(request)}: {_REFUSED.get(result.error, result.error)}"
        return False, dial if request.scheme == "tcp" else f'Get "{_url(request)}": {dial}'
    if request.scheme == "tcp" or 200 <= result.status < 400:
        return True, ""
    return False, f"HTTP probe failed with statuscode: {result.status}"


def _exec_outcome(result: ExecResult) -> Outcome:
    return result.exit_code == 0, (result.stdout + result.stderr).decode(errors="replace")


def _where(request: HTTPProbe) -> str:
    return join_host_port(request.host, request.port)


def _url(request: HTTPProbe) -> str:
    return f"{request.scheme}://{_where(request)}{request.path}"


def _timeout(probe: Mapping[str, Any], target: Target) -> str:
    """What a probe says that got no answer within timeoutSeconds."""
    limit = go_duration(probe.get("timeoutSeconds", 1))
    if "exec" in probe:
        command = " ".join(probe["exec"].get("command") or ())
        return f'command timed out: "{command}" timed out after {limit}'
    request = _request(probe, target)
    if "grpc" in probe:
        return (f'timeout: failed to connect service "{_where(request)}" '
                f"within {limit}: context deadline exceeded")
    if request.scheme == "tcp":
        return f"dial tcp {_where(request)}: i/o timeout"
    return (f'Get "{_url(request)}": context deadline exceeded '
            "(Client.Timeout exceeded while awaiting headers)")

