"""NodeName: a pod that names its node goes there only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from controllers.scheduler.framework import Filter, Plugin, Rejection, Snapshot

if TYPE_CHECKING:
    from controllers.scheduler.cache import PodInfo

_WRONG: Final = Rejection(("node(s) didn't match the requested node name",))


class NodeName(Plugin):
    """spec.nodeName."""

    name = "NodeName"

    def filter_for(self, pod: PodInfo, snapshot: Snapshot) -> Filter | None:
        """Only where the pod has a nodeName."""
        wanted = pod.spec.get("nodeName")
        if not wanted:
            return None
        return lambda node: None if node.name == wanted else _WRONG
