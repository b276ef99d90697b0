"""RuntimeClasses. Models pkg/registry/node/runtimeclass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_dns1123_label
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    immutable,
    internal_struct,
)
from apiserver.resource import Resource
from apiserver.resources.core.pod_defaults import round_amounts
from apiserver.resources.core.pod_warnings import node_label_warning
from apiserver.resources.core.resource_validation import requirements_errors
from apiserver.resources.core.scheduling_validation import tolerations_errors
from apiserver.resources.metadata import validate_labels
from apiserver.resources.printing import AGE, NAME, dig, field, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object


_TOLERATION_KEY: Final = ("key", "operator", "value", "effect")


class RuntimeClassStrategy(Strategy):
    """A way to run containers."""

    unconditional_update = False
    has_generation = False
    revalidates_metadata = True

    def default(self, obj: Object) -> None:
        round_amounts(dig(obj, "overhead", "podFixed"))

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        handler = obj.get("handler") or ""
        errors = all_invalid("handler", handler, is_dns1123_label(handler))
        limits = {"limits": dig(obj, "overhead", "podFixed") or {}}
        errors += requirements_errors(limits, (), Path("overhead"))
        scheduling, path = obj.get("scheduling") or {}, Path("scheduling")
        errors += validate_labels(scheduling.get("nodeSelector"), path.child("nodeSelector"))
        tolerations, own = scheduling.get("tolerations") or (), path.child("tolerations")
        return errors + tolerations_errors(tolerations, own) + _repeated_errors(tolerations, own)

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        return [f"scheduling.nodeSelector: {text}"
                for key in sorted(dig(obj, "scheduling", "nodeSelector") or {})
                if (text := node_label_warning(key))]

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return self.validate(ctx, obj) + immutable("handler", obj.get("handler"),
                                                   old.get("handler"))


def _repeated_errors(tolerations: Sequence[Object], path: Path) -> list[FieldError]:
    """Tolerations are told apart by all but their seconds."""
    keys = [tuple(each.get(name) or "" for name in _TOLERATION_KEY) for each in tolerations]
    return [duplicate(path.at(i), _shown_toleration(tolerations[i]))
            for i, key in enumerate(keys) if key in keys[:i]]


def _shown_toleration(toleration: Object) -> Object:
    shown: Object = internal_struct(toleration, ("Key", ""), ("Operator", ""), ("Value", ""),
                                    ("Effect", ""), "TolerationSeconds")
    return shown


RUNTIMECLASSES = Resource(
    group="node.k8s.io", version="v1", kind="RuntimeClass", plural="runtimeclasses",
    namespaced=False, strategy=RuntimeClassStrategy(),
    columns=(NAME, named("Handler", field("handler"), "Which handler of the runtime."), AGE))
