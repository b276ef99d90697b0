"""The field and label selectors of access reviews: checked, and what an authorizer sees of them.

Models pkg/apis/authorization/validation and pkg/registry/authorization/util. What cannot be
understood narrows nothing, and is told in `evaluationError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.fields import parse_field_selector
from apiserver.machinery.names import is_qualified_name
from apiserver.machinery.selectors import SelectorError, parse_selector
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    forbidden,
    invalid,
    required,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from apiserver.machinery.types import Object

_WITH_VALUES: Final = ("In", "NotIn")
_WITHOUT: Final = ("Exists", "DoesNotExist")
_PARSERS: Final[dict[str, Callable[[str], object]]] = {
    "fieldSelector": parse_field_selector, "labelSelector": parse_selector}


def selector_errors(asked: Object, path: Path) -> list[FieldError]:
    """What is wrong with the selectors of resourceAttributes; unknown operators are let pass."""
    return [error for name in _PARSERS if asked.get(name) is not None
            for error in _errors(asked[name], path.child(name), labels=name == "labelSelector")]


def _errors(selector: Object, path: Path, *, labels: bool) -> list[FieldError]:
    raw, requirements = selector.get("rawSelector") or "", selector.get("requirements") or ()
    errors: list[FieldError] = []
    if raw and requirements:
        errors.append(invalid(path.child("rawSelector"), raw,
                              "may not specified at the same time as requirements"))
    if not raw and not requirements:
        errors.append(required(path.child("requirements"), (
            f"when {path} is specified, requirements or rawSelector is required")))
    for i, each in enumerate(requirements):
        errors += _requirement_errors(each, path.child("requirements").at(i), labels=labels)
    return errors


def _requirement_errors(each: Object, path: Path, *, labels: bool) -> list[FieldError]:
    key, operator, values = each.get("key") or "", each.get("operator"), each.get("values") or ()
    errors: list[FieldError] = []
    if labels:
        errors += all_invalid(path.child("key"), key, is_qualified_name(key))
    elif not key:
        errors.append(required(path.child("key"), "must be specified"))
    if operator in _WITH_VALUES and not values:
        errors.append(required(path.child("values"),
                               "must be specified when `operator` is 'In' or 'NotIn'"))
    if operator in _WITHOUT and values:
        errors.append(forbidden(path.child("values"), "may not be specified when `operator` is "
                                                      "'Exists' or 'DoesNotExist'"))
    return errors


def field_selector_of(asked: Object) -> str:
    """The field selector as text, as far as it can be understood."""
    selector = asked.get("fieldSelector") or {}
    if raw := selector.get("rawSelector"):
        return str(raw)
    return ",".join(f"{each['key']}{'=' if each['operator'] == 'In' else '!='}{each['values'][0]}"
                    for each in selector.get("requirements") or ()
                    if each.get("operator") in _WITH_VALUES and len(each.get("values") or ()) == 1)


def evaluation_error(asked: Object) -> str:
    """What could not be understood of the selectors; '' when all was."""
    problems = []
    for name, parse in _PARSERS.items():
        selector = asked.get(name) or {}
        problem, ignored = _problem(selector, parse, labels=name == "labelSelector")
        if problem:
            problems.append(f"spec.resourceAttributes.{name} {ignored} due to parse error: "
                            f"{problem}")
    return problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]" if problems else ""


def _problem(selector: Object, parse: Callable[[str], object], *,
             labels: bool) -> tuple[str, str]:
    if raw := selector.get("rawSelector"):
        try:
            parse(raw)
        except SelectorError as error:
            return str(error), "ignored"
    requirements = selector.get("requirements") or ()
    known = _WITH_VALUES + _WITHOUT
    odd = [each for each in requirements if each.get("operator") not in known]
    found = [f'"{each.get("operator")}" is not a valid {"label" if labels else "field"} selector'
             " operator" for each in odd]
    ignored = "ignored" if len(odd) == len(requirements) else "partially ignored"
    return (found[0] if len(found) == 1 else f"[{', '.join(found)}]" if found else ""), ignored
