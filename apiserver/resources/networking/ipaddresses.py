"""IPAddresses and ServiceCIDRs. Models pkg/registry/networking/{ipaddress,servicecidr}."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.machinery.names import (
    is_dns1123_subdomain,
    is_path_segment,
    is_valid_cidr,
    is_valid_ip,
    parse_cidr,
)
from apiserver.machinery.validation import (
    IMMUTABLE,
    FieldError,
    Path,
    all_invalid,
    immutable,
    internal_struct,
    invalid,
    required,
)
from apiserver.resource import Resource
from apiserver.resources.printing import AGE, NAME, NONE, dig, joined, named
from apiserver.strategy import Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_PARENT: Final = Path("spec.parentRef")
_CIDRS: Final = Path("spec.cidrs")
_BOTH: Final = ("may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and "
                "2001:db8::/64")


class IPAddressStrategy(Strategy):
    """An address that a Service has."""

    has_generation = False
    name_rule = "pathsegment"

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        name = obj["metadata"].get("name", "")
        errors = all_invalid("metadata.name", name, is_valid_ip(name))
        parent = dig(obj, "spec", "parentRef")
        if parent is None:
            return [*errors, required(_PARENT)]
        group = parent.get("group") or ""
        if group:
            errors += all_invalid(_PARENT.child("group"), group, is_dns1123_subdomain(group))
        for key, need in (("resource", True), ("name", True), ("namespace", False)):
            value = parent.get(key) or ""
            if value:
                errors += all_invalid(_PARENT.child(key), value, is_path_segment(value))
            elif need:
                errors.append(required(_PARENT.child(key)))
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return immutable(_PARENT, dig(obj, "spec", "parentRef"), dig(old, "spec", "parentRef"))

    def fields(self, obj: Object) -> dict[str, str]:
        return {}


class ServiceCIDRStrategy(Strategy):
    """From which addresses Services get theirs."""

    has_generation = False
    resets: ClassVar = {"status": ("metadata",)}

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        cidrs = dig(obj, "spec", "cidrs") or []
        if not cidrs:
            return [required(_CIDRS, "at least one CIDR required")]
        shown = internal_struct(obj["spec"], "CIDRs:cidrs")
        if len(cidrs) > 2:
            return [invalid(_CIDRS, shown, "may only hold up to 2 values")]
        if len(cidrs) == 2 and not _of_both_families(cidrs):
            return [invalid(_CIDRS, shown, _BOTH)]
        return [error for i, cidr in enumerate(cidrs)
                for error in all_invalid(_CIDRS.at(i), cidr, is_valid_cidr(cidr))]

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """What there is stays; a range of the other family may join it."""
        new, before = (dig(o, "spec", "cidrs") or [] for o in (obj, old))
        grown = (len(before), len(new)) == (1, 2)
        if len(new) != len(before) and not grown:
            return [invalid(_CIDRS, new, IMMUTABLE)]
        errors = [invalid(_CIDRS.at(i), new[0], IMMUTABLE)
                  for i, cidr in enumerate(before) if cidr != new[i]]
        return errors + self.validate(ctx, obj) if grown else errors


def _of_both_families(cidrs: list[str]) -> bool:
    parsed = [parse_cidr(cidr) for cidr in cidrs]
    return {network[1].version for network in parsed if network} == {4, 6}


def _parent(obj: Object, now: float) -> str:
    parent = dig(obj, "spec", "parentRef")
    if parent is None:
        return NONE
    resource = ".".join(filter(None, (parent.get("resource"), parent.get("group"))))
    return "/".join(filter(None, (resource, parent.get("namespace"), parent.get("name"))))


IPADDRESSES = Resource(
    group="networking.k8s.io", version="v1", kind="IPAddress", plural="ipaddresses",
    singular="ipaddress", short_names=("ip",), namespaced=False, strategy=IPAddressStrategy(),
    columns=(NAME, named("ParentRef", _parent, "Whose address it is.")))

SERVICECIDRS = Resource(
    group="networking.k8s.io", version="v1", kind="ServiceCIDR", plural="servicecidrs",
    namespaced=False, strategy=ServiceCIDRStrategy(), status=True,
    columns=(NAME, named("CIDRs", lambda obj, now: joined(dig(obj, "spec", "cidrs") or ()),
                         "The ranges."), AGE))
