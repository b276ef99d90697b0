"""What a Pod's RuntimeClass brings: overhead, nodes, tolerations. Models
plugin/pkg/admission/runtimeclass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from apiserver.admission.chain import AdmissionStep, Operation, refuse
from apiserver.admission.lister import Lister
from apiserver.machinery.quantity import parse_quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry


class RuntimeClasses(AdmissionStep):
    """A new Pod's overhead is its RuntimeClass's, and it runs where the class does."""

    plugin: ClassVar[str] = "RuntimeClass"
    operations: ClassVar[tuple[Operation, ...]] = ("CREATE",)

    _classes: Lister

    def connect(self, registry: Registry) -> None:
        """RuntimeClasses are read from the registry's store."""
        self._classes = Lister(registry, "node.k8s.io", "runtimeclasses")

    async def admit(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Raises Forbidden."""
        if (spec := _pod_spec(ctx, obj)) is None or (found := await self._find(ctx, spec)) is None:
            return
        fixed = (found.get("overhead") or {}).get("podFixed")
        if fixed is not None:
            if spec.get("overhead") and not _equal(spec["overhead"], fixed):
                raise refuse(ctx, ctx.name, "pod rejected: Pod's Overhead doesn't match"
                             " RuntimeClass's defined Overhead")
            spec["overhead"] = dict(fixed)
        _schedule(ctx, spec, found.get("scheduling") or {})

    async def validate(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Raises Forbidden."""
        if (spec := _pod_spec(ctx, obj)) is None:
            return
        overhead = spec.get("overhead")
        if not overhead and not spec.get("runtimeClassName"):
            return
        found = await self._find(ctx, spec) or {}
        fixed = (found.get("overhead") or {}).get("podFixed")
        if fixed is None and overhead:
            raise refuse(ctx, ctx.name, "pod rejected: Pod Overhead set without corresponding"
                         " RuntimeClass defined Overhead")
        if fixed is not None and not _equal(overhead or {}, fixed):
            raise refuse(ctx, ctx.name, "pod rejected: Pod's Overhead doesn't match RuntimeClass's"
                         " defined Overhead")

    async def _find(self, ctx: RequestContext, spec: Mapping[str, Any]) -> Object | None:
        """The Pod's class, None when it names none. Raises Forbidden."""
        name = spec.get("runtimeClassName")
        if not name:
            return None
        await self._classes.refresh()
        found = self._classes.get("", name)
        if found is None:
            raise refuse(ctx, ctx.name, f'pod rejected: RuntimeClass "{name}" not found')
        return found


def _pod_spec(ctx: RequestContext, obj: Object | None) -> dict[str, Any] | None:
    if obj is None or ctx.resource.plural != "pods" or ctx.resource.group or ctx.subresource:
        return None
    spec: dict[str, Any] = obj.setdefault("spec", {})
    return spec


def _equal(some: Mapping[str, str], other: Mapping[str, str]) -> bool:
    return {name: parse_quantity(str(text)).nano for name, text in some.items()} == {
        name: parse_quantity(str(text)).nano for name, text in other.items()}


def _schedule(ctx: RequestContext, spec: dict[str, Any], scheduling: Mapping[str, Any]) -> None:
    own = dict(spec.get("nodeSelector") or {})
    for key, value in (scheduling.get("nodeSelector") or {}).items():
        if own.get(key, value) != value:
            raise refuse(ctx, ctx.name, f"conflict: pod.spec.nodeSelector[{key}] = {own[key]};"
                         f" runtimeClass.scheduling.nodeSelector[{key}] = {value}")
        own[key] = value
    if own:
        spec["nodeSelector"] = own
    more = scheduling.get("tolerations") or ()
    if more:
        tolerations = list(spec.get("tolerations") or ())
        spec["tolerations"] = tolerations + [each for each in more if each not in tolerations]
