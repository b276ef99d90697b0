"""Signs what is approved, for the signers of the cluster's CA. Models
pkg/controller/certificates/signer. Without a CA's key nothing is signed.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar

from apiserver.machinery import meta
from apiserver.machinery.clock import rfc3339
from controllers.certificates.requests import CSRS, SIGNERS, conditions_of, parse
from controllers.controller import Controller, ControllerContext, KeysOf, Result, own_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.machinery.gvk import GVR
    from apiserver.machinery.types import Object

log = logging.getLogger(__name__)


class CSRSigningController(Controller):
    """Key: a CertificateSigningRequest."""

    name: ClassVar[str] = "certificatesigningrequest-signing-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._clock = ctx.clock
        self._authority = ctx.options.signing_ca
        self._requests = ctx.informers.get(CSRS)

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {CSRS: own_key}

    async def reconcile(self, key: str) -> Result | None:
        csr = self._requests.get(key)
        if csr is not None and self._authority and _waits(csr):
            await self._sign(csr)
        return None

    async def _sign(self, csr: Object) -> None:
        from controllers.certificates.signing import sign

        spec = csr["spec"]
        try:
            request, wish = parse(csr)
        except ValueError as error:
            log.warning("unable to parse csr %s: %s", meta.name(csr), error)
            return
        if problem := SIGNERS[spec["signerName"]](wish, spec["usages"]):
            await self._set(csr, {"conditions": [
                *(csr.get("status") or {}).get("conditions", ()), self._failed(problem)]})
            return
        certificate = sign(self._authority, request, spec["usages"],
                           spec.get("expirationSeconds"), self._clock.now())
        await self._set(csr, {"certificate": certificate})

    def _failed(self, problem: str) -> Object:
        now = rfc3339(self._clock.now())
        return {"type": "Failed", "status": "True", "reason": "SignerValidationFailure",
                "message": problem, "lastUpdateTime": now, "lastTransitionTime": now}

    async def _set(self, csr: Object, change: dict[str, Any]) -> None:
        await self._client.update(CSRS, {**csr, "status": {**(csr.get("status") or {}), **change}},
                                  subresource="status")


def _waits(csr: Object) -> bool:
    held = conditions_of(csr)
    return (csr["spec"]["signerName"] in SIGNERS and "Approved" in held and "Denied" not in held
            and "Failed" not in held and not (csr.get("status") or {}).get("certificate"))
