"""MutatingAdmissionPolicies. Models apiserver/pkg/admission/plugin/policy/mutating."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar

from apiserver.admission.asked import asked_of
from apiserver.admission.chain import refuse
from apiserver.admission.conditions import ConditionFailed
from apiserver.admission.expressions import EvaluationError
from apiserver.admission.policies.step import Case, PolicyStep
from apiserver.admission.webhooks.review import refusal
from apiserver.admission.webhooks.steps import written_back
from apiserver.context import Reinvocation
from apiserver.machinery.errors import ApiError, InternalError
from apiserver.patch import json as json_patch
from apiserver.patch.json import PatchFailed, TestFailed
from apiserver.patch.typed import ElementError, child_type, merge
from apiserver.schema.state import DecodeError
from apiserver.schema.types import List, Map, Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from apiserver.admission.asked import Asked
    from apiserver.admission.policies.evaluation import Evaluation
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.schema.types import Type


class MutatingPolicies(PolicyStep):
    """Changes objects as policies say."""

    plugin: ClassVar[str] = "MutatingAdmissionPolicy"
    policies = "mutatingadmissionpolicies"
    bindings = "mutatingadmissionpolicybindings"

    async def admit(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Raises Forbidden when a policy fails that must not."""
        if obj is None or await self.idle(ctx):
            return
        state = ctx.reinvocation = ctx.reinvocation or Reinvocation()
        invoked = state.enter("policies", obj)
        change = _Change(ctx, obj, old)
        for case in [each async for each in self.cases(ctx, obj, old)]:
            if not self._holds(change, case) or (state.again and case.key not in invoked.due):
                continue
            before = copy.deepcopy(obj)
            for mutation in case.spec.get("mutations") or ():
                self._try(change, case, mutation)
            if before != obj:
                invoked.all_due()
            if case.spec.get("reinvocationPolicy") == "IfNeeded":
                invoked.asked.add(case.key)
        if change.touched:  # whoever has seen the object sees it again, even who changed it last
            state.changed = True
            invoked.all_due()
        invoked.leave(obj)
        if change.problems:
            raise _together(change.problems)

    def _holds(self, change: _Change, case: Case) -> bool:
        """Whether a policy is to mutate; why not is noted where it is a failure."""
        if case.problem:
            change.fail(case, case.problem, "Forbidden")
            return False
        try:
            return self.condition_holds(case, change.asked(case))
        except ConditionFailed as error:
            change.fail(case, str(error))
            return False

    def _try(self, change: _Change, case: Case, mutation: Object) -> None:
        """Do one mutation in place; it sees what earlier ones have done. Raises InternalError."""
        asked = change.asked(case)
        try:
            decoded = self.registry.decode(asked.resource, self._mutated(asked, case, mutation))
        except DecodeError as error:
            raise InternalError(f"Internal error occurred: {error}") from None
        except (EvaluationError, ElementError, PatchFailed, ValueError) as error:
            change.fail(case, str(error))
        else:
            change.put(written_back(change.obj, asked, decoded.object))

    def _mutated(self, asked: Asked, case: Case, mutation: Object) -> Object:
        """The object of a request as one mutation makes it. Raises what goes wrong."""
        assert asked.obj is not None, "deletions are not changed"
        evaluation = self.evaluation(case, asked)
        if mutation.get("patchType") != "JSONPatch":
            source = (mutation.get("applyConfiguration") or {}).get("expression") or ""
            return self._applied(asked, _plain(_valued(evaluation, source)))
        source = (mutation.get("jsonPatch") or {}).get("expression") or ""
        patch = _plain(_valued(evaluation, source))
        if not isinstance(patch, list):
            raise EvaluationError(
                "type mismatch: JSONPatchType.expression should evaluate to array")
        try:
            patched: Object = json_patch.applied(asked.obj, patch)
        except TestFailed:
            return asked.obj
        except PatchFailed as error:
            raise PatchFailed(f"JSONPath: {error}") from None
        return patched

    def _applied(self, asked: Asked, config: Any) -> Object:
        """The object with an apply configuration laid over it. Raises EvaluationError."""
        if not isinstance(config, dict):
            raise EvaluationError(
                f"unsupported return type from ApplyConfiguration expression: {type(config)}")
        for field in ("apiVersion", "kind"):
            config.pop(field, None)
        if {"name", "namespace", "uid", "resourceVersion"} & set(config.get("metadata") or {}):
            raise EvaluationError("apply configuration must not set metadata that names the object")
        type_ = self.registry.type_of(asked.resource)
        if found := list(atomics(type_, config)):
            raise EvaluationError("error applying patch: invalid ApplyConfiguration: may not mutate"
                                  f" atomic arrays, maps or structs: {', '.join(found)}")
        merged: Object = merge(type_, asked.obj, config)
        return merged


class _Change:
    """An object that policies change, and what they fail to do."""

    def __init__(self, ctx: RequestContext, obj: Object, old: Object | None) -> None:
        self.obj = obj
        self.touched = False
        """Somebody has mutated it, be it to what it was."""
        self.problems: list[ApiError] = []
        self._ctx = ctx
        self._old = old

    def asked(self, case: Case) -> Asked:
        """The request as a policy sees it, with the object as it is now."""
        return asked_of(self._ctx, self.obj, self._old).converted(case.asked.resource)

    def put(self, changed: Object) -> None:
        """The object becomes another."""
        self.touched = True
        if changed != self.obj:
            self.obj.clear()
            self.obj.update(changed)

    def fail(self, case: Case, text: str, reason: str = "Invalid") -> None:
        """A policy could not do something, which refuses the request unless it may fail."""
        if not case.fails_closed:
            return
        name = f"'{case.name}'" if case.bound else f'"{case.name}"'
        text = f"policy {name}{case.bound} denied request: {text}"
        plain = refuse(self._ctx, self._ctx.name, text)
        self.problems.append(refusal(plain.code, reason, text, plain.details))


def _together(problems: Sequence[ApiError]) -> ApiError:
    """The first refusal, with the texts of all."""
    first = problems[0]
    first.details = {**(first.details or {}),
                     "causes": [{"message": one.message} for one in problems]}
    return first


def _valued(evaluation: Evaluation, source: str) -> Any:
    try:
        return evaluation.value(source)
    except EvaluationError as error:
        raise EvaluationError(
            f"expression '{source.strip()}' resulted in error: {error}") from None


def atomics(type_: Type | None, value: Any, path: str = "") -> Iterator[str]:
    """The paths of a configuration at which there are atomic lists, maps or structs."""
    if isinstance(value, dict) and isinstance(type_, Struct | Map):
        if type_.atomic:
            yield path
        if isinstance(type_, Struct):
            for name, below in value.items():
                yield from atomics(child_type(type_, name), below, f"{path}.{name}")
    elif isinstance(value, list) and isinstance(type_, List):
        if type_.kind == "atomic":
            yield path
        for index, below in enumerate(value):
            yield from atomics(type_.element, below, f"{path}[{index}]")


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
