"""Claims and Ingresses without a class get the default one.

Models plugin/pkg/admission/storage/storageclass/setdefault and network/defaultingressclass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.admission.chain import AdmissionStep, Operation
from apiserver.admission.lister import Lister
from apiserver.machinery import meta

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

STORAGE_DEFAULTS: Final = ("storageclass.kubernetes.io/is-default-class",
                           "storageclass.beta.kubernetes.io/is-default-class")
INGRESS_DEFAULTS: Final = ("ingressclass.kubernetes.io/is-default-class",)
STORAGE_CLASS: Final = "volume.beta.kubernetes.io/storage-class"
"""The annotation that named a claim's class before `storageClassName`."""
_INGRESS_CLASS: Final = "kubernetes.io/ingress.class"


class _DefaultClass(AdmissionStep):
    """Names the default class in new objects of one kind that name none."""

    operations: ClassVar[tuple[Operation, ...]] = ("CREATE",)
    of: ClassVar[tuple[str, str]]
    """Group and plural of the objects."""
    classes: ClassVar[tuple[str, str]]
    field: ClassVar[str]
    annotation: ClassVar[str]
    """An older way to name a class, which counts too."""
    defaults: ClassVar[tuple[str, ...]]
    """Annotations of the default class."""

    _classes: Lister

    def connect(self, registry: Registry) -> None:
        """Classes are read from the registry's store."""
        self._classes = Lister(registry, *self.classes)

    async def admit(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Fills the class in; without a default class the object stays as it is."""
        if obj is None or (ctx.resource.group, ctx.resource.plural) != self.of or ctx.subresource:
            return
        spec = obj.setdefault("spec", {})
        if spec.get(self.field) is not None or self.annotation in meta.annotations(obj):
            return
        await self._classes.refresh()
        if (name := _newest(self._classes, self.defaults)) is not None:
            spec[self.field] = name


def _newest(classes: Lister, defaults: tuple[str, ...]) -> str | None:
    """The default class; of several the one made last, then the first by name."""
    chosen: Object | None = None
    for one in classes.all():
        notes = meta.annotations(one)
        if not any(notes.get(key) == "true" for key in defaults):
            continue
        if chosen is None or _created(one) > _created(chosen):
            chosen = one
    return None if chosen is None else meta.name(chosen)


def _created(obj: Object) -> str:
    return str(meta.metadata(obj).get("creationTimestamp") or "")


class DefaultStorageClass(_DefaultClass):
    """A claim without a class gets the default StorageClass."""

    plugin: ClassVar[str] = "DefaultStorageClass"
    of = ("", "persistentvolumeclaims")
    classes = ("storage.k8s.io", "storageclasses")
    field = "storageClassName"
    annotation = STORAGE_CLASS
    defaults = STORAGE_DEFAULTS


class DefaultIngressClass(_DefaultClass):
    """An Ingress without a class gets the default IngressClass."""

    plugin: ClassVar[str] = "DefaultIngressClass"
    of = ("networking.k8s.io", "ingresses")
    classes = ("networking.k8s.io", "ingressclasses")
    field = "ingressClassName"
    annotation = _INGRESS_CLASS
    defaults = INGRESS_DEFAULTS
