"""What is wrong with a CRD's selectableFields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.validation import (
    FieldError,
    Path,
    duplicate,
    invalid,
    required,
    too_many,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object

_MOST: Final = 8
_SCALARS: Final = ("boolean", "integer", "string")


def selectable_errors(fields: Sequence[Object], schema: Object, path: Path) -> list[FieldError]:
    """The complaints about one version's fields."""
    errors: list[FieldError] = []
    if len(fields) > _MOST:
        errors.append(too_many(path, len(fields), _MOST))
    seen: set[str] = set()
    for at, field in enumerate(fields):
        text, own = field.get("jsonPath") or "", path.at(at).child("jsonPath")
        if not text:
            errors.append(required(own))
        elif complaint := _complaint(text, schema):
            errors.append(invalid(own, text, complaint))
        if text and text in seen:
            errors.append(duplicate(own, text))
        seen.add(text)
    return errors


def _complaint(text: str, schema: Object) -> str:
    if text.startswith(".metadata."):
        return "must not point to fields in metadata"
    if not text.startswith(".") or "[" in text:
        return "is an invalid path: does not refer to a valid field"
    node: Any = schema
    for name in text[1:].split("."):
        node = (node.get("properties") or {}).get(name)
        if node is None:
            return f"is an invalid path: does not refer to a valid field: {name}"
    if node.get("type") not in _SCALARS:
        return ("must point to a field of type string, boolean or integer. Enum string fields and "
                "strings with formats are allowed.")
    return ""
