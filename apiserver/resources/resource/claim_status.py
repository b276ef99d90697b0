"""What is wrong with a ResourceClaim's status: its devices and who has them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.conditions import conditions_errors
from apiserver.machinery.names import parse_cidr
from apiserver.machinery.validation import (
    FieldError,
    Path,
    forbidden,
    immutable,
    invalid,
    not_supported,
    required,
    too_long,
    too_many,
)
from apiserver.resources.core.scheduling_validation import node_selector_errors
from apiserver.resources.core.volume_validation import csi_driver_name_errors
from apiserver.resources.resource.claim_validation import (
    config_errors,
    raw_errors,
    reference_errors,
    references_errors,
    request_names,
)
from apiserver.resources.resource.parts import (
    binding_errors,
    each,
    label_errors,
    pool_errors,
    tolerations_errors,
)

if TYPE_CHECKING:
    from apiserver.machinery.types import Object
    from apiserver.resources.resource.claim_validation import Names

_MOST_CONSUMERS: Final = 256
_MOST_RESULTS: Final = 32
_MOST_CONFIGS: Final = 64
_MOST_CONDITIONS: Final = 8
_MOST_ADDRESSES: Final = 16
_SOURCES: Final = ("FromClaim", "FromClass")
_NETWORK: Final = (("interfaceName", 256), ("hardwareAddress", 128))
_UID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NOT_NORMAL: Final = ("uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-"
                      "xxxxxxxxxxxx` with lowercase hexadecimal characters")
_NOT_UID: Final = "error validating uid: invalid UUID length: "


def status_errors(obj: Object, old: Object) -> list[FieldError]:
    """What is wrong with a claim's changed status."""
    status, before, path = obj.get("status") or {}, old.get("status") or {}, Path("status")
    reserved, own = status.get("reservedFor") or [], path.child("reservedFor")
    given, had = status.get("allocation"), before.get("allocation")
    errors = each(reserved, _MOST_CONSUMERS, own, _consumer_errors,
                  lambda consumer: consumer.get("uid") or "")
    known = {_device(result) for result in _parts(given, "results")}
    errors += each(status.get("devices") or (), len(status.get("devices") or ()),
                   path.child("devices"), lambda device, at: _device_errors(device, known, at),
                   _device)
    if reserved and given is None:
        errors.append(forbidden(own, "may not be specified when `allocated` is not set"))
    elif obj["metadata"].get("deletionTimestamp") and any(
            consumer not in (before.get("reservedFor") or ()) for consumer in reserved):
        errors.append(forbidden(own, "new entries may not be added while `deallocationRequested` "
                                "or `deletionTimestamp` are set"))
    if given is not None and had is not None:
        return errors + immutable(path.child("allocation"), given, had)
    return errors if given is None else errors + _allocation_errors(
        given, request_names(obj.get("spec") or {}), path.child("allocation"))


def _consumer_errors(consumer: Object, path: Path) -> list[FieldError]:
    return [required(path.child(name)) for name in ("resource", "name", "uid")
            if not consumer.get(name)]


# --- allocation --------------------------------------------------------------------------------


def _parts(allocation: Object | None, name: str) -> list[Object]:
    return ((allocation or {}).get("devices") or {}).get(name) or []


def _allocation_errors(allocation: Object, names: Names, path: Path) -> list[FieldError]:
    own = path.child("devices")
    errors = each(_parts(allocation, "results"), _MOST_RESULTS, own.child("results"),
                  lambda result, at: _result_errors(result, names, at))
    errors += each(_parts(allocation, "config"), _MOST_CONFIGS, own.child("config"),
                   lambda config, at: _source_errors(config.get("source") or "", at.child("source"))
                   + references_errors(config, at, names) + config_errors(config, at))
    chosen = allocation.get("nodeSelector")
    return errors if chosen is None else errors + node_selector_errors(
        chosen, path.child("nodeSelector"))


def _result_errors(result: Object, names: Names, path: Path) -> list[FieldError]:
    errors = reference_errors(result.get("request") or "", path.child("request"), names)
    errors += _identity_errors(result, path) + binding_errors(result, path)
    errors += tolerations_errors(result.get("tolerations") or (), path.child("tolerations"))
    return errors + _share_errors(result.get("shareID"), path.child("shareID"))


def _identity_errors(device: Object, path: Path) -> list[FieldError]:
    """Whose device of which pool it is."""
    return (csi_driver_name_errors(device.get("driver") or "", path.child("driver"))
            + pool_errors(device.get("pool") or "", path.child("pool"))
            + label_errors(device.get("device") or "", path.child("device")))


def _share_errors(share: str | None, path: Path) -> list[FieldError]:
    if share is None or _UID.fullmatch(share):
        return []
    text = _NOT_NORMAL if _UID.fullmatch(share.lower()) else f"{_NOT_UID}{len(share)}"
    return [invalid(path, share, text)]


def _source_errors(source: str, path: Path) -> list[FieldError]:
    if source in _SOURCES:
        return []
    return [not_supported(path, source, _SOURCES) if source else required(path)]


# --- devices -----------------------------------------------------------------------------------


def _device(device: Object) -> str:
    """How a device is called everywhere (SharedDeviceID)."""
    names = [device.get(name) or "" for name in ("driver", "pool", "device", "shareID")]
    return "/".join(names if names[3] else names[:3])


def _device_errors(device: Object, known: set[str], path: Path) -> list[FieldError]:
    errors = _identity_errors(device, path)
    errors += _share_errors(device.get("shareID"), path.child("shareID"))
    if _device(device) not in known:
        errors.append(invalid(path, _device(device), "must be an allocated device in the claim"))
    conditions, own = device.get("conditions") or (), path.child("conditions")
    if len(conditions) > _MOST_CONDITIONS:
        errors.append(too_many(own, len(conditions), _MOST_CONDITIONS))
    errors += conditions_errors(conditions, own)
    if device.get("data") is not None:
        errors += raw_errors(device["data"], path.child("data"))
    return errors + _network_errors(device.get("networkData") or {}, path.child("networkData"))


def _network_errors(data: Object, path: Path) -> list[FieldError]:
    errors = [too_long(path.child(name), most) for name, most in _NETWORK
              if len((data.get(name) or "").encode()) > most]
    return errors + each(data.get("ips") or (), _MOST_ADDRESSES, path.child("ips"),
                         _interface_errors, str)


def _interface_errors(text: Any, path: Path) -> list[FieldError]:
    """An address with the length of its subnet (IsValidInterfaceAddress)."""
    parsed = parse_cidr(text)
    if parsed is None:
        return [invalid(path, text, "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or "
                        "2001:db8::1/64)")]
    address, network = parsed
    canonical = f"{address}/{network.prefixlen}"
    return [] if text == canonical else [
        invalid(path, text, f'must be in canonical form ("{canonical}")')]
