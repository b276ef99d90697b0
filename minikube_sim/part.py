"""What the parts of Cluster's interface share: each is a class that Cluster is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from minikube_sim.cluster import Cluster


class Part:
    """A part of Cluster."""

    @property
    def _cluster(self) -> Cluster:
        return cast("Cluster", self)
