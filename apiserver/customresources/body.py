"""Bodies of custom resources. Models apiextensions' unstructured negotiated serializer and
schemaCoercingDecoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from apiserver.machinery.errors import BadRequest, Invalid, UnsupportedMediaType
from apiserver.machinery.validation import invalid
from apiserver.negotiation import JSON, PROTOBUF, YAML
from apiserver.schema.request_body import (
    cannot_be_handled,
    kind_in,
    parse_body,
    with_repeated_keys,
)
from apiserver.schema.schema import Decoded, decode
from apiserver.schema.state import DecodeError

if TYPE_CHECKING:
    from apiserver.machinery.gvk import GVK
    from apiserver.schema.types import Type

_SUMMARY: Final = 30


def decode_custom(type_: Type, expected: GVK, body: bytes, media_type: str) -> Decoded:
    """The pruned object of a body. Raises BadRequest, Invalid, UnsupportedMediaType."""
    if media_type == PROTOBUF:
        raise UnsupportedMediaType("the body of the request was in an unknown format - accepted"
                                   f" media types include: {JSON}, {YAML}")
    value = parse_body(body, media_type, expected)
    if isinstance(value, dict):
        _require_type(value, body, media_type, expected)
    found = kind_in(value, expected, body)
    if found[:2] != expected[:2]:
        raise BadRequest(f"the API version in the data ({found.api_version}) does not match the "
                         f"expected API version ({expected.api_version})")
    if found.kind != expected.kind:
        _refuse_kind(value, found, expected)
    return with_repeated_keys(decode_sorted(type_, value, expected), body, media_type)


def decode_sorted(type_: Type, value: Any, expected: GVK) -> Decoded:
    """Decode, with duplicates first and unknown fields in order of their paths."""
    try:
        decoded = decode(type_, value)
    except DecodeError as error:
        raise cannot_be_handled(expected, expected, str(error)) from None
    return Decoded(decoded.object, sorted_problems(decoded.problems))


def sorted_problems(problems: tuple[str, ...]) -> tuple[str, ...]:
    """Strict problems in the order in which custom resources report them."""
    repeated = [each for each in problems if each.startswith("duplicate")]
    unknown = sorted(each for each in problems if not each.startswith("duplicate"))
    return (*repeated, *unknown)


def _require_type(value: Any, body: bytes, media_type: str, expected: GVK) -> None:
    for name, shown in (("kind", "Kind"), ("apiVersion", "apiVersion")):
        if value.get(name):
            continue
        raw = orjson.dumps(value) if "yaml" in media_type else body
        text = raw.decode("utf-8", "replace")
        summary = f"{text[:_SUMMARY]} ..." if len(text) > _SUMMARY else text
        raise BadRequest(f"the object provided is unrecognized (must be of type {expected.kind}): "
                         f"Object '{shown}' is missing in '{text}' ({summary})")


def _refuse_kind(value: Any, found: GVK, expected: GVK) -> None:
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else ""
    error = invalid("kind", found.kind, f"must be {expected.kind}")
    raise Invalid.object(expected.group, found.kind, name if isinstance(name, str) else "",
                         (error,))
