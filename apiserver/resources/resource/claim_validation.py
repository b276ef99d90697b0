"""What is wrong with wishes for devices. Models pkg/apis/resource/validation, without its CEL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.names import is_dns1123_subdomain
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    invalid,
    not_supported,
    required,
    too_long,
)
from apiserver.resources.core.volume_validation import csi_driver_name_errors
from apiserver.resources.resource.parts import (
    each,
    fully_qualified_errors,
    label_errors,
    name_of,
    tolerations_errors,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apiserver.machinery.types import Object

    Names = Mapping[str, frozenset[str]]

_MODES: Final = ("All", "ExactCount")
_MOST: Final = 32
_MOST_ALTERNATIVES: Final = 8
_LONGEST_CEL: Final = 10 * 1024
_LONGEST_RAW: Final = 10 * 1024
_REFERENCE: Final = ("must be the name of a request in the claim or the name of a request and a "
                     "subrequest separated by '/'")
_ONE_KIND: Final = "exactly one of `exactly` or `firstAvailable` is required"
_ONE_ATTRIBUTE: Final = ('exactly one of "matchAttribute" or "distinctAttribute" is required, but '
                         "multiple fields are set")


def claim_errors(spec: Object, path: Path) -> list[FieldError]:
    """What is wrong with a ResourceClaimSpec."""
    devices, own = spec.get("devices") or {}, path.child("devices")
    names = request_names(spec)
    errors = each(devices.get("requests") or (), _MOST, own.child("requests"), _request_errors,
                  name_of)
    errors += each(devices.get("constraints") or (), _MOST, own.child("constraints"),
                   lambda constraint, at: _constraint_errors(constraint, at, names))
    return errors + each(devices.get("config") or (), _MOST, own.child("config"),
                         lambda config, at: references_errors(config, at, names)
                         + config_errors(config, at))


def request_names(spec: Object) -> Names:
    """The requests of a claim, and the names of what each would take instead."""
    return {name_of(request): frozenset(map(name_of, request.get("firstAvailable") or ()))
            for request in (spec.get("devices") or {}).get("requests") or ()}


def _request_errors(request: Object, path: Path) -> list[FieldError]:
    errors = label_errors(name_of(request), path.child("name"))
    exact, others = request.get("exactly"), request.get("firstAvailable") or ()
    if exact is None and not others:
        return [*errors, required(path, _ONE_KIND)]
    if exact is not None and others:
        return [*errors, invalid(path, None, f"{_ONE_KIND}, but multiple fields are set")]
    if exact is not None:
        return errors + _part_errors(exact, path.child("exactly"))
    return errors + each(
        others, _MOST_ALTERNATIVES, path.child("firstAvailable"),
        lambda part, at: label_errors(name_of(part), at.child("name")) + _part_errors(part, at),
        name_of)


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
    return errors + tolerations_errors(part.get("tolerations") or (), path.child("tolerations"))


def selectors_errors(selectors: Sequence[Object], path: Path) -> list[FieldError]:
    """What is wrong with DeviceSelectors."""
    return each(selectors, _MOST, path, _selector_errors)


def _selector_errors(selector: Object, path: Path) -> list[FieldError]:
    cel = selector.get("cel")
    if cel is None:
        return [required(path.child("cel"))]
    own = path.child("cel", "expression")
    return [too_long(own, _LONGEST_CEL)] if len(cel.get("expression") or "") > _LONGEST_CEL else []


def references_errors(holder: Object, path: Path, names: Names) -> list[FieldError]:
    """The requests that something is about, each once."""
    return each(holder.get("requests") or (), _MOST, path.child("requests"),
                lambda name, at: reference_errors(name, at, names), str)


def reference_errors(name: str, path: Path, names: Names) -> list[FieldError]:
    """The name of a request, or of one and of a part of it."""
    parts = name.split("/")
    if len(parts) > 2:
        return [invalid(path, name, _REFERENCE)]
    errors = [error for part in parts for error in label_errors(part, path)]
    known = parts[0] in names and (len(parts) == 1 or parts[1] in names[parts[0]])
    return errors if known else [*errors, invalid(path, name, _REFERENCE)]


def _constraint_errors(constraint: Object, path: Path, names: Names) -> list[FieldError]:
    errors = references_errors(constraint, path, names)
    for key in ("matchAttribute", "distinctAttribute"):
        if constraint.get(key) is not None:
            return errors + fully_qualified_errors(constraint[key], path.child(key))
    return [*errors, required(path, _ONE_ATTRIBUTE)]


def config_errors(config: Object, path: Path) -> list[FieldError]:
    """What is wrong with a DeviceConfiguration."""
    opaque, own = config.get("opaque"), path.child("opaque")
    if opaque is None:
        return [required(own)]
    errors = csi_driver_name_errors(opaque.get("driver") or "", own.child("driver"))
    return errors + raw_errors(opaque.get("parameters"), own.child("parameters"))


def raw_errors(value: Any, path: Path) -> list[FieldError]:
    """A JSON object of any content (validateRawExtension)."""
    if value is None:
        return [required(path)]
    if len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()) > _LONGEST_RAW:
        return [too_long(path, _LONGEST_RAW)]
    return [] if isinstance(value, dict) else [
        invalid(path, "<value omitted>", "must be a valid JSON object")]
