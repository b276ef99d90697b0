"""Approves kubelets' requests for client certificates, of who may have them. Models
pkg/controller/certificates/approver (sarapprove.go).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.machinery.clock import rfc3339
from apiserver.machinery.gvk import GVR
from controllers.certificates.requests import (
    CSRS,
    KUBELET_CLIENT,
    Wish,
    conditions_of,
    kubelet_client_problem,
    parse,
)
from controllers.controller import Controller, ControllerContext, KeysOf, Result, own_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.machinery.types import Object

_REVIEWS: Final = GVR("authorization.k8s.io", "v1", "subjectaccessreviews")
_RECOGNIZERS: Final = (
    ("selfnodeclient", "Auto approving self kubelet client certificate after"
                       " SubjectAccessReview."),
    ("nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview."))
"""The permission, and what approval by it says; the first is for who asks for itself."""


class CSRApprovingController(Controller):
    """Key: a CertificateSigningRequest."""

    name: ClassVar[str] = "certificatesigningrequest-approving-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._clock = ctx.clock
        self._requests = ctx.informers.get(CSRS)

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {CSRS: own_key}

    async def reconcile(self, key: str) -> Result | None:
        csr = self._requests.get(key)
        if csr is None or csr["spec"]["signerName"] != KUBELET_CLIENT or _is_decided(csr):
            return None
        try:
            _, wish = parse(csr)
        except ValueError:
            return None
        if not kubelet_client_problem(wish, csr["spec"]["usages"]):
            await self._consider(csr, wish)
        return None

    async def _consider(self, csr: Object, wish: Wish) -> None:
        for permission, message in _RECOGNIZERS:
            if permission == "selfnodeclient" and csr["spec"]["username"] != wish.common_name:
                continue
            if await self._may(csr["spec"], permission):
                await self._approve(csr, message)
                return

    async def _may(self, spec: Object, permission: str) -> bool:
        review = {"user": spec["username"], "groups": spec.get("groups") or [],
                  "uid": spec.get("uid", ""), "extra": spec.get("extra") or {},
                  "resourceAttributes": {
                      "group": CSRS.group, "resource": CSRS.resource, "verb": "create",
                      "subresource": permission, "version": "*"}}
        answer = await self._client.create(_REVIEWS, {
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "spec": review})
        return bool(answer["status"]["allowed"])

    async def _approve(self, csr: Object, message: str) -> None:
        now = rfc3339(self._clock.now())
        condition = {"type": "Approved", "status": "True", "reason": "AutoApproved",
                     "message": message, "lastUpdateTime": now, "lastTransitionTime": now}
        status = csr.get("status") or {}
        conditions = [*(status.get("conditions") or ()), condition]
        await self._client.update(CSRS, {**csr, "status": {**status, "conditions": conditions}},
                                  subresource="approval")


def _is_decided(csr: Object) -> bool:
    return bool({"Approved", "Denied"} & set(conditions_of(csr))) or bool(
        (csr.get("status") or {}).get("certificate"))
