"""ValidatingAdmissionPolicies. Models apiserver/pkg/admission/plugin/policy/validating."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

import orjson

from apiserver.admission.chain import refuse
from apiserver.admission.conditions import ConditionFailed
from apiserver.admission.expressions import EvaluationError
from apiserver.admission.policies.step import Case, PolicyStep, text_of
from apiserver.admission.webhooks.review import refusal
from apiserver.machinery import meta

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apiserver.admission.policies.evaluation import Evaluation
    from apiserver.context import RequestContext
    from apiserver.machinery.errors import ApiError
    from apiserver.machinery.types import Object

_FAILURE: Final = "validation.policy.admission.k8s.io/validation_failure"
_TYPES: Final = {bool: "bool", int: "int", float: "double", bytes: "bytes", list: "list"}
_LONGEST_NOTE: Final = 10 * 1024
_CODES: Final = {"Forbidden": 403, "Unauthorized": 401, "RequestEntityTooLarge": 413}


@dataclass(frozen=True, slots=True)
class _Denied:
    """One validation that does not hold."""

    message: str
    reason: str = "Invalid"
    index: int | None = 0
    """Which one; None of what is no validation."""


class ValidatingPolicies(PolicyStep):
    """Refuses what policies deny, and warns of what they only warn of."""

    plugin: ClassVar[str] = "ValidatingAdmissionPolicy"
    policies = "validatingadmissionpolicies"
    bindings = "validatingadmissionpolicybindings"

    async def validate(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Raises ApiError, mostly Invalid or Forbidden."""
        if await self.idle(ctx):
            return
        denials: list[ApiError] = []
        notes: dict[str, list[str]] = {}
        async for case in self.cases(ctx, obj, old):
            for denied in self._denials(case, notes):
                denials += _act(ctx, case, denied)
        for key, values in notes.items():
            ctx.note(key, ", ".join(dict.fromkeys(values)))
        if denials:
            raise denials[0]

    def _denials(self, case: Case, notes: dict[str, list[str]]) -> Iterator[_Denied]:
        """What a policy holds against the request; audit annotations are put into `notes`."""
        if case.problem:
            if case.fails_closed:
                yield _Denied(case.problem, index=None)
            return
        try:
            if not self.condition_holds(case, case.asked):
                return
        except ConditionFailed as error:
            if case.fails_closed:
                yield _Denied(str(error))
            return
        evaluation = self.evaluation(case, case.asked)
        yield from _failed_validations(case, evaluation)
        for annotation in case.spec.get("auditAnnotations") or ():
            try:
                text = _annotation(evaluation, annotation.get("valueExpression") or "")
            except EvaluationError as error:
                if case.fails_closed:
                    yield _Denied(str(error), index=None)
                continue
            if text:
                notes.setdefault(f"{case.name}/{annotation.get('key')}", []).append(text)


def _failed_validations(case: Case, evaluation: Evaluation) -> Iterator[_Denied]:
    for index, validation in enumerate(case.spec.get("validations") or ()):
        source = (validation.get("expression") or "").strip()
        try:
            if evaluation.value(source) is True:
                continue
        except EvaluationError as error:
            if case.fails_closed:
                yield _Denied(f"expression '{source}' resulted in error: {error}", index=index)
            continue
        yield _Denied(_message(evaluation, validation, source),
                      validation.get("reason") or "Invalid", index)


def _message(evaluation: Evaluation, validation: Object, source: str) -> str:
    """What the validation says: by its expression, else its text, else the condition itself."""
    own = validation.get("messageExpression")
    if own:
        try:
            if text := text_of(evaluation.value(own)):
                return text
        except EvaluationError:
            pass  # upstream logs it and goes on with the plain message
    return (validation.get("message") or "").strip() or f"failed expression: {source}"


def _annotation(evaluation: Evaluation, source: str) -> str:
    """The value of an audit annotation, '' when there is none. Raises EvaluationError."""
    try:
        value = evaluation.value(source)
    except EvaluationError as error:
        raise EvaluationError(f"expression '{source}' resulted in error: {error}") from None
    if value is not None and not isinstance(value, str):
        raise EvaluationError(
            f"valueExpression '{source}' resulted in unsupported return type:"
            f" {_TYPES.get(type(value), 'map')}. Return type must be either string or null.")
    text = (value or "").strip()
    return text.encode()[:_LONGEST_NOTE].decode(errors="ignore")


def _act(ctx: RequestContext, case: Case, denied: _Denied) -> list[ApiError]:
    """Do what the binding wants done; what the client is to be told."""
    if denied.index is None:  # what the policy could not tell refuses, whatever the binding says
        return [_error(ctx, case, denied)]
    assert case.binding is not None
    spec = case.binding["spec"]
    errors = []
    for action in spec.get("validationActions") or ():
        if action == "Deny":
            errors.append(_error(ctx, case, denied))
        elif action == "Warn":
            ctx.warn(f"Validation failed for ValidatingAdmissionPolicy '{case.name}'{case.bound}:"
                     f" {denied.message}")
        else:
            ctx.note(_FAILURE, orjson.dumps([{
                "message": denied.message, "policy": spec.get("policyName"),
                "binding": meta.name(case.binding), "expressionIndex": denied.index,
                "validationActions": spec["validationActions"]}]).decode())
    return errors


def _error(ctx: RequestContext, case: Case, denied: _Denied) -> ApiError:
    text = (f"ValidatingAdmissionPolicy '{case.name}'{case.bound} denied request:"
            f" {denied.message}")
    plain = refuse(ctx, ctx.name, text, ({"message": text},))
    return refusal(_CODES.get(denied.reason, 422), denied.reason, plain.message, plain.details)
