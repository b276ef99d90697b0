"""The linked address fields of a Service: clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy. Models
ValidateServiceClusterIPsRelatedFields, which upstream asks twice: before it allocates, when nothing
else of the Service has been looked at yet, and with the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.names import is_valid_ip_legacy, parse_ip
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    invalid,
    not_supported,
    required,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

SPEC: Final = Path("spec")
_FAMILIES: Final = ("IPv4", "IPv6")
_FAMILY_POLICIES: Final = ("PreferDualStack", "RequireDualStack", "SingleStack")


def cluster_ips_errors(spec: Mapping[str, Any]) -> list[FieldError]:
    """clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy among themselves."""
    if spec.get("type") == "ExternalName":
        return []
    path, several = SPEC.child("clusterIPs"), list(spec.get("clusterIPs") or ())
    errors = _single_errors(spec.get("clusterIP") or "", several, path) + _family_errors(spec)
    wrong = _address_errors(several, path)
    errors += wrong
    if len(several) > 2:
        errors.append(invalid(path, several, "may only hold up to 2 values"))
    if wrong:
        return errors
    families = [address.version for address in map(parse_ip, several) if address]
    if len(several) > 1 and (len(families) != 2 or len(set(families)) != 2):
        errors.append(invalid(path, several,
                              "may specify no more than one IP for each IP family"))
    for i, (ip, version, wanted) in enumerate(zip(several, families, spec.get("ipFamilies") or (),
                                                  strict=False)):
        if wanted in _FAMILIES and wanted != f"IPv{version}":
            errors.append(invalid(path.at(i), ip, f"expected an {wanted} value as indicated by "
                                  f"`ipFamilies[{i}]`"))
    return errors


def _single_errors(single: str, several: list[str], path: Path) -> list[FieldError]:
    if single and not several:
        return [required(path)]
    if single and several[0] != single:
        return [invalid(path, several, "first value must match `clusterIP`")]
    if several and not single:
        return [invalid(path, several, "must be empty when `clusterIP` is not specified")]
    return []


def _family_errors(spec: Mapping[str, Any]) -> list[FieldError]:
    path, families = SPEC.child("ipFamilies"), spec.get("ipFamilies") or []
    errors: list[FieldError] = []
    for i, family in enumerate(families):
        if family not in _FAMILIES:
            errors.append(not_supported(path.at(i), family, _FAMILIES))
        if family in families[:i]:
            errors.append(duplicate(path.at(i), family))
    policy = spec.get("ipFamilyPolicy")
    if policy is not None and policy not in _FAMILY_POLICIES:
        errors.append(not_supported(SPEC.child("ipFamilyPolicy"), policy, _FAMILY_POLICIES))
    return errors


def _address_errors(several: list[str], path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    for i, ip in enumerate(several):
        if i == 0 and ip == "None":
            if len(several) > 1:
                errors.append(invalid(path, several, "'None' must be the first and only value"))
            continue
        errors += all_invalid(path.at(i), ip, is_valid_ip_legacy(ip))
    return errors
