"""Keeps the rules of aggregated ClusterRoles. Models pkg/controller/clusterroleaggregation."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.machinery import meta
from apiserver.machinery.gvk import GVR
from apiserver.machinery.rbac import aggregated_rules, selectors_of
from controllers.controller import Controller, ControllerContext, KeysOf, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.machinery.types import Object

CLUSTERROLES: Final = GVR("rbac.authorization.k8s.io", "v1", "clusterroles")
_ALL: Final = "aggregated"
_MANAGER: Final = "clusterrole-aggregation-controller"


class ClusterRoleAggregationController(Controller):
    """There is one key, all aggregated ClusterRoles: any role may be part of any of them."""

    name: ClassVar[str] = "clusterrole-aggregation-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._roles = ctx.informers.get(CLUSTERROLES)

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {CLUSTERROLES: self._changed}

    def _changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        return (_ALL,)

    async def reconcile(self, key: str) -> Result | None:
        for role in sorted(self._roles, key=meta.name):
            if selectors_of(role):
                await self._sync(role)
        return None

    async def _sync(self, role: Object) -> None:
        rules = aggregated_rules(role, self._roles)
        if rules == (role.get("rules") or []):
            return
        await self._client.patch(
            CLUSTERROLES, meta.name(role), None, {
                "apiVersion": f"{CLUSTERROLES.group}/v1", "kind": "ClusterRole",
                "metadata": {"name": meta.name(role)}, "rules": rules},
            type="apply", field_manager=_MANAGER, force=True)
