"""Roles and ClusterRoles. Models pkg/registry/rbac/role and pkg/apis/rbac/validation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.selectors import selector_errors
from apiserver.machinery.validation import FieldError, Path, invalid, required
from apiserver.resource import Resource
from apiserver.resources.printing import CREATED_AT, NAME, dig
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

GROUP: Final = "rbac.authorization.k8s.io"


class RoleStrategy(Strategy):
    """What may be done in a namespace."""

    name_rule = "pathsegment"
    create_on_update = True
    has_generation = False
    revalidates_metadata = True

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return [error for i, rule in enumerate(obj.get("rules") or ())
                for error in _rule_errors(rule, Path("rules").at(i), everywhere=False)]


class ClusterRoleStrategy(RoleStrategy):
    """What may be done everywhere."""

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        errors = [error for i, rule in enumerate(obj.get("rules") or ())
                  for error in _rule_errors(rule, Path("rules").at(i), everywhere=True)]
        if obj.get("aggregationRule") is None:
            return errors
        path = Path("aggregationRule.clusterRoleSelectors")
        selectors = dig(obj, "aggregationRule", "clusterRoleSelectors") or ()
        if not selectors:
            errors.append(required(path, "at least one clusterRoleSelector required if "
                                   "aggregationRule is non-nil"))
        for i, selector in enumerate(selectors):
            errors += selector_errors(selector, path.at(i))
        return errors


def _rule_errors(rule: Object, path: Path, *, everywhere: bool) -> list[FieldError]:
    errors: list[FieldError] = []
    if not rule.get("verbs"):
        errors.append(required(path.child("verbs"), "verbs must contain at least one value"))
    urls, own = rule.get("nonResourceURLs"), path.child("nonResourceURLs")
    if urls:
        if not everywhere:
            errors.append(invalid(own, urls, "namespaced rules cannot apply to non-resource URLs"))
        if any(rule.get(name) for name in ("apiGroups", "resources", "resourceNames")):
            errors.append(invalid(own, urls, "rules cannot apply to both regular resources and "
                                  "non-resource URLs"))
        return errors
    if not rule.get("apiGroups"):
        errors.append(required(path.child("apiGroups"),
                               "resource rules must supply at least one api group"))
    if not rule.get("resources"):
        errors.append(required(path.child("resources"),
                               "resource rules must supply at least one resource"))
    return errors


ROLES = Resource(
    group=GROUP, version="v1", kind="Role", plural="roles", strategy=RoleStrategy(),
    columns=(NAME, CREATED_AT))

CLUSTERROLES = Resource(
    group=GROUP, version="v1", kind="ClusterRole", plural="clusterroles", namespaced=False,
    strategy=ClusterRoleStrategy(), columns=(NAME, CREATED_AT))
