"""The ordered chain of admission steps. Models apiserver/pkg/admission.

A step overrides what it needs: `admit` may change the object (before validation), `validate` may
only refuse (after it). Both get None as object for DELETE. A refusal is an ApiError, mostly
Forbidden.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from apiserver.admission.counts import SECONDS, AdmissionCounts, Phase
from apiserver.machinery.errors import ApiError, Forbidden
from apiserver.machinery.histogram import Histogram

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

Operation = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]
ALL_OPERATIONS: tuple[Operation, ...] = ("CREATE", "UPDATE", "DELETE", "CONNECT")


class AdmissionStep:
    """One step; the common case does nothing."""

    plugin: ClassVar[str] = ""
    """The name of upstream's plugin; empty: upstream does this elsewhere, and does not count it."""
    counts: AdmissionCounts
    """Those of its chain, once it is connected."""
    operations: ClassVar[tuple[Operation, ...]] = ("CREATE", "UPDATE")
    """Which operations it wants to see."""
    sees_bodies: ClassVar[bool] = False
    """Whether it also sees what is POSTed to subresources (a Binding), and options of CONNECT."""

    def connect(self, registry: Registry) -> None:
        """Called once, before the first request, with what the step may read."""

    async def admit(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Change `obj` in place, or refuse. Raises ApiError."""

    async def validate(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Refuse what must not be. Raises ApiError."""


class AdmissionChain:
    """All steps, in order."""

    def __init__(self, steps: Sequence[AdmissionStep] = ()) -> None:
        self._steps = tuple(steps)
        self.counts = AdmissionCounts()
        self.now: Callable[[], float] = float
        """Seconds on the server's clock, once it is connected."""
        bodies = [step for step in steps if step.sees_bodies]
        self._admit = {each: _Phase(self, steps, each, "admit") for each in ALL_OPERATIONS}
        self._validate = {each: _Phase(self, steps, each, "validate") for each in ALL_OPERATIONS}
        self._bodies = {each: (_Phase(self, bodies, each, "admit"),
                               _Phase(self, bodies, each, "validate")) for each in ALL_OPERATIONS}

    def connect(self, registry: Registry) -> None:
        """Give every step the registry that it serves."""
        self.now = registry.clock.now
        for step in self._steps:
            step.counts = self.counts
            step.connect(registry)

    async def admit(self, operation: Operation, ctx: RequestContext, obj: Object | None,
                    old: Object | None) -> None:
        """Let every step change the object. Raises ApiError at the first refusal.

        When webhooks or policies have changed it, all see it once more.
        """
        phase = self._admit[operation]
        await phase.run(ctx, obj, old)
        state = ctx.reinvocation
        if state is None:
            return
        if state.changed:
            state.again = True
            await phase.run(ctx, obj, old)
        ctx.reinvocation = None

    async def pass_body(self, operation: Operation, ctx: RequestContext, body: Object) -> None:
        """Let those who see bodies change it, then refuse it. Raises ApiError."""
        for phase in self._bodies[operation]:
            await phase.run(ctx, body, None)
        ctx.reinvocation = None

    async def validate(self, operation: Operation, ctx: RequestContext, obj: Object | None,
                       old: Object | None) -> None:
        """Let every step refuse. Raises ApiError at the first refusal."""
        await self._validate[operation].run(ctx, obj, old)


class _Phase:
    """What is done in one phase of one operation, and where its time is noted: found once, so that
    a request looks nothing up."""

    def __init__(self, chain: AdmissionChain, steps: Sequence[AdmissionStep],
                 operation: Operation, method: str) -> None:
        self._chain = chain
        self._whole = Phase("", method, operation)
        counts = chain.counts
        self._passed = counts.passing(self._whole)
        self._steps = [
            (getattr(step, method), phase,
             counts.passing(phase) if step.plugin else Histogram(SECONDS))
            for step in _overriding(steps, operation, method)
            for phase in [Phase(step.plugin, method, operation)]]

    async def run(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Raises ApiError at the first refusal."""
        now, phase = self._chain.now, self._whole
        begun = last = now()
        try:
            for call, phase, passed in self._steps:  # noqa: B007
                await call(ctx, obj, old)
                ended = now()
                passed.observe(ended - last)
                last = ended
        except ApiError:
            self._refused(phase, begun, last)
            raise
        self._passed.observe(last - begun)

    def _refused(self, phase: Phase, begun: float, last: float) -> None:
        counts, now = self._chain.counts, self._chain.now()
        counts.refusing(self._whole).observe(now - begun)
        if phase.name:
            counts.refusing(phase).observe(now - last)


def _overriding(steps: Sequence[AdmissionStep], operation: Operation,
                method: str) -> tuple[AdmissionStep, ...]:
    """The steps that do something in this phase of this operation."""
    return tuple(step for step in steps if operation in step.operations
                 and getattr(type(step), method) is not getattr(AdmissionStep, method))


def refuse(ctx: RequestContext, name: str, why: str,
           causes: Sequence[Object] = ()) -> Forbidden:
    """`pods "web" is forbidden: WHY` (admission.NewForbidden)."""
    return Forbidden.object(ctx.resource.group, ctx.resource.plural, name, why, causes=causes)
