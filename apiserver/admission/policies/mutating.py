"""MutatingAdmissionPolicies. Models apiserver/pkg/admission/plugin/policy/mutating."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apiserver.admission.chain import refuse
from apiserver.admission.expressions import EvaluationError
from apiserver.admission.policies.step import Case, PolicyStep
from apiserver.context import Reinvocation
from apiserver.machinery import meta
from apiserver.machinery.errors import ApiError
from apiserver.patch import json as json_patch
from apiserver.patch.typed import ElementError, merge
from apiserver.schema.state import DecodeError

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object


class MutatingPolicies(PolicyStep):
    """Changes objects as policies say."""

    policies = "mutatingadmissionpolicies"
    bindings = "mutatingadmissionpolicybindings"

    async def admit(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Raises Forbidden when a policy fails that must not."""
        if obj is None or await self.idle(ctx):
            return
        state = ctx.reinvocation = ctx.reinvocation or Reinvocation()
        async for case in self.cases(ctx, obj, old):
            name = f"policy/{meta.name(case.policy)}"
            again = case.spec.get("reinvocationPolicy") == "IfNeeded"
            if state.again and not (again and name in state.due):
                continue
            if self._change(ctx, obj, case):
                state.note_change()
            if again:
                state.asked.add(name)

    def _change(self, ctx: RequestContext, obj: Object, case: Case) -> bool:
        """Apply all mutations in place; whether something changed. Raises Forbidden."""
        try:
            changed = self._changed(case)
        except (EvaluationError, ElementError, ApiError, DecodeError, ValueError) as error:
            if not case.fails_closed:
                return False
            raise refuse(ctx, ctx.name, f"policy {case.title} denied request: {error}") from None
        if changed == obj:
            return False
        obj.clear()
        obj.update(changed)
        return True

    def _changed(self, case: Case) -> Object:
        if case.evaluation is None:
            raise EvaluationError(case.problem)
        current = case.asked.obj
        assert current is not None, "deletions are not changed"
        for mutation in case.spec.get("mutations") or ():
            # Later mutations see the request as it came, and change what earlier ones left.
            if mutation.get("patchType") == "JSONPatch":
                source = (mutation.get("jsonPatch") or {}).get("expression") or ""
                current = json_patch.apply(current, _plain(case.evaluation.value(source)))
            else:
                source = (mutation.get("applyConfiguration") or {}).get("expression") or ""
                current = self._applied(case, current, _plain(case.evaluation.value(source)))
        decoded = self.registry.decode(case.asked.resource, current).object
        return case.asked.converted_back(decoded)

    def _applied(self, case: Case, current: Object, config: Any) -> Object:
        """The object with an apply configuration laid over it."""
        if not isinstance(config, dict):
            raise EvaluationError("must evaluate to Object but got something else")
        for field in ("apiVersion", "kind"):
            config.pop(field, None)
        if {"name", "namespace", "uid", "resourceVersion"} & set(config.get("metadata") or {}):
            raise EvaluationError("apply configuration must not set metadata that names the object")
        merged: Object = merge(self.registry.type_of(case.asked.resource), current, config)
        return merged


def _plain(value: Any) -> Any:
    """A CEL value as JSON; optionals without a value are left out."""
    if isinstance(value, dict):
        return {key: plain for key, each in value.items()
                if (plain := _plain(each)) is not None or each is None}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if hasattr(value, "has_value"):
        return _plain(value.value()) if value.has_value() else None
    return value
