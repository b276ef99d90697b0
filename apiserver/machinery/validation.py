"""What is wrong with which field. Models apimachinery/pkg/util/validation/field."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

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


class Path(str):
    """A field path: `Path("spec").child("ports").at(0).key("a.b")` is `spec.ports[0][a.b]`."""

    __slots__ = ()

    def child(self, *names: str) -> Path:
        """The path of a named field below this one."""
        return Path(".".join((self, *names)) if self else ".".join(names))

    def at(self, i: int) -> Path:
        """The path of a list element."""
        return Path(f"{self}[{i}]")

    def key(self, key: str) -> Path:
        """The path of a map entry."""
        return Path(f"{self}[{key}]")


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


def not_supported(field: str, value: Any, supported: list[str]) -> FieldError:
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
    return FieldError("FieldValueTooMany", field, actual, f"must have at most {limit} items")


def not_found(field: str, value: Any) -> FieldError:
    """`spec.x: Not found: "y"`."""
    return FieldError("FieldValueNotFound", field, value)


def internal(field: str, detail: str) -> FieldError:
    """`metadata: Internal error: ...`."""
    return FieldError("InternalError", field, detail=detail)


def go_quote(text: str) -> str:
    """Go's %q of a string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f")


def go_value(value: Any) -> str:
    """How `field.Error` shows a bad value: Go's %q of strings, %v of numbers, JSON of the rest."""
    if isinstance(value, str):
        return go_quote(str(value))
    if value is None:
        return "null"
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
