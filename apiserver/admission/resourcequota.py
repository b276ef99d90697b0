"""No more than a namespace's quotas allow. Models apiserver/pkg/admission/plugin/resourcequota.

What a request adds is charged to `status.used` before the object is stored, so that of two requests
only one gets the last piece; the controller gives back what goes, or was charged in vain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.admission.chain import AdmissionStep, Operation, refuse
from apiserver.admission.lister import Lister
from apiserver.machinery import meta, quota
from apiserver.machinery.quantity import ZERO, Quantity, parse_quantity
from apiserver.storage.keys import object_key
from apiserver.storage.store import RevisionMismatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

_UNCOUNTED: Final = frozenset({
    "events", "bindings", "componentstatuses", "tokenreviews", "subjectaccessreviews",
    "localsubjectaccessreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews",
    "selfsubjectreviews"})
"""Kinds that no quota counts (DefaultIgnoredResources)."""
_CHANGEABLE: Final = frozenset({("", "services"), ("", "persistentvolumeclaims")})
"""Kinds whose usage an update may raise."""
_ATTEMPTS: Final = 4


class ResourceQuotas(AdmissionStep):
    """Charges new and growing objects, or refuses them."""

    plugin: ClassVar[str] = "ResourceQuota"
    operations: ClassVar[tuple[Operation, ...]] = ("CREATE", "UPDATE")

    _registry: Registry
    _quotas: Lister

    def connect(self, registry: Registry) -> None:
        """Quotas are read from the registry's store, and charged there."""
        self._registry = registry
        self._quotas = Lister(registry, "", "resourcequotas")

    async def validate(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Raises Forbidden."""
        if not ctx.namespace or obj is None or not _is_charged(ctx, old):
            return
        await self._quotas.refresh()
        if self._quotas.empty or not self._quotas.in_namespace(ctx.namespace):
            return
        done: set[str] = set()
        for _ in range(_ATTEMPTS):
            charged = [one for one in self._check(ctx, obj, old) if meta.name(one) not in done]
            if ctx.dry_run or await self._store(ctx, charged, done):
                return
            await self._quotas.refresh()
        raise refuse(ctx, ctx.name, "exceeded quota: the quotas changed too often, try again")

    def _check(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[Object]:
        """The quotas as they are after the request. Raises Forbidden."""
        group, plural = ctx.resource.group, ctx.resource.plural
        concerned = [one for one in self._quotas.in_namespace(ctx.namespace)
                     if _check_stated(ctx, one, obj)]
        if not concerned:
            return []
        now = self._registry.clock.now()
        added = quota.usage_of(group, plural, obj, now)
        if negative := sorted(name for name, amount in added.items() if amount < ZERO):
            raise refuse(ctx, ctx.name,
                         f"quota usage is negative for resource(s): {','.join(negative)}")
        if old is not None:
            before = quota.usage_of(group, plural, old, now)
            added = {name: amount - before.get(name, ZERO) for name, amount in added.items()}
        added = {name: amount for name, amount in added.items() if not amount.is_zero}
        charged = [_charge(ctx, one, added) for one in concerned]
        return [one for one in charged if one is not None]

    async def _store(self, ctx: RequestContext, charged: Iterable[Object],
                     done: set[str]) -> bool:
        """Write the charged quotas and add them to `done`; False when somebody else was faster."""
        resource = self._registry.catalog.find("", "v1", "resourcequotas")
        assert resource is not None, "quotas were found, so they are served"
        for one in charged:
            key = object_key(resource, ctx.namespace, meta.name(one))
            revision = int(meta.resource_version(one))
            try:
                await self._registry.store.put(key, one, expected=revision)
            except RevisionMismatch:
                return False
            done.add(meta.name(one))
        return True


def _is_charged(ctx: RequestContext, old: Object | None) -> bool:
    """Whether an operation on a kind can raise its usage (Evaluator.Handles)."""
    plural = ctx.resource.plural
    if plural in _UNCOUNTED:
        return False
    if old is None:
        return not ctx.subresource
    name = (ctx.resource.group, plural)
    if ctx.subresource:
        return ctx.subresource == "resize" and name == ("", "pods")
    return name in _CHANGEABLE


def _check_stated(ctx: RequestContext, one: Object, obj: Object) -> bool:
    """Whether a quota is about the object. Raises Forbidden for what the object must state."""
    group, plural = ctx.resource.group, ctx.resource.plural
    status = one.get("status") or {}
    names = [name for name in status.get("hard") or {} if quota.restricts(group, plural, name)]
    if not names or not quota.covers(one, group, plural, obj):
        return False
    if (group, plural) == ("", "pods") and (missing := quota.unsaid(obj, names)):
        said = "; ".join(f"{name} for: {','.join(missing[name])}" for name in missing)
        raise refuse(ctx, ctx.name, f"failed quota: {meta.name(one)}: must specify {said}")
    used = status.get("used") or {}
    if any(name not in used for name in names):
        raise refuse(ctx, ctx.name, f"status unknown for quota: {meta.name(one)}, resources:"
                     f" {','.join(sorted(names))}")
    return True


def _charge(ctx: RequestContext, one: Object, added: Mapping[str, Quantity]) -> Object | None:
    """The quota with more used; None when nothing changes. Raises Forbidden."""
    status = one["status"]
    hard, used = _amounts(status.get("hard")), _amounts(status.get("used"))
    asked = {name: amount for name, amount in added.items() if name in hard}
    if not asked:
        return None
    total = {name: used.get(name, ZERO) + amount for name, amount in asked.items()}
    exceeded = sorted(name for name, amount in total.items() if amount > hard[name])
    if exceeded:
        raise refuse(ctx, ctx.name, f"exceeded quota: {meta.name(one)}, requested:"
                     f" {_text(asked, exceeded)}, used: {_text(used, exceeded)}, limited:"
                     f" {_text(hard, exceeded)}")
    texts = {name: str(amount) for name, amount in total.items()}
    return {**meta.with_metadata(one),
            "status": {**status, "used": {**(status.get("used") or {}), **texts}}}


def _amounts(texts: Mapping[str, str] | None) -> dict[str, Quantity]:
    return {name: parse_quantity(text) for name, text in (texts or {}).items()}


def _text(amounts: Mapping[str, Quantity], names: Sequence[str]) -> str:
    return ",".join(f"{name}={amounts.get(name, ZERO)}" for name in names)
