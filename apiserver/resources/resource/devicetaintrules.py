"""DeviceTaintRules (1.37): taints that are laid on devices. Models pkg/registry/resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.clock import rfc3339
from apiserver.machinery.conditions import conditions_errors
from apiserver.machinery.validation import FieldError, Path, too_many
from apiserver.resource import Resource
from apiserver.resources.core.volume_validation import csi_driver_name_errors
from apiserver.resources.printing import AGE, NAME, dig
from apiserver.resources.resource.parts import label_errors, pool_errors, taint_errors
from apiserver.strategy import RESETS_WITH_METADATA, Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_SPEC: Final = Path("spec")
_CONDITIONS: Final = Path("status.conditions")
_MOST_CONDITIONS: Final = 8


class DeviceTaintRuleStrategy(Strategy):
    """One taint, and which devices have it."""

    resets = RESETS_WITH_METADATA
    unconditional_update = False

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {}
        _date(obj, ctx.now)

    def prepare_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """The time is that of the effect: another effect is dated anew, unless the client says
        when."""
        new, before = (dig(o, "spec", "taint") or {} for o in (obj, old))
        if (new.get("effect") != before.get("effect")
                and new.get("timeAdded") == before.get("timeAdded")):
            new["timeAdded"] = rfc3339(ctx.now)
        _date(obj, ctx.now)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        spec = obj.get("spec") or {}
        chosen, path = spec.get("deviceSelector") or {}, _SPEC.child("deviceSelector")
        checks = (("driver", csi_driver_name_errors), ("pool", pool_errors),
                  ("device", label_errors))
        errors = [error for name, check in checks if chosen.get(name) is not None
                  for error in check(chosen[name], path.child(name))]
        return errors + taint_errors(spec.get("taint") or {}, _SPEC.child("taint"))

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        conditions = dig(obj, "status", "conditions") or []
        if len(conditions) > _MOST_CONDITIONS:
            return [too_many(_CONDITIONS, len(conditions), _MOST_CONDITIONS)]
        return conditions_errors(conditions, _CONDITIONS)


def _date(obj: Object, now: float) -> None:
    """When the taint was added, if nobody says (SetDefaults_DeviceTaint)."""
    taint = dig(obj, "spec", "taint")
    if taint is not None and not taint.get("timeAdded"):
        taint["timeAdded"] = rfc3339(now)


DEVICETAINTRULES = Resource(
    group="resource.k8s.io", version="v1", kind="DeviceTaintRule", plural="devicetaintrules",
    namespaced=False, strategy=DeviceTaintRuleStrategy(), status=True, columns=(NAME, AGE))
