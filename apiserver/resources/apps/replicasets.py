"""ReplicaSets. Models pkg/registry/apps/replicaset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.machinery.validation import FieldError, Path
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
from apiserver.resources.workloads import (
    SPEC,
    default_workload,
    name_warnings,
    numbers_errors,
    selector_and_template_errors,
    selector_immutable,
    status_counts_errors,
    template_warnings,
)
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object


class ReplicaSetStrategy(Strategy):
    """A number of equal pods."""

    def default(self, obj: Object) -> None:
        default_workload(obj)

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {"replicas": 0}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        spec = obj["spec"]
        return (numbers_errors(spec, ("replicas", "minReadySeconds"), SPEC)
                + selector_and_template_errors(spec))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return self.validate(ctx, obj) + selector_immutable(obj, old)

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        return replica_status_errors(obj.get("status") or {})

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        return name_warnings(obj, old) + template_warnings(obj, old)

    def scale_selector(self, obj: Object) -> str:
        return selector_text(obj["spec"].get("selector"))


def replica_status_errors(status: Object) -> list[FieldError]:
    """What is wrong with the status of a ReplicaSet or ReplicationController."""
    path = Path("status")
    counts = ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")
    return (numbers_errors(status, ("replicas", *counts, "observedGeneration"), path)
            + status_counts_errors(status, counts, path))


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
