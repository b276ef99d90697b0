"""ControllerRevisions. Models pkg/registry/apps/controllerrevision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.machinery.validation import FieldError, immutable, non_negative, required
from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME, NONE, field, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object


class ControllerRevisionStrategy(Strategy):
    """A state to which a DaemonSet or StatefulSet can go back."""

    has_generation = False
    revalidates_metadata = True

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        errors = [] if obj.get("data") is not None else [required("data", "data is mandatory")]
        return errors + non_negative("revision", obj.get("revision") or 0)

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return self.validate(ctx, obj) + immutable("data", obj.get("data"), old.get("data"))


def _controller(obj: Object, now: float) -> str:
    for owner in obj["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            group, _, _ = owner["apiVersion"].rpartition("/")
            kind = owner["kind"].lower()
            return f"{kind}.{group}/{owner['name']}" if group else f"{kind}/{owner['name']}"
    return NONE


CONTROLLERREVISIONS = Resource(
    group="apps", version="v1", kind="ControllerRevision", plural="controllerrevisions",
    strategy=ControllerRevisionStrategy(),
    columns=(NAME, named("Controller", _controller, "Whose revision it is."),
             named("Revision", field("revision", default=0), "Its number."), AGE))
