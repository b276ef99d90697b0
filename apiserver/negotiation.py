"""Which form of an answer a client accepts. Models apiserver/pkg/endpoints/handlers/negotiation.

We answer JSON, or YAML for those who ask for nothing else; as the object itself, as a Table, or as
PartialObjectMetadata. Clients that prefer protobuf get the JSON that they also accept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from apiserver.machinery.errors import NotAcceptable

JSON: Final = "application/json"
YAML: Final = "application/yaml"
PROTOBUF: Final = "application/vnd.kubernetes.protobuf"
_META_GROUP: Final = "meta.k8s.io"
Form = Literal["", "Table", "PartialObjectMetadata", "PartialObjectMetadataList"]
_FORMS: Final = frozenset({"Table", "PartialObjectMetadata", "PartialObjectMetadataList"})
_VERSIONS: Final = frozenset({"v1", "v1beta1"})


@dataclass(frozen=True, slots=True)
class Accepted:
    """The form that was agreed on."""

    media_type: str = JSON
    form: Form = ""
    version: str = "v1"
    """Of the form: meta.k8s.io/v1 or v1beta1."""


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One clause of an Accept header."""

    type: str
    parameters: tuple[tuple[str, str], ...]
    quality: float

    def parameter(self, name: str) -> str:
        """The value of `;name=value`, '' when it is not there."""
        return dict(self.parameters).get(name, "")


PLAIN: Final = Accepted()


@lru_cache(maxsize=512)
def parse_accept(header: str) -> tuple[MediaRange, ...]:
    """The clauses of an Accept header, best first."""
    ranges = [_range(clause) for clause in header.split(",") if clause.strip()]
    return tuple(sorted(ranges, key=lambda each: -each.quality))


def _range(clause: str) -> MediaRange:
    media_type, *rest = (part.strip() for part in clause.split(";"))
    parameters = {name.strip().lower(): value.strip().strip('"')
                  for name, _, value in (part.partition("=") for part in rest)}
    try:
        quality = float(parameters.pop("q", "1"))
    except ValueError:
        quality = 1.0
    return MediaRange(media_type.lower(), tuple(parameters.items()), quality)


@lru_cache(maxsize=512)
def negotiate(header: str, *, streams: bool = False) -> Accepted:
    """The form for an Accept header. Raises NotAcceptable.

    `streams`: the request could have been a watch (says which representations there are).
    """
    ranges = parse_accept(header)
    if not ranges:
        return PLAIN
    served = [each for each in ranges if _media_type(each.type)]
    if not served:
        raise _nothing_served(streams)
    for each in served:
        if (accepted := _accept(each)) is not None:
            return accepted
    raise NotAcceptable(f"only the following media types are accepted: {JSON}, {YAML}, {PROTOBUF}")


def _media_type(wanted: str) -> str:
    if wanted in ("*/*", "application/*", JSON):
        return JSON
    return YAML if wanted == YAML else ""


def _accept(wanted: MediaRange) -> Accepted | None:
    media_type = _media_type(wanted.type)
    form = wanted.parameter("as")
    if not form:
        return Accepted(media_type)
    version = wanted.parameter("v")
    known = form in _FORMS and wanted.parameter("g") == _META_GROUP and version in _VERSIONS
    return Accepted(media_type, form, version) if known else None  # type: ignore[arg-type]


def _nothing_served(streams: bool) -> NotAcceptable:
    available = [JSON, YAML, PROTOBUF]
    if streams:
        available += [f"{JSON};stream=watch", f"{PROTOBUF};stream=watch"]
    return NotAcceptable(
        f"406: Not Acceptable\n\nAvailable representations: {', '.join(available)}", details={})
