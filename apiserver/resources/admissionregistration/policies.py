"""Admission policies and their bindings. Expressions are not compiled here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.validation import FieldError, Path, not_supported, required
from apiserver.resource import Resource
from apiserver.resources.admissionregistration.webhooks import (
    CATEGORIES,
    GROUP,
    default_rules,
    expression_errors,
    rule_errors,
)
from apiserver.resources.printing import AGE, NAME, UNSET, dig, field, named, number
from apiserver.strategy import RESETS_WITH_METADATA, Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_SPEC: Final = Path("spec")
_ACTIONS: Final = ("Audit", "Deny", "Warn")


class PolicyStrategy(Strategy):
    """What objects must be like (ValidatingAdmissionPolicy)."""

    resets = RESETS_WITH_METADATA

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        if spec.get("failurePolicy") is None:
            spec["failurePolicy"] = "Fail"
        _default_match(spec.get("matchConstraints"))

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        spec = obj.get("spec") or {}
        errors = _policy_errors(spec)
        if not spec.get("validations") and not spec.get("auditAnnotations"):
            errors.append(required(_SPEC.child("validations"),
                                   "validations or auditAnnotations must be specified"))
        for i, validation in enumerate(spec.get("validations") or ()):
            path = _SPEC.child("validations").at(i)
            if not (validation.get("expression") or "").strip():
                errors.append(required(path.child("expression"), "expression is not specified"))
            for name in ("expression", "messageExpression"):
                errors += expression_errors(validation.get(name), path.child(name))
        return errors


class MutatingPolicyStrategy(Strategy):
    """How objects are changed (MutatingAdmissionPolicy)."""

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        if spec.get("failurePolicy") is None:
            spec["failurePolicy"] = "Fail"
        _default_match(spec.get("matchConstraints"))

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        spec = obj.get("spec") or {}
        errors = _policy_errors(spec)
        if not spec.get("mutations"):
            errors.append(required(_SPEC.child("mutations"),
                                   "mutations must contain at least one item"))
        for i, mutation in enumerate(spec.get("mutations") or ()):
            for name in ("applyConfiguration", "jsonPatch"):
                errors += expression_errors(
                    (mutation.get(name) or {}).get("expression"),
                    _SPEC.child("mutations").at(i).child(name).child("expression"))
        return errors


class BindingStrategy(Strategy):
    """Where a policy holds (MutatingAdmissionPolicyBinding)."""

    def default(self, obj: Object) -> None:
        _default_match(dig(obj, "spec", "matchResources"))

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        if dig(obj, "spec", "policyName"):
            return []
        return [required(_SPEC.child("policyName"))]


class ValidatingBindingStrategy(BindingStrategy):
    """Where a policy holds and what follows (ValidatingAdmissionPolicyBinding)."""

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        errors = super().validate(ctx, obj)
        actions, path = dig(obj, "spec", "validationActions") or (), _SPEC.child(
            "validationActions")
        if not actions:
            errors.append(required(path, "at least one validation action is required"))
        return errors + [not_supported(path.at(i), action, _ACTIONS)
                         for i, action in enumerate(actions) if action not in _ACTIONS]


def _default_match(match: Any) -> None:
    if match is None:
        return
    if match.get("matchPolicy") is None:
        match["matchPolicy"] = "Equivalent"
    for name in ("namespaceSelector", "objectSelector"):
        if match.get(name) is None:
            match[name] = {}
    for name in ("resourceRules", "excludeResourceRules"):
        default_rules(match.get(name) or ())


def _policy_errors(spec: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    policy = spec.get("failurePolicy")
    if policy not in (None, "Fail", "Ignore"):
        errors.append(not_supported(_SPEC.child("failurePolicy"), policy, ["Fail", "Ignore"]))
    match, path = spec.get("matchConstraints"), _SPEC.child("matchConstraints")
    if match is None:
        return [*errors, *_shared_expressions(spec), required(path)]
    if not match.get("resourceRules"):
        errors.append(required(path.child("resourceRules")))
    for i, rule in enumerate(match.get("resourceRules") or ()):
        errors += rule_errors(rule, path.child("resourceRules").at(i))
    return errors + _shared_expressions(spec)


def _shared_expressions(spec: Object) -> list[FieldError]:
    """Variables and conditions, which both kinds of policies have."""
    return [error for part in ("matchConditions", "variables")
            for i, one in enumerate(spec.get(part) or ())
            for error in expression_errors(one.get("expression"),
                                           _SPEC.child(part).at(i).child("expression"))]


def _param_kind(obj: Object, now: float) -> str:
    kind = dig(obj, "spec", "paramKind")
    return f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}" if kind else UNSET


def _param_ref(obj: Object, now: float) -> str:
    reference = dig(obj, "spec", "paramRef")
    if not reference:
        return UNSET
    if reference.get("name"):
        return f"{reference.get('namespace') or '*'}/{reference['name']}"
    chosen = reference.get("selector")
    return UNSET if chosen is None else _go_selector(chosen)


def _go_selector(chosen: Object) -> str:
    """A LabelSelector as the generated Go code writes it."""
    labels = chosen.get("matchLabels") or {}
    matched = "".join(f"{key}: {labels[key]}," for key in sorted(labels))
    expressions = "".join(
        f"LabelSelectorRequirement{{Key:{e.get('key', '')},Operator:{e.get('operator', '')},"
        f"Values:[{' '.join(e.get('values') or ())}],}},"
        for e in chosen.get("matchExpressions") or ())
    return (f"&LabelSelector{{MatchLabels:map[string]string{{{matched}}},"
            f"MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}")


_BINDING_COLUMNS: Final = (
    NAME,
    named("PolicyName", field("spec", "policyName"), "Which policy holds."),
    named("ParamRef", _param_ref, "With which parameters."),
    AGE)

VALIDATINGADMISSIONPOLICIES = Resource(
    group=GROUP, version="v1", kind="ValidatingAdmissionPolicy",
    plural="validatingadmissionpolicies", namespaced=False,
    categories=CATEGORIES, strategy=PolicyStrategy(),
    status=True,
    columns=(
        NAME,
        number("Validations", lambda obj, now: len(dig(obj, "spec", "validations") or ()),
               "How many conditions it has."),
        named("ParamKind", _param_kind, "Of which kind its parameters are."),
        AGE))

MUTATINGADMISSIONPOLICIES = Resource(
    group=GROUP, version="v1", kind="MutatingAdmissionPolicy",
    plural="mutatingadmissionpolicies", namespaced=False,
    categories=CATEGORIES, strategy=MutatingPolicyStrategy(),
    columns=(
        NAME,
        number("Mutations", lambda obj, now: len(dig(obj, "spec", "mutations") or ()),
               "How many changes it makes."),
        named("ParamKind", _param_kind, "Of which kind its parameters are."),
        AGE))

VALIDATINGADMISSIONPOLICYBINDINGS = Resource(
    group=GROUP, version="v1", kind="ValidatingAdmissionPolicyBinding",
    plural="validatingadmissionpolicybindings", namespaced=False, categories=CATEGORIES,
    strategy=ValidatingBindingStrategy(), columns=_BINDING_COLUMNS)

MUTATINGADMISSIONPOLICYBINDINGS = Resource(
    group=GROUP, version="v1", kind="MutatingAdmissionPolicyBinding",
    plural="mutatingadmissionpolicybindings", namespaced=False, categories=CATEGORIES,
    strategy=BindingStrategy(),
    columns=_BINDING_COLUMNS)
