"""What a kubelet refuses to run. Models pkg/kubelet/lifecycle/predicate.go: a pod that was bound
past the scheduler fails when the node does not match it or has no room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.machinery.meta import labels, name
from controllers.scheduler.nodeselection import required_affinity_matches
from controllers.scheduler.resources import Amounts, add, amounts, pod_requests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.machinery.types import Object
    from controllers.node.record import PodRecord

Refusal = tuple[str, str]
"""(reason, message) of the event; the pod's status says `Pod was rejected: ` before the message."""


class Admission:
    """The room on one node."""

    def __init__(self, capacity: Mapping[str, str]) -> None:
        self._capacity = amounts(capacity)
        self._used: Amounts = {}

    def admit(self, pod: Object, record: PodRecord, node: Object | None) -> Refusal | None:
        """Take the room that the pod asks for; or why it cannot run here."""
        wanted = {**pod_requests(pod), "pods": 1}
        refusal = self._mismatch(pod, node) or self._shortage(wanted)
        if refusal is None:
            record.requests = wanted
            add(self._used, wanted)
        return refusal

    def release(self, record: PodRecord) -> None:
        """The pod has ended or is gone; harmless twice."""
        add(self._used, record.requests, -1)
        record.requests = {}

    def _mismatch(self, pod: Object, node: Object | None) -> Refusal | None:
        if node is None or required_affinity_matches(pod["spec"], name(node), labels(node)):
            return None
        return "NodeAffinity", ("Predicate NodeAffinity failed: "
                                "node(s) didn't match Pod's node affinity/selector")

    def _shortage(self, wanted: Amounts) -> Refusal | None:
        for resource in ("pods", *(key for key in wanted if key != "pods")):
            have, used = self._capacity.get(resource, 0), self._used.get(resource, 0)
            if wanted[resource] and wanted[resource] > have - used:
                return f"OutOf{resource}", (
                    f"Node didn't have enough resource: {resource}, requested: "
                    f"{wanted[resource]}, used: {used}, capacity: {have}")
        return None
