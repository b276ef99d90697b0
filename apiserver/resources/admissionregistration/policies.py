"""Admission policies and their bindings. Models pkg/registry/admissionregistration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.conditions import conditions_errors
from apiserver.machinery.validation import FieldError, Path, required
from apiserver.resource import Resource
from apiserver.resources.admissionregistration.policy_validation import (
    actions_errors,
    binding_errors,
    mutating_policy_errors,
    validating_policy_errors,
)
from apiserver.resources.admissionregistration.webhooks import (
    CATEGORIES,
    GROUP,
    default_rules,
)
from apiserver.resources.printing import AGE, NAME, UNSET, dig, field, named, number
from apiserver.strategy import RESETS_WITH_METADATA, Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object


class PolicyStrategy(Strategy):
    """What objects must be like (ValidatingAdmissionPolicy)."""

    unconditional_update = False
    resets = RESETS_WITH_METADATA

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        if spec.get("failurePolicy") is None:
            spec["failurePolicy"] = "Fail"
        _default_match(spec.get("matchConstraints"))

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return validating_policy_errors(obj.get("spec") or {}, obj["metadata"].get("name", ""))

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        path, warned = Path("status"), dig(obj, "status", "typeChecking", "expressionWarnings")
        own = path.child("typeChecking", "expressionWarnings")
        errors = [required(own.at(i).child(name)) for i, warning in enumerate(warned or ())
                  for name in ("warning", "fieldRef") if not (warning.get(name) or "").strip()]
        return errors + conditions_errors(dig(obj, "status", "conditions") or (),
                                          path.child("conditions"))


class MutatingPolicyStrategy(Strategy):
    """How objects are changed (MutatingAdmissionPolicy)."""

    unconditional_update = False

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        if spec.get("failurePolicy") is None:
            spec["failurePolicy"] = "Fail"
        _default_match(spec.get("matchConstraints"))

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return mutating_policy_errors(obj.get("spec") or {})


class BindingStrategy(Strategy):
    """Where a policy holds (MutatingAdmissionPolicyBinding)."""

    unconditional_update = False

    def default(self, obj: Object) -> None:
        _default_match(dig(obj, "spec", "matchResources"))

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return binding_errors(obj.get("spec") or {})


class ValidatingBindingStrategy(BindingStrategy):
    """Where a policy holds and what follows (ValidatingAdmissionPolicyBinding)."""

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return super().validate(ctx, obj) + actions_errors(
            dig(obj, "spec", "validationActions") or ())


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
