"""What CSI drivers tell and are told. Models pkg/registry/storage and its validation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.quantity import parse_quantity
from apiserver.machinery.selectors import selector_errors
from apiserver.machinery.validation import (
    FieldError,
    Path,
    duplicate,
    forbidden,
    immutable,
    invalid,
    not_supported,
    required,
    same,
)
from apiserver.resource import Column, Resource
from apiserver.resources.core.pod_defaults import round_amounts
from apiserver.resources.core.volume_validation import csi_driver_name_errors
from apiserver.resources.printing import AGE, NAME, NONE, UNSET, dig, field, named, number
from apiserver.resources.storage.storageclasses import GROUP, provisioner_errors
from apiserver.strategy import RESETS_WITH_METADATA, Strategy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.resource import Cell

_SPEC: Final = Path("spec")
_DRIVER_DEFAULTS: Final[tuple[tuple[str, Any], ...]] = (
    ("attachRequired", True), ("podInfoOnMount", False), ("storageCapacity", False),
    ("fsGroupPolicy", "ReadWriteOnceWithFSType"), ("requiresRepublish", False),
    ("seLinuxMount", False))
_FS_POLICIES: Final = ("ReadWriteOnceWithFSType", "File", "None")
_LIFECYCLES: Final = ("Persistent", "Ephemeral")
_SHORTEST_TOKEN: Final = 600


class CSIDriverStrategy(Strategy):
    """What a driver can do."""

    delete_returns_object = True

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        for name, value in _DRIVER_DEFAULTS:
            if spec.get(name) is None:
                spec[name] = value
        if not spec.get("volumeLifecycleModes"):
            spec["volumeLifecycleModes"] = ["Persistent"]

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        spec = obj.get("spec") or {}
        errors = csi_driver_name_errors(obj["metadata"].get("name", ""), Path("name"))
        policy = spec.get("fsGroupPolicy")
        if policy is not None and policy not in _FS_POLICIES:
            errors.append(not_supported(_SPEC.child("fsGroupPolicy"), policy, _FS_POLICIES))
        seen: set[str] = set()
        for i, request in enumerate(spec.get("tokenRequests") or ()):
            errors += _token_errors(request, seen, _SPEC.child("tokenRequests").at(i))
        for mode in spec.get("volumeLifecycleModes") or ():
            if mode not in _LIFECYCLES:
                errors.append(not_supported(_SPEC.child("volumeLifecycleModes"), mode,
                                            _LIFECYCLES))
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        errors = self.validate(ctx, obj)
        for name, shown in (("attachRequired", "attachedRequired"),
                            ("volumeLifecycleModes", "volumeLifecycleModes")):
            errors += immutable(_SPEC.child(shown), dig(obj, "spec", name), dig(old, "spec", name))
        return errors


def _token_errors(request: Object, seen: set[str], path: Path) -> list[FieldError]:
    audience, seconds = request.get("audience") or "", request.get("expirationSeconds")
    errors: list[FieldError] = []
    if audience in seen:
        errors.append(duplicate(path.child("audience"), audience))
    seen.add(audience)
    if seconds is not None and seconds < _SHORTEST_TOKEN:
        errors.append(invalid(path.child("expirationSeconds"), seconds,
                              "may not specify a duration less than 10 minutes"))
    if seconds is not None and seconds > 2**32:
        errors.append(invalid(path.child("expirationSeconds"), seconds,
                              "may not specify a duration larger than 2^32 seconds"))
    return errors


class CSINodeStrategy(Strategy):
    """The drivers on a node."""

    has_generation = False
    delete_returns_object = True

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        seen: set[str] = set()
        for i, driver in enumerate(dig(obj, "spec", "drivers") or ()):
            path = _SPEC.child("drivers").at(i)
            name = driver.get("name") or ""
            errors += csi_driver_name_errors(name, path.child("name"))
            if not driver.get("nodeID"):
                errors.append(required(path.child("nodeID")))
            limit = dig(driver, "allocatable", "count")
            if limit is not None and limit < 0:
                errors.append(invalid(path.child("allocatable", "count"), limit,
                                      "must be greater than or equal to 0"))
            if name in seen:
                errors.append(duplicate(path.child("name"), name))
            seen.add(name)
        return errors


class VolumeAttachmentStrategy(Strategy):
    """A volume on a node."""

    resets = RESETS_WITH_METADATA
    has_generation = False
    delete_returns_object = True

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {"attached": False}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        spec = obj.get("spec") or {}
        errors = provisioner_errors(spec.get("attacher") or "", _SPEC.child("attacher"))
        source = spec.get("source") or {}
        name, inline = source.get("persistentVolumeName"), source.get("inlineVolumeSpec")
        own = _SPEC.child("source")
        if name is None and inline is None:
            errors.append(required(own, "must specify exactly one of inlineVolumeSpec and "
                                   "persistentVolumeName"))
        elif name is not None and inline is not None:
            errors.append(forbidden(own, "must specify exactly one of inlineVolumeSpec and "
                                    "persistentVolumeName"))
        elif name == "":
            errors.append(required(own.child("persistentVolumeName"), "must specify non empty "
                                   "persistentVolumeName"))
        if not spec.get("nodeName"):
            errors.append(required(_SPEC.child("nodeName")))
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        errors = self.validate(ctx, obj)
        if not same(obj.get("spec"), old.get("spec")):
            errors.append(invalid(_SPEC, obj.get("spec"), "field is immutable"))
        return errors


class CSIStorageCapacityStrategy(Strategy):
    """How much a driver has left."""

    has_generation = False

    def default(self, obj: Object) -> None:
        for name in ("capacity", "maximumVolumeSize"):
            if obj.get(name) is not None:
                amounts = {name: obj[name]}
                round_amounts(amounts)
                obj[name] = amounts[name]

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        name = obj.get("storageClassName") or ""
        errors = selector_errors(obj.get("nodeTopology"), Path("nodeTopology"))
        if not name:
            errors.append(required("storageClassName"))
        for key in ("capacity", "maximumVolumeSize"):
            amount = obj.get(key)
            if amount is not None and parse_quantity(amount).nano < 0:
                errors.append(invalid(key, amount, "must be greater than or equal to 0"))
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        errors = self.validate(ctx, obj)
        for key in ("nodeTopology", "storageClassName"):
            errors += immutable(key, obj.get(key), old.get(key))
        return errors


def _flag(*path: str, default: bool = False) -> Cell:
    return lambda obj, now: bool(default if dig(obj, *path) is None else dig(obj, *path))


def _boolean(name: str, cell: Cell, description: str) -> Column:
    return Column(name, cell, type="boolean", description=description)


def _tokens(obj: Object, now: float) -> str:
    requests = dig(obj, "spec", "tokenRequests")
    if requests is None:
        return UNSET
    return ",".join(request.get("audience", "") for request in requests)


CSIDRIVERS = Resource(
    group=GROUP, version="v1", kind="CSIDriver", plural="csidrivers", namespaced=False,
    strategy=CSIDriverStrategy(),
    columns=(
        NAME,
        _boolean("AttachRequired", _flag("spec", "attachRequired", default=True),
                 "Whether volumes are attached to nodes."),
        _boolean("PodInfoOnMount", _flag("spec", "podInfoOnMount"), "Whether it is told the pod."),
        _boolean("StorageCapacity", _flag("spec", "storageCapacity"), "Whether it tells its rest."),
        named("TokenRequests", _tokens, "Which tokens it gets."),
        _boolean("RequiresRepublish", _flag("spec", "requiresRepublish"),
                 "Whether it is called again and again."),
        named("Modes", lambda obj, now: ",".join(dig(obj, "spec", "volumeLifecycleModes") or ())
              or NONE, "How long its volumes live."),
        AGE))

CSINODES = Resource(
    group=GROUP, version="v1", kind="CSINode", plural="csinodes", namespaced=False,
    strategy=CSINodeStrategy(),
    columns=(NAME, number("Drivers", lambda obj, now: len(dig(obj, "spec", "drivers") or ()),
                          "How many drivers it has."), AGE))

CSISTORAGECAPACITIES = Resource(
    group=GROUP, version="v1", kind="CSIStorageCapacity", plural="csistoragecapacities",
    strategy=CSIStorageCapacityStrategy(),
    columns=(NAME, named("StorageClassName", field("storageClassName"), "Of which class."),
             named("Capacity", field("capacity", default=UNSET), "How much is left.")))

VOLUMEATTACHMENTS = Resource(
    group=GROUP, version="v1", kind="VolumeAttachment", plural="volumeattachments",
    namespaced=False, strategy=VolumeAttachmentStrategy(), status=True,
    columns=(
        NAME,
        Column("Attacher", field("spec", "attacher"), format="name", description="Who attaches."),
        named("PV", field("spec", "source", "persistentVolumeName"), "Which volume."),
        named("Node", field("spec", "nodeName"), "To which node."),
        _boolean("Attached", _flag("status", "attached"), "Whether it is attached."),
        AGE))
