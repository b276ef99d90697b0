"""ImageLocality: nodes that have the pod's images already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from controllers.scheduler.framework import MAX_SCORE, Plugin, Snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controllers.scheduler.cache import NodeInfo, PodInfo

_MIN: Final = 23 * 1024 * 1024
_MAX_PER_CONTAINER: Final = 1000 * 1024 * 1024


class ImageLocality(Plugin):
    """Sizes of images that are there, scaled by how many nodes have them."""

    name = "ImageLocality"

    def scores_for(self, pod: PodInfo, snapshot: Snapshot,
                   nodes: Sequence[NodeInfo]) -> Sequence[float] | None:
        """From 23 MB (0) to 1 GB a container (100)."""
        wanted = [_with_tag(container["image"]) for container in pod.spec["containers"]]
        spread = {image: sum(image in node.images for node in snapshot.nodes) for image in wanted}
        if not any(spread.values()):
            return None
        total = len(snapshot.nodes)
        highest = _MAX_PER_CONTAINER * len(wanted)
        sums = [sum(node.images.get(image, 0) * spread[image] / total for image in wanted)
                for node in nodes]
        return [MAX_SCORE * (min(max(size, _MIN), highest) - _MIN) // (highest - _MIN)
                for size in sums]


def _with_tag(image: str) -> str:
    return image if ":" in image.rpartition("/")[2] else f"{image}:latest"
