"""What people read when a value is wrong: the flag, the value and what would be right."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel, ValidationError
    from pydantic.fields import FieldInfo

_KINDS: Final = ((int, "a whole number"), (float, "a number"), (bool, "true or false"))
_BOUNDS: Final = {"Ge": "at least {}", "Gt": "more than {}", "Le": "at most {}"}


def explain(error: ValidationError, *models: type[BaseModel]) -> str:
    """One line for people about the first thing that is wrong; `models` have the fields."""
    first: Mapping[str, Any] = error.errors()[0]
    if not first["loc"]:
        return _own_words(first)
    field = str(first["loc"][-1])
    what = "" if first["type"] == "value_error" else _what(field, models)
    right = f"must be {what}" if what else _own_words(first)
    return f"--{field.replace('_', '-')} {shown(first['input'])}: {right}"


def shown(value: object) -> str:
    """A value as one would type it, so that blanks and emptiness can be seen."""
    return shlex.quote(str(value))


def _own_words(error: Mapping[str, Any]) -> str:
    text: str = error["msg"].removeprefix("Value error, ")
    return text


def _what(name: str, models: tuple[type[BaseModel], ...]) -> str:
    """What a field takes, from its declaration; "" when that does not say."""
    field = next((m.model_fields[name] for m in models if name in m.model_fields), None)
    if field is None:
        return ""
    choices = get_args(field.annotation)
    if choices and all(isinstance(choice, str) for choice in choices):
        return " or ".join(choices)
    kind = next((words for type_, words in _KINDS if field.annotation is type_), "")
    return ", ".join(filter(None, (kind, _bounds(field))))


def _bounds(field: FieldInfo) -> str:
    found = {type(m).__name__: m for m in field.metadata}
    if {"Ge", "Le"} <= found.keys():
        return f"{found['Ge'].ge} to {found['Le'].le}"
    return " and ".join(text.format(getattr(found[name], name.lower()))
                        for name, text in _BOUNDS.items() if name in found)
