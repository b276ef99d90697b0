"""Nobody grants what they do not hold. Models pkg/registry/rbac/{role,rolebinding,...}/policybased
and pkg/registry/rbac/validation (ConfirmNoEscalation).

Upstream wraps the four storages in it; here it is the last step before validation, which comes to
the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.admission.chain import AdmissionStep, Operation, refuse
from apiserver.authorization.attributes import Attributes
from apiserver.authorization.rules import compact, describe, uncovered
from apiserver.machinery import meta
from apiserver.machinery.errors import NotFound, Unknown
from apiserver.machinery.gvk import GVR
from apiserver.machinery.validation import go_quote
from apiserver.storage.keys import object_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

_GROUP: Final = "rbac.authorization.k8s.io"
_ROLES: Final = frozenset({"roles", "clusterroles"})
_BINDINGS: Final = frozenset({"rolebindings", "clusterrolebindings"})
_MASTERS: Final = "system:masters"
_ALL: Final = ({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
               {"nonResourceURLs": ["*"], "verbs": ["*"]})
_AGGREGATES: Final = "must have cluster-admin privileges to use an aggregationRule"
_PLURALS: Final = {"Role": "roles", "ClusterRole": "clusterroles"}


class NoEscalation(AdmissionStep):
    """Roles hold only what their writer holds, bindings only give what their writer holds."""

    operations: ClassVar[tuple[Operation, ...]] = ("CREATE", "UPDATE")
    _registry: Registry

    def connect(self, registry: Registry) -> None:
        """Roles are read from the registry's store, rules from its authorizer."""
        self._registry = registry

    async def admit(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Raises Forbidden; NotFound for a binding to a role that is not there."""
        if obj is None or ctx.resource.group != _GROUP or _MASTERS in ctx.user.groups:
            return
        if ctx.resource.plural in _ROLES:
            self._check_role(ctx, obj, old or {})
        elif ctx.resource.plural in _BINDINGS:
            await self._check_binding(ctx, obj, old or {})

    def _check_role(self, ctx: RequestContext, role: Object, old: Object) -> None:
        rules = role.get("rules") or []
        aggregation = role.get("aggregationRule")
        changes_rules = rules != (old.get("rules") or [])
        changes_aggregation = aggregation != old.get("aggregationRule")
        if not (changes_rules or changes_aggregation) or self._may_escalate(ctx, old):
            return
        if changes_rules and (why := self._escalation(ctx, rules)):
            raise refuse(ctx, meta.name(role), why)
        if changes_aggregation and self._escalation(ctx, _ALL):
            raise refuse(ctx, meta.name(role), _AGGREGATES)

    async def _check_binding(self, ctx: RequestContext, binding: Object, old: Object) -> None:
        ref = binding.get("roleRef") or {}
        same = ref == old.get("roleRef") and (
            (binding.get("subjects") or []) == (old.get("subjects") or []))
        if same or self._may_bind(ctx, ref):
            return
        if why := self._escalation(ctx, await self._rules_of(ctx, ref)):
            raise refuse(ctx, meta.name(binding), why)

    def _may_escalate(self, ctx: RequestContext, old: Object) -> bool:
        """Whether the verb `escalate` is allowed (a request that creates names no object)."""
        return self._registry.decide(Attributes(
            user=ctx.user, verb="escalate", group=_GROUP, version="*",
            resource=ctx.resource.plural, namespace=ctx.namespace,
            name=ctx.name if old else "")).allowed

    def _may_bind(self, ctx: RequestContext, ref: Object) -> bool:
        return self._registry.decide(Attributes(
            user=ctx.user, verb="bind", group=_GROUP, version="*",
            resource=_PLURALS.get(ref.get("kind") or "", ""), namespace=ctx.namespace,
            name=ref.get("name") or "")).allowed

    async def _rules_of(self, ctx: RequestContext, ref: Object) -> Sequence[Object]:
        """The rules of the role that a binding gives. Raises NotFound, Unknown."""
        kind, name = ref.get("kind") or "", ref.get("name") or ""
        if kind not in _PLURALS:
            raise Unknown(f"unsupported role reference kind: {go_quote(kind)}")
        resource = self._registry.catalog.resource(GVR(_GROUP, "v1", _PLURALS[kind]))
        place = ctx.namespace if resource.namespaced else ""
        version = await self._registry.store.get(object_key(resource, place, name))
        if version is None:
            raise NotFound.object(_GROUP, resource.plural, name)
        return version.object.get("rules") or ()

    def _escalation(self, ctx: RequestContext, wanted: Sequence[Object]) -> str:
        """What of `wanted` the user does not hold, as a sentence; '' when all is held."""
        missing = uncovered(self._registry.rules(ctx.user, ctx.namespace), wanted)
        if not missing:
            return ""
        groups = " ".join(go_quote(group) for group in ctx.user.groups)
        lines = sorted({describe(rule) for rule in compact(missing)})
        return "\n".join([
            f"user {go_quote(ctx.user.name)} (groups=[{groups}]) is attempting to grant RBAC"
            " permissions not currently held:", *lines])
