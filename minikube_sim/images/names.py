"""Names of images. Models distribution/reference: `docker.io/library/nginx:latest` is `nginx`."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Final, NamedTuple

_REFERENCE: Final = re.compile(
    r"(?P<repository>[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?::\d+(?=/))?"
    r"(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>[a-z0-9]+:[0-9a-f]{32,}))?")
_PLAUSIBLE_TAG: Final = re.compile(
    r"(?:latest|stable|mainline|edge|slim|alpine|glibc|musl|uclibc|trixie|bookworm|bullseye|noble|"
    r"jammy|focal|perl|plain-text|management|v?\d{1,2}(?:\.\d{1,2}){0,2})(?:-[\w.]+)*")


class Name(NamedTuple):
    """A normalised name: no `docker.io/library/`, a tag always."""

    repository: str
    tag: str

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}"


@lru_cache(maxsize=1024)
def parse(text: str) -> Name | None:
    """The normalised name; None for what is no image name."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        return None
    repository = match["repository"]
    for prefix in ("index.docker.io/", "docker.io/"):
        repository = repository.removeprefix(prefix)
    return Name(repository.removeprefix("library/"), match["tag"] or "latest")


def plausible_tag(tag: str) -> bool:
    """Whether a well-known image may have this tag: versions of one or two digits, common words."""
    return _PLAUSIBLE_TAG.fullmatch(tag) is not None


@lru_cache(maxsize=1024)
def image_id(name: Name) -> str:
    """The image's digest, derived from its name."""
    digest = hashlib.sha256(str(name).encode()).hexdigest()
    return f"docker-pullable://{name.repository}@sha256:{digest}"
