"""What is wrong with wishes for devices. Models pkg/apis/resource/validation, without its CEL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.names import is_dns1123_label, is_dns1123_subdomain
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    forbidden,
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

    Names = Mapping[str, frozenset[str]]

_MODES: Final = ("All", "ExactCount")
_MOST: Final = 32
_MOST_ALTERNATIVES: Final = 8
_MOST_CONSUMERS: Final = 256
_LONGEST_CEL: Final = 10 * 1024
_REFERENCE: Final = ("must be the name of a request in the claim or the name of a request and a "
                     "subrequest separated by '/'")
_ONE_KIND: Final = "exactly one of `exactly` or `firstAvailable` is required"
_ONE_ATTRIBUTE: Final = ('exactly one of "matchAttribute" or "distinctAttribute" is required, but '
                         "multiple fields are set")


def each(items: Sequence[Any], most: int, path: Path,
         check: Callable[[Any, Path], list[FieldError]],
         key: Callable[[Any], str] | None = None) -> list[FieldError]:
    """A list's size, its items, and that no key comes twice (validateSlice, validateSet)."""
    errors = [too_many(path, len(items), most)] if len(items) > most else []
    for i, item in enumerate(items):
        errors += check(item, path.at(i))
    keys = [key(item) for item in items] if key is not None else []
    return errors + [duplicate(path.at(i), name) for i, name in enumerate(keys) if name in keys[:i]]


def claim_errors(spec: Object, path: Path) -> list[FieldError]:
    """What is wrong with a ResourceClaimSpec."""
    devices, own = spec.get("devices") or {}, path.child("devices")
    requests = devices.get("requests") or ()
    names = {request.get("name") or "": frozenset(
        part.get("name") or "" for part in request.get("firstAvailable") or ())
        for request in requests}
    errors = each(requests, _MOST, own.child("requests"), _request_errors, _name)
    errors += each(devices.get("constraints") or (), _MOST, own.child("constraints"),
                   lambda constraint, at: _constraint_errors(constraint, at, names))
    return errors + each(devices.get("config") or (), _MOST, own.child("config"),
                         lambda config, at: _references_errors(config, at, names)
                         + config_errors(config, at))


def _name(item: Object) -> str:
    return item.get("name") or ""


def name_errors(name: str, path: Path) -> list[FieldError]:
    """A name that is given and a label."""
    return all_invalid(path, name, is_dns1123_label(name)) if name else [required(path)]


def _request_errors(request: Object, path: Path) -> list[FieldError]:
    errors = name_errors(_name(request), path.child("name"))
    exact, others = request.get("exactly"), request.get("firstAvailable") or ()
    if exact is None and not others:
        return [*errors, required(path, _ONE_KIND)]
    if exact is not None and others:
        return [*errors, invalid(path, None, f"{_ONE_KIND}, but multiple fields are set")]
    if exact is not None:
        return errors + _part_errors(exact, path.child("exactly"))
    return errors + each(
        others, _MOST_ALTERNATIVES, path.child("firstAvailable"),
        lambda part, at: name_errors(_name(part), at.child("name")) + _part_errors(part, at), _name)


def _part_errors(part: Object, path: Path) -> list[FieldError]:
    kind, own = part.get("deviceClassName") or "", path.child("deviceClassName")
    errors = all_invalid(own, kind, is_dns1123_subdomain(kind)) if kind else [required(own)]
    errors += selectors_errors(part.get("selectors") or (), path.child("selectors"))
    mode, count = part.get("allocationMode") or "", part.get("count") or 0
    if mode not in _MODES:
        errors.append(not_supported(path.child("allocationMode"), mode, _MODES))
    elif mode == "All" and count:
        errors.append(invalid(path.child("count"), count,
                              "must not be specified when allocationMode is 'All'"))
    elif mode == "ExactCount" and count <= 0:
        errors.append(invalid(path.child("count"), count, "must be greater than zero"))
    return errors


def selectors_errors(selectors: Sequence[Object], path: Path) -> list[FieldError]:
    """What is wrong with DeviceSelectors."""
    return each(selectors, _MOST, path, _selector_errors)


def _selector_errors(selector: Object, path: Path) -> list[FieldError]:
    cel = selector.get("cel")
    if cel is None:
        return [required(path.child("cel"))]
    own = path.child("cel", "expression")
    return [too_long(own, _LONGEST_CEL)] if len(cel.get("expression") or "") > _LONGEST_CEL else []


def _references_errors(holder: Object, path: Path, names: Names) -> list[FieldError]:
    return each(holder.get("requests") or (), _MOST, path.child("requests"),
                lambda name, at: _reference_errors(name, at, names), str)


def _reference_errors(name: str, path: Path, names: Names) -> list[FieldError]:
    parts = name.split("/")
    if len(parts) > 2:
        return [invalid(path, name, _REFERENCE)]
    errors = [error for part in parts for error in name_errors(part, path)]
    known = parts[0] in names and (len(parts) == 1 or parts[1] in names[parts[0]])
    return errors if known else [*errors, invalid(path, name, _REFERENCE)]


def _constraint_errors(constraint: Object, path: Path, names: Names) -> list[FieldError]:
    errors = _references_errors(constraint, path, names)
    for key in ("matchAttribute", "distinctAttribute"):
        if constraint.get(key) is not None:
            return errors + _qualified_errors(constraint[key], path.child(key))
    return [*errors, required(path, _ONE_ATTRIBUTE)]


def _qualified_errors(name: str, path: Path) -> list[FieldError]:
    """`domain/identifier`; the domain may not be left out."""
    domain, slash, rest = name.partition("/")
    if not slash:
        return [invalid(path, name, "must include a domain")]
    errors = all_invalid(path, domain, is_dns1123_subdomain(domain)) if domain else [
        required(path, "the domain must not be empty")]
    return errors if rest else [*errors, required(path, "the name must not be empty")]


def config_errors(config: Object, path: Path) -> list[FieldError]:
    """What is wrong with a DeviceConfiguration."""
    opaque, own = config.get("opaque"), path.child("opaque")
    if opaque is None:
        return [required(own)]
    errors = csi_driver_name_errors(opaque.get("driver") or "", own.child("driver"))
    parameters = opaque.get("parameters")
    if parameters is None:
        return [*errors, required(own.child("parameters"))]
    if not isinstance(parameters, dict):
        errors.append(invalid(own.child("parameters"), "<value omitted>",
                              "must be a valid JSON object"))
    return errors


# --- status ------------------------------------------------------------------------------------


def status_errors(obj: Object, old: Object) -> list[FieldError]:
    """What is wrong with a claim's changed status: who has it, and that it is there to be had."""
    status, before, path = obj.get("status") or {}, old.get("status") or {}, Path("status")
    reserved, own = status.get("reservedFor") or [], path.child("reservedFor")
    errors = each(reserved, _MOST_CONSUMERS, own, _consumer_errors,
                  lambda consumer: consumer.get("uid") or "")
    if reserved and status.get("allocation") is None:
        errors.append(forbidden(own, "may not be specified when `allocated` is not set"))
    elif obj["metadata"].get("deletionTimestamp") and any(
            consumer not in (before.get("reservedFor") or ()) for consumer in reserved):
        errors.append(forbidden(own, "new entries may not be added while `deallocationRequested` "
                                "or `deletionTimestamp` are set"))
    given, had = status.get("allocation"), before.get("allocation")
    if given is not None and had is not None and given != had:
        errors.append(invalid(path.child("allocation"), given, "field is immutable"))
    return errors


def _consumer_errors(consumer: Object, path: Path) -> list[FieldError]:
    return [required(path.child(name)) for name in ("resource", "name", "uid")
            if not consumer.get(name)]
