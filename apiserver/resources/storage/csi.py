"""What CSI drivers tell and are told. Models pkg/registry/storage and its validation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.names import is_dns1123_subdomain, is_qualified_name
from apiserver.machinery.quantity import parse_quantity
from apiserver.machinery.selectors import selector_errors
from apiserver.machinery.validation import (
    FieldError,
    Path,
    all_invalid,
    duplicate,
    forbidden,
    immutable,
    internal_struct,
    invalid,
    not_supported,
    required,
    same,
    too_long,
)
from apiserver.resource import Column, Resource
from apiserver.resources.core.pod_defaults import round_amounts
from apiserver.resources.core.pod_warnings import node_label_warning
from apiserver.resources.core.volume_validation import csi_driver_name_errors
from apiserver.resources.printing import AGE, NAME, NONE, UNSET, dig, field, named, number
from apiserver.resources.storage.storageclasses import GROUP
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
_FS_POLICIES: Final = ("File", "None", "ReadWriteOnceWithFSType")
_LIFECYCLES: Final = ("Persistent", "Ephemeral")
_SHORTEST_TOKEN: Final = 600
_SHORTEST_PERIOD: Final = 10
_LONGEST_ID: Final = 256
_MOST_METADATA: Final = 256 * 1024
_LONGEST_MESSAGE: Final = 1024
_ONE_SOURCE: Final = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
_TOKENS_TEXT: Final = (
    "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to "
    "prevent possible logging of tokens in volume attributes")


class CSIDriverStrategy(Strategy):
    """What a driver can do."""

    unconditional_update = False
    first_generation = 0
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
        errors: list[FieldError] = []
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
        return errors + _driver_errors(spec)

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        errors = self.validate(ctx, obj)
        for name, shown in (("attachRequired", "attachedRequired"),
                            ("volumeLifecycleModes", "volumeLifecycleModes")):
            errors += immutable(_SPEC.child(shown), dig(obj, "spec", name), dig(old, "spec", name))
        return errors

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        tokens, before = (dig(o or {}, "spec", "tokenRequests") for o in (obj, old))
        unsaid = dig(obj, "spec", "serviceAccountTokenInSecrets") is None
        return [_TOKENS_TEXT] if tokens and unsaid and not same(tokens, before) else []


def _driver_errors(spec: Object) -> list[FieldError]:
    period, secret = (spec.get(name) for name in (
        "nodeAllocatableUpdatePeriodSeconds", "serviceAccountTokenInSecrets"))
    errors: list[FieldError] = []
    if period is not None and period < _SHORTEST_PERIOD:
        errors.append(invalid(_SPEC.child("nodeAllocatableUpdatePeriodSeconds"), period,
                              "must be greater than or equal to 10 seconds"))
    if secret is not None and not spec.get("tokenRequests"):
        errors.append(invalid(_SPEC.child("serviceAccountTokenInSecrets"), secret,
                              "serviceAccountTokenInSecrets is set but no tokenRequests are "
                              "specified"))
    return errors


def _token_errors(request: Object, seen: set[str], path: Path) -> list[FieldError]:
    audience, seconds = request.get("audience") or "", request.get("expirationSeconds")
    if audience in seen:
        return [duplicate(path.child("audience"), audience)]
    errors: list[FieldError] = []
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

    unconditional_update = False
    has_generation = False
    delete_returns_object = True

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        seen: set[str] = set()
        for i, driver in enumerate(dig(obj, "spec", "drivers") or ()):
            path = _SPEC.child("drivers").at(i)
            name = driver.get("name") or ""
            errors += csi_driver_name_errors(name, path.child("name"))
            errors += _node_errors(driver, path)
            if name in seen:
                errors.append(duplicate(path.child("name"), name))
            seen.add(name)
            errors += _topology_errors(driver.get("topologyKeys") or [], path)
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """A driver's entry stays as it is, but for how many volumes it takes."""
        new, before = (dig(o, "spec", "drivers") or () for o in (obj, old))
        pairs = ((entry, was) for was in before for entry in new
                 if entry.get("name") == was.get("name"))
        return self.validate(ctx, obj) + [
            error for entry, was in pairs for error in immutable(
                _SPEC.child("drivers"), _shown_driver(entry), _shown_driver(was))]


def _node_errors(driver: Object, path: Path) -> list[FieldError]:
    node, limit = driver.get("nodeID") or "", dig(driver, "allocatable", "count")
    errors = [] if node else [required(path.child("nodeID"))]
    if len(node) > _LONGEST_ID:
        errors.append(invalid(path.child("nodeID"), node,
                              f"must be {_LONGEST_ID} characters or less"))
    if limit is not None and limit < 0:
        errors.append(invalid(path.child("allocatable", "count"), limit,
                              "must be greater than or equal to 0"))
    return errors


def _topology_errors(keys: list[str], path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    for i, key in enumerate(keys):
        if not key:
            errors.append(required(path))
        if key in keys[:i]:
            errors.append(duplicate(path, key))
        errors += all_invalid(path, key, is_qualified_name(key))
    return errors


def _shown_driver(driver: Object) -> Object:
    shown: Object = internal_struct({**driver, "allocatable": None}, ("Name:name", ""),
                                    ("NodeID:nodeID", ""), "TopologyKeys", "Allocatable")
    return shown


class VolumeAttachmentStrategy(Strategy):
    """A volume on a node."""

    unconditional_update = False
    revalidates_metadata = True
    resets = RESETS_WITH_METADATA
    has_generation = False
    delete_returns_object = True

    def prepare_create(self, ctx: RequestContext, obj: Object) -> None:
        obj["status"] = {"attached": False}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        spec = obj.get("spec") or {}
        attacher, own = spec.get("attacher") or "", _SPEC.child("attacher")
        name = dig(spec, "source", "persistentVolumeName")
        errors = _attachment_errors(spec) + csi_driver_name_errors(attacher, own)
        if name is None:
            return errors
        return errors + all_invalid(_SPEC.child("source", "persistentVolumeName"), name,
                                    is_dns1123_subdomain(name))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        errors = _attachment_errors(obj.get("spec") or {})
        if not same(obj.get("spec"), old.get("spec")):
            errors.append(invalid(_SPEC, _shown_attachment(obj["spec"]), "field is immutable"))
        return errors

    def validate_status_update(self, ctx: RequestContext, obj: Object,
                               old: Object) -> list[FieldError]:
        status, path = obj.get("status") or {}, Path("status")
        metadata = status.get("attachmentMetadata") or {}
        size = sum(len(key) + len(value) for key, value in metadata.items())
        errors = [too_long(path.child("attachmentMetadata"), _MOST_METADATA)] \
            if size > _MOST_METADATA else []
        for name in ("attachError", "detachError"):
            errors += _volume_error_errors(status.get(name) or {}, path.child(name))
        return errors


def _volume_error_errors(error: Object, path: Path) -> list[FieldError]:
    code = error.get("errorCode")
    errors = [too_long(path.child("message"), _MOST_METADATA)] \
        if len(error.get("message") or "") > _LONGEST_MESSAGE else []
    if code is not None and code < 0:
        errors.append(invalid(path.child("errorCode"), code,
                              f"must be between 0 and {2**31 - 1}, inclusive"))
    return errors


def _shown_attachment(spec: Object) -> Object:
    source = internal_struct(spec.get("source") or {}, "PersistentVolumeName", "InlineVolumeSpec")
    shown: Object = internal_struct({**spec, "source": source}, ("Attacher", ""), "Source",
                                    ("NodeName", ""))
    return shown


def _attachment_errors(spec: Object) -> list[FieldError]:
    errors = [] if spec.get("attacher") else [required(_SPEC.child("attacher"))]
    source = spec.get("source") or {}
    name, inline = source.get("persistentVolumeName"), source.get("inlineVolumeSpec")
    own, node = _SPEC.child("source"), spec.get("nodeName") or ""
    if name is None and inline is None:
        errors.append(required(own, _ONE_SOURCE))
    elif name is not None and inline is not None:
        errors.append(forbidden(own, _ONE_SOURCE))
    elif name == "":
        errors.append(required(own.child("persistentVolumeName"),
                               "must specify non empty persistentVolumeName"))
    return errors + all_invalid(_SPEC.child("nodeName"), node, is_dns1123_subdomain(node))


class CSIStorageCapacityStrategy(Strategy):
    """How much a driver has left."""

    unconditional_update = False
    has_generation = False
    revalidates_metadata = True

    def default(self, obj: Object) -> None:
        for name in ("capacity", "maximumVolumeSize"):
            if obj.get(name) is not None:
                amounts = {name: obj[name]}
                round_amounts(amounts)
                obj[name] = amounts[name]

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        name = obj.get("storageClassName") or ""
        errors = selector_errors(obj.get("nodeTopology"), Path("nodeTopology"))
        errors += all_invalid("storageClassName", name, is_dns1123_subdomain(name))
        amount = obj.get("capacity")
        if amount is not None and parse_quantity(amount).nano < 0:
            errors.append(invalid("capacity", amount, "must be greater than or equal to 0"))
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        errors = self.validate(ctx, obj)
        for key in ("nodeTopology", "storageClassName"):
            errors += immutable(key, obj.get(key), old.get(key))
        return errors

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        chosen, path = obj.get("nodeTopology") or {}, Path("nodeTopology")
        keys = [(path.child("matchLabels").key(key), key)
                for key in sorted(chosen.get("matchLabels") or {})]
        keys += [(path.child("matchExpressions").at(i).child("key"), each.get("key") or "")
                 for i, each in enumerate(chosen.get("matchExpressions") or ())]
        return [f"{own}: {text}" for own, key in keys if (text := node_label_warning(key))]


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
