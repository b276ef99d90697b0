"""Checks of paths, file modes and required fields that volume sources share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.validation import FieldError, Path, invalid, required

if TYPE_CHECKING:
    from collections.abc import Callable

    from apiserver.machinery.types import Object

_MODE: Final = "must be a number between 0 and 0777 (octal), both inclusive"


def needs(*names: str) -> Callable[[Object, Path], list[FieldError]]:
    """A check that these fields are given; `a.b` looks into `a` when that is there."""
    def check(source: Object, path: Path) -> list[FieldError]:
        errors = []
        for name in names:
            outer, _, inner = name.rpartition(".")
            holder = source.get(outer) if outer else source
            if holder is not None and not holder.get(inner):
                errors.append(required(path.child(name)))
        return errors
    return check


def no_backsteps(text: str, path: Path) -> list[FieldError]:
    """No `..` among the path's elements."""
    return [invalid(path, text, "must not contain '..'")] if ".." in text.split("/") else []


def descending_path(text: str, path: Path) -> list[FieldError]:
    """A relative path that stays below its start."""
    errors = ([invalid(path, text, "must be a relative path")] if text.startswith("/") else [])
    return errors + no_backsteps(text, path)


def local_path(text: str, path: Path) -> list[FieldError]:
    """A descending path that does not begin with `..`."""
    errors = descending_path(text, path)
    if text.startswith("..") and not text.startswith("../"):
        errors.append(invalid(path, text, "must not start with '..'"))
    return errors


def mode_errors(mode: int | None, path: Path) -> list[FieldError]:
    """File permissions."""
    return [] if mode is None or 0 <= mode <= 0o777 else [invalid(path, mode, _MODE)]


def key_to_path(item: Object, path: Path) -> list[FieldError]:
    """An entry of a ConfigMap or Secret as a file."""
    return (needs("key", "path")(item, path)
            + local_path(item.get("path") or "", path.child("path"))
            + mode_errors(item.get("mode"), path.child("mode")))
