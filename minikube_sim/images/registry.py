"""Which program an image name means: the simulated registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Literal

from controllers.node.runtime import ImageInfo, ImageNotFound
from minikube_sim.images.names import Name, image_id, parse, plausible_tag
from minikube_sim.images.small import PlainServer

if TYPE_CHECKING:
    from minikube_sim.images.program import Program

UnknownImages = Literal["refuse", "run"]
_HIDDEN = ("registry.k8s.io/coredns/", "registry.k8s.io/metrics-server/", "gcr.io/k8s-minikube/")
"""The system's own, which the list for users leaves out."""


class ImageRegistry(MutableMapping[str, "type[Program]"]):
    """Programs by image name. Set an entry to add an image: `cluster.images["shop:1.0"] = Shop`."""

    def __init__(self, images: Mapping[str, type[Program]],
                 unknown: UnknownImages = "refuse") -> None:
        self._images = dict(images)
        self.unknown: UnknownImages = unknown

    def __getitem__(self, name: str) -> type[Program]:
        return self._images[name]

    def __setitem__(self, name: str, program: type[Program]) -> None:
        self._images[name] = program

    def __delitem__(self, name: str) -> None:
        del self._images[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._images)

    def __len__(self) -> int:
        return len(self._images)

    def program(self, text: str) -> type[Program]:
        """The program of an image. Raises ImageNotFound."""
        return self._find(text)[1]

    def info(self, text: str) -> ImageInfo:
        """What the image declares. Raises ImageNotFound."""
        name, program = self._find(text)
        return ImageInfo(name=str(name), image_id=image_id(name),
                         pull_seconds=program.pull_seconds, size_bytes=program.size_bytes)

    def _find(self, text: str) -> tuple[Name, type[Program]]:
        name = parse(text)
        if name is None:
            raise ImageNotFound(f"Error response from daemon: invalid reference format: {text}")
        found = self._images.get(str(name))
        if found is None and plausible_tag(name.tag):
            found = self._images.get(name.repository)
        if found is None and self.unknown == "run":
            found = PlainServer
        if found is None:
            raise ImageNotFound(self._missing(name))
        return name, found

    def _missing(self, name: Name) -> str:
        """As docker says it, and what there is instead."""
        repositories = {key.partition(":")[0] for key in self._images}
        if name.repository in repositories:
            text = (f"Error response from daemon: manifest for {name} not found: "
                    "manifest unknown: manifest unknown")
        else:
            text = (f"Error response from daemon: pull access denied for {name.repository}, "
                    "repository does not exist or may require 'docker login': denied: "
                    "requested access to the resource is denied")
        known = sorted(key for key in self._images if not key.startswith(_HIDDEN))
        return f"{text} (simulated images: {', '.join(known)})"
