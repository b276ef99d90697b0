"""The ordered chain of admission steps. Models apiserver/pkg/admission.

A step overrides what it needs: `admit` may change the object (before validation), `validate` may
only refuse (after it). Both get None as object for DELETE. A refusal is an ApiError, mostly
Forbidden.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from apiserver.machinery.errors import Forbidden

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

Operation = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]
ALL_OPERATIONS: tuple[Operation, ...] = ("CREATE", "UPDATE", "DELETE", "CONNECT")


class AdmissionStep:
    """One step; the common case does nothing."""

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
        self._admit = {operation: _overriding(steps, operation, "admit")
                       for operation in ALL_OPERATIONS}
        self._validate = {operation: _overriding(steps, operation, "validate")
                          for operation in ALL_OPERATIONS}

    def connect(self, registry: Registry) -> None:
        """Give every step the registry that it serves."""
        for step in self._steps:
            step.connect(registry)

    async def admit(self, operation: Operation, ctx: RequestContext, obj: Object | None,
                    old: Object | None) -> None:
        """Let every step change the object. Raises ApiError at the first refusal.

        When webhooks or policies have changed it, all see it once more.
        """
        steps = self._admit[operation]
        for step in steps:
            await step.admit(ctx, obj, old)
        state = ctx.reinvocation
        if state is None:
            return
        if state.changed:
            state.again = True
            for step in steps:
                await step.admit(ctx, obj, old)
        ctx.reinvocation = None

    async def pass_body(self, operation: Operation, ctx: RequestContext, body: Object) -> None:
        """Let those who see bodies change it, then refuse it. Raises ApiError."""
        for phase in (self._admit, self._validate):
            for step in phase[operation]:
                if step.sees_bodies:
                    method = step.admit if phase is self._admit else step.validate
                    await method(ctx, body, None)
        ctx.reinvocation = None

    async def validate(self, operation: Operation, ctx: RequestContext, obj: Object | None,
                       old: Object | None) -> None:
        """Let every step refuse. Raises ApiError at the first refusal."""
        for step in self._validate[operation]:
            await step.validate(ctx, obj, old)


def _overriding(steps: Sequence[AdmissionStep], operation: Operation,
                method: str) -> tuple[AdmissionStep, ...]:
    """The steps that do something in this phase of this operation."""
    return tuple(step for step in steps if operation in step.operations
                 and getattr(type(step), method) is not getattr(AdmissionStep, method))


def refuse(ctx: RequestContext, name: str, why: str,
           causes: Sequence[Object] = ()) -> Forbidden:
    """`pods "web" is forbidden: WHY` (admission.NewForbidden)."""
    return Forbidden.object(ctx.resource.group, ctx.resource.plural, name, why, causes=causes)
