"""How fast and how far replicas may change. Models the normalizing half of
pkg/controller/podautoscaler/horizontal.go.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apiserver.machinery.types import Object

DOWNSCALE_WINDOW: Final = 300.0
_UP_FACTOR: Final = 2
_UP_LEAST: Final = 4
WITHIN: Final = ("False", "DesiredWithinRange",
                 "the desired count is within the acceptable range")
_STABLE: Final = ("True", "ReadyForNewScale", "recommended size matches current size")


@dataclass(slots=True)
class History:
    """What was recommended and done lately for one autoscaler."""

    recommendations: list[tuple[float, int]] = field(default_factory=list)
    changes: list[tuple[float, int]] = field(default_factory=list)
    """(when, by how many)."""

    def recommend(self, now: float, replicas: int, keep: float) -> None:
        """Note a recommendation, forget those older than `keep` seconds."""
        self.recommendations = [one for one in self.recommendations if one[0] > now - keep]
        self.recommendations.append((now, replicas))

    def within(self, now: float, seconds: float) -> list[int]:
        """Recommendations of the last seconds, the newest among them."""
        return [replicas for when, replicas in self.recommendations if when > now - seconds] or [
            replicas for _, replicas in self.recommendations[-1:]]

    def changed(self, now: float, seconds: float, sign: int) -> int:
        """How many replicas came (or went) in the last seconds."""
        return sum(abs(by) for when, by in self.changes
                   if when > now - seconds and by * sign > 0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The number that is allowed, and the conditions that say why."""

    replicas: int
    able: tuple[str, str, str]
    limited: tuple[str, str, str]


def limit(spec: Mapping[str, Any], current: int, desired: int, history: History,
          now: float) -> Outcome:
    """Bring a wish within what the autoscaler allows."""
    behavior = spec.get("behavior")
    if behavior is None:
        history.recommend(now, desired, DOWNSCALE_WINDOW)
        stable = max(history.within(now, DOWNSCALE_WINDOW))
        most = max(current * _UP_FACTOR, _UP_LEAST)
        return _bounded(spec, stable, most, 0, _able(desired, stable))
    up, down = behavior.get("scaleUp") or {}, behavior.get("scaleDown") or {}
    calm_up = float(up.get("stabilizationWindowSeconds") or 0)
    wait = down.get("stabilizationWindowSeconds")
    calm_down = DOWNSCALE_WINDOW if wait is None else float(wait)
    history.recommend(now, desired, max(calm_up, calm_down))
    highest = max(history.within(now, calm_down))
    lowest = min(history.within(now, calm_up))
    stable = lowest if current < lowest else highest if current > highest else current
    return _bounded(spec, stable, _most(up, current, history, now),
                    _least(down, current, history, now), _able(desired, stable))


def _able(desired: int, stable: int) -> tuple[str, str, str]:
    if stable > desired:
        return ("True", "ScaleDownStabilized", "recent recommendations were higher than current"
                " one, applying the highest recent recommendation")
    if stable < desired:
        return ("True", "ScaleUpStabilized", "recent recommendations were lower than current one,"
                " applying the lowest recent recommendation")
    return _STABLE


def _bounded(spec: Mapping[str, Any], desired: int, most: int, least: int,
             able: tuple[str, str, str]) -> Outcome:
    lowest, highest = spec.get("minReplicas", 1), spec["maxReplicas"]
    if desired > min(most, highest):
        why = (("True", "TooManyReplicas",
                "the desired replica count is more than the maximum replica count")
               if highest <= most else
               ("True", "ScaleUpLimit",
                "the desired replica count is increasing faster than the maximum scale rate"))
        return Outcome(min(most, highest), able, why)
    if desired < max(least, lowest):
        why = (("True", "TooFewReplicas",
                "the desired replica count is less than the minimum replica count")
               if lowest >= least else
               ("True", "ScaleDownLimit",
                "the desired replica count is decreasing faster than the maximum scale rate"))
        return Outcome(max(least, lowest), able, why)
    return Outcome(desired, able, WITHIN)


def _most(rules: Object, current: int, history: History, now: float) -> int:
    """Up to how many the policies let it grow now."""
    limits = []
    for policy in rules.get("policies") or ():
        start = current - history.changed(now, policy["periodSeconds"], 1)
        value = policy["value"]
        limits.append(start + value if policy["type"] == "Pods"
                      else math.ceil(start * (1 + value / 100)))
    return _select(rules, limits, current, widest=max, narrowest=min)


def _least(rules: Object, current: int, history: History, now: float) -> int:
    """Down to how many the policies let it shrink now."""
    limits = []
    for policy in rules.get("policies") or ():
        start = current + history.changed(now, policy["periodSeconds"], -1)
        value = policy["value"]
        limits.append(start - value if policy["type"] == "Pods"
                      else int(start * (1 - value / 100)))
    return max(_select(rules, limits, current, widest=min, narrowest=max), 0)


def _select(rules: Object, limits: Sequence[int], current: int, *, widest: Any,
            narrowest: Any) -> int:
    chosen = rules.get("selectPolicy") or "Max"
    if chosen == "Disabled" or not limits:
        return current
    found: int = (narrowest if chosen == "Min" else widest)(limits)
    return found
