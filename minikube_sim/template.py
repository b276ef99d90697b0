"""What bringing a cluster up leaves behind, so that others of its options need not do it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apiserver.storage import MemoryStore

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

    from controllers.events import EventBroadcaster, Told
    from controllers.node.kubelet import Kubelet


@dataclass(frozen=True, slots=True)
class Template:
    """All that is not found again by looking at the store. Nothing of it changes any more."""

    store: MemoryStore
    told: Told
    states: Sequence[tuple[Any, ...]]
    """Of the cluster's sources of chance, in order of their making."""
    pods: Mapping[str, Sequence[str]]
    """By node, in the order in which they came."""

    @classmethod
    def of(cls, store: MemoryStore, events: EventBroadcaster, chances: Sequence[random.Random],
           kubelets: Mapping[str, Kubelet]) -> Template:
        """A copy of what a settled cluster has."""
        kept = MemoryStore()
        kept.continue_from(store)
        return cls(kept, events.correlator.told.copy(), [chance.getstate() for chance in chances],
                   {node: kubelet.pods for node, kubelet in kubelets.items()})
