"""ValidatingAdmissionPolicies. Models apiserver/pkg/admission/plugin/policy/validating."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from apiserver.admission.chain import refuse
from apiserver.admission.expressions import EvaluationError
from apiserver.admission.policies.step import Case, PolicyStep, text_of
from apiserver.admission.webhooks.review import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apiserver.context import RequestContext
    from apiserver.machinery.errors import ApiError
    from apiserver.machinery.types import Object

_CODES: Final = {"Forbidden": 403, "Unauthorized": 401, "RequestEntityTooLarge": 413}


@dataclass(frozen=True, slots=True)
class _Denied:
    """One validation that does not hold."""

    message: str
    reason: str = "Invalid"


class ValidatingPolicies(PolicyStep):
    """Refuses what policies deny, and warns of what they only warn of."""

    policies = "validatingadmissionpolicies"
    bindings = "validatingadmissionpolicybindings"

    async def validate(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Raises ApiError, mostly Invalid or Forbidden."""
        if await self.idle(ctx):
            return
        first: ApiError | None = None
        async for case in self.cases(ctx, obj, old):
            actions = case.binding["spec"].get("validationActions") or ()
            for denied in _denials(case):
                if "Warn" in actions:
                    ctx.warn(f"Validation failed for ValidatingAdmissionPolicy {case.title}:"
                             f" {denied.message}")
                if "Deny" in actions and first is None:
                    first = _error(ctx, case, denied)
        if first is not None:
            raise first


def _denials(case: Case) -> Iterator[_Denied]:
    if case.evaluation is None:
        if case.fails_closed:
            yield _Denied(case.problem)
        return
    for validation in case.spec.get("validations") or ():
        source = (validation.get("expression") or "").strip()
        try:
            if case.evaluation.value(source) is True:
                continue
        except EvaluationError as error:
            if case.fails_closed:
                yield _Denied(f"expression '{source}' resulted in error: {error}")
            continue
        yield _Denied(_message(case, validation, source), validation.get("reason") or "Invalid")


def _message(case: Case, validation: Object, source: str) -> str:
    """What the validation says: by its expression, else its text, else the condition itself."""
    own = validation.get("messageExpression")
    if own and case.evaluation is not None:
        try:
            if text := text_of(case.evaluation.value(own)):
                return text
        except EvaluationError:
            pass  # upstream logs it and goes on with the plain message
    return (validation.get("message") or "").strip() or f"failed expression: {source}"


def _error(ctx: RequestContext, case: Case, denied: _Denied) -> ApiError:
    text = f"ValidatingAdmissionPolicy {case.title} denied request: {denied.message}"
    plain = refuse(ctx, ctx.name, text, ({"message": text},))
    return refusal(_CODES.get(denied.reason, 422), denied.reason, plain.message, plain.details)
