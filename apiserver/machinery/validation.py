"""What is wrong with which field. Models apimachinery/pkg/util/validation/field (v1.36)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TYPES: Final = {
    "FieldValueRequired": "Required value",
    "FieldValueInvalid": "Invalid value",
    "FieldValueTypeInvalid": "Invalid value",
    "FieldValueNotSupported": "Unsupported value",
    "FieldValueDuplicate": "Duplicate value",
    "FieldValueForbidden": "Forbidden",
    "FieldValueTooLong": "Too long",
    "FieldValueTooMany": "Too many",
    "FieldValueNotFound": "Not found",
    "InternalError": "Internal error",
}
_WITHOUT_VALUE: Final = frozenset(
    {"FieldValueRequired", "FieldValueForbidden", "FieldValueTooLong", "InternalError"})
_MISSING: Final = object()
IMMUTABLE: Final = "field is immutable"
NEGATIVE: Final = "must be greater than or equal to 0"


class Path(str):
    """A field path: `Path("spec").child("ports").at(0).key("a.b")` is `spec.ports[0][a.b]`."""

    __slots__ = ()

    def child(self, *names: str) -> Path:
        """The path of a named field below this one."""
        return _child(self, names)

    def at(self, i: int) -> Path:
        """The path of a list element."""
        return Path(f"{self}[{i}]")

    def key(self, key: str) -> Path:
        """The path of a map entry."""
        return Path(f"{self}[{key}]")


@lru_cache(maxsize=4096)
def _child(path: Path, names: tuple[str, ...]) -> Path:
    """There are as many as fields: a Pod's validation asks for the same fifty again."""
    return Path(".".join((path, *names)) if path else ".".join(names))


@dataclass(frozen=True, slots=True)
class FieldError:
    """One complaint about one field (`field.Error`)."""

    reason: str
    field: str
    value: Any = _MISSING
    detail: str = ""

    def body(self) -> str:
        """The message without the field's path."""
        text = _TYPES[self.reason]
        if self.reason not in _WITHOUT_VALUE and self.value is not _MISSING:
            text += f": {go_value(self.value)}"
        return f"{text}: {self.detail}" if self.detail else text

    def __str__(self) -> str:
        return f"{self.field}: {self.body()}"

    def cause(self) -> dict[str, str]:
        """The metav1.StatusCause."""
        return {"reason": self.reason, "message": self.body(), "field": self.field}


def required(field: str, detail: str = "") -> FieldError:
    """`spec.ports: Required value`."""
    return FieldError("FieldValueRequired", field, detail=detail)


def invalid(field: str, value: Any, detail: str) -> FieldError:
    """`spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive`."""
    return FieldError("FieldValueInvalid", field, value, detail)


def type_invalid(field: str, value: Any, detail: str) -> FieldError:
    """`spec.size: Invalid value: "string": spec.size in body must be of type integer`."""
    return FieldError("FieldValueTypeInvalid", field, value, detail)


def not_supported(field: str, value: Any, supported: Sequence[str]) -> FieldError:
    """`spec.type: Unsupported value: "x": supported values: "ClusterIP", "NodePort"`."""
    detail = "supported values: " + ", ".join(go_quote(s) for s in supported) if supported else ""
    return FieldError("FieldValueNotSupported", field, value, detail)


def duplicate(field: str, value: Any) -> FieldError:
    """`spec.ports[1].name: Duplicate value: "http"`."""
    return FieldError("FieldValueDuplicate", field, value)


def forbidden(field: str, detail: str) -> FieldError:
    """`spec.x: Forbidden: may not be set`."""
    return FieldError("FieldValueForbidden", field, detail=detail)


def too_long(field: str, limit: int) -> FieldError:
    """`metadata.annotations: Too long: may not be more than 262144 bytes`."""
    return FieldError("FieldValueTooLong", field, detail=f"may not be more than {limit} bytes")


def too_many(field: str, actual: int, limit: int) -> FieldError:
    """`spec.x: Too many: 12: must have at most 10 items`."""
    noun = "item" if limit == 1 else "items"
    return FieldError("FieldValueTooMany", field, actual, f"must have at most {limit} {noun}")


def not_found(field: str, value: Any) -> FieldError:
    """`spec.x: Not found: "y"`."""
    return FieldError("FieldValueNotFound", field, value)


def internal(field: str, detail: str) -> FieldError:
    """`metadata: Internal error: ...`."""
    return FieldError("InternalError", field, detail=detail)


def all_invalid(field: str, value: Any, details: Iterable[str]) -> list[FieldError]:
    """One complaint per detail, as the checks of `names` give them."""
    return [invalid(field, value, detail) for detail in details]


def non_negative(field: str, value: int) -> list[FieldError]:
    """Complain about a number below zero (ValidateNonnegativeField)."""
    return [invalid(field, value, NEGATIVE)] if value < 0 else []


def immutable(field: str, new: Any, old: Any) -> list[FieldError]:
    """Complain when a value has changed; null, {} and [] are the same (Semantic.DeepEqual)."""
    return [] if same(new, old) else [invalid(field, new, IMMUTABLE)]


def same(a: Any, b: Any) -> bool:
    """Equal as API objects are: what is null or empty is the same as what is missing."""
    if isinstance(a, dict) and isinstance(b, dict):
        if a == b:
            return True
        return all(same(a.get(key), b.get(key)) for key in a.keys() | b.keys())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b or (_nothing(a) and _nothing(b)))


def _nothing(value: Any) -> bool:
    return value is None or value == {} or value == []


def go_quote(text: str) -> str:
    """Go's %q of a string."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(map(_go_character, text)) + '"'


_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n",
                   "\r": "\\r", "\t": "\\t", "\v": "\\v"}


def _go_character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def go_value(value: Any) -> str:
    """How `field.Error` shows a bad value: Go's %q of strings, %v of numbers, JSON of the rest."""
    if isinstance(value, str):
        return go_quote(value)
    if value is None:
        return "null"
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def in_order(value: Any, names: Sequence[str]) -> dict[str, Any]:
    """A struct with its fields in Go's order, as messages show it; what is absent stays so."""
    value = value or {}
    return {name: value[name] for name in names if value.get(name) is not None}


def internal_struct(value: Any, *fields: str | tuple[str, Any]) -> Any:
    """A struct of Kubernetes' internal types as messages show it: every field, by its Go name.

    A field is its Go name when its zero value is null, else (Go name, zero value). The JSON name
    is the Go name with a small first letter, or stands behind a colon: `SELinuxOptions:seLinux`.
    """
    if value is None:
        return None
    shown = {}
    for field in fields:
        name, zero = (field, None) if isinstance(field, str) else field
        go, _, own = name.partition(":")
        given = value.get(own or go[0].lower() + go[1:])
        shown[go] = zero if given is None else given
    return shown


SELECTOR_FIELDS: Final = ("matchLabels", "matchExpressions")


def shown_selector(selector: Any) -> Any:
    """A metav1.LabelSelector as messages show it."""
    if selector is None:
        return None
    shown = in_order(selector, SELECTOR_FIELDS)
    if "matchLabels" in shown:
        shown["matchLabels"] = dict(sorted(shown["matchLabels"].items()))
    if "matchExpressions" in shown:
        shown["matchExpressions"] = [in_order(e, ("key", "operator", "values"))
                                     for e in shown["matchExpressions"]]
    return {name: part for name, part in shown.items() if part}
