"""matchConditions: CEL that decides whether a webhook or policy is asked at all. Models
apiserver/pkg/admission/plugin/webhook/matchconditions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apiserver.admission.expressions import (
    EvaluationError,
    ExpressionError,
    compile_program,
    functions_for,
    values_for,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apiserver.admission.asked import Asked
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry


class ConditionFailed(Exception):
    """A condition could not be told, and none was false."""


def conditions_hold(registry: Registry, conditions: Sequence[Object], asked: Asked,
                    more: Mapping[str, Any] | None = None) -> bool:
    """Whether all conditions are true; one that is false outweighs those that fail.

    `more`: further variables. Raises ConditionFailed.
    """
    if not conditions:
        return True
    values = {**values_for(asked, asked.request("")), **(more or {})}
    functions = functions_for(registry, asked)
    errors: list[str] = []
    for condition in conditions:
        text = condition.get("expression") or ""
        try:
            if compile_program(text).evaluate(values, functions) is False:
                return False
        except (EvaluationError, ExpressionError) as error:
            errors.append(f"expression '{text}' resulted in error: {error}")
    if errors:
        raise ConditionFailed(errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]")
    return True
