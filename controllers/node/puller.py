"""Images on a node: which are there, which are being pulled, which cannot be had.

Models pkg/kubelet/images/image_manager.go with the event texts of v1.36. A pull takes as long as
the image says; a failed one is tried again after 10 s, 20 s, ... 5 min, and meanwhile the container
waits with ImagePullBackOff.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from controllers.node import texts
from controllers.node.backoff import Backoff, go_duration
from controllers.node.runtime import ImageNotFound

if TYPE_CHECKING:
    from apiserver.machinery.types import Object
    from controllers.node.record import ContainerRecord
    from controllers.node.runtime import ContainerRuntime, ImageInfo

SHOW_ERROR: Final = 1.0
"""Seconds that ErrImagePull shows before the container waits with ImagePullBackOff."""

Say = Callable[[str, str, str], None]
"""Record an event about the container: (type, reason, message)."""


class ImagePuller:
    """The image manager of one node."""

    def __init__(self, runtime: ContainerRuntime, minor: int) -> None:
        self.present: dict[str, ImageInfo] = {}
        """By name with tag, in order of arrival: what Node status lists."""
        self._runtime = runtime
        self._minor = minor
        self._backoff = Backoff()

    def ensure(self, pod: Object, record: ContainerRecord, spec: Mapping[str, Any], now: float,
               say: Say) -> ImageInfo | None:
        """The image, or None while the container has to wait (`record` says why, and how long)."""
        policy = spec.get("imagePullPolicy", "IfNotPresent")
        image = self._local(spec["image"])
        if record.pulled and image is not None:
            return image
        if policy == "Never" or (policy == "IfNotPresent" and image is not None):
            return self._without_pull(spec["image"], image, record, say)
        key = f"{pod['metadata']['uid']}_{spec['image']}"
        if record.pull_ends is None and not self._begin(key, record, spec["image"], now, say):
            return None
        return self._finish(key, record, spec["image"], now, say)

    def find(self, names: Iterable[str]) -> None:
        """Note images that are on the node already."""
        for name in names:
            self.present[name] = self._runtime.image(name)

    def _local(self, name: str) -> ImageInfo | None:
        try:
            return self.present.get(self._runtime.image(name).name)
        except ImageNotFound:
            return None

    def _without_pull(self, name: str, image: ImageInfo | None, record: ContainerRecord,
                      say: Say) -> ImageInfo | None:
        if image is not None:
            say("Normal", "Pulled", texts.present(self._minor, name))
            record.pulled = True
            return image
        text = f'Container image "{name}" is not present with pull policy of Never'
        say("Warning", "ErrImageNeverPull", text)
        say("Warning", "Failed", "Error: ErrImageNeverPull")
        record.wait("ErrImageNeverPull", text)
        return None

    def _begin(self, key: str, record: ContainerRecord, name: str, now: float, say: Say) -> bool:
        until = self._backoff.waits_since_update(key, now)
        if until is not None:
            text = f'Back-off pulling image "{name}"'
            say("Normal", "BackOff", text)
            say("Warning", "Failed", "Error: ImagePullBackOff")
            record.wait("ImagePullBackOff", f"{text}: ErrImagePull: {record.pull_error}")
            record.retry_at = until
            return False
        say("Normal", "Pulling", f'Pulling image "{name}"')
        record.pull_started = record.pull_ends = now
        with contextlib.suppress(ImageNotFound):  # found out when the registry answers, in _finish
            record.pull_ends += self._runtime.image(name).pull_seconds
        return True

    def _finish(self, key: str, record: ContainerRecord, name: str, now: float,
                say: Say) -> ImageInfo | None:
        assert record.pull_ends is not None
        if now < record.pull_ends:
            record.retry_at = record.pull_ends
            return None
        record.pull_ends = None
        try:
            image = self._runtime.image(name)
        except ImageNotFound as error:
            self._fail(key, record, name, str(error), now, say)
            return None
        took = go_duration(round(now - record.pull_started, 3))
        say("Normal", "Pulled", f'Successfully pulled image "{name}" in {took} ({took} including '
                                f"waiting). Image size: {image.size_bytes} bytes.")
        self.present[image.name] = image
        record.pulled = True
        return image

    def _fail(self, key: str, record: ContainerRecord, name: str, error: str, now: float,
              say: Say) -> None:
        say("Warning", "Failed", f'Failed to pull image "{name}": {error}')
        say("Warning", "Failed", "Error: ErrImagePull")
        record.wait("ErrImagePull", error)
        record.pull_error = error
        self._backoff.grow(key, now, now)
        record.retry_at = now + SHOW_ERROR
