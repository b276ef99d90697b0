"""A pod's quality of service class. Models pkg/apis/core/helper/qos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.quantity import ZERO, Quantity, parse_quantity

if TYPE_CHECKING:
    from apiserver.machinery.types import Object

_COUNTED: Final = ("cpu", "memory")


def qos_class(spec: Object) -> str:
    """BestEffort, Burstable or Guaranteed."""
    pod_level = spec.get("resources") or {}
    if pod_level.get("limits") or pod_level.get("requests"):
        return _class([pod_level])
    containers = (*(spec.get("containers") or ()), *(spec.get("initContainers") or ()))
    return _class([c.get("resources") or {} for c in containers])


def _class(every: list[Object]) -> str:
    requests: dict[str, Quantity] = {}
    limits: dict[str, Quantity] = {}
    guaranteed = True
    for resources in every:
        _count(requests, resources.get("requests") or {})
        bounded = _count(limits, resources.get("limits") or {})
        guaranteed = guaranteed and bounded == set(_COUNTED)
    if not requests and not limits:
        return "BestEffort"
    same = all(limits.get(k) is not None and limits[k].nano == v.nano for k, v in requests.items())
    return "Guaranteed" if guaranteed and same and len(requests) == len(limits) else "Burstable"


def _count(total: dict[str, Quantity], amounts: Object) -> set[str]:
    counted = set()
    for name in _COUNTED:
        amount = parse_quantity(amounts[name]) if name in amounts else ZERO
        if amount.nano > 0:
            counted.add(name)
            total[name] = total[name] + amount if name in total else amount
    return counted
