"""Only claims whose class allows it grow. Models plugin/pkg/admission/storage/persistentvolume."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.admission.chain import AdmissionStep, Operation, refuse
from apiserver.admission.defaultclasses import STORAGE_CLASS
from apiserver.admission.lister import Lister
from apiserver.machinery import meta
from apiserver.machinery.quantity import ZERO, Quantity
from apiserver.machinery.quota import amounts

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

_NOT_BOUND: Final = "Only bound persistent volume claims can be expanded"
_NOT_ALLOWED: Final = ("only dynamically provisioned pvc can be resized and the storageclass that"
                       " provisions the pvc must support resize")


class ClaimResize(AdmissionStep):
    """Refuses to let claims grow that cannot."""

    plugin: ClassVar[str] = "PersistentVolumeClaimResize"
    operations: ClassVar[tuple[Operation, ...]] = ("UPDATE",)

    _classes: Lister

    def connect(self, registry: Registry) -> None:
        """StorageClasses are read from the registry's store."""
        self._classes = Lister(registry, "storage.k8s.io", "storageclasses")

    async def validate(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Raises Forbidden."""
        if obj is None or old is None or ctx.subresource:
            return
        if ctx.resource.plural != "persistentvolumeclaims" or ctx.resource.group:
            return
        if _size(obj) <= _size(old):
            return
        if (old.get("status") or {}).get("phase") != "Bound":
            raise refuse(ctx, ctx.name, _NOT_BOUND)
        if not await self._may_grow(_class(obj), _class(old)):
            raise refuse(ctx, ctx.name, _NOT_ALLOWED)

    async def _may_grow(self, name: str, before: str) -> bool:
        if not name or name != before:
            return False
        await self._classes.refresh()
        found = self._classes.get("", name)
        return found is not None and bool(found.get("allowVolumeExpansion"))


def _size(claim: Object) -> Quantity:
    return amounts(claim.get("spec") or {}, "requests").get("storage", ZERO)


def _class(claim: Object) -> str:
    """GetPersistentVolumeClaimClass."""
    named = meta.annotations(claim).get(STORAGE_CLASS)
    return named if named is not None else (claim.get("spec") or {}).get("storageClassName") or ""
