"""What is wrong with x-kubernetes-validations. Models apiextensions' validation of XValidations.

Expressions are parsed, and what they name is looked up: variables, functions, and the fields
that they take from `self`. Types of operands are not inferred; a mismatch shows when a rule is
evaluated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.validation import (
    FieldError,
    Path,
    internal_struct,
    invalid,
    not_supported,
    required,
)

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

_RULES: Final = "x-kubernetes-validations"
_REASONS: Final = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid",
                   "FieldValueRequired")


def rule_errors(node: Object, path: Path, uncorrelated: str = "", *,
                root: bool = True) -> list[FieldError]:
    """The complaints about the rules of a node and below it."""
    errors: list[FieldError] = []
    for at, rule in enumerate(node.get(_RULES) or ()):
        own = path.child(_RULES).at(at)
        errors += _text_errors(rule, own) or _expression_errors(rule, node, own, uncorrelated, root)
    for name, child in (node.get("properties") or {}).items():
        errors += rule_errors(child, path.child("properties").key(name), uncorrelated, root=False)
    if isinstance(node.get("additionalProperties"), dict):
        errors += rule_errors(node["additionalProperties"], path.child("additionalProperties"),
                              uncorrelated, root=False)
    if isinstance(node.get("items"), dict):
        keyed = node.get("x-kubernetes-list-type") == "map"
        errors += rule_errors(node["items"], path.child("items"),
                              uncorrelated if keyed else uncorrelated or path, root=False)
    return errors


def _text_errors(rule: Object, path: Path) -> list[FieldError]:
    text, message = (rule.get("rule") or "").strip(), rule.get("message") or ""
    errors = []
    if not text:
        errors.append(required(path.child("rule"), "rule is not specified"))
    elif message and not message.strip():
        errors.append(invalid(path.child("message"), message,
                              "message must be non-empty if specified"))
    elif "\n" in message.strip():
        errors.append(invalid(path.child("message"), message, "message must not contain line "
                              "breaks"))
    elif "\n" in text and not message:
        errors.append(required(path.child("message"),
                               "message must be specified if rule contains line breaks"))
    if rule.get("messageExpression") and not rule["messageExpression"].strip():
        errors.append(required(path.child("messageExpression"),
                               "messageExpression must be non-empty if specified"))
    if rule.get("reason") is not None and rule["reason"] not in _REASONS:
        errors.append(not_supported(path.child("reason"), rule["reason"], _REASONS))
    return errors


def _expression_errors(rule: Object, node: Object, path: Path, uncorrelated: str,
                       root: bool) -> list[FieldError]:
    from apiserver.customresources.cel.checking import problem_of
    from apiserver.customresources.cel.rules import RuleError, compile_expression

    errors = []
    for name in ("rule", "messageExpression"):
        if not rule.get(name):
            continue
        if problem := problem_of(rule[name], node, root=root):
            text = f"compilation failed: {problem}" if name == "rule" else (
                f"messageExpression compilation failed: {problem}")
            errors.append(invalid(path.child(name), _shown(rule) if name == "rule" else rule[name],
                                  text))
    try:
        uses_old = compile_expression(rule["rule"]).uses_old
    except RuleError:
        return errors
    if uses_old and uncorrelated:
        errors.append(invalid(path.child("rule"), rule["rule"], "oldSelf cannot be used on the "
                              f"uncorrelatable portion of the schema within {uncorrelated}"))
    return errors


def _shown(rule: Object) -> Any:
    return internal_struct(rule, ("Rule", ""), ("Message", ""), ("MessageExpression", ""),
                           "Reason", ("FieldPath", ""), "OptionalOldSelf")
