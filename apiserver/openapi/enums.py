"""The values of fields that are closed sets, for the documents: enums.txt says which. Models
kube-openapi's enum generator, whose texts on each value come from Go's comments and are left out.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

JSONSchema = dict[str, Any]
_API: Final = "io.k8s.api."
_HEAD: Final = "\n\nPossible enum values:"


@cache
def enums() -> dict[tuple[str, str, str], tuple[list[str], bool]]:
    """Values by group, type and field, and whether the field is a list of them."""
    found = {}
    for line in (Path(__file__).parent / "enums.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            group, types, field, values = line.split()
            names = ["" if value == "''" else value for value in values.split(",")]
            for type_ in types.split(","):
                found[group, type_, field.removesuffix("[]")] = names, field.endswith("[]")
    return found


def with_enum(definition: str, name: str, field: JSONSchema) -> JSONSchema:
    """A property of a definition, with the values that it may have."""
    if not definition.startswith(_API):
        return field
    group, _, type_ = definition.removeprefix(_API).split(".", 2)
    values, listed = enums().get((group, type_, name), ([], False))
    if not values:
        return field
    described = {"description": field.get("description", "") + _text(values)}
    if listed:
        return {**field, **described, "items": {**field["items"], "enum": values}}
    return {**field, **described, "enum": values}


def _text(values: list[str]) -> str:
    return _HEAD + "".join(f'\n - `"{value}"`' for value in values)
