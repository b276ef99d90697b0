"""Lifecycle hooks of containers. Models pkg/kubelet/lifecycle/handlers.go and killContainer:
preStop runs before SIGTERM and uses up the grace (2 s are always left), postStart after the start;
a container whose postStart fails is killed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from controllers.node.prober import Outcome, Prober, Target
from controllers.node.record import container_specs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from apiserver.machinery.types import Object
    from controllers.node.host import Host
    from controllers.node.record import ContainerRecord, PodRecord

MINIMUM_GRACE: Final = 2.0
"""Seconds that a container has after SIGTERM, however long its hook took."""


class Hooks:
    """The hooks of one node's containers."""

    def __init__(self, host: Host, prober: Prober) -> None:
        self._host = host
        self._prober = prober

    def stop(self, pod: Object, record: PodRecord, container: ContainerRecord,
             grace: float) -> None:
        """Run preStop, if there is one, and stop the container within the grace."""
        container.call_off_hook()
        hook = _hook(pod, container, "preStop")
        if hook is None or grace <= 0:
            self._host.runtime.stop(container.container_id, grace)
            return
        began, clock = self._host.clock.now(), self._host.clock
        done: list[Outcome] = []

        def then(outcome: Outcome) -> None:
            done.append(outcome)
            timer.cancel()
            if not outcome[0]:
                self._host.say(pod, container)("Warning", "FailedPreStopHook", "PreStopHook failed")
            left = grace - (clock.now() - began)
            self._host.runtime.stop(container.container_id, max(left, MINIMUM_GRACE))

        timer = clock.call_at(began + grace, lambda: then((True, "")))
        cancel = self._run(hook, self._target(pod, record, container), then)

        def call_off() -> None:
            container.call_off_hook = _nothing
            timer.cancel()
            cancel()

        if not done:
            container.call_off_hook = call_off

    def started(self, pod: Object, record: PodRecord, container: ContainerRecord,
                kill: Callable[[], None]) -> None:
        """Run postStart, if there is one; `kill` the container when it fails."""
        hook = _hook(pod, container, "postStart")
        if hook is None:
            return

        def then(outcome: Outcome) -> None:
            if not outcome[0]:
                self._host.say(pod, container)("Warning", "FailedPostStartHook",
                                               "PostStartHook failed")
                kill()

        self._run(hook, self._target(pod, record, container), then)

    def _run(self, hook: Mapping[str, Any], target: Target,
             done: Callable[[Outcome], None]) -> Callable[[], None]:
        if "sleep" not in hook:
            return self._prober.ask(hook, target, done)
        clock = self._host.clock
        timer = clock.call_at(clock.now() + hook["sleep"].get("seconds", 0),
                              lambda: done((True, "")))
        return timer.cancel

    def _target(self, pod: Object, record: PodRecord, container: ContainerRecord) -> Target:
        assert record.sandbox is not None
        spec = next(one for one in container_specs(pod) if one["name"] == container.name)
        return Target(pod=pod, container=spec, record=container, sandbox=record.sandbox)


def _nothing() -> None:
    return


def _hook(pod: Object, container: ContainerRecord, kind: str) -> Mapping[str, Any] | None:
    spec = next(one for one in container_specs(pod) if one["name"] == container.name)
    hook: Mapping[str, Any] | None = (spec.get("lifecycle") or {}).get(kind)
    return hook
