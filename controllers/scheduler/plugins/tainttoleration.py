"""TaintToleration: taints keep pods away that do not tolerate them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from controllers.scheduler.framework import (
    UNTOLERATED,
    Filter,
    Plugin,
    Rejection,
    Snapshot,
    normalized,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from controllers.scheduler.cache import NodeInfo, PodInfo

_HARD: Final = ("NoSchedule", "NoExecute")


def tolerates(tolerations: Sequence[Mapping[str, Any]], taint: Mapping[str, Any]) -> bool:
    """Whether one of the tolerations matches the taint (`ToleratesTaint`)."""
    return any(_tolerates(one, taint) for one in tolerations)


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    if toleration.get("operator") == "Exists":
        return True
    return bool(toleration.get("key")) and (
        (toleration.get("value") or "") == (taint.get("value") or ""))


def _taints(node: NodeInfo) -> Sequence[Mapping[str, Any]]:
    return (node.node.get("spec") or {}).get("taints") or ()


class TaintToleration(Plugin):
    """spec.taints and spec.tolerations."""

    name = "TaintToleration"
    weight = 3

    def filter_for(self, pod: PodInfo, snapshot: Snapshot) -> Filter | None:
        """No taint NoSchedule or NoExecute that the pod does not tolerate."""
        tolerations = pod.spec.get("tolerations") or ()

        def check(node: NodeInfo) -> Rejection | None:
            for taint in _taints(node):
                if taint.get("effect") in _HARD and not tolerates(tolerations, taint):
                    named = f"{{{taint.get('key', '')}: {taint.get('value') or ''}}}"
                    return Rejection((f"{UNTOLERATED} {named}",))
            return None

        return check

    def scores_for(self, pod: PodInfo, snapshot: Snapshot,
                   nodes: Sequence[NodeInfo]) -> Sequence[float] | None:
        """Fewer untolerated taints PreferNoSchedule are better."""
        soft = [one for one in pod.spec.get("tolerations") or ()
                if one.get("effect") in (None, "", "PreferNoSchedule")]
        counts = [sum(taint.get("effect") == "PreferNoSchedule" and not tolerates(soft, taint)
                      for taint in _taints(node)) for node in nodes]
        return normalized(counts, reverse=True) if any(counts) else None
