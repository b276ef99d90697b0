"""Leases. Models pkg/registry/coordination/lease."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.machinery.validation import FieldError, Path, invalid, non_negative
from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME, field, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object


class LeaseStrategy(Strategy):
    """Who leads, and until when."""

    create_on_update = True
    unconditional_update = False
    has_generation = False
    revalidates_metadata = True

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        """What coordinated leader election adds is dropped: it is off by default."""
        for name in ("strategy", "preferredHolder"):
            (obj.get("spec") or {}).pop(name, None)

    def prepare_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        self.prepare_create(ctx, obj)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        spec, path = obj.get("spec") or {}, Path("spec")
        seconds, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
        errors: list[FieldError] = []
        if seconds is not None and seconds <= 0:
            errors.append(invalid(path.child("leaseDurationSeconds"), seconds,
                                  "must be greater than 0"))
        return errors + non_negative(path.child("leaseTransitions"), transitions or 0)


LEASES = Resource(
    group="coordination.k8s.io", version="v1", kind="Lease", plural="leases",
    strategy=LeaseStrategy(),
    columns=(NAME, named("Holder", field("spec", "holderIdentity"), "Who holds it."), AGE))
