"""The linked address fields of a Service: clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy.

Models `normalizeClusterIPs` and `initIPFamilyFields` of pkg/registry/core/service/storage.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.validation import FieldError, Path, invalid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apiserver.machinery.types import Object

NONE: Final = "None"
SINGLE: Final = "SingleStack"
PREFER: Final = "PreferDualStack"
REQUIRE: Final = "RequireDualStack"
OTHER_FAMILY: Final = {"IPv4": "IPv6", "IPv6": "IPv4"}
WITH_CLUSTER_IP: Final = frozenset({"ClusterIP", "NodePort", "LoadBalancer"})
_SPEC: Final = Path("spec")
_POLICY: Final = _SPEC.child("ipFamilyPolicy")


def family_of(address: str) -> str | None:
    """`IPv4`, `IPv6`, or None for what is no address."""
    try:
        return f"IPv{ipaddress.ip_address(address).version}"
    except ValueError:
        return None


def is_headless(spec: Mapping[str, Any]) -> bool:
    """Whether the Service asks for no address."""
    return next(iter(spec.get("clusterIPs") or ()), spec.get("clusterIP")) == NONE


def needs_cluster_ip(spec: Mapping[str, Any]) -> bool:
    """Whether a Service of this type has cluster IPs (maybe None)."""
    return spec.get("type") in WITH_CLUSTER_IP


def normalize_cluster_ips(spec: Object, old: Mapping[str, Any] | None) -> None:
    """Bring clusterIPs in line with clusterIP for clients that know only the singular."""
    single, several = spec.get("clusterIP") or "", spec.get("clusterIPs") or []
    if old is None:
        if single and not several:
            spec["clusterIPs"] = [single]
        return
    old_single, old_several = old.get("clusterIP") or "", old.get("clusterIPs") or []
    if single == old_single:
        if old_several and not several:
            spec["clusterIPs"] = list(old_several)
    elif several == old_several:
        spec["clusterIPs"] = [single] if single else []


def keep_cluster_ips(spec: Object, old: Mapping[str, Any]) -> None:
    """Fill in the addresses that an update left out (`patchAllocatedValues`)."""
    if not (needs_cluster_ip(spec) and needs_cluster_ip(old)):
        return
    if not spec.get("clusterIP") and old.get("clusterIP"):
        spec["clusterIP"] = old["clusterIP"]
    if not spec.get("clusterIPs") and spec.get("clusterIP") == old.get("clusterIP"):
        spec["clusterIPs"] = list(old.get("clusterIPs") or ())


def unchanged_prefer_dual(spec: Mapping[str, Any], old: Mapping[str, Any] | None) -> bool:
    """Whether a PreferDualStack Service stays as it is, whatever the cluster has become."""
    if old is None or spec.get("type") != old.get("type") or not needs_cluster_ip(spec):
        return False
    return (spec.get("ipFamilyPolicy") == PREFER and old.get("ipFamilyPolicy") in (None, PREFER)
            and _same(spec, old, "clusterIPs") and _same(spec, old, "ipFamilies"))


def default_policy(spec: Object, old: Mapping[str, Any] | None) -> None:
    """Infer ipFamilyPolicy: never a change between single and dual stack that nobody asked for."""
    if spec.get("ipFamilyPolicy"):
        return
    if old is not None and old.get("ipFamilyPolicy"):
        spec["ipFamilyPolicy"] = old["ipFamilyPolicy"]
    elif _headless_without_selector(spec):
        spec["ipFamilyPolicy"] = REQUIRE
    else:
        spec["ipFamilyPolicy"] = SINGLE


def init_families(spec: Object, old: Mapping[str, Any] | None,
                  configured: Sequence[str]) -> list[FieldError]:
    """Fill in ipFamilies; what the cluster's families (`configured`, default first) forbid."""
    errors = _narrow(spec, old) if old is not None else []
    errors += _policy_fits(spec) + _infer_from_addresses(spec, configured)
    if errors:
        return errors
    if not _headless_without_selector(spec):
        errors = _families_exist(spec, configured)
        if errors:
            return errors
    families = list(spec.get("ipFamilies") or (configured[0],))
    both = len(configured) == 2 or _headless_without_selector(spec)
    if spec["ipFamilyPolicy"] != SINGLE and len(families) == 1 and both:
        families.append(OTHER_FAMILY[families[0]])
    spec["ipFamilies"] = families
    return []


def _headless_without_selector(spec: Mapping[str, Any]) -> bool:
    return spec.get("clusterIP") == NONE and not spec.get("selector")


def _same(spec: Mapping[str, Any], old: Mapping[str, Any], key: str) -> bool:
    return list(spec.get(key) or ()) == list(old.get(key) or ())


def _narrow(spec: Object, old: Mapping[str, Any]) -> list[FieldError]:
    """On update: SingleStack drops the second of both lists; anything else may not shorten them."""
    if spec["ipFamilyPolicy"] == SINGLE:
        for key in ("clusterIPs", "ipFamilies"):
            if _same(spec, old, key) and len(spec.get(key) or ()) > 1:
                spec[key] = spec[key][:1]
        return []
    released = (("clusterIPs", "cluster IP"), ("ipFamilies", "IP family"))
    return [invalid(_POLICY, spec["ipFamilyPolicy"],
                    f"must be 'SingleStack' to release the secondary {what}")
            for key, what in released if 0 < len(spec.get(key) or ()) < len(old.get(key) or ())]


def _policy_fits(spec: Mapping[str, Any]) -> list[FieldError]:
    if spec["ipFamilyPolicy"] != SINGLE:
        return []
    several = (("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families"))
    return [invalid(_POLICY, SINGLE, "must be 'RequireDualStack' or 'PreferDualStack' "
                                     f"when multiple {what} are specified")
            for key, what in several if len(spec.get(key) or ()) == 2]


def _infer_from_addresses(spec: Object, configured: Sequence[str]) -> list[FieldError]:
    """Add the family of each requested address that has none beside it."""
    addresses = spec.get("clusterIPs") or []
    if is_headless(spec):
        return []
    families = list(spec.get("ipFamilies") or ())
    errors = []
    for index in range(len(families), len(addresses)):
        family = family_of(addresses[index]) or ""
        if family in configured:
            families.append(family)
        else:
            errors.append(invalid(_SPEC.child("clusterIPs").at(index), addresses,
                                  f"{family} is not configured on this cluster"))
    if families:
        spec["ipFamilies"] = families
    return errors


def _families_exist(spec: Mapping[str, Any], configured: Sequence[str]) -> list[FieldError]:
    errors = []
    if spec["ipFamilyPolicy"] == REQUIRE and len(configured) < 2:
        errors.append(invalid(_POLICY, REQUIRE,
                              "this cluster is not configured for dual-stack services"))
    path = _SPEC.child("ipFamilies")
    return errors + [invalid(path.at(i), family, "not configured on this cluster")
                     for i, family in enumerate(spec.get("ipFamilies") or ())
                     if family not in configured]
