"""RuntimeClasses. Models pkg/registry/node/runtimeclass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.machinery.names import is_dns1123_label
from apiserver.machinery.validation import FieldError, Path, all_invalid, immutable
from apiserver.resource import Resource
from apiserver.resources.core.pod_defaults import round_amounts
from apiserver.resources.core.resource_validation import amount_errors, container_resource_errors
from apiserver.resources.core.scheduling_validation import tolerations_errors
from apiserver.resources.metadata import validate_labels
from apiserver.resources.printing import AGE, NAME, dig, field, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object


class RuntimeClassStrategy(Strategy):
    """A way to run containers."""

    has_generation = False
    revalidates_metadata = True

    def default(self, obj: Object) -> None:
        round_amounts(dig(obj, "overhead", "podFixed"))

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        handler = obj.get("handler") or ""
        errors = all_invalid("handler", handler, is_dns1123_label(handler))
        path = Path("overhead.podFixed")
        for name, amount in (dig(obj, "overhead", "podFixed") or {}).items():
            own = path.key(name)
            errors += container_resource_errors(name, own) + amount_errors(name, amount, own)
        scheduling, path = obj.get("scheduling") or {}, Path("scheduling")
        errors += validate_labels(scheduling.get("nodeSelector"), path.child("nodeSelector"))
        return errors + tolerations_errors(scheduling.get("tolerations") or (),
                                           path.child("tolerations"))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return self.validate(ctx, obj) + immutable("handler", obj.get("handler"),
                                                   old.get("handler"))


RUNTIMECLASSES = Resource(
    group="node.k8s.io", version="v1", kind="RuntimeClass", plural="runtimeclasses",
    namespaced=False, strategy=RuntimeClassStrategy(),
    columns=(NAME, named("Handler", field("handler"), "Which handler of the runtime."), AGE))
