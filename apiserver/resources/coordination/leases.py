"""Leases. Models pkg/registry/coordination/lease."""

from __future__ import annotations

from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME, field, named
from apiserver.strategy import Strategy


class LeaseStrategy(Strategy):
    """Who leads, and until when."""

    create_on_update = True
    unconditional_update = False
    has_generation = False


LEASES = Resource(
    group="coordination.k8s.io", version="v1", kind="Lease", plural="leases",
    strategy=LeaseStrategy(),
    columns=(NAME, named("Holder", field("spec", "holderIdentity"), "Who holds it."), AGE))
