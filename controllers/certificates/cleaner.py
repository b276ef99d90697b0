"""Deletes requests that are done with, or that nobody answered. Models
pkg/controller/certificates/cleaner, which looks every hour; ours comes when it is time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.machinery import meta
from apiserver.machinery.clock import parse_time
from apiserver.machinery.errors import NotFound
from controllers.certificates.requests import CSRS, conditions_of
from controllers.controller import Controller, ControllerContext, KeysOf, Result, own_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.machinery.gvk import GVR
    from apiserver.machinery.types import Object

_HOUR: Final = 3600.0
_PENDING: Final = 24 * _HOUR


class CSRCleanerController(Controller):
    """Key: a CertificateSigningRequest."""

    name: ClassVar[str] = "certificatesigningrequest-cleaner-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._clock = ctx.clock
        self._requests = ctx.informers.get(CSRS)

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {CSRS: own_key}

    async def reconcile(self, key: str) -> Result | None:
        csr = self._requests.get(key)
        if csr is None or meta.is_terminating(csr):
            return None
        left = _ends(csr) - self._clock.now()
        if left > 0:
            return Result(requeue_after=left)
        try:
            await self._client.delete(CSRS, meta.name(csr),
                                      preconditions={"uid": meta.uid(csr)})
        except NotFound:
            return None
        return None


def _ends(csr: Object) -> float:
    """An hour after the last decision, a day after the creation of one without."""
    decided = [parse_time(each["lastUpdateTime"]) for name, each in conditions_of(csr).items()
               if name in ("Approved", "Denied", "Failed") and each.get("lastUpdateTime")]
    if decided:
        return max(decided) + _HOUR
    return parse_time(csr["metadata"]["creationTimestamp"]) + _PENDING
