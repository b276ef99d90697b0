"""What every object has in common: system fields, and the rules of `metadata`.

Models apimachinery/pkg/api/validation/objectmeta.go and registry/rest/meta.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery import names
from apiserver.machinery.clock import rfc3339
from apiserver.machinery.errors import BadRequest
from apiserver.machinery.gvk import parse_api_version
from apiserver.machinery.meta import new_uid
from apiserver.machinery.validation import (
    FieldError,
    all_invalid,
    forbidden,
    go_quote,
    immutable,
    invalid,
    required,
    too_long,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.resource import Resource
    from apiserver.strategy import NameRule

ORPHAN: Final = "orphan"
FOREGROUND: Final = "foregroundDeletion"
_STANDARD_FINALIZERS: Final = frozenset({"kubernetes", ORPHAN, FOREGROUND})
_ANNOTATIONS_LIMIT: Final = 256 * 1024
_NAME_CHECKS: Final[Mapping[NameRule, Callable[[str], list[str]]]] = {
    "dns1123subdomain": names.is_dns1123_subdomain,
    "dns1123label": names.is_dns1123_label,
    "dns1035label": names.is_dns1035_label,
    "pathsegment": names.is_path_segment,
}


def metadata_of(obj: Object) -> dict[str, Any]:
    """`metadata` of a private object, made when it is missing."""
    metadata: dict[str, Any] | None = obj.get("metadata")
    if metadata is None:
        metadata = obj["metadata"] = {}
    return metadata


def set_or_drop(metadata: dict[str, Any], field: str, value: Any) -> None:
    """Set a field of a private dict; None and '' drop it."""
    if value is None or value == "":
        metadata.pop(field, None)
    else:
        metadata[field] = value


def ensure_namespace(ctx: RequestContext, obj: Object) -> None:
    """Fill in the request's namespace. Raises BadRequest when the object names another."""
    metadata = metadata_of(obj)
    if not ctx.resource.namespaced:
        metadata.pop("namespace", None)
    elif metadata.get("namespace") in (None, ""):
        metadata["namespace"] = ctx.namespace
    elif metadata["namespace"] != ctx.namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace"
                         " sent on the request")


def fill_system_fields(obj: Object, now: float, chance: random.Random) -> None:
    """A new object's uid and creationTimestamp; what a client said of them does not count."""
    metadata = metadata_of(obj)
    metadata["uid"] = new_uid(chance)
    metadata["creationTimestamp"] = rfc3339(now)
    for field in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"):
        metadata.pop(field, None)


def keep_system_fields(obj: Object, old: Object) -> None:
    """What no update can change, and what it may leave out."""
    metadata, before = metadata_of(obj), old["metadata"]
    metadata.pop("selfLink", None)
    set_or_drop(metadata, "generation", before.get("generation"))
    if not metadata.get("uid"):
        set_or_drop(metadata, "uid", before.get("uid"))
    if before.get("creationTimestamp"):
        metadata["creationTimestamp"] = before["creationTimestamp"]
    if before.get("deletionTimestamp"):
        metadata["deletionTimestamp"] = before["deletionTimestamp"]
    if metadata.get("deletionGracePeriodSeconds") is None:
        set_or_drop(metadata, "deletionGracePeriodSeconds",
                    before.get("deletionGracePeriodSeconds"))


# --- rules ---------------------------------------------------------------------------------------


def validate_new_metadata(resource: Resource, obj: Object) -> list[FieldError]:
    """What is wrong with a new object's metadata (ValidateObjectMeta)."""
    metadata = obj["metadata"]
    errors = _name_errors(resource.strategy.name_rule, metadata)
    errors += _namespace_errors(resource, metadata)
    errors += _common_errors(metadata)
    errors += _finalizer_errors(metadata.get("finalizers") or ())
    return errors


def validate_changed_metadata(obj: Object, old: Object) -> list[FieldError]:
    """What is wrong with the metadata of a changed object (ValidateObjectMetaUpdate)."""
    metadata, before = obj["metadata"], old["metadata"]
    errors: list[FieldError] = []
    finalizers = metadata.get("finalizers") or ()
    if before.get("deletionTimestamp"):
        errors += _added_finalizers(finalizers, before.get("finalizers") or ())
    for field in ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp",
                  "deletionGracePeriodSeconds"):
        errors += immutable(f"metadata.{field}", metadata.get(field), before.get(field))
    return errors + _common_errors(metadata)


def validate_kube_finalizers(obj: Object) -> list[FieldError]:
    """The further rule of built-in kinds: a finalizer is qualified, or one of the standard ones."""
    finalizers = obj["metadata"].get("finalizers") or ()
    return [invalid(f"metadata.finalizers[{i}]", finalizer,
                    "name is neither a standard finalizer name nor is it fully qualified")
            for i, finalizer in enumerate(finalizers)
            if "/" not in finalizer and finalizer not in _STANDARD_FINALIZERS]


def _name_errors(rule: NameRule, metadata: Object) -> list[FieldError]:
    check = _NAME_CHECKS[rule]
    errors: list[FieldError] = []
    name, prefix = metadata.get("name") or "", metadata.get("generateName") or ""
    if prefix:
        errors += all_invalid("metadata.generateName", prefix,
                              check(names.mask_trailing_dash(prefix)))
    if not name:
        errors.append(required("metadata.name", "name or generateName is required"))
    else:
        errors += all_invalid("metadata.name", name, check(name))
    return errors


def _namespace_errors(resource: Resource, metadata: Object) -> list[FieldError]:
    namespace = metadata.get("namespace") or ""
    if not resource.namespaced:
        return []
    if not namespace:
        return [required("metadata.namespace")]
    return all_invalid("metadata.namespace", namespace, names.is_dns1123_label(namespace))


def _common_errors(metadata: Object) -> list[FieldError]:
    errors = _label_errors(metadata.get("labels") or {})
    errors += _annotation_errors(metadata.get("annotations") or {})
    errors += _owner_errors(metadata.get("ownerReferences") or ())
    return errors


def _label_errors(labels: Mapping[str, str]) -> list[FieldError]:
    errors: list[FieldError] = []
    for key, value in labels.items():
        errors += all_invalid("metadata.labels", key, names.is_qualified_name(key))
        errors += all_invalid("metadata.labels", value, names.is_valid_label_value(value))
    return errors


def _annotation_errors(annotations: Mapping[str, str]) -> list[FieldError]:
    errors: list[FieldError] = []
    size = 0
    for key, value in annotations.items():
        errors += all_invalid("metadata.annotations", key, names.is_qualified_name(key.lower()))
        size += len(key.encode()) + len(value.encode())
    if size > _ANNOTATIONS_LIMIT:
        errors.append(too_long("metadata.annotations", _ANNOTATIONS_LIMIT))
    return errors


def _owner_errors(references: Sequence[Object]) -> list[FieldError]:
    errors: list[FieldError] = []
    controller = ""
    for reference in references:
        errors += _reference_errors(reference)
        if not reference.get("controller"):
            continue
        if controller:
            detail = ('Only one reference can have Controller set to true. Found "true" in'
                      f" references for {controller} and {reference.get('name', '')}")
            errors.append(invalid("metadata.ownerReferences", list(references), detail))
        else:
            controller = reference.get("name", "")
    return errors


def _reference_errors(reference: Object) -> list[FieldError]:
    path = "metadata.ownerReferences"
    group, version = parse_api_version(reference.get("apiVersion") or "")
    errors: list[FieldError] = []
    if not version:
        errors.append(invalid(f"{path}.apiVersion", reference.get("apiVersion") or "",
                              "version must not be empty"))
    errors += [invalid(f"{path}.{field}", "", "must not be empty")
               for field in ("kind", "name", "uid") if not reference.get(field)]
    if (group, version, reference.get("kind")) == ("", "v1", "Event"):
        errors.append(invalid(path, dict(sorted(reference.items())),
                              "/v1, Kind=Event is disallowed from being an owner"))
    return errors


def _finalizer_errors(finalizers: Sequence[str]) -> list[FieldError]:
    errors: list[FieldError] = []
    for finalizer in finalizers:
        errors += all_invalid("metadata.finalizers", finalizer, names.is_qualified_name(finalizer))
    if ORPHAN in finalizers and FOREGROUND in finalizers:
        errors.append(invalid("metadata.finalizers", list(finalizers),
                              f"finalizer {ORPHAN} and {FOREGROUND} cannot be both set"))
    return errors


def _added_finalizers(new: Sequence[str], old: Sequence[str]) -> list[FieldError]:
    added = sorted(set(new) - set(old))
    if not added:
        return []
    listed = ", ".join(go_quote(finalizer) for finalizer in added)
    return [forbidden("metadata.finalizers", "no new finalizers can be added if the object is being"
                      f" deleted, found new finalizers []string{{{listed}}}")]
