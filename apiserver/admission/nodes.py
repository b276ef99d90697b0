"""A new Node is not ready. Models plugin/pkg/admission/nodetaint (TaintNodesByCondition)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.admission.chain import AdmissionStep, Operation

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_NOT_READY: Final = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}


class TaintNewNodes(AdmissionStep):
    """The taint goes when the node lifecycle controller sees the Node ready."""

    plugin: ClassVar[str] = "TaintNodesByCondition"
    operations: ClassVar[tuple[Operation, ...]] = ("CREATE",)

    async def admit(self, ctx: RequestContext, obj: Object | None, old: Object | None) -> None:
        """Adds the taint where it is missing."""
        if obj is None or ctx.resource.plural != "nodes" or ctx.resource.group:
            return
        spec = obj.setdefault("spec", {})
        taints = spec.get("taints") or []
        if not any(taint.get("key") == _NOT_READY["key"]
                   and taint.get("effect") == _NOT_READY["effect"] for taint in taints):
            spec["taints"] = [*taints, dict(_NOT_READY)]
