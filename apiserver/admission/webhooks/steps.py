"""Asks webhooks before an object is stored. Models
apiserver/pkg/admission/plugin/webhook/{generic,mutating,validating}.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import orjson

from apiserver.admission.asked import asked_of
from apiserver.admission.chain import ALL_OPERATIONS, AdmissionStep, Operation, refuse
from apiserver.admission.conditions import ConditionFailed, conditions_hold
from apiserver.admission.counts import CALL_FAILED, REFUSED, SUCCESS, WebhookCall
from apiserver.admission.lister import Lister
from apiserver.admission.matching import is_exempt, matching_resource, selects
from apiserver.admission.webhooks.caller import UNAVAILABLE, CallFailed, WebhookCaller, loop_runs
from apiserver.admission.webhooks.review import BadAnswer, Verdict, denial, question, read_answer
from apiserver.context import PATCHES, Reinvocation
from apiserver.machinery import meta
from apiserver.machinery.errors import ApiError, InternalError
from apiserver.machinery.gvk import GVK, parse_api_version
from apiserver.patch import json as json_patch
from apiserver.patch.json import PatchFailed
from apiserver.registry.scaling import write_path
from apiserver.schema.state import DecodeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.admission.asked import Asked
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry


_MUTATION: Final = "mutation.webhook.admission.k8s.io"
_VALIDATION: Final = "validating.webhook.admission.k8s.io"


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook of one configuration."""

    id: str
    """`configuration/webhook`: names it among all."""
    body: Object

    @property
    def name(self) -> str:
        """As messages have it."""
        return str(self.body.get("name") or "")

    def named(self, **fields: Any) -> str:
        """The value of an annotation about it."""
        return orjson.dumps({"configuration": self.id.partition("/")[0], "webhook": self.name,
                             **fields}).decode()


class _WebhookStep(AdmissionStep):
    """What both kinds of webhooks have in common."""

    operations: ClassVar[tuple[Operation, ...]] = ALL_OPERATIONS
    sees_bodies: ClassVar[bool] = True
    configurations: ClassVar[str]
    mutating: ClassVar[bool]

    registry: Registry
    _configurations: Lister
    _namespaces: Lister

    def __init__(self, caller: WebhookCaller) -> None:
        self._caller = caller
        self._hooks: list[Hook] = []
        self._seen = -1

    def connect(self, registry: Registry) -> None:
        """Configurations are read from the registry's store."""
        self.registry = registry
        self._configurations = Lister(
            registry, "admissionregistration.k8s.io", self.configurations)
        self._namespaces = Lister(registry, "", "namespaces")

    async def idle(self, ctx: RequestContext) -> bool:
        """Whether there is nobody to ask, which mostly is so."""
        await self._configurations.refresh()
        if self._configurations.empty or is_exempt(ctx.resource):
            return True
        await self._namespaces.refresh()
        return False

    async def concerned(self, ctx: RequestContext, obj: Object | None,
                        old: Object | None) -> Sequence[tuple[Hook, Asked]]:
        """The webhooks to ask, with what they are asked. Raises Forbidden."""
        if await self.idle(ctx):
            return ()
        asked = asked_of(ctx, obj, old)
        return [(hook, found) for hook in self._all()
                if (found := await self._match(ctx, hook, asked)) is not None]

    def _all(self) -> list[Hook]:
        """All webhooks, by the names of their configurations."""
        if self._seen != self._configurations.changes:
            self._seen = self._configurations.changes
            self._hooks = [Hook(f"{meta.name(one)}/{hook.get('name')}", hook)
                           for one in self._configurations.all()
                           for hook in one.get("webhooks") or ()]
        return self._hooks

    async def _match(self, ctx: RequestContext, hook: Hook, asked: Asked) -> Asked | None:
        """The request in the version that the webhook wants, None when it is not for it."""
        body = hook.body
        resource = matching_resource(self.registry, asked, body.get("rules") or (),
                                     body.get("matchPolicy") or "Equivalent")
        if resource is None or not selects(body, asked, self._namespaces):
            return None
        asked = asked.converted(resource)
        try:
            holds = conditions_hold(self.registry, body.get("matchConditions") or (), asked)
        except ConditionFailed as error:
            if body.get("failurePolicy") == "Ignore":
                return None
            raise refuse(ctx, ctx.name, str(error)) from None
        return asked if holds else None

    async def ask(self, ctx: RequestContext, hook: Hook, asked: Asked) -> Verdict | None:
        """What the webhook says, None when it fails and may. Raises InternalError, denials."""
        begun = self.registry.clock.now()
        try:
            verdict = await self._answer(hook, asked)
        except (CallFailed, BadAnswer) as error:
            lenient = hook.body.get("failurePolicy") == "Ignore"
            code = error.code if isinstance(error, CallFailed) else UNAVAILABLE
            self._count(hook, asked, begun, code, rejected=not lenient, error=CALL_FAILED)
            if lenient:
                return None
            start = ("failed to call webhook" if isinstance(error, CallFailed)
                     else "received invalid webhook response")
            raise _internal(f'failed calling webhook "{hook.name}": {start}: {error}') from None
        for key, value in verdict.annotations.items():
            ctx.note(f"{hook.name}/{key}", value)
        for text in verdict.warnings:
            ctx.warn(text)
        if verdict.allowed:
            self._count(hook, asked, begun, SUCCESS, rejected=False)
            return verdict
        refused = denial(hook.name, verdict.result)
        self._count(hook, asked, begun, refused.code, rejected=True, error=REFUSED)
        raise refused

    async def _answer(self, hook: Hook, asked: Asked) -> Verdict:
        """Raises CallFailed, BadAnswer."""
        uid = meta.new_uid(self.registry.chance)
        timeout = float(hook.body.get("timeoutSeconds") or 10)
        answer = await self._caller.call(hook.body.get("clientConfig") or {},
                                         question(asked, uid), timeout)
        return read_answer(answer, uid, mutating=self.mutating)

    def _count(self, hook: Hook, asked: Asked, begun: float, code: int, *, rejected: bool,
               error: str = "") -> None:
        self.counts.asked(WebhookCall(
            hook.name, "admit" if self.mutating else "validating", asked.operation,
            self.registry.clock.now() - begun, code, rejected, error))


def _internal(text: str) -> ApiError:
    return InternalError(f"Internal error occurred: {text}",
                         details={"causes": [{"message": text}]})


class MutatingWebhooks(_WebhookStep):
    """Lets webhooks change the object, one after the other."""

    plugin: ClassVar[str] = "MutatingAdmissionWebhook"
    configurations = "mutatingwebhookconfigurations"
    mutating = True

    async def admit(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Raises ApiError: a refusal, or the failure of a webhook that must not fail."""
        if await self.idle(ctx):
            return
        state = ctx.reinvocation = ctx.reinvocation or Reinvocation()
        invoked = state.enter("webhooks", obj)
        for index, hook in enumerate(self._all()):
            asked = await self._match(ctx, hook, asked_of(ctx, obj, old))
            if asked is None or (state.again and hook.id not in invoked.due):
                continue
            if await self._lets_change(ctx, hook, asked, obj,
                                       f"round_{int(state.again)}_index_{index}"):
                state.changed = True
                invoked.all_due()
            if hook.body.get("reinvocationPolicy") == "IfNeeded":
                invoked.asked.add(hook.id)
        invoked.leave(obj)

    async def _lets_change(self, ctx: RequestContext, hook: Hook, asked: Asked,
                           obj: Object | None, place: str) -> bool:
        """Ask one webhook; whether it changed `obj`. Raises ApiError."""
        changed = False
        try:
            verdict = await self.ask(ctx, hook, asked)
            if verdict is None:
                ctx.note(f"failed-open.{_MUTATION}/{place}", hook.name)
            else:
                changed = self._change(hook, obj, asked, verdict)
                if verdict.patch:
                    ctx.note(f"{PATCHES}{place}", hook.named(
                        patch=[dict(sorted(each.items())) for each in verdict.patch],
                        patchType="JSONPatch"))
        finally:
            ctx.note(f"{_MUTATION}/{place}", hook.named(mutated=changed))
        return changed

    def _change(self, hook: Hook, obj: Object | None, asked: Asked, verdict: Verdict) -> bool:
        """Apply the patch to `obj` in place; whether it changed something. Raises ApiError."""
        if not verdict.patch:
            return False
        if asked.obj is None or obj is None:
            raise _internal(f'admission webhook "{hook.name}" attempted to modify the object, which'
                            " is not supported for this operation")
        try:
            patched = json_patch.applied(asked.obj, verdict.patch)
            changed = self._decoded(asked, patched)
        except (ApiError, DecodeError, PatchFailed) as error:
            raise _internal(str(error)) from None
        changed = written_back(obj, asked, changed)
        if changed == obj:
            return False
        obj.clear()
        obj.update(changed)
        return True

    def _decoded(self, asked: Asked, patched: Object) -> Object:
        """A patched object of the resource's kind, or of its subresource's own."""
        if patched.get("kind") in (None, asked.resource.kind):
            return self.registry.decode(asked.resource, patched).object
        kind = GVK(*parse_api_version(patched.get("apiVersion") or ""), patched["kind"])
        return self.registry.schema.decode(kind, patched).object


def written_back(obj: Object, asked: Asked, changed: Object) -> Object:
    """What becomes of `obj` when a step made `changed` of what it was shown."""
    if asked.subresource != "scale" or asked.resource.scale is None:
        return asked.converted_back(changed)
    new: Object = orjson.loads(orjson.dumps(obj))
    write_path(new, asked.resource.scale.replicas, (changed.get("spec") or {}).get("replicas", 0))
    return new


class ValidatingWebhooks(_WebhookStep):
    """Asks webhooks whether the object may be stored; all at once where that is possible."""

    plugin: ClassVar[str] = "ValidatingAdmissionWebhook"
    configurations = "validatingwebhookconfigurations"
    mutating = False

    async def validate(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Raises ApiError: a refusal, or the failure of a webhook that must not fail."""
        concerned = await self.concerned(ctx, obj, old)
        if not concerned:
            return
        if len(concerned) == 1 or not loop_runs():
            for index, (hook, asked) in enumerate(concerned):
                await self._asks(ctx, hook, asked, index)
            return
        for result in await asyncio.gather(
                *(self._asks(ctx, hook, asked, index)
                  for index, (hook, asked) in enumerate(concerned)), return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    async def _asks(self, ctx: RequestContext, hook: Hook, asked: Asked, index: int) -> None:
        if await self.ask(ctx, hook, asked) is None:
            ctx.note(f"failed-open.{_VALIDATION}/round_0_index_{index}", hook.name)
