"""Namespaces. Models pkg/registry/core/namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from apiserver.machinery.names import is_qualified_name
from apiserver.machinery.validation import FieldError, Path, all_invalid, invalid
from apiserver.resource import Resource
from apiserver.resources.metadata import finalizer_name_errors
from apiserver.resources.printing import AGE, NAME, field, named
from apiserver.strategy import RESETS, Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_NAME_LABEL = "kubernetes.io/metadata.name"


class NamespaceStrategy(Strategy):
    """A Namespace carries its name as a label and the finalizer `kubernetes` in its spec."""

    resets: ClassVar = {**RESETS, "finalize": ("status",)}
    name_rule = "dns1123label"
    has_generation = False
    shows_grace = False

    def default(self, obj: Object) -> None:
        meta = obj.setdefault("metadata", {})
        if meta.get("name"):
            meta["labels"] = {**(meta.get("labels") or {}), _NAME_LABEL: meta["name"]}
        status = obj.setdefault("status", {})
        if not status.get("phase"):
            status["phase"] = "Active"

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        """Active, with the finalizer; a generated name becomes the label here."""
        obj["status"] = {"phase": "Active"}
        spec = obj.setdefault("spec", {})
        finalizers = [f for f in spec.get("finalizers") or () if f != "kubernetes"]
        spec["finalizers"] = [*finalizers, "kubernetes"]
        meta = obj["metadata"]
        meta["labels"] = {**(meta.get("labels") or {}), _NAME_LABEL: meta.get("name", "")}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return _finalizer_errors(obj, indexed=False)

    def prepare_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Only `finalize` changes the finalizers of the spec."""
        if ctx.subresource == "finalize":
            return
        finalizers = (old.get("spec") or {}).get("finalizers")
        obj["spec"] = {**(obj.get("spec") or {}), "finalizers": finalizers}
        if not finalizers:
            del obj["spec"]["finalizers"]

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return _finalizer_errors(obj, indexed=True) if ctx.subresource == "finalize" else []

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        phase = (obj.get("status") or {}).get("phase") or ""
        terminating = bool(obj["metadata"].get("deletionTimestamp"))
        wanted, word = ("Terminating", "not empty") if terminating else ("Active", "empty")
        if phase == wanted:
            return []
        return [invalid("status.Phase", phase,
                        f"may only be '{wanted}' if `deletionTimestamp` is {word}")]

    def may_go(self, obj: Object) -> bool:
        """Only when `finalize` has emptied the spec's finalizers."""
        return not (obj.get("spec") or {}).get("finalizers")

    def mark_deleting(self, obj: Object) -> None:
        obj["status"] = {**(obj.get("status") or {}), "phase": "Terminating"}

    def fields(self, obj: Object) -> dict[str, str]:
        status = obj.get("status") or {}
        return {"status.phase": status.get("phase", "")}


def _finalizer_errors(obj: Object, *, indexed: bool) -> list[FieldError]:
    path = Path("spec.finalizers")
    errors: list[FieldError] = []
    for i, finalizer in enumerate((obj.get("spec") or {}).get("finalizers") or ()):
        own = path.at(i) if indexed else path
        errors += all_invalid(own, finalizer, is_qualified_name(finalizer))
        errors += finalizer_name_errors(finalizer, own)
    return errors


NAMESPACES = Resource(
    group="", version="v1", kind="Namespace", plural="namespaces", short_names=("ns",),
    namespaced=False, strategy=NamespaceStrategy(), status=True, subresources=("finalize",),
    verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
    columns=(NAME, named("Status", field("status", "phase"), "Active or Terminating."), AGE))
