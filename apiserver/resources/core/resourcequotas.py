"""ResourceQuotas. Models pkg/registry/core/resourcequota and ValidateResourceQuota."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.quantity import parse_quantity
from apiserver.machinery.validation import FieldError, Path, internal_struct, invalid, required
from apiserver.resource import Resource
from apiserver.resources.core.pod_defaults import round_amounts
from apiserver.resources.core.resource_validation import (
    amount_errors,
    is_quota_resource,
    quota_resource_errors,
)
from apiserver.resources.printing import AGE, NAME, dig, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.resource import Cell

_EXISTS_ONLY: Final = ("Terminating", "NotTerminating", "BestEffort", "NotBestEffort",
                       "CrossNamespacePodAffinity")
_SCOPES: Final = (*_EXISTS_ONLY, "PriorityClass", "VolumeAttributesClass")
_COMPUTE: Final = frozenset({
    "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"})
_STORAGE: Final = frozenset({"persistentvolumeclaims", "requests.storage"})
_CONFLICTS: Final = (("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating"))
_EXIST: Final = (
    "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, "
    "ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, "
    "ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity")
_SPEC: Final = Path("spec")


class ResourceQuotaStrategy(Strategy):
    """How much a namespace may use."""

    has_generation = False
    delete_returns_object = True

    def default(self, obj: Object) -> None:
        for part in ("spec", "status"):
            for amounts in ("hard", "used"):
                round_amounts(dig(obj, part, amounts))

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        spec = obj.get("spec") or {}
        hard = spec.get("hard") or {}
        errors: list[FieldError] = []
        for name, amount in hard.items():
            path = _SPEC.child("hard").key(name)
            errors += quota_resource_errors(name, path) + amount_errors(name, amount, path)
        errors += _scopes_errors(spec.get("scopes") or [], hard, _SPEC.child("scopes"))
        if spec.get("scopeSelector") is not None:
            errors += _selector_errors(spec["scopeSelector"], hard, spec.get("scopes") or [])
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        errors = self.validate(ctx, obj)
        new, before = (dig(o, "spec", "scopes") or [] for o in (obj, old))
        if set(new) != set(before):
            errors.append(invalid(_SPEC.child("scopes"), new or None, "field is immutable"))
        return errors

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        for part in ("hard", "used"):
            for name, amount in (dig(obj, "status", part) or {}).items():
                path = Path("status").child(part).key(name)
                errors += quota_resource_errors(name, path) + amount_errors(name, amount, path)
        return errors


def _fits(scope: str, name: str) -> bool:
    if scope == "VolumeAttributesClass":
        return name in _STORAGE
    return name == "pods" or (scope != "BestEffort" and name in _COMPUTE)


def _misfits(scope: str, hard: Iterable[str]) -> list[str]:
    return [name for name in sorted(hard) if is_quota_resource(name) and not _fits(scope, name)]


def _scopes_errors(scopes: list[str], hard: Iterable[str], path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    for scope in scopes:
        if scope not in _SCOPES:
            errors.append(invalid(path, scopes, "unsupported scope"))
        errors += [invalid(path, scopes, "unsupported scope applied to resource")
                   for _ in _misfits(scope, hard)]
    errors += [invalid(path, scopes, "conflicting scopes")
               for pair in _CONFLICTS if set(pair) <= set(scopes)]
    return errors


def _selector_errors(selector: Object, hard: Iterable[str],
                     scopes: list[str]) -> list[FieldError]:
    path = _SPEC.child("scopeSelector", "matchExpressions")
    errors: list[FieldError] = []
    for expression in selector.get("matchExpressions") or ():
        errors += _expression_errors(expression, selector, hard, path)
    given = {e.get("scopeName", "") for e in selector.get("matchExpressions") or ()}
    return errors + [invalid(path, scopes or None, "conflicting scopes")
                     for pair in _CONFLICTS if given.issuperset(pair)]


def _shown(selector: Object) -> Object:
    return {"MatchExpressions": [
        internal_struct(e, ("ScopeName", ""), ("Operator", ""), "Values")
        for e in selector.get("matchExpressions") or ()]}


def _expression_errors(expression: Object, selector: Object, hard: Iterable[str],
                       path: Path) -> list[FieldError]:
    scope, operator = expression.get("scopeName", ""), expression.get("operator", "")
    values = expression.get("values") or []
    errors: list[FieldError] = []
    if scope not in _SCOPES:
        errors.append(invalid(path.child("scopeName"), scope, "unsupported scope"))
    errors += [invalid(path, _shown(selector), "unsupported scope applied to resource")
               for _ in _misfits(scope, hard)]
    if scope in _EXISTS_ONLY and operator != "Exists":
        errors.append(invalid(path.child("operator"), operator, _EXIST))
    if operator in ("In", "NotIn"):
        if not values:
            errors.append(required(
                path.child("values"), "must be at least one value when `operator` is "
                "'In' or 'NotIn' for scope selector"))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            errors.append(invalid(
                path.child("values"), values, "must be no value when `operator` is "
                "'Exist' or 'DoesNotExist' for scope selector"))
    else:
        errors.append(invalid(path.child("operator"), operator, "not a valid selector operator"))
    return errors


def _usage(*, limits: bool) -> Cell:
    def cell(obj: Object, now: float) -> str:
        hard, used = (dig(obj, "status", part) or {} for part in ("hard", "used"))
        return ", ".join(
            f"{name}: {parse_quantity(used.get(name, '0'))}/{parse_quantity(hard[name])}"
            for name in sorted(hard) if name.startswith("limits.") is limits)
    return cell


RESOURCEQUOTAS = Resource(
    group="", version="v1", kind="ResourceQuota", plural="resourcequotas",
    short_names=("quota",), strategy=ResourceQuotaStrategy(), status=True,
    columns=(NAME, named("Request", _usage(limits=False), "What is used of what is allowed."),
             named("Limit", _usage(limits=True), "The same for limits."), AGE))
