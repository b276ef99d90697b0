"""What is wrong with metav1 Conditions (ValidateConditions)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_qualified_name, regex_error
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    invalid,
    not_supported,
    required,
    too_long,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object

_STATUSES: Final = ("False", "True", "Unknown")
_REASON: Final = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?"
_REASON_PATTERN: Final = re.compile(_REASON)
_REASON_ERROR: Final = regex_error(
    "a condition reason must start with alphabetic character, optionally followed by a string of "
    "alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'",
    _REASON, "my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB")
_LONGEST_REASON: Final = 1024
_LONGEST_MESSAGE: Final = 32 * 1024


def conditions_errors(conditions: Sequence[Object], path: Path) -> list[FieldError]:
    """Each has a type of its own, a status, a reason and a time."""
    errors: list[FieldError] = []
    kinds = [condition.get("type") or "" for condition in conditions]
    for i, condition in enumerate(conditions):
        if kinds[i] in kinds[:i]:
            errors.append(duplicate(path.at(i).child("type"), kinds[i]))
        errors += _condition_errors(condition, path.at(i))
    return errors


def _condition_errors(condition: Object, path: Path) -> list[FieldError]:
    kind, status = condition.get("type") or "", condition.get("status") or ""
    errors = all_invalid(path.child("type"), kind, is_qualified_name(kind))
    if status not in _STATUSES:
        errors.append(not_supported(path.child("status"), status, _STATUSES))
    generation = condition.get("observedGeneration") or 0
    if generation < 0:
        errors.append(invalid(path.child("observedGeneration"), generation,
                              "must be greater than or equal to zero"))
    if not condition.get("lastTransitionTime"):
        errors.append(required(path.child("lastTransitionTime"), "must be set"))
    errors += _reason_errors(condition.get("reason") or "", path.child("reason"))
    if len((condition.get("message") or "").encode()) > _LONGEST_MESSAGE:
        errors.append(too_long(path.child("message"), _LONGEST_MESSAGE))
    return errors


def _reason_errors(reason: str, path: Path) -> list[FieldError]:
    if not reason:
        return [required(path, "must be set")]
    errors = [] if _REASON_PATTERN.fullmatch(reason) else [invalid(path, reason, _REASON_ERROR)]
    return [*errors, too_long(path, _LONGEST_REASON)] if len(reason) > _LONGEST_REASON else errors
