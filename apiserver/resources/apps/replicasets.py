"""ReplicaSets. Models pkg/registry/apps/replicaset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.resource import Resource, Scale
from apiserver.resources.printing import (
    AGE,
    NAME,
    field,
    number,
    pod_columns,
    selector,
    selector_text,
)
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.machinery.types import Object


class ReplicaSetStrategy(Strategy):
    """A number of equal pods."""

    def fields(self, obj: Object) -> dict[str, str]:
        return {"status.replicas": str((obj.get("status") or {}).get("replicas", 0))}

    def scale_selector(self, obj: Object) -> str:
        return selector_text(obj["spec"].get("selector"))


REPLICASETS = Resource(
    group="apps", version="v1", kind="ReplicaSet", plural="replicasets", short_names=("rs",),
    categories=("all",), strategy=ReplicaSetStrategy(), status=True, scale=Scale(),
    columns=(
        NAME,
        number("Desired", field("spec", "replicas", default=0), "How many pods are wanted."),
        number("Current", field("status", "replicas", default=0), "How many pods there are."),
        number("Ready", field("status", "readyReplicas", default=0), "How many are ready."),
        AGE,
        *pod_columns("spec", "template", "spec", selector_cell=selector("spec", "selector"))))
