"""Rules of a schema, compiled once and checked against values. Models schema/cel/validation.go."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

from apiserver.customresources.cel.source import translate
from apiserver.customresources.cel.values import Convert, compile_conversion
from apiserver.customresources.invariants import compile_below
from apiserver.customresources.structural import walk
from apiserver.customresources.validation import NO_PATH, same_json
from apiserver.machinery.validation import FieldError
from apiserver.patch.typed import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable

    from apiserver.machinery.types import Object

    Check = Callable[[Any, Any, str], list[FieldError]]

RULES: Final = "x-kubernetes-validations"
OLD: Final = "oldSelf"
_VARIABLES: Final = frozenset({"self", OLD})
_BOUND: Final = re.compile(r"\. (?:all|exists|exists_one|map|filter) \( (\w+) ,")
"""The variables of macros, in translated text."""
_AROUND: Final = re.compile(r"^(?:Function '\w+' error: )?(?:Python function call failed: \w+: )?")
_VALUELESS: Final = frozenset({"FieldValueRequired", "FieldValueForbidden"})
_NATIVE: Final = frozenset({
    "abs", "bool", "bytes", "contains", "double", "duration", "dyn", "endsWith", "getDate",
    "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear", "getHours",
    "getMilliseconds", "getMinutes", "getMonth", "getSeconds", "hasValue", "int", "matches",
    "max", "min", "none", "of", "ofNonZeroValue", "or", "orValue",
    "size", "startsWith", "string", "timestamp", "type", "uint", "value", "has", "all",
    "exists", "exists_one", "map", "filter", "optMap", "optFlatMap"})


class RuleError(ValueError):
    """An expression that cannot be compiled."""


@dataclass(frozen=True)
class Expression:
    """A compiled expression."""

    source: str
    program: Any

    @cached_property
    def uses_old(self) -> bool:
        """Whether it compares with what was before."""
        return OLD in self.program.variables()

    def evaluate(self, variables: dict[str, Any]) -> Any:
        """The value. Raises RuleFailed when it cannot be told."""
        import cel

        try:
            return self.program.execute(
                cel.Context(variables=variables, functions=_functions()))
        except (RuntimeError, TypeError, ValueError, LookupError, ArithmeticError) as error:
            raise RuleFailed(_reason(error)) from None


class RuleFailed(Exception):
    """An expression failed while it was evaluated; the text is CEL's."""


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"no such key: {error.args[0]}"
    if isinstance(error, TypeError):
        return "no such overload"
    if isinstance(error, ZeroDivisionError):
        return "division by zero"
    return plain_reason(str(error))


def plain_reason(text: str) -> str:
    """What a function of ours said, without the words that cel-rust puts around it."""
    return _AROUND.sub("", text).partition(". Check ")[0]


@lru_cache(maxsize=1)
def _functions() -> dict[str, Any]:
    from apiserver.customresources.cel.library import all_functions

    return all_functions()


@lru_cache(maxsize=1024)
def compile_expression(source: str) -> Expression:
    """Raises RuleError in the compiler's words."""
    import cel

    text = translate(source)
    try:
        program = cel.compile(text)
    except ValueError as error:
        raise RuleError(syntax_error(source, error)) from None
    known = _VARIABLES.union(_BOUND.findall(text))
    unknown = [name for name in program.variables() if name not in known and not _is_known(name)]
    unknown += [name for name in program.functions()
                if name[:1].isalpha() and not is_function(name)]
    if unknown:
        raise RuleError(f"undeclared reference to '{unknown[0]}' (in container '')")
    return Expression(source, program)


def syntax_error(source: str, error: ValueError) -> str:
    """What the parser says of an expression as it was written, or as it was translated."""
    import cel

    try:
        cel.compile(source)
    except ValueError as own:
        error = own
    _, _, rest = str(error).partition("ERROR: <input>:")
    return f"ERROR: <input>:{rest}".strip().replace("\n| ", "\n | ") if rest else str(error)


def _is_known(name: str) -> bool:
    """Names of types and of namespaced functions look like variables."""
    types = {"int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type",
             "type", "optional", "kube_string"}
    return name in types or any(
        function.startswith(f"{name}.") for function in _functions())


def is_function(name: str) -> bool:
    """Whether rules have a function or method of that name."""
    return name in _NATIVE or name in _functions() or any(
        known.endswith(f".{name}") for known in _functions())


class Rule:
    """One rule at one node."""

    def __init__(self, declared: Object) -> None:
        """Raises RuleError."""
        self.expression = compile_expression(declared["rule"])
        message = declared.get("messageExpression")
        self._message_expression = compile_expression(message) if message else None
        self._text = (declared.get("message") or "").strip()
        self._source = declared["rule"].strip()
        self._reason = declared.get("reason") or "FieldValueInvalid"
        self._field = (declared.get("fieldPath") or "")
        self.optional_old = bool(declared.get("optionalOldSelf"))

    def check(self, self_: Any, old: Any, value: Any, path: str) -> list[FieldError]:
        """`self_` and `old` are CEL values, `value` the JSON value to show."""
        variables = {"self": self_}
        if self.expression.uses_old or self._message_expression:
            found = self._old(old)
            if found is MISSING and self.expression.uses_old:
                return []
            if found is not MISSING:
                variables[OLD] = found
        try:
            if self.expression.evaluate(variables) is True:
                return []
        except RuleFailed as failure:
            return [self._failed(str(failure), value, path)]
        return [self._error(self._message(variables), value, self._place(path))]

    def _old(self, old: Any) -> Any:
        if not self.optional_old:
            return old
        import cel

        return cel.OptionalValue.none() if old is MISSING else cel.OptionalValue.of(old)

    def _message(self, variables: dict[str, Any]) -> str:
        default = self._text or f"failed rule: {self._source}"
        if self._message_expression is None:
            return default
        try:
            text = self._message_expression.evaluate(variables)
        except RuleFailed:
            return default
        good = isinstance(text, str) and text.strip() and "\n" not in text
        return str(text) if good else default

    def _failed(self, failure: str, value: Any, path: str) -> FieldError:
        rule = self._text or self._source
        if failure.startswith("no such overload"):
            text = (f"'{failure}': call arguments did not match a supported operator, function or "
                    f"macro signature for rule: {rule}")
        else:
            text = f"{failure} evaluating rule: {rule}"
        return _complaint("FieldValueInvalid", path or NO_PATH, value, text)

    def _place(self, path: str) -> str:
        place = f"{path}{self._field}" if path else self._field.lstrip(".")
        return place or NO_PATH

    def _error(self, text: str, value: Any, path: str) -> FieldError:
        if self._reason in _VALUELESS:
            return FieldError(self._reason, path, detail=text)
        return _complaint(self._reason, path, value, text)


def _complaint(reason: str, path: str, value: Any, text: str) -> FieldError:
    """Objects and lists are not shown in complaints (field.OmitValueType)."""
    if isinstance(value, dict | list):
        return FieldError(reason, path, detail=text)
    return FieldError(reason, path, value, text)


def has_rules(schema: Object) -> bool:
    """Whether any node has rules: only then the library is loaded at all."""
    found: list[bool] = []
    walk(schema, lambda node: found.append(True) if node.get(RULES) else None)
    return bool(found)


def compile_rules(node: Object, *, resource: bool = False) -> Check | None:
    """What checks the rules of a node and below; None where there are none. Raises RuleError."""
    rules = [Rule(each) for each in node.get(RULES) or ()]
    below = compile_below(node, compile_rules)
    if not rules and below is None:
        return None
    convert = compile_conversion(node, resource=resource)

    def check(value: Any, old: Any, path: str) -> list[FieldError]:
        if value is None:
            return []
        errors = _own_errors(rules, convert, value, old, path) if rules else []
        return errors + (below(value, old, path) if below else [])

    return check


def _own_errors(rules: list[Rule], convert: Convert, value: Any, old: Any,
                path: str) -> list[FieldError]:
    """Rules that hold on to what was before always count; others only when the value changed."""
    self_ = convert(value)
    before = MISSING if old is MISSING or old is None else convert(old)
    unchanged = old is not MISSING and same_json(value, old)
    return [error for rule in rules if rule.expression.uses_old or not unchanged
            for error in rule.check(self_, before, value, path)]
