"""What every object has in common: its system fields. Models registry/rest/meta.go.

The rules of `metadata` are in `apiserver/resources/metadata.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery.clock import rfc3339
from apiserver.machinery.errors import BadRequest
from apiserver.machinery.meta import new_uid

if TYPE_CHECKING:
    import random

    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object

ORPHAN: Final = "orphan"
FOREGROUND: Final = "foregroundDeletion"
_TWICE: Final = (
    ".metadata.ownerReferences contains duplicate entries{}; API server dedups owner references in"
    " 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate"
    " UID(s) observed: [{}]")


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


def dedup_owners(ctx: RequestContext, obj: Object, *, admitted: bool) -> None:
    """Drop owner references that are there twice, with a warning (`admitted`: of those who change
    objects on their way). Models handlers/rest.go dedupOwnerReferencesAndAddWarning.
    """
    references = metadata_of(obj).get("ownerReferences")
    if not references or len(references) < 2:
        return
    kept: list[Object] = []
    twice: list[str] = []
    for reference in references:
        if reference in kept:
            twice.append(reference.get("uid", ""))
        else:
            kept.append(reference)
    if twice:
        when = " after mutating admission happens" if admitted else ""
        ctx.warn(_TWICE.format(when, " ".join(twice)))
        obj["metadata"] = {**obj["metadata"], "ownerReferences": kept}


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
