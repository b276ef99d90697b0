"""A patch body applied to an object. Models endpoints/handlers/patch.go (jsonPatcher and
smpPatcher).

Server-side apply is in `apply`, since it needs who owns what.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson

from apiserver.machinery.errors import Invalid
from apiserver.machinery.gvk import GVK, parse_api_version
from apiserver.machinery.validation import go_quote, invalid
from apiserver.patch import json, merge, strategic
from apiserver.patch.goformat import go_text
from apiserver.schema.request_body import SCHEME
from apiserver.schema.schema import Decoded, decode
from apiserver.schema.state import DecodeError, duplicates_in

if TYPE_CHECKING:
    from apiserver.machinery.types import Object
    from apiserver.schema.schema import Schema
    from apiserver.schema.types import Type

PatchKind = Literal["json", "merge", "strategic"]
CONTENT_TYPES: Final[dict[str, PatchKind]] = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
}


@dataclass(frozen=True, slots=True)
class Patch:
    """A parsed patch, applied as often as the object under it changes."""

    kind: PatchKind
    content: Any

    def apply(self, current: Object, type_: Type, *, strict: bool = False, heeded: bool = True,
              schema: Schema | None = None) -> Decoded:
        """The patched object in canonical form, and its strict problems (when they are `heeded`).

        `schema` explains a patch that makes another kind of the object. Raises Invalid, BadRequest
        and Unknown with Kubernetes' texts; with `strict`, problems are Invalid too.
        """
        patched = self._patched(current, type_)
        try:
            if self.kind != "strategic":
                _check_kind(current, patched, schema)
            decoded = decode(type_, patched)
        except DecodeError as error:
            text = str(error) if self.kind != "strategic" else error.conversion or str(error)
            raise self._invalid(patched, text) from None
        if not heeded:
            return decoded
        problems = (*duplicates_in(self.content), *decoded.problems)
        result = Decoded(decoded.object, problems)
        if strict and problems:
            raise self._invalid(patched, result.strict_error())
        return result

    def _patched(self, current: Object, type_: Type) -> Any:
        if self.kind == "json":
            return json.apply(current, self.content)
        if self.kind == "merge":
            return merge.apply(current, self.content)
        return strategic.apply(current, self.content, type_)

    def _invalid(self, patched: Any, why: str) -> Invalid:
        strategic_ = self.kind == "strategic"
        shown = go_text(self.content) if strategic_ else _json(patched)
        error = invalid("patch", shown, why)
        return Invalid(f' "" is invalid: {error}', details={"causes": [error.cause()]},
                       errors=[error])


def _json(patched: Any) -> str:
    """A patched document as the complaint about it shows it: numbers as they were written."""
    return orjson.dumps(patched, default=lambda number: orjson.Fragment(number.text)).decode()


def _check_kind(current: Object, patched: Any, schema: Schema | None) -> None:
    """A patched document is decoded as the kind that it names. Raises DecodeError."""
    if not isinstance(patched, dict):
        return
    expected, found = _kind_of(current), _kind_of(patched)
    if found == expected or not found.kind or not found.version:
        return
    if schema is None or not schema.knows(found):
        raise DecodeError(
            f"no kind {go_quote(found.kind)} is registered for version "
            f"{go_quote(found.api_version)} in scheme {go_quote(SCHEME)}")
    schema.decode(found, patched)
    package = f"{expected.version}.{expected.kind}"
    raise DecodeError(f"unable to decode {found.group}/{found.version}, Kind={found.kind} into "
                      f"*{package}")


def _kind_of(obj: Object) -> GVK:
    api_version, kind = obj.get("apiVersion"), obj.get("kind")
    text = api_version if isinstance(api_version, str) else ""
    return GVK(*parse_api_version(text), kind if isinstance(kind, str) else "")


def parse_patch(kind: PatchKind, body: bytes) -> Patch:
    """Read a patch body. Raises BadRequest and RequestEntityTooLarge."""
    reader: Any = {"json": json.parse, "merge": merge.parse, "strategic": strategic.parse}[kind]
    return Patch(kind, reader(body))
