"""Volumes in use are not deleted. Models the admission plugin StorageObjectInUseProtection."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.admission.chain import AdmissionStep, Operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_FINALIZERS: Final[Mapping[tuple[str, str], str]] = {
    ("", "persistentvolumes"): "kubernetes.io/pv-protection",
    ("", "persistentvolumeclaims"): "kubernetes.io/pvc-protection",
    ("storage.k8s.io", "volumeattributesclasses"): "kubernetes.io/vac-protection",
}


class ProtectVolumes(AdmissionStep):
    """New volumes, claims and classes get the finalizer that a controller takes off unused ones."""

    plugin: ClassVar[str] = "StorageObjectInUseProtection"
    operations: ClassVar[tuple[Operation, ...]] = ("CREATE",)

    async def admit(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Adds the finalizer where it is missing."""
        finalizer = _FINALIZERS.get((ctx.resource.group, ctx.resource.plural))
        if obj is None or finalizer is None:
            return
        finalizers = obj["metadata"].get("finalizers") or []
        if finalizer not in finalizers:
            obj["metadata"]["finalizers"] = [*finalizers, finalizer]
