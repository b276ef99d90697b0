"""What is wrong with x-kubernetes-validations. Models apiextensions' validation of XValidations.

Expressions are compiled, and their types are inferred from the schema (`cel/types.py`).
"""

from __future__ import annotations

import re
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

_NEWLINE: Final = re.compile(r"[\n\r]")
_STEP: Final = re.compile(r"(\.[A-Za-z_][\w-]*)|(\['(?:[^'\\]|\\\\.)*'\])")
_RULES: Final = "x-kubernetes-validations"
_REASONS: Final = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid",
                   "FieldValueRequired")


def rule_text_errors(node: Object, path: Path) -> list[FieldError]:
    """The complaints about what a node's rules say besides their expressions."""
    return [error for at, rule in enumerate(node.get(_RULES) or ())
            for error in _text_errors(rule, node, path.child(_RULES).at(at))]


def rule_errors(node: Object, path: Path, uncorrelated: str = "", *,
                root: bool = True) -> list[FieldError]:
    """The complaints about the rules of a node and below it."""
    errors: list[FieldError] = []
    for at, rule in enumerate(node.get(_RULES) or ()):
        own = path.child(_RULES).at(at)
        errors += _expression_errors(rule, node, own, uncorrelated, root)
    atomic = node.get("x-kubernetes-map-type") == "atomic"
    for name, child in (node.get("properties") or {}).items():
        errors += rule_errors(child, path.child("properties").key(name),
                              uncorrelated or path if atomic else uncorrelated, root=False)
    if isinstance(node.get("additionalProperties"), dict):
        errors += rule_errors(node["additionalProperties"], path.child("additionalProperties"),
                              uncorrelated, root=False)
    if isinstance(node.get("items"), dict):
        keyed = node.get("x-kubernetes-list-type") == "map"
        errors += rule_errors(node["items"], path.child("items"),
                              uncorrelated if keyed else uncorrelated or path, root=False)
    return errors


def _text_errors(rule: Object, node: Object, path: Path) -> list[FieldError]:
    text, message = (rule.get("rule") or "").strip(), rule.get("message") or ""
    errors = []
    if not text:
        errors.append(required(path.child("rule"), "rule is not specified"))
    elif message and not message.strip():
        errors.append(invalid(path.child("message"), message,
                              "message must be non-empty if specified"))
    elif _NEWLINE.search(message.strip()):
        errors.append(invalid(path.child("message"), message, "message must not contain line "
                              "breaks"))
    elif _NEWLINE.search(text) and not message.strip():
        errors.append(required(path.child("message"),
                               "message must be specified if rule contains line breaks"))
    if rule.get("messageExpression") and not rule["messageExpression"].strip():
        errors.append(required(path.child("messageExpression"),
                               "messageExpression must be non-empty if specified"))
    if rule.get("reason") is not None and rule["reason"] not in _REASONS:
        errors.append(not_supported(path.child("reason"), rule["reason"], _REASONS))
    return errors + _field_path_errors(rule.get("fieldPath") or "", node, path.child("fieldPath"))


def _field_path_errors(text: str, node: Object, path: Path) -> list[FieldError]:
    errors = []
    if text and not text.strip():
        errors.append(invalid(path, text, "fieldPath must be non-empty if specified"))
    if _NEWLINE.search(text):
        errors.append(invalid(path, text, "fieldPath must not contain line breaks"))
    if text and not _leads_somewhere(text, node):
        errors.append(invalid(path, text, "fieldPath must be a valid path"))
    return errors


def _leads_somewhere(text: str, node: Object) -> bool:
    """Whether the path (`.a.b['c']`) names something that the schema declares (ValidFieldPath)."""
    steps = _STEP.findall(text)
    if "".join(f"{dot}{key}" for dot, key in steps) != text or not steps:
        return False
    at: Any = node
    for dot, key in steps:
        name = dot[1:] or key[2:-2].replace("\\'", "'")
        properties, more = at.get("properties") or {}, at.get("additionalProperties")
        at = properties.get(name, more if isinstance(more, dict) else None)
        if at is None:
            return False
    return True


def _expression_errors(rule: Object, node: Object, path: Path, uncorrelated: str,
                       root: bool) -> list[FieldError]:
    from apiserver.customresources.cel.checking import problem_of
    from apiserver.customresources.cel.rules import RuleError, compile_expression

    errors = []
    for name in ("rule", "messageExpression"):
        if not rule.get(name):
            continue
        if problem := problem_of(rule[name], node, root=root, part=name,
                                 optional_old=bool(rule.get("optionalOldSelf"))):
            errors.append(invalid(path.child(name), _shown(rule), problem))
    try:
        uses_old = compile_expression(rule["rule"]).uses_old
    except RuleError:
        return errors
    if not uses_old and rule.get("optionalOldSelf") is not None:
        errors.append(invalid(path.child("optionalOldSelf"), rule["optionalOldSelf"],
                              "may not be set if oldSelf is not used in rule"))
    if uses_old and uncorrelated:
        errors.append(invalid(path.child("rule"), rule["rule"], "oldSelf cannot be used on the "
                              f"uncorrelatable portion of the schema within {uncorrelated}"))
    return errors


def _shown(rule: Object) -> Any:
    return internal_struct(rule, ("Rule", ""), ("Message", ""), ("MessageExpression", ""),
                           "Reason", ("FieldPath", ""), "OptionalOldSelf")
