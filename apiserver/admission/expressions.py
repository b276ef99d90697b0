"""CEL over requests: what matchConditions and admission policies say. Models
apiserver/pkg/admission/plugin/cel and apiserver/pkg/cel/library's authorizer.

    object, oldObject, request, params, namespaceObject, authorizer, variables
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from apiserver.authorization.attributes import Attributes
from apiserver.customresources.cel.library import all_functions
from apiserver.customresources.cel.rules import (
    RuleFailed,
    is_function,
    plain_reason,
    syntax_error,
)
from apiserver.customresources.cel.source import located, place_of, translate
from apiserver.customresources.cel.types import DYN, problems_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from apiserver.admission.asked import Asked
    from apiserver.registry.registry import Registry

_ESCAPED: Final = re.compile(r"\.\s*((?:\w*__(?:dash|dot|slash|underscores)__\w*)|__[a-z]+__)\b")
_ESCAPES: Final = {"__dash__": "-", "__dot__": ".", "__slash__": "/", "__underscores__": "__"}
_CHECK: Final = "__authorizer"
_BOUND: Final = re.compile(
    r"(?:\.\s*(?:all|exists|exists_one|existsOne|map|filter|transformList|transformMap|optMap"
    r"|optFlatMap)|cel\s*\.\s*bind)\s*\(\s*(\w+)\s*,")
"""The variables of macros."""
_NAMES: Final = frozenset({
    "object", "oldObject", "request", "params", "namespaceObject", "variables", "authorizer",
    "int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type", "type",
    "optional", "kube_string", "kube_size"})
_VARIABLE: Final = re.compile(r"\bvariables\s*\.\s*(\w+)")


class ExpressionError(ValueError):
    """An expression that cannot be compiled, in the compiler's words."""


class EvaluationError(Exception):
    """An expression whose value cannot be told."""


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled expression."""

    source: str
    program: Any
    variables: tuple[str, ...]
    """The names after `variables.` that it uses."""

    def refuse_name(self, name: str) -> None:
        """Say that a variable is not there in this place. Raises ExpressionError."""
        if name in self.program.variables():
            raise undeclared(self.source, name)

    def evaluate(self, values: Mapping[str, Any], functions: Mapping[str, Any]) -> Any:
        """Its value. Raises EvaluationError."""
        import cel

        try:
            return self.program.execute(
                cel.Context(variables=dict(values), functions=dict(functions)))
        except KeyError as error:
            raise EvaluationError(f"no such key: {error.args[0]}") from None
        except TypeError:
            raise EvaluationError("no such overload") from None
        except ZeroDivisionError:
            raise EvaluationError("division by zero") from None
        except (RuntimeError, ValueError, LookupError, RuleFailed) as error:
            raise EvaluationError(plain_reason(str(error))) from None


@lru_cache(maxsize=1024)
def compile_program(source: str) -> Program:
    """Raises ExpressionError."""
    import cel

    try:
        program = cel.compile(translate(structs_as_maps(unescaped(source))))
    except ValueError as error:
        raise ExpressionError(syntax_error(source, error)) from None
    _check_names(source, program)
    return Program(source, program, tuple(dict.fromkeys(_VARIABLE.findall(source))))


def _check_names(source: str, program: Any) -> None:
    """Raises ExpressionError for a variable that there is not."""
    bound = set(_BOUND.findall(source))
    for name in program.variables():
        if name in _NAMES or name in bound or name.startswith("pair_") or any(
                function.startswith(f"{name}.") for function in _common()):
            continue
        raise undeclared(source, name)
    for name in program.functions():
        if name[:1].isalpha() and not (is_function(name) or _is_own_function(name)):
            raise undeclared(source, name)


def _is_own_function(name: str) -> bool:
    """The authorizer's functions, and those of patches."""
    return name == "check" or any(name == known.rpartition(".")[2] for known in _common())


def undeclared(source: str, name: str) -> ExpressionError:
    """What the compiler says of a name that it does not know."""
    return ExpressionError(located(source, place_of(source, name), (
        f"undeclared reference to '{name}' (in container '')")))


def undefined_variable(source: str, name: str) -> ExpressionError:
    """What the compiler says of a variable that the policy does not have (yet)."""
    at = re.search(rf"(\.)\s*{re.escape(name)}\b", source)
    return ExpressionError(located(source, at.start(1) if at else 0, f"undefined field '{name}'"))


def static_type(source: str) -> str:
    """The CEL type of an expression over a request, as far as it can be told; '' otherwise.

    Raises ExpressionError where types do not fit.
    """
    problems, found = problems_of(source, {})
    if problems:
        raise ExpressionError("\n".join(located(source, at, text) for at, text in problems))
    return "" if found == DYN else found.name


def unescaped(source: str) -> str:
    """Names that CEL cannot write (`.a__dash__b`, `.__namespace__`) as indexes."""
    def plain(match: re.Match[str]) -> str:
        name = match[1]
        if name.startswith("__") and name not in _ESCAPES and name.endswith("__"):
            return f'["{name[2:-2]}"]'
        for escape, text in _ESCAPES.items():
            name = name.replace(escape, text)
        return f'["{name}"]'

    return _ESCAPED.sub(plain, source)


_STRUCT: Final = re.compile(r"""
    (?P<string>[rR]?(?:"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<struct>\b(?:Object(?:\s*\.\s*\w+)*|JSONPatch)\s*\{)
    |(?P<key>(?<=[{,])(?P<blank>\s*)(?P<name>[A-Za-z_]\w*)(?=\s*:))
    |(?P<open>[{(\[])
    |(?P<close>[})\]])
    """, re.VERBOSE)


def structs_as_maps(source: str) -> str:
    """`Object{spec: Object.spec{replicas: 1}}` as `{"spec": {"replicas": 1}}`: cel-rust has no
    structs."""
    inside: list[bool] = []

    def plain(match: re.Match[str]) -> str:
        if match["struct"]:
            inside.append(True)
            return "{"
        if match["open"]:
            inside.append(False)
        elif match["close"] and inside:
            inside.pop()
        elif match["key"] and inside and inside[-1]:
            return f'{match["blank"]}"{match["name"]}"'
        return match.group()

    return _STRUCT.sub(plain, source)


# --- the authorizer ------------------------------------------------------------------------------


def _set(part: str) -> Callable[..., Any]:
    return lambda value, text: {_CHECK: {**value[_CHECK], part: text}}


@lru_cache(maxsize=1)
def _common() -> dict[str, Any]:
    return {**all_functions(), "group": _set("group"), "resource": _set("resource"),
            "subresource": _set("subresource"), "namespace": _set("namespace"),
            "name": _set("name"), "path": _set("path"),
            "serviceAccount": lambda value, namespace, name: {_CHECK: {
                **value[_CHECK], "user": f"system:serviceaccount:{namespace}:{name}"}},
            "allowed": lambda decision: decision["allowed"],
            "reason": lambda decision: decision["reason"],
            "errored": lambda decision: False, "error": lambda decision: "",
            "jsonpatch.escapeKey": lambda text: text.replace("~", "~0").replace("/", "~1")}


def functions_for(registry: Registry, asked: Asked) -> dict[str, Any]:
    """All functions; `check` asks the registry's authorizer about the request's user."""
    def check(value: Any, verb: str) -> Any:
        parts = dict(value[_CHECK])
        user = asked.user
        if account := parts.pop("user", ""):
            _, _, namespace, _name = account.split(":")
            user = type(user)(name=account, groups=(
                "system:serviceaccounts", f"system:serviceaccounts:{namespace}",
                "system:authenticated"))
        decision = registry.decide(Attributes(user=user, verb=verb, version="*", **parts))
        return {"allowed": decision.allowed, "reason": decision.reason}

    return {**_common(), "check": check}


def values_for(asked: Asked, request: Mapping[str, Any]) -> dict[str, Any]:
    """The variables that every expression has. `request`: the request of the AdmissionReview."""
    plain = {key: value for key, value in request.items() if key not in ("object", "oldObject")}
    own: dict[str, Any] = {
        "group": asked.resource.group, "resource": asked.resource.plural, "name": asked.name,
        "namespace": asked.namespace}
    if asked.subresource:
        own["subresource"] = asked.subresource
    return {"object": asked.obj, "oldObject": asked.old, "request": plain,
            "authorizer": {_CHECK: {}, "requestResource": {_CHECK: own}}}
