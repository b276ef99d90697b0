"""What is wrong with what claims and slices have in common: lists, names, tolerations, taints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.names import (
    is_c_identifier,
    is_dns1123_label,
    is_dns1123_subdomain,
    is_qualified_name,
    is_valid_label_value,
)
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    invalid,
    not_supported,
    required,
    too_long,
    too_many,
)
from apiserver.resources.core.volume_validation import csi_driver_name_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from apiserver.machinery.types import Object

_EFFECTS: Final = ("NoExecute", "NoSchedule", "None")
_OPERATORS: Final = ("Equal", "Exists")
_LONGEST_ID: Final = 32
_LONGEST_POOL: Final = 253
_MOST_CONDITIONS: Final = 4
_NOT_QUALIFIED: Final = "a fully qualified name must be a domain and a name separated by a slash"


def each(items: Sequence[Any], most: int, path: Path,
         check: Callable[[Any, Path], list[FieldError]],
         key: Callable[[Any], str] | None = None) -> list[FieldError]:
    """A list's items, and that no key comes twice; only the size of one that is too long."""
    if len(items) > most:
        return [too_many(path, len(items), most)]
    errors = [error for i, item in enumerate(items) for error in check(item, path.at(i))]
    keys = [key(item) for item in items] if key is not None else []
    return errors + [duplicate(path.at(i), name) for i, name in enumerate(keys) if name in keys[:i]]


def each_value(values: Mapping[str, Any], most: int | None, path: Path,
               check_key: Callable[[str, Path], list[FieldError]],
               check: Callable[[Any, Path], list[FieldError]]) -> list[FieldError]:
    """A map's keys, that are reported at the map, and its values."""
    if most is not None and len(values) > most:
        return [too_many(path, len(values), most)]
    return [error for key, value in values.items()
            for error in check_key(key, path) + check(value, path.key(key))]


def label_errors(name: str, path: Path) -> list[FieldError]:
    """The name of a request, a device or a counter."""
    return all_invalid(path, name, is_dns1123_label(name))


def name_of(item: Object) -> str:
    """A thing's name, that may be missing."""
    return item.get("name") or ""


def pool_errors(name: str, path: Path) -> list[FieldError]:
    """The name of a pool: subdomains and slashes."""
    if not name:
        return [required(path)]
    errors = [too_long(path, _LONGEST_POOL)] if len(name) > _LONGEST_POOL else []
    return errors + [invalid(path, part, text) for part in name.split("/")
                     for text in is_dns1123_subdomain(part)]


def qualified_errors(name: str, path: Path) -> list[FieldError]:
    """`identifier` or `domain/identifier`."""
    domain, slash, own = name.rpartition("/")
    if "/" in domain:
        return [invalid(path, name, "must not contain more than one slash")]
    errors: list[FieldError] = []
    if slash:
        errors += csi_driver_name_errors(domain, path) if domain else [
            invalid(path, "", "the domain must not be empty")]
        if not own:
            return [*errors, invalid(path, "", "the name must not be empty")]
    if len(own) > _LONGEST_ID:
        errors.append(too_long(path, _LONGEST_ID))
    return errors + all_invalid(path, own, is_c_identifier(own))


def fully_qualified_errors(name: str, path: Path) -> list[FieldError]:
    """`domain/identifier`."""
    errors = qualified_errors(name, path)
    return errors if "/" in name else [*errors, invalid(path, name, _NOT_QUALIFIED)]


# --- taints ------------------------------------------------------------------------------------


def tolerations_errors(tolerations: Sequence[Object], path: Path) -> list[FieldError]:
    """What is wrong with DeviceTolerations."""
    return [error for i, toleration in enumerate(tolerations)
            for error in _toleration_errors(toleration, path.at(i))]


def _toleration_errors(toleration: Object, path: Path) -> list[FieldError]:
    key, operator, value, effect = (
        toleration.get(name) or "" for name in ("key", "operator", "value", "effect"))
    errors = all_invalid(path.child("key"), key, is_qualified_name(key)) if key else []
    if operator == "Exists" and value:
        errors.append(invalid(path.child("value"), value, "must be empty for operator `Exists`"))
    elif operator == "Equal":
        errors += all_invalid(path.child("value"), value, is_valid_label_value(value))
    elif operator not in _OPERATORS:
        errors.append(not_supported(path.child("operator"), operator, _OPERATORS))
    if effect and effect not in _EFFECTS:
        errors.append(not_supported(path.child("effect"), effect, _EFFECTS))
    return errors


def taint_errors(taint: Object, path: Path) -> list[FieldError]:
    """What is wrong with a DeviceTaint."""
    key, value, effect = (taint.get(name) or "" for name in ("key", "value", "effect"))
    errors = all_invalid(path.child("key"), key, is_qualified_name(key))
    errors += all_invalid(path.child("value"), value, is_valid_label_value(value))
    if effect in _EFFECTS:
        return errors
    own = path.child("effect")
    return [*errors, not_supported(own, effect, _EFFECTS) if effect else required(own)]


# --- binding conditions ------------------------------------------------------------------------


def binding_errors(holder: Object, path: Path) -> list[FieldError]:
    """Conditions to wait for, and those on which to give up: both or none, and no one twice."""
    ready, failed = (holder.get(name) or [] for name in ("bindingConditions",
                                                         "bindingFailureConditions"))
    for_ready, for_failed = path.child("bindingConditions"), path.child("bindingFailureConditions")
    errors = each(ready, _MOST_CONDITIONS, for_ready, _condition_errors)
    errors += each(failed, _MOST_CONDITIONS, for_failed, _condition_errors)
    errors += [duplicate(for_ready.at(i), name) for i, name in enumerate(ready)
               if name in ready[:i]]
    for i, name in enumerate(failed):
        if name in failed[:i]:
            errors.append(duplicate(for_failed.at(i), name))
        if name in ready:
            errors.append(invalid(for_failed.at(i), name, "bindingFailureConditions must not "
                                  "overlap with bindingConditions"))
    if failed and not ready:
        errors.append(invalid(for_ready, None, "bindingConditions are required to use "
                              "bindingFailureConditions"))
    if ready and not failed:
        errors.append(invalid(for_failed, None, "bindingFailureConditions are required to use "
                              "bindingConditions"))
    return errors


def _condition_errors(name: str, path: Path) -> list[FieldError]:
    return all_invalid(path, name, is_qualified_name(name))
