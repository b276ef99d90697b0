"""The variables of one evaluation. Models apiserver/pkg/admission/plugin/cel/composition.go."""

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
    from collections.abc import Sequence

    from apiserver.admission.asked import Asked
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry


class Evaluation:
    """A policy's expressions over one request and one set of parameters."""

    def __init__(self, registry: Registry, asked: Asked, variables: Sequence[Object],
                 params: Object | None, namespace: Object | None) -> None:
        self._values = {**values_for(asked, asked.request("")), "params": params,
                        "namespaceObject": namespace}
        self._functions = functions_for(registry, asked)
        self._sources = {one.get("name") or "": one.get("expression") or "" for one in variables}
        self._known: dict[str, Any] = {}
        self._failed: dict[str, str] = {}

    def value(self, source: str) -> Any:
        """What an expression says. Raises EvaluationError, also for what cannot be compiled."""
        try:
            program = compile_program(source)
        except ExpressionError as error:
            raise EvaluationError(f"compilation error: compilation failed: {error}") from None
        for name in program.variables:
            self._compute(name)
        return program.evaluate({**self._values, "variables": self._known}, self._functions)

    def _compute(self, name: str) -> None:
        """Work a variable out when it is first used. Raises EvaluationError."""
        if name in self._failed:
            raise EvaluationError(self._failed[name])
        if name in self._known or name not in self._sources:
            return
        self._failed[name] = f"composited variable \"{name}\" refers to itself"
        try:
            value = self.value(self._sources[name])
        except EvaluationError as error:
            self._failed[name] = f'composited variable "{name}" fails to evaluate: {error}'
            raise EvaluationError(self._failed[name]) from None
        del self._failed[name]
        self._known[name] = value
