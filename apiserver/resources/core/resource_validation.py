"""Names and amounts of compute resources. Models the resource parts of pkg/apis/core/validation and
pkg/apis/core/helper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_dns1123_label, is_qualified_name
from apiserver.machinery.quantity import Quantity, parse_quantity
from apiserver.machinery.validation import (
    NEGATIVE,
    FieldError,
    Path,
    all_invalid,
    duplicate,
    forbidden,
    invalid,
    not_supported,
    required,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from apiserver.machinery.types import Object

HUGE: Final = "hugepages-"
_CONTAINER: Final = frozenset({"cpu", "memory", "ephemeral-storage"})
_COUNTS: Final = frozenset({
    "pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps",
    "persistentvolumeclaims", "services.nodeports", "services.loadbalancers"})
_QUOTA: Final = _CONTAINER | _COUNTS | frozenset({
    "requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage",
    "limits.cpu", "limits.memory", "limits.ephemeral-storage"})
_STANDARD: Final = _QUOTA | frozenset({"storage"})
_COMPUTE: Final = frozenset({"cpu", "memory"})


def is_native(name: str) -> bool:
    """A resource of Kubernetes itself."""
    return "/" not in name or "kubernetes.io/" in name


def is_huge(name: str) -> bool:
    """`hugepages-2Mi`."""
    return name.startswith(HUGE)


def is_quota_resource(name: str) -> bool:
    """A plain name that a quota can limit."""
    return name in _QUOTA or name.startswith((HUGE, f"requests.{HUGE}"))


def is_extended(name: str) -> bool:
    """`example.com/gpu`."""
    if is_native(name) or name.startswith("requests."):
        return False
    return not is_qualified_name(f"requests.{name}")


def overcommit_allowed(name: str) -> bool:
    """Whether limits may exceed requests."""
    return is_native(name) and not is_huge(name)


def is_integer(name: str) -> bool:
    """Whether only whole amounts make sense."""
    return name in _COUNTS or is_extended(name)


def resource_name_errors(name: str, path: Path) -> list[FieldError]:
    """A standard resource, or one with a domain."""
    errors = all_invalid(path, name, is_qualified_name(name))
    if errors or "/" in name:
        return errors
    if name in _STANDARD or name.startswith((HUGE, f"requests.{HUGE}")):
        return []
    return [invalid(path, name, "must be a standard resource type or fully qualified")]


def container_resource_errors(name: str, path: Path) -> list[FieldError]:
    """A resource that containers can ask for."""
    errors = resource_name_errors(name, path)
    if "/" not in name:
        if name not in _CONTAINER and not is_huge(name):
            errors.append(invalid(path, name, "must be a standard resource for containers"))
    elif not is_native(name) and not is_extended(name):
        errors.append(invalid(path, name, "doesn't follow extended resource name standard"))
    return errors


def pod_resource_errors(name: str, path: Path) -> list[FieldError]:
    """A resource that pods can ask for as a whole."""
    errors = resource_name_errors(name, path)
    if errors or name in _COMPUTE or is_huge(name):
        return errors
    return [not_supported(path, name, ["cpu", HUGE, "memory"])]


def quota_resource_errors(name: str, path: Path) -> list[FieldError]:
    """A resource that quotas can limit."""
    errors = resource_name_errors(name, path)
    if "/" not in name and not is_quota_resource(name):
        errors.append(invalid(path, name, "must be a standard resource for quota"))
    return errors


def amount_errors(name: str, text: str, path: Path) -> list[FieldError]:
    """Not negative, and whole where only that makes sense (ValidateResourceQuantityValue)."""
    amount = parse_quantity(text)
    errors = [invalid(path, str(amount), NEGATIVE)] if amount.nano < 0 else []
    if is_integer(name) and amount.milli % 1000:
        errors.append(invalid(path, str(amount), "must be an integer"))
    return errors


def basic_amount_errors(text: str, path: Path) -> list[FieldError]:
    """Not less than nothing (validateBasicResource)."""
    amount = parse_quantity(text)
    if amount.value >= 0:
        return []
    return [invalid(path, amount.value, "must be a valid resource quantity")]


def positive_amount_errors(text: str, path: Path) -> list[FieldError]:
    """More than nothing."""
    amount = parse_quantity(text)
    return [] if amount.nano > 0 else [invalid(path, str(amount), "must be greater than zero")]


def requirements_errors(resources: Object, claims: Collection[str], path: Path, *,
                        pod_level: bool = False) -> list[FieldError]:
    """What is wrong with a ResourceRequirements (validateResourceRequirements)."""
    name_errors = pod_resource_errors if pod_level else container_resource_errors
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    errors: list[FieldError] = []
    for name, text in limits.items():
        own = path.child("limits").key(name)
        errors += _one_amount(name, text, own, name_errors) + _huge_errors(name, text, own)
    for name, text in requests.items():
        errors += _request_errors(name, text, limits, path, name_errors)
    names = limits.keys() | requests.keys()
    if any(map(is_huge, names)) and not names & _COMPUTE:
        errors.append(forbidden(path, "HugePages require cpu or memory"))
    return errors + _claim_errors(resources.get("claims") or (), claims, path.child("claims"))


def _one_amount(name: str, text: str, path: Path,
                name_errors: Callable[[str, Path], list[FieldError]]) -> list[FieldError]:
    return name_errors(name, path) + amount_errors(name, text, path)


def _request_errors(name: str, text: str, limits: Mapping[str, str], path: Path,
                    name_errors: Callable[[str, Path], list[FieldError]]) -> list[FieldError]:
    own = path.child("requests").key(name)
    errors = _one_amount(name, text, own, name_errors)
    if name in limits:
        errors += _over_limit(name, parse_quantity(text), parse_quantity(limits[name]), path)
    elif not overcommit_allowed(name):
        errors.append(required(path.child("limits"),
                               "Limit must be set for non overcommitable resources"))
    return errors + _huge_errors(name, text, own)


def _over_limit(name: str, amount: Quantity, limit: Quantity, path: Path) -> list[FieldError]:
    requests = path.child("requests")
    if amount.nano != limit.nano and not overcommit_allowed(name):
        return [invalid(requests, str(amount), f"must be equal to {name} limit of {limit}")]
    if amount > limit:
        return [invalid(requests, str(amount),
                        f"must be less than or equal to {name} limit of {limit}")]
    return []


def _huge_errors(name: str, text: str, path: Path) -> list[FieldError]:
    if not is_huge(name):
        return []
    amount = parse_quantity(text)
    try:
        page = parse_quantity(name.removeprefix(HUGE))
    except ValueError:
        page = Quantity(0)
    if page.nano > 0 and amount.nano % page.nano == 0:
        return []
    return [invalid(path, str(amount), f"{amount} is not positive integer multiple of {name}")]


def _claim_errors(entries: Sequence[Object], claims: Collection[str],
                  path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for i, entry in enumerate(entries):
        name, request = entry.get("name") or "", entry.get("request") or ""
        if not name:
            errors.append(required(path.at(i)))
            continue
        key = f"{name}/{request}" if request else name
        if request:
            errors += all_invalid(path.at(i).child("request"), request, is_dns1123_label(request))
        if name in seen or key in seen:
            errors.append(duplicate(path.at(i), name if name in seen else key))
        elif not request and any(k.startswith(f"{name}/") for k in seen):
            errors.append(duplicate(path.at(i), name))
        seen.add(key)
        errors += _unknown_claim(name, claims, path.at(i))
    return errors


def _unknown_claim(name: str, claims: Collection[str], path: Path) -> list[FieldError]:
    if name in claims:
        return []
    known = f": {', '.join(sorted(claims))}" if claims else " which is empty"
    return [FieldError("FieldValueNotFound", path, name,
                       f"must be one of the names in pod.spec.resourceClaims{known}")]

