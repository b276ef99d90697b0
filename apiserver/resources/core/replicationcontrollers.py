"""ReplicationControllers. Models pkg/registry/core/replicationcontroller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.machinery.selectors import from_labels
from apiserver.machinery.validation import FieldError, invalid, required
from apiserver.resource import Resource, Scale
from apiserver.resources.apps.replicasets import replica_status_errors
from apiserver.resources.core.pod_defaults import default_template
from apiserver.resources.core.pod_validation import template_errors
from apiserver.resources.printing import (
    AGE,
    NAME,
    dig,
    field,
    labels,
    labels_text,
    number,
    pod_columns,
)
from apiserver.resources.workloads import (
    SPEC,
    TEMPLATE,
    always_restart_errors,
    name_warnings,
    numbers_errors,
    template_warnings,
)
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object


class ReplicationControllerStrategy(Strategy):
    """A number of equal pods, as in the first days."""

    default_propagation = "Orphan"

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        if spec.get("template") is not None:
            default_template(spec["template"])
        if spec.get("replicas") is None:
            spec["replicas"] = 1
        template_labels = dig(spec, "template", "metadata", "labels")
        if template_labels:
            if not spec.get("selector"):
                spec["selector"] = dict(template_labels)
            if not obj["metadata"].get("labels"):
                obj["metadata"]["labels"] = dict(template_labels)

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {"replicas": 0}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        spec = obj["spec"]
        selector, template = spec.get("selector") or {}, spec.get("template")
        errors = numbers_errors(spec, ("minReadySeconds",), SPEC)
        if not selector:
            errors.append(required(SPEC.child("selector")))
        errors += numbers_errors(spec, ("replicas",), SPEC)
        if template is None:
            return [*errors, required(TEMPLATE)]
        own = dig(template, "metadata", "labels") or {}
        if selector and not from_labels(selector).matches(own):
            errors.append(invalid(TEMPLATE.child("metadata", "labels"), own or None,
                                  "`selector` does not match template `labels`"))
        errors += template_errors(template, TEMPLATE)
        return errors + always_restart_errors(template, TEMPLATE, "ReplicationController")

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        return replica_status_errors(obj.get("status") or {})

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        return name_warnings(obj, old) + template_warnings(obj, old)

    def fields(self, obj: Object) -> dict[str, str]:
        return {"status.replicas": str(dig(obj, "status", "replicas") or 0)}

    def scale_selector(self, obj: Object) -> str:
        selector = obj["spec"].get("selector")
        return labels_text(selector) if selector else ""


REPLICATIONCONTROLLERS = Resource(
    group="", version="v1", kind="ReplicationController", plural="replicationcontrollers",
    short_names=("rc",), categories=("all",), strategy=ReplicationControllerStrategy(),
    status=True, scale=Scale(),
    columns=(
        NAME,
        number("Desired", field("spec", "replicas", default=0), "How many pods are wanted."),
        number("Current", field("status", "replicas", default=0), "How many pods there are."),
        number("Ready", field("status", "readyReplicas", default=0), "How many are ready."),
        AGE,
        *pod_columns("spec", "template", "spec", selector_cell=labels("spec", "selector"))))
