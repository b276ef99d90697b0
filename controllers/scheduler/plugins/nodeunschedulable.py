"""NodeUnschedulable: cordoned nodes take only pods that tolerate it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from controllers.scheduler.framework import Filter, Plugin, Rejection, Snapshot
from controllers.scheduler.plugins.tainttoleration import tolerates

if TYPE_CHECKING:
    from controllers.scheduler.cache import PodInfo

_CORDONED: Final = Rejection(("node(s) were unschedulable",))
_TAINT: Final = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


class NodeUnschedulable(Plugin):
    """spec.unschedulable."""

    name = "NodeUnschedulable"

    def filter_for(self, pod: PodInfo, snapshot: Snapshot) -> Filter | None:
        """Unless the pod tolerates the taint that stands for it."""
        if tolerates(pod.spec.get("tolerations") or (), _TAINT):
            return None
        return lambda node: (
            _CORDONED if (node.node.get("spec") or {}).get("unschedulable") else None)
