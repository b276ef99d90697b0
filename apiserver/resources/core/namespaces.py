"""Namespaces. Models pkg/registry/core/namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME, field, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.machinery.types import Object


class NamespaceStrategy(Strategy):
    """A Namespace carries its name as a label and the finalizer `kubernetes` in its spec."""

    name_rule = "dns1123label"
    has_generation = False

    def fields(self, obj: Object) -> dict[str, str]:
        status = obj.get("status") or {}
        return {"name": obj["metadata"].get("name", ""), "status.phase": status.get("phase", "")}


NAMESPACES = Resource(
    group="", version="v1", kind="Namespace", plural="namespaces", short_names=("ns",),
    namespaced=False, strategy=NamespaceStrategy(), status=True, subresources=("finalize",),
    verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
    columns=(NAME, named("Status", field("status", "phase"), "Active or Terminating."), AGE))
