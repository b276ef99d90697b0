"""Devices for pods: classes, claims, templates and slices. Models pkg/registry/resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.names import is_dns1123_subdomain
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    immutable,
    invalid,
    required,
)
from apiserver.resource import Resource
from apiserver.resources.core.resource_validation import is_extended
from apiserver.resources.core.scheduling_validation import node_selector_errors
from apiserver.resources.core.volume_validation import csi_driver_name_errors
from apiserver.resources.metadata import validate_annotations, validate_labels
from apiserver.resources.printing import AGE, NAME, dig, field, named
from apiserver.resources.resource.claim_status import status_errors
from apiserver.resources.resource.claim_validation import (
    claim_errors,
    config_errors,
    selectors_errors,
)
from apiserver.resources.resource.device_validation import counter_sets_errors, device_errors
from apiserver.resources.resource.parts import each, name_of, pool_errors
from apiserver.strategy import RESETS_WITH_METADATA, Strategy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

_GROUP: Final = "resource.k8s.io"
_SPEC: Final = Path("spec")
_MOST: Final = 32
_MOST_DEVICES: Final = 128
_MOST_TAINTED: Final = 64
_PLACES: Final = ("nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection")
_ONE_PLACE: Final = f"exactly one of {', '.join(f'`{name}`' for name in _PLACES)}"


class DeviceClassStrategy(Strategy):
    """A kind of device that claims can name."""

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        spec = obj.get("spec") or {}
        errors = selectors_errors(spec.get("selectors") or (), _SPEC.child("selectors"))
        errors += each(spec.get("config") or (), _MOST, _SPEC.child("config"), config_errors)
        name = spec.get("extendedResourceName")
        if name is not None and not is_extended(name):
            errors.append(invalid(_SPEC.child("extendedResourceName"), name,
                                  "must be a valid extended resource name"))
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
        return claim_errors(obj.get("spec") or {}, _SPEC)

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return immutable(_SPEC, obj.get("spec"), old.get("spec"))

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        return status_errors(obj, old)


class ResourceClaimTemplateStrategy(Strategy):
    """What claims of pods are made from."""

    has_generation = False

    def default(self, obj: Object) -> None:
        _default_requests(dig(obj, "spec", "spec"))

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        meta, own = dig(obj, "spec", "metadata") or {}, _SPEC.child("metadata")
        return (validate_annotations(meta.get("annotations"), own.child("annotations"))
                + validate_labels(meta.get("labels"), own.child("labels"))
                + claim_errors(dig(obj, "spec", "spec") or {}, _SPEC.child("spec")))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return immutable(_SPEC, obj.get("spec"), old.get("spec"))


class ResourceSliceStrategy(Strategy):
    """Devices that a driver has."""

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        return _slice_errors(obj.get("spec") or {}, None)

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        return _slice_errors(obj.get("spec") or {}, old.get("spec") or {})

    unknown_field = "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: {}"

    def fields(self, obj: Object) -> dict[str, str]:
        return {f"spec.{name}": dig(obj, "spec", name) or "" for name in ("driver", "nodeName")}


def _slice_errors(spec: Object, before: Object | None) -> list[FieldError]:
    """What is wrong with a ResourceSliceSpec; the names in it never change."""
    pool = spec.get("pool") or {}
    errors = csi_driver_name_errors(spec.get("driver") or "", _SPEC.child("driver"))
    errors += _pool_errors(pool, _SPEC.child("pool"))
    if before is not None:
        errors += immutable(_SPEC.child("pool", "name"), pool.get("name"),
                            dig(before, "pool", "name"))
        for name in ("driver", "nodeName"):
            errors += immutable(_SPEC.child(name), spec.get(name), before.get(name))
    errors += _place_errors(spec)
    if spec.get("sharedCounters") is not None and spec.get("devices") is not None:
        errors.append(invalid(_SPEC, "", "only one of `sharedCounters` or `devices` is allowed"))
    devices, placed = spec.get("devices") or (), bool(spec.get("perDeviceNodeSelection"))
    known = {name_of(device): device for device in (before or {}).get("devices") or ()}
    errors += each(devices, _MOST_TAINTED if any(map(_is_advanced, devices)) else _MOST_DEVICES,
                   _SPEC.child("devices"), lambda device, at: device_errors(
                       device, known.get(name_of(device)), at, placed=placed), name_of)
    return errors + counter_sets_errors(spec.get("sharedCounters") or [],
                                        _SPEC.child("sharedCounters"))


def _is_advanced(device: Object) -> bool:
    """Of such devices there are fewer in a slice."""
    return bool(device.get("taints") or device.get("consumesCounters"))


def _pool_errors(pool: Object, path: Path) -> list[FieldError]:
    errors = pool_errors(name_of(pool), path.child("name"))
    if (pool.get("resourceSliceCount") or 0) <= 0:
        errors.append(invalid(path.child("resourceSliceCount"),
                              pool.get("resourceSliceCount") or 0, "must be greater than zero"))
    if (pool.get("generation") or 0) < 0:
        errors.append(invalid(path.child("generation"), pool["generation"],
                              "must be greater than or equal to zero"))
    return errors


def _place_errors(spec: Object) -> list[FieldError]:
    """For which nodes the devices are is said in one of four ways."""
    node, chosen, errors = spec.get("nodeName"), spec.get("nodeSelector"), list[FieldError]()
    if node == "":
        errors.append(invalid(_SPEC.child("nodeName"), node,
                              "must be either unset or set to a non-empty string"))
    elif node is not None:
        errors += all_invalid(_SPEC.child("nodeName"), node, is_dns1123_subdomain(node))
    if chosen is not None:
        own = _SPEC.child("nodeSelector")
        errors += node_selector_errors(chosen, own)
        if len(chosen.get("nodeSelectorTerms") or ()) != 1:
            errors.append(invalid(own.child("nodeSelectorTerms"), chosen.get("nodeSelectorTerms"),
                                  "must have exactly one node selector term"))
    errors += [invalid(_SPEC.child(name), False, "must be either unset or set to true")
               for name in ("allNodes", "perDeviceNodeSelection") if spec.get(name) is False]
    where = [f"`{name}`" for name in _PLACES if spec.get(name)]
    if not where:
        errors.append(required(_SPEC, f"{_ONE_PLACE} is required"))
    elif len(where) > 1:
        errors.append(invalid(_SPEC, f"{{{', '.join(where)}}}", f"{_ONE_PLACE} is required, but "
                              "multiple fields are set"))
    return errors


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
