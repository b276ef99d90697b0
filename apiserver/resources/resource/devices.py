"""Devices for pods: classes, claims, templates and slices. Models pkg/registry/resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_dns1123_label
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    forbidden,
    immutable,
    invalid,
    not_supported,
    required,
)
from apiserver.resource import Resource
from apiserver.resources.core.volume_validation import csi_driver_name_errors
from apiserver.resources.printing import AGE, NAME, dig, field, named
from apiserver.strategy import RESETS_WITH_METADATA, Strategy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_GROUP: Final = "resource.k8s.io"
_SPEC: Final = Path("spec")
_MODES: Final = ("All", "ExactCount")


class DeviceClassStrategy(Strategy):
    """A kind of device that claims can name."""

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        for i, selector in enumerate(dig(obj, "spec", "selectors") or ()):
            if selector.get("cel") is None:
                errors.append(required(_SPEC.child("selectors").at(i).child("cel")))
        return errors


class ResourceClaimStrategy(Strategy):
    """A wish for devices."""

    resets = RESETS_WITH_METADATA
    has_generation = False

    def default(self, obj: Object) -> None:
        _default_requests(dig(obj, "spec"))

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return _claim_errors(obj.get("spec") or {}, _SPEC)

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return immutable(_SPEC, obj.get("spec"), old.get("spec"))


class ResourceClaimTemplateStrategy(Strategy):
    """What claims of pods are made from."""

    has_generation = False

    def default(self, obj: Object) -> None:
        _default_requests(dig(obj, "spec", "spec"))

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return _claim_errors(dig(obj, "spec", "spec") or {}, _SPEC.child("spec"))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return immutable(_SPEC, obj.get("spec"), old.get("spec"))


class ResourceSliceStrategy(Strategy):
    """Devices that a driver has."""

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        spec = obj.get("spec") or {}
        errors = csi_driver_name_errors(spec.get("driver") or "", _SPEC.child("driver"))
        if not dig(spec, "pool", "name"):
            errors.append(required(_SPEC.child("pool", "name")))
        where = [name for name in ("nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection")
                 if spec.get(name)]
        if not where:
            errors.append(required(_SPEC, "exactly one of `nodeName`, `nodeSelector`, `allNodes`, "
                                   "`perDeviceNodeSelection` is required"))
        elif len(where) > 1:
            shown = ", ".join(f"`{name}`" for name in where)
            errors.append(invalid(_SPEC, f"{{{shown}}}", "exactly one of `nodeName`, "
                                  "`nodeSelector`, `allNodes`, `perDeviceNodeSelection` is "
                                  "required, but multiple fields are set"))
        seen: set[str] = set()
        for i, device in enumerate(spec.get("devices") or ()):
            errors += _name_errors(device.get("name") or "", seen, _SPEC.child("devices").at(i))
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        errors = self.validate(ctx, obj)
        for name in ("driver", "nodeName"):
            errors += immutable(_SPEC.child(name), dig(obj, "spec", name), dig(old, "spec", name))
        return errors + immutable(_SPEC.child("pool", "name"), dig(obj, "spec", "pool", "name"),
                                  dig(old, "spec", "pool", "name"))

    unknown_field = "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: {}"

    def fields(self, obj: Object) -> dict[str, str]:
        return {f"spec.{name}": dig(obj, "spec", name) or "" for name in ("driver", "nodeName")}


def _asked(spec: Object | None) -> Iterator[Object]:
    """The parts of a claim that say how many of which class."""
    for request in dig(spec, "devices", "requests") or ():
        if request.get("exactly") is not None:
            yield request["exactly"]
        yield from request.get("firstAvailable") or ()


def _default_requests(spec: Object | None) -> None:
    for part in _asked(spec):
        if not part.get("allocationMode"):
            part["allocationMode"] = "ExactCount"
        if part["allocationMode"] == "ExactCount" and not part.get("count"):
            part["count"] = 1
        for toleration in part.get("tolerations") or ():
            if not toleration.get("operator"):
                toleration["operator"] = "Equal"


def _name_errors(name: str, seen: set[str], path: Path) -> list[FieldError]:
    errors = all_invalid(path.child("name"), name, is_dns1123_label(name)) if name else [
        required(path.child("name"))]
    if name in seen:
        errors.append(duplicate(path.child("name"), name))
    seen.add(name)
    return errors


def _claim_errors(spec: Object, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for i, request in enumerate(dig(spec, "devices", "requests") or ()):
        own = path.child("devices", "requests").at(i)
        errors += _name_errors(request.get("name") or "", seen, own)
        exact, others = request.get("exactly"), request.get("firstAvailable")
        if exact is None and not others:
            errors.append(required(own, "exactly one of `exactly` or `firstAvailable` is required"))
        elif exact is not None and others:
            errors.append(forbidden(own, "exactly one of `exactly` or `firstAvailable` is "
                                    "required, but multiple fields are set"))
        if exact is not None:
            errors += _part_errors(exact, own.child("exactly"))
        for j, part in enumerate(others or ()):
            errors += _part_errors(part, own.child("firstAvailable").at(j))
    return errors


def _part_errors(part: Object, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    if not part.get("deviceClassName"):
        errors.append(required(path.child("deviceClassName")))
    mode, count = part.get("allocationMode") or "", part.get("count") or 0
    if mode not in _MODES:
        errors.append(not_supported(path.child("allocationMode"), mode, _MODES))
    elif mode == "All" and count:
        errors.append(invalid(path.child("count"), count,
                              "must not be specified when allocationMode is 'All'"))
    elif mode == "ExactCount" and count <= 0:
        errors.append(invalid(path.child("count"), count, "must be greater than zero"))
    return errors


def _state(obj: Object, now: float) -> str:
    states = ["deleted"] if obj["metadata"].get("deletionTimestamp") else []
    if dig(obj, "status", "allocation") is not None:
        states.append("allocated")
        if dig(obj, "status", "reservedFor"):
            states.append("reserved")
    return ",".join(states) or "pending"


DEVICECLASSES = Resource(
    group=_GROUP, version="v1", kind="DeviceClass", plural="deviceclasses", namespaced=False,
    strategy=DeviceClassStrategy(), columns=(NAME, AGE))

RESOURCECLAIMS = Resource(
    group=_GROUP, version="v1", kind="ResourceClaim", plural="resourceclaims",
    strategy=ResourceClaimStrategy(), status=True,
    columns=(NAME, named("State", _state, "Whether it has its devices."), AGE))

RESOURCECLAIMTEMPLATES = Resource(
    group=_GROUP, version="v1", kind="ResourceClaimTemplate", plural="resourceclaimtemplates",
    strategy=ResourceClaimTemplateStrategy(), columns=(NAME, AGE))

RESOURCESLICES = Resource(
    group=_GROUP, version="v1", kind="ResourceSlice", plural="resourceslices", namespaced=False,
    strategy=ResourceSliceStrategy(),
    columns=(
        NAME,
        named("Node", field("spec", "nodeName"), "On which node."),
        named("Driver", field("spec", "driver"), "Whose devices."),
        named("Pool", field("spec", "pool", "name"), "Of which pool."),
        AGE))
