"""RFC 7386 JSON Merge Patch, as the patch handler applies it."""

from __future__ import annotations

from typing import Any

from apiserver.machinery.errors import BadRequest
from apiserver.schema.json_body import parse_json
from apiserver.schema.state import describe


def parse(body: bytes) -> dict[str, Any]:
    """The object of a merge patch body. Raises BadRequest."""
    try:
        patch = parse_json(body)
    except ValueError as error:
        raise BadRequest(f"error decoding patch: {error}") from None
    if patch is None:
        return {}
    if not isinstance(patch, dict):
        raise BadRequest(f"error decoding patch: json: cannot unmarshal {describe(patch)} into Go "
                         "value of type map[string]interface {}")
    return patch


def apply(document: Any, patch: Any) -> Any:
    """The patched document; neither argument is changed, parts of both may be shared."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = apply(result.get(key), value)
    return result
