"""What is wrong with admission policies and their bindings. Models
pkg/apis/admissionregistration/validation.

Objects have no types here: of expressions is known what literals, operators and functions say.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.names import (
    is_dns1035_label,
    is_dns1123_subdomain,
    is_qualified_name,
)
from apiserver.machinery.selectors import selector_errors
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    forbidden,
    invalid,
    not_supported,
    required,
    too_many,
)
from apiserver.resources.admissionregistration.webhooks import rule_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object

SPEC: Final = Path("spec")
_REASONS: Final = ("Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized")
_ACTIONS: Final = ("Audit", "Deny", "Warn")
_PATCH_TYPES: Final = ("ApplyConfiguration", "JSONPatch")
_REINVOCATIONS: Final = ("IfNeeded", "Never")
_IDENTIFIER: Final = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_RESERVED: Final = frozenset({
    "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function",
    "if", "import", "let", "loop", "package", "namespace", "return", "var", "void", "while"})
_NEWLINE: Final = re.compile(r"[\n\r]")
_BOTH: Final = ("must not contain both Deny and Warn (repeating the same validation failure "
                "information in the API response and headers serves no purpose)")
_EXCLUSIVE: Final = "name and selector are mutually exclusive"
_MOST_CONDITIONS: Final = 64
_MOST_ANNOTATIONS: Final = 20
_LONGEST_ANNOTATION: Final = 5 * 1024


def validating_policy_errors(spec: Object, name: str) -> list[FieldError]:
    """The complaints about a ValidatingAdmissionPolicy's spec."""
    errors = _common_errors(spec)
    validations, annotations = spec.get("validations") or (), spec.get("auditAnnotations") or ()
    if not validations and not annotations:
        text = "validations or auditAnnotations must be specified"
        return [*errors, *(required(SPEC.child(part), text)
                           for part in ("validations", "auditAnnotations"))]
    for i, validation in enumerate(validations):
        errors += _validation_errors(validation, spec, SPEC.child("validations").at(i))
    return errors + _annotations_errors(annotations, spec, name)


def mutating_policy_errors(spec: Object) -> list[FieldError]:
    """The complaints about a MutatingAdmissionPolicy's spec."""
    errors = _common_errors(spec)
    if not spec.get("mutations"):
        errors.append(required(SPEC.child("mutations"),
                               "mutations must contain at least one item"))
    for i, mutation in enumerate(spec.get("mutations") or ()):
        errors += _mutation_errors(mutation, spec, SPEC.child("mutations").at(i))
    policy, path = spec.get("reinvocationPolicy"), SPEC.child("reinvocationPolicy")
    if not policy:
        errors.append(required(path))
    elif policy not in _REINVOCATIONS:
        errors.append(not_supported(path, policy, _REINVOCATIONS))
    return errors


def binding_errors(spec: Object) -> list[FieldError]:
    """The complaints about what all bindings have."""
    policy, path = spec.get("policyName") or "", SPEC.child("policyName")
    errors = all_invalid(path, policy, is_dns1123_subdomain(policy)) if policy else [required(path)]
    errors += _param_ref_errors(spec.get("paramRef"), SPEC.child("paramRef"))
    if spec.get("matchResources") is not None:  # the misspelt name is upstream's
        errors += _match_errors(spec["matchResources"], SPEC.child("matchResouces"))
    return errors


def actions_errors(actions: Sequence[str]) -> list[FieldError]:
    """The complaints about a binding's validationActions."""
    path = SPEC.child("validationActions")
    errors = []
    for i, action in enumerate(actions):
        if action not in _ACTIONS:
            errors.append(not_supported(path.at(i), action, _ACTIONS))
        if action in actions[:i]:
            errors.append(duplicate(path.at(i), action))
    if {"Deny", "Warn"} <= set(actions):
        errors.append(invalid(path, list(actions), _BOTH))
    if not actions:
        errors.append(required(path, "at least one validation action is required"))
    return errors


# --- parts -------------------------------------------------------------------------------------


def _common_errors(spec: Object) -> list[FieldError]:
    """What both kinds of policies have: how they fail, what they are about, their variables."""
    errors: list[FieldError] = []
    policy = spec.get("failurePolicy")
    if policy not in (None, "Fail", "Ignore"):
        errors.append(not_supported(SPEC.child("failurePolicy"), policy, ["Fail", "Ignore"]))
    if spec.get("paramKind") is not None:
        errors += _param_kind_errors(spec["paramKind"], SPEC.child("paramKind"))
    match, path = spec.get("matchConstraints"), SPEC.child("matchConstraints")
    if match is None:
        errors.append(required(path))
    else:
        errors += _match_errors(match, path)
        if not match.get("resourceRules"):
            errors.append(required(path.child("resourceRules")))
    errors += conditions_errors(spec.get("matchConditions") or (), SPEC.child("matchConditions"),
                                params=spec.get("paramKind") is not None)
    for i, variable in enumerate(spec.get("variables") or ()):
        errors += _variable_errors(variable, spec, i, SPEC.child("variables").at(i))
    return errors


def conditions_errors(conditions: Sequence[Object], path: Path, *,
                      params: bool = False) -> list[FieldError]:
    """The complaints about matchConditions, of webhooks too."""
    errors: list[FieldError] = []
    if len(conditions) > _MOST_CONDITIONS:
        errors.append(too_many(path, len(conditions), _MOST_CONDITIONS))
    names = [condition.get("name") or "" for condition in conditions]
    for i, condition in enumerate(conditions):
        text, own = (condition.get("expression") or "").strip(), path.at(i)
        if text:
            errors += _compiled(text, own.child("expression"), "bool", params=params)
        else:
            errors.append(required(own.child("expression")))
        if not names[i]:
            errors.append(required(own.child("name")))
        else:
            errors += all_invalid(own.child("name"), names[i], is_qualified_name(names[i]))
            if names[i] in names[:i]:
                errors.append(duplicate(own.child("name"), names[i]))
    return errors


def _param_kind_errors(kind: Object, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    version, name = kind.get("apiVersion") or "", kind.get("kind") or ""
    if not version:
        errors.append(required(path.child("apiVersion")))
    elif version.count("/") > 1:
        errors.append(invalid(path.child("apiVersion"), version,
                              f"unexpected GroupVersion string: {version}"))
    if not name:
        errors.append(required(path.child("kind")))
    elif texts := is_dns1035_label(name.lower()):
        errors.append(invalid(path.child("kind"), name, "may have mixed case, but should otherwise"
                              f" match: {','.join(texts)}"))
    return errors


def _match_errors(match: Object, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    for part in ("namespaceSelector", "objectSelector"):
        errors += selector_errors(match.get(part), path.child(part))
    for part in ("resourceRules", "excludeResourceRules"):
        for i, rule in enumerate(match.get(part) or ()):
            errors += rule_errors(rule, path.child(part).at(i))
            names, own = rule.get("resourceNames") or [], path.child(part).at(i)
            errors += [duplicate(own.child("resourceNames").at(j), name)
                       for j, name in enumerate(names) if name in names[:j]]
    policy = match.get("matchPolicy")
    if policy not in (None, "Equivalent", "Exact"):
        errors.append(not_supported(path.child("matchPolicy"), policy, ["Equivalent", "Exact"]))
    return errors


def _variable_errors(variable: Object, spec: Object, at: int, path: Path) -> list[FieldError]:
    name, errors = variable.get("name") or "", []
    if not name.strip():
        errors.append(required(path.child("name"), "name is not specified"))
    elif not _IDENTIFIER.fullmatch(name) or name in _RESERVED:
        errors.append(invalid(path.child("name"), name, "name is not a valid CEL identifier"))
    return errors + _expression(variable, "expression", spec, path, at=at)


def _validation_errors(validation: Object, spec: Object, path: Path) -> list[FieldError]:
    errors = _expression(validation, "expression", spec, path, "bool")
    own, said = validation.get("messageExpression") or "", validation.get("message") or ""
    if own and not own.strip():
        errors.append(invalid(path.child("messageExpression"), own,
                              "must be non-empty if specified"))
    elif own:
        errors += _expression(validation, "messageExpression", spec, path, "string")
    if said and not said.strip():
        errors.append(invalid(path.child("message"), said,
                              "message must be non-empty if specified"))
    elif _NEWLINE.search(said.strip()):
        errors.append(invalid(path.child("message"), said, "message must not contain line breaks"))
    reason = validation.get("reason")
    if reason is not None and reason not in _REASONS:
        errors.append(not_supported(path.child("reason"), reason, _REASONS))
    return errors


def _annotations_errors(annotations: Sequence[Object], spec: Object,
                        name: str) -> list[FieldError]:
    path, errors = SPEC.child("auditAnnotations"), []
    if len(annotations) > _MOST_ANNOTATIONS:
        errors.append(invalid(path, list(annotations), "must not have more than "
                              f"{_MOST_ANNOTATIONS} auditAnnotations"))
    keys = [annotation.get("key") or "" for annotation in annotations]
    for i, annotation in enumerate(annotations):
        own, text = path.at(i), (annotation.get("valueExpression") or "").strip()
        whole = f"{name}/{keys[i]}" if name else keys[i]
        errors += all_invalid(own.child("key"), whole, is_qualified_name(whole))
        if len(text) > _LONGEST_ANNOTATION:
            errors.append(required(own.child("valueExpression"),
                                   f"must not exceed {_LONGEST_ANNOTATION} bytes in length"))
        else:
            errors += _expression(annotation, "valueExpression", spec, own, "string", "null_type")
        if keys[i] in keys[:i]:
            errors.append(duplicate(own.child("key"), keys[i]))
    return errors


def _mutation_errors(mutation: Object, spec: Object, path: Path) -> list[FieldError]:
    kind = mutation.get("patchType") or ""
    parts = {"ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"}
    if not kind:
        return [required(path.child("patchType"))]
    if kind not in _PATCH_TYPES:
        return [not_supported(path.child("patchType"), kind, _PATCH_TYPES)]
    errors = []
    for each, part in parts.items():
        given, own = mutation.get(part), path.child(part)
        if each != kind:
            errors += [forbidden(own, f"must not be specified when patchType is {kind}")
                       ] if given is not None else []
        elif given is None:
            errors.append(required(own, f"must be specified when patchType is {kind}"))
        else:
            errors += _expression(given, "expression", spec, own)
    return errors


def _param_ref_errors(reference: Object | None, path: Path) -> list[FieldError]:
    if reference is None:
        return []
    name, selector, errors = reference.get("name") or "", reference.get("selector"), []
    if name:
        errors += all_invalid(path.child("name"), name, is_dns1123_subdomain(name))
    if name and selector is not None:
        errors += [forbidden(path.child("name"), _EXCLUSIVE)]
    if selector is not None:
        errors += selector_errors(selector, path.child("selector"))
    if name and selector is not None:
        errors += [forbidden(path.child("selector"), _EXCLUSIVE)]
    if not name and selector is None:
        errors.append(required(path, "one of name or selector must be specified"))
    action, own = reference.get("parameterNotFoundAction"), path.child("parameterNotFoundAction")
    if not action:
        errors.append(required(own))
    elif action not in ("Allow", "Deny"):
        errors.append(not_supported(own, action, ["Deny", "Allow"]))
    return errors


# --- expressions -------------------------------------------------------------------------------


def _expression(part: Object, name: str, spec: Object, path: Path, *types: str,
                at: int | None = None) -> list[FieldError]:
    """The complaints about an expression that must be there; `at`: of that variable."""
    text, own = part.get(name) or "", path.child(name)
    if not text.strip():
        return [required(own, f"{name} is not specified")]
    variables = spec.get("variables") or ()
    known = [each.get("name") for each in (variables if at is None else variables[:at])]
    return _compiled(text, own, *types, params=spec.get("paramKind") is not None, variables=known)


def _compiled(text: str, path: Path, *types: str, params: bool,
              variables: Sequence[Any] | None = None) -> list[FieldError]:
    from apiserver.admission.expressions import (
        ExpressionError,
        compile_program,
        static_type,
        undefined_variable,
    )

    try:
        program = compile_program(text)
        if not params:
            program.refuse_name("params")
        for name in program.variables:
            if variables is not None and name not in variables:
                raise undefined_variable(text, name)
        found = static_type(text)
    except ExpressionError as error:
        return [invalid(path, text, f"compilation failed: {error}")]
    if not types or not found or found in types:
        return []
    wanted = types[0] if len(types) == 1 else f"one of [{' '.join(types)}]"
    return [invalid(path, text, f"must evaluate to {wanted}")]
