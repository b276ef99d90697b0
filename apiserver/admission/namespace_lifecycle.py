"""Nothing new in a namespace that does not exist or is going. Models plugin/namespace/lifecycle."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.admission.chain import AdmissionStep, Operation, refuse
from apiserver.machinery import meta
from apiserver.machinery.errors import NotFound

if TYPE_CHECKING:
    
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry

IMMORTAL: Final = frozenset({"default", "kube-system", "kube-public"})
_REVIEWS: Final = frozenset({"authorization.k8s.io", "authentication.k8s.io"})


class NamespaceLifecycle(AdmissionStep):
    """Refuses writes into missing and terminating namespaces, and the end of the immortal ones."""

    plugin: ClassVar[str] = "NamespaceLifecycle"
    operations: ClassVar[tuple[Operation, ...]] = ("CREATE", "UPDATE", "DELETE")
    sees_bodies: ClassVar[bool] = True

    _registry: Registry

    def connect(self, registry: Registry) -> None:
        """Namespaces are read from the registry's store."""
        self._registry = registry

    async def admit(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Raises NotFound or Forbidden."""
        about_namespaces = ctx.resource.group == "" and ctx.resource.plural == "namespaces"
        if obj is None:
            if about_namespaces and ctx.name in IMMORTAL:
                raise refuse(ctx, ctx.name, "this namespace may not be deleted")
            return
        if about_namespaces or not ctx.namespace or ctx.resource.group in _REVIEWS:
            return
        namespace = await self._registry.store.get(f"/registry/namespaces/{ctx.namespace}")
        if namespace is None:
            raise NotFound.object("", "namespaces", ctx.namespace)
        if old is None and _terminating(namespace.object):
            raise _no_new_content(ctx, meta.name(obj))


def _terminating(namespace: Object) -> bool:
    return bool((namespace.get("status") or {}).get("phase") == "Terminating")


def _no_new_content(ctx: RequestContext, name: str) -> Exception:
    place = ctx.namespace
    cause = {"reason": "NamespaceTerminating", "field": "metadata.namespace",
             "message": f"namespace {place} is being terminated"}
    why = f"unable to create new content in namespace {place} because it is being terminated"
    return refuse(ctx, name, why, (cause,))
