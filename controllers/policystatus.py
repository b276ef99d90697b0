"""Says that a ValidatingAdmissionPolicy was looked at, and where its expressions do not fit the
kinds that it is about. Models pkg/controller/validatingadmissionpolicystatus.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.machinery.gvk import GVR
from apiserver.machinery.meta import generation
from controllers import pods
from controllers.controller import Controller, ControllerContext, KeysOf, Result, own_key

if TYPE_CHECKING:
    from collections.abc import Mapping

POLICIES: Final = GVR("admissionregistration.k8s.io", "v1", "validatingadmissionpolicies")


class PolicyStatusController(Controller):
    """Key: a ValidatingAdmissionPolicy."""

    name: ClassVar[str] = "validatingadmissionpolicy-status-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._informers = ctx.informers
        self._warnings = ctx.options.type_warnings

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {POLICIES: own_key}

    async def reconcile(self, key: str) -> Result | None:
        policy = self._informers.get(POLICIES).get(key)
        if policy is None or pods.status(policy).get("observedGeneration") == generation(policy):
            return None
        warnings = self._warnings(policy) if self._warnings is not None else []
        status = {**pods.status(policy), "observedGeneration": generation(policy),
                  "typeChecking": {"expressionWarnings": warnings} if warnings else {}}
        await self._client.update(POLICIES, {**policy, "status": status}, subresource="status")
        return None
