"""What is wrong with a Node. Models ValidateNode and ValidateNodeUpdate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import (
    is_config_map_key,
    is_dns1123_label,
    is_dns1123_subdomain,
    is_valid_cidr_legacy,
    parse_cidr,
)
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    forbidden,
    internal_struct,
    invalid,
    required,
)
from apiserver.resources.core.resource_validation import amount_errors
from apiserver.resources.core.scheduling_validation import taints_errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from apiserver.machinery.types import Object

_TAINTS: Final = Path("metadata.taints")
_CIDRS: Final = Path("spec.podCIDRs")


def node_errors(node: Object) -> list[FieldError]:
    """What is wrong with a new Node."""
    spec = node.get("spec") or {}
    errors = taints_errors(spec.get("taints") or (), _TAINTS) + _resource_errors(node)
    cidrs = spec.get("podCIDRs") or []
    for i, cidr in enumerate(cidrs):
        errors += all_invalid(_CIDRS.at(i), cidr, is_valid_cidr_legacy(cidr))
    if len(cidrs) > 1:
        families = {parsed[0].version for parsed in map(parse_cidr, cidrs) if parsed}
        if len(families) != 2 or len(cidrs) > 2:
            errors.append(invalid(_CIDRS, cidrs,
                                  "may specify no more than one CIDR for each IP family"))
        errors += [duplicate(_CIDRS.at(i), cidr) for i, cidr in enumerate(cidrs)
                   if cidr in cidrs[:i]]
    return errors


def _resource_errors(node: Object) -> list[FieldError]:
    status = node.get("status") or {}
    return [error for side in ("capacity", "allocatable")
            for name, text in (status.get(side) or {}).items()
            for error in amount_errors(name, text, Path("status").child(side, name))]


def node_update_errors(node: Object, old: Object) -> list[FieldError]:
    """What is wrong with a changed Node."""
    spec, before = node.get("spec") or {}, old.get("spec") or {}
    errors = _resource_errors(node) + _address_errors(node)
    errors += _cidr_changes(spec.get("podCIDRs") or [], before.get("podCIDRs") or [])
    if before.get("providerID") and spec.get("providerID") != before["providerID"]:
        errors.append(forbidden("spec.providerID", "node updates may not change providerID except "
                                'from "" to valid'))
    if spec.get("configSource") is not None:
        errors += _config_errors(spec["configSource"], Path("spec.configSource"), _in_spec)
    errors += taints_errors(spec.get("taints") or (), _TAINTS)
    if (spec.get("externalID") or "") != (before.get("externalID") or ""):
        errors.append(forbidden("spec.externalID", "may not be updated"))
    return errors


def _cidr_changes(new: list[str], old: list[str]) -> list[FieldError]:
    """One complaint per range that is another, or one about their number."""
    if not old:
        return []
    changed = [True] if len(new) != len(old) else map(str.__ne__, new, old)
    return [forbidden(_CIDRS, 'node updates may not change podCIDR except from "" to valid')
            for is_changed in changed if is_changed]


def _address_errors(node: Object) -> list[FieldError]:
    addresses = (node.get("status") or {}).get("addresses") or []
    path = Path("status.addresses")
    return [duplicate(path.at(i), internal_struct(address, ("Type", ""), ("Address", "")))
            for i, address in enumerate(addresses) if address in addresses[:i]]


def _config_errors(source: Object, path: Path,
                   check: Callable[[Object, Path], list[FieldError]]) -> list[FieldError]:
    config = source.get("configMap")
    if config is None:
        return [invalid(path, {"ConfigMap": None},
                        "exactly one reference subfield must be non-nil")]
    own = path.child("configMap")
    errors = check(config, own)
    for name, rule in (("namespace", is_dns1123_label), ("name", is_dns1123_subdomain),
                       ("kubeletConfigKey", is_config_map_key)):
        value = config.get(name)
        errors += (all_invalid(own.child(name), value, rule(value)) if value
                   else [required(own.child(name), f"{name} must be set")])
    return errors


def _in_spec(config: Object, path: Path) -> list[FieldError]:
    return [forbidden(path.child(name), f"{name} must not be set in spec")
            for name in ("uid", "resourceVersion") if config.get(name)]
