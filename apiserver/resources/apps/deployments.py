"""Deployments. Models pkg/registry/apps/deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.resource import Resource, Scale
from apiserver.resources.printing import (
    AGE,
    NAME,
    dig,
    field,
    named,
    pod_columns,
    selector,
    selector_text,
)
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.machinery.types import Object


class DeploymentStrategy(Strategy):
    """ReplicaSets that take over from each other."""

    def generation_changed(self, obj: Object, old: Object) -> bool:
        """Also when annotations change, since a rollout copies them."""
        return (obj.get("spec") != old.get("spec") or (obj["metadata"].get("annotations") or {})
                != (old["metadata"].get("annotations") or {}))

    def scale_selector(self, obj: Object) -> str:
        return selector_text(obj["spec"].get("selector"))


def ready_of_desired(obj: Object, now: float) -> str:
    """`1/3`: ready and wanted pods."""
    ready = dig(obj, "status", "readyReplicas") or 0
    return f"{ready}/{dig(obj, 'spec', 'replicas') or 0}"


DEPLOYMENTS = Resource(
    group="apps", version="v1", kind="Deployment", plural="deployments", short_names=("deploy",),
    categories=("all",), strategy=DeploymentStrategy(), status=True, scale=Scale(),
    columns=(
        NAME,
        named("Ready", ready_of_desired, "Ready pods of those wanted."),
        named("Up-to-date", field("status", "updatedReplicas", default=0),
              "How many pods have the newest template."),
        named("Available", field("status", "availableReplicas", default=0),
              "How many pods have been ready for long enough."),
        AGE,
        *pod_columns("spec", "template", "spec", selector_cell=selector("spec", "selector"))))
