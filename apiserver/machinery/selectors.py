"""Label selectors: their text form, their object form, and what they match.

Models apimachinery/pkg/labels/selector.go and LabelSelectorAsSelector; errors are worded as there.

    env=prod,tier!=web   env in (prod,dev)   env notin (qa)   tier   !tier   n>5   n<10
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from apiserver.machinery.names import is_qualified_name, is_valid_label_value
from apiserver.machinery.validation import FieldError, invalid, required

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

Labels = Mapping[str, str]
Operator = Literal["in", "notin", "=", "==", "!=", "exists", "!", "gt", "lt"]


class SelectorError(ValueError):
    """A selector that cannot be parsed, in Kubernetes' words."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()
    """Sorted, without duplicates."""

    def matches(self, labels: Labels) -> bool:
        """Whether a set of labels meets it."""
        return _MATCH[self.operator](self, labels.get(self.key))

    def __str__(self) -> str:
        if self.operator == "exists":
            return self.key
        if self.operator == "!":
            return f"!{self.key}"
        if self.operator in ("in", "notin"):
            return f"{self.key} {self.operator} ({','.join(self.values)})"
        return f"{self.key}{_SYMBOL.get(self.operator, self.operator)}{self.values[0]}"


@dataclass(frozen=True, slots=True)
class Selector:
    """Requirements that all must hold; none match everything."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False
    """Matches no object at all (the selector of a null LabelSelector)."""

    def matches(self, labels: Labels) -> bool:
        """Whether an object with these labels is selected."""
        if self.nothing:
            return False
        return all(requirement.matches(labels) for requirement in self.requirements)

    @property
    def empty(self) -> bool:
        """Whether it selects everything."""
        return not self.requirements and not self.nothing

    def __str__(self) -> str:
        return ",".join(str(requirement) for requirement in self.requirements)


EVERYTHING: Final = Selector()
NOTHING: Final = Selector(nothing=True)

_SYMBOL: Final = {"gt": ">", "lt": "<"}


def _integer(text: str | None) -> int | None:
    """strconv.ParseInt: decimal digits with a sign, 64 bits."""
    digits = (text or "").removeprefix("-").removeprefix("+")
    if text is None or not (digits.isascii() and digits.isdigit()) or len(text) - len(digits) > 1:
        return None
    value = int(text)
    return value if -(2**63) <= value < 2**63 else None


def _compares(requirement: Requirement, value: str | None, sign: int) -> bool:
    actual, bound = _integer(value), _integer(requirement.values[0])
    return actual is not None and bound is not None and (actual - bound) * sign > 0


_Match = Callable[[Requirement, "str | None"], bool]
_MATCH: Final[Mapping[str, _Match]] = {
    "in": lambda r, value: value is not None and value in r.values,
    "=": lambda r, value: value == r.values[0],
    "==": lambda r, value: value == r.values[0],
    "notin": lambda r, value: value is None or value not in r.values,
    "!=": lambda r, value: value != r.values[0],
    "exists": lambda r, value: value is not None,
    "!": lambda r, value: value is None,
    "gt": lambda r, value: _compares(r, value, 1),
    "lt": lambda r, value: _compares(r, value, -1),
}


# --- the object form -----------------------------------------------------------------------------

_EXPRESSION_OPERATORS: Final[Mapping[str, Operator]] = {
    "In": "in",
    "NotIn": "notin",
    "Exists": "exists",
    "DoesNotExist": "!",
}


def from_label_selector(selector: Object | None) -> Selector:
    """A metav1.LabelSelector as a Selector; None selects nothing, `{}` everything.

    Raises SelectorError.
    """
    if selector is None:
        return NOTHING
    requirements = list(_equalities(selector.get("matchLabels") or {}))
    for expression in selector.get("matchExpressions") or ():
        operator = _EXPRESSION_OPERATORS.get(expression.get("operator", ""))
        if operator is None:
            raise SelectorError(f'"{expression.get("operator", "")}" is not a valid label selector'
                                " operator")
        requirements.append(
            _requirement(expression.get("key", ""), operator, expression.get("values") or ()))
    return _selector(requirements)


def from_labels(labels: Labels) -> Selector:
    """The selector that wants exactly these labels (a Service's `spec.selector`)."""
    return _selector([Requirement(key, "=", (value,)) for key, value in labels.items()])


def _equalities(labels: Labels) -> list[Requirement]:
    return [_requirement(key, "=", (value,)) for key, value in labels.items()]


def _selector(requirements: list[Requirement]) -> Selector:
    return Selector(tuple(sorted(requirements, key=lambda requirement: requirement.key)))


# --- checks (NewRequirement) ---------------------------------------------------------------------


def _requirement(key: str, operator: Operator, values: Sequence[str]) -> Requirement:
    errors = _key_errors("key", key)
    errors += _count_errors(operator, values)
    for i, value in enumerate(values):
        if wrong := is_valid_label_value(value):
            errors.append(invalid(f"values[{i}][{key}]", value, "; ".join(wrong)))
    if errors:
        raise SelectorError(_aggregate(errors))
    return Requirement(key, operator, tuple(sorted(set(values))))


def _key_errors(field: str, key: str) -> list[FieldError]:
    wrong = is_qualified_name(key)
    return [invalid(field, key, "; ".join(wrong))] if wrong else []


def _count_errors(operator: Operator, values: Sequence[str]) -> list[FieldError]:
    if operator in ("in", "notin") and not values:
        detail = "for 'in', 'notin' operators, values set can't be empty"
        return [invalid("values", list(values), detail)]
    if operator in ("exists", "!") and values:
        return [invalid("values", list(values),
                        "values set must be empty for exists and does not exist")]
    if operator in ("gt", "lt"):
        detail = "for 'Gt', 'Lt' operators, the value must be an integer"
        return [invalid(f"values[{i}]", value, detail)
                for i, value in enumerate(values) if _integer(value) is None]
    return []


def _aggregate(errors: Sequence[FieldError]) -> str:
    messages = list(dict.fromkeys(str(error) for error in errors))
    return messages[0] if len(messages) == 1 else "[" + ", ".join(messages) + "]"


# --- the text form -------------------------------------------------------------------------------

_END: Final = ""
_SPECIAL: Final = "=!(),<>"
_SPACE: Final = " \t\r\n"
_DOUBLE: Final = ("==", "!=")
_OPERATORS: Final[Mapping[str, Operator]] = {
    "in": "in", "notin": "notin", "=": "=", "==": "==", "!=": "!=", ">": "gt", "<": "lt",
}


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    identifier: bool = False
    """A word: a key, a value, or `in` and `notin` where those are not operators."""


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while at < len(text):
        start = at
        if text[at] in _SPACE:
            at += 1
        elif text[at] in _SPECIAL:
            at += 2 if text[at:at + 2] in _DOUBLE else 1
            found.append(_Token(text[start:at]))
        else:
            while at < len(text) and text[at] not in _SPECIAL and text[at] not in _SPACE:
                at += 1
            found.append(_Token(text[start:at], identifier=True))
    return [*found, _Token(_END)]


class _Parser:
    """Recursive descent over the tokens, one method for each rule of upstream's grammar."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    def parse(self) -> Selector:
        requirements: list[Requirement] = []
        while (token := self._peek()).text != _END or token.identifier:
            if not token.identifier and token.text != "!":
                raise SelectorError(
                    f"found '{token.text}', expected: !, identifier, or 'end of string'")
            requirements.append(self._parse_requirement())
            if not self._another():
                break
        return _selector(requirements)

    def _another(self) -> bool:
        """Whether a comma and a further requirement follow."""
        token = self._next()
        if token.text == _END:
            return False
        if token.text != ",":
            raise SelectorError(f"found '{token.text}', expected: ',' or 'end of string'")
        after = self._peek()
        if not after.identifier and after.text != "!":
            raise SelectorError(f"found '{after.text}', expected: identifier after ','")
        return True

    def _parse_requirement(self) -> Requirement:
        try:
            return self._requirement()
        except SelectorError as error:
            raise SelectorError(f"unable to parse requirement: {error}") from None

    def _requirement(self) -> Requirement:
        token = self._next()
        negated = token.text == "!"
        if negated:
            token = self._next()
        if not token.identifier:
            raise SelectorError(f"found '{token.text}', expected: identifier")
        if errors := _key_errors("<nil>", token.text):
            raise SelectorError(_aggregate(errors))
        if negated:
            return _requirement(token.text, "!", ())
        if self._peek().text in (_END, ","):
            return _requirement(token.text, "exists", ())
        operator = self._operator()
        listed = operator in ("in", "notin")
        return _requirement(token.text, operator, self._values() if listed else self._value())

    def _operator(self) -> Operator:
        token = self._next()
        if (operator := _OPERATORS.get(token.text)) is None:
            raise SelectorError(
                f"found '{token.text}', expected: in, notin, =, ==, !=, gt, lt")
        return operator

    def _value(self) -> tuple[str, ...]:
        if self._peek().text in (_END, ","):
            return ("",)
        token = self._next()
        if not token.identifier:
            raise SelectorError(f"found '{token.text}', expected: identifier")
        return (token.text,)

    def _values(self) -> tuple[str, ...]:
        token = self._next()
        if token.text != "(":
            raise SelectorError(f"found '{token.text}' expected: '('")
        first = self._peek()
        if first.text == ")":
            self._next()
            return ("",)
        if not first.identifier and first.text != ",":
            raise SelectorError(f"found '{first.text}', expected: ',', ')' or identifier")
        values = self._identifiers()
        if self._next().text != ")":
            raise SelectorError(f"found '{first.text}', expected: ')'")
        return values

    def _identifiers(self) -> tuple[str, ...]:
        """Words between commas; a place left empty is the value ''."""
        values: set[str] = set()
        while True:
            token = self._next()
            if token.identifier:
                values.add(token.text)
                after = self._peek()
                if after.text == ")":
                    return tuple(sorted(values))
                if after.text != ",":
                    raise SelectorError(f"found '{after.text}', expected: ',' or ')'")
            elif token.text == ",":
                self._empty_places(values)
                if self._peek().text == ")":
                    return tuple(sorted(values))
            else:
                raise SelectorError(f"found '{token.text}', expected: ',', or identifier")

    def _empty_places(self, values: set[str]) -> None:
        after = self._peek()
        if not values or after.text in (")", ","):
            values.add("")
        if after.text == ",":
            self._next()

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token


@lru_cache(maxsize=1024)
def parse_selector(text: str) -> Selector:
    """The selector that `text` spells; '' selects everything. Raises SelectorError."""
    return _Parser(text).parse()


def selector_errors(selector: Object | None, field: str) -> list[FieldError]:
    """What is wrong with a metav1.LabelSelector in an object (ValidateLabelSelector)."""
    errors: list[FieldError] = []
    for key, value in ((selector or {}).get("matchLabels") or {}).items():
        errors += _label_errors(f"{field}.matchLabels", key, value)
    for i, expression in enumerate((selector or {}).get("matchExpressions") or ()):
        errors += _expression_errors(f"{field}.matchExpressions[{i}]", expression)
    return errors


def _label_errors(field: str, key: str, value: str) -> list[FieldError]:
    errors = [invalid(field, key, wrong) for wrong in is_qualified_name(key)]
    return errors + [invalid(field, value, wrong) for wrong in is_valid_label_value(value)]


def _expression_errors(field: str, expression: Object) -> list[FieldError]:
    operator, values = expression.get("operator", ""), expression.get("values") or []
    errors: list[FieldError] = []
    if operator in ("In", "NotIn") and not values:
        errors.append(required(f"{field}.values",
                               "must be specified when `operator` is 'In' or 'NotIn'"))
    elif operator in ("Exists", "DoesNotExist") and values:
        errors.append(FieldError("FieldValueForbidden", f"{field}.values",
                      detail="may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
    elif operator not in _EXPRESSION_OPERATORS:
        errors.append(invalid(f"{field}.operator", operator, "not a valid selector operator"))
    errors += [invalid(f"{field}.key", expression.get("key", ""), wrong)
               for wrong in is_qualified_name(expression.get("key", ""))]
    for i, value in enumerate(values):
        errors += [invalid(f"{field}.values[{i}]", value, wrong)
                   for wrong in is_valid_label_value(value)]
    return errors
