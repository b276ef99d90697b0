"""UPDATE, and every other change of a stored object. Models registry/generic/registry/store.go
Update and registry/rest/update.go BeforeUpdate.

    read · change · revision · admit · allocate · prepare · validate · admission validate · store
      └──────────────────────── again, when somebody else was faster ───────────────────────┘
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import orjson

from apiserver.machinery import meta
from apiserver.machinery.errors import Conflict, Invalid, NotFound
from apiserver.machinery.validation import invalid
from apiserver.registry import creating, managed
from apiserver.registry.metadata import (
    dedup_owners,
    ensure_namespace,
    keep_system_fields,
    metadata_of,
    set_or_drop,
)
from apiserver.registry.versions import object_revision
from apiserver.resources.metadata import validate_object_meta_update
from apiserver.storage.keys import object_key
from apiserver.storage.store import RevisionMismatch, Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from apiserver.allocation import Allocation
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.machinery.validation import FieldError
    from apiserver.registry.registry import Registry

Change = Callable[["Object"], "Object"]
"""Makes a new object from a stored one and shares nothing with it: hooks change it in place."""

MODIFIED: Final = ("the object has been modified; please apply your changes to the latest version"
                   " and try again")
_TYPE_META: Final = frozenset({"kind", "apiVersion", "metadata", "status"})
_CLIENTS_METADATA: Final = ("annotations", "deletionTimestamp", "finalizers", "labels",
                            "ownerReferences")
"""What ResetObjectMetaForStatus puts back."""


async def replace(registry: Registry, ctx: RequestContext, obj: Object) -> tuple[Version, bool]:
    """PUT: the whole object; whether it was created. Raises Conflict, Invalid, NotFound."""
    creating.check_name(meta.name(obj), ctx.name)
    ensure_namespace(ctx, obj)
    key = object_key(ctx.resource, ctx.namespace, ctx.name)
    existing = await registry.stored(ctx.resource).get(key)
    wanted = meta.uid(obj)
    if wanted and wanted != (actual := meta.uid(existing.object) if existing else ""):
        raise _conflict(ctx, f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion:"
                        f" 0, AdditionalErrorMsg: Precondition failed: UID in precondition:"
                        f" {wanted}, UID in object meta: {actual}")
    if existing is None and ctx.resource.strategy.create_on_update and not ctx.subresource:
        metadata_of(obj).pop("resourceVersion", None)
        return await creating.create(registry, ctx, obj), True
    dedup_owners(ctx, obj, admitted=False)
    pristine = orjson.dumps(obj)  # each attempt works on a copy of its own
    return await modify(registry, ctx, lambda old: orjson.loads(pristine)), False


async def modify(registry: Registry, ctx: RequestContext, change: Change, *,
                 tracked: bool = False) -> Version:
    """Read, change, check and store, again while others are faster. Raises ApiError.

    `tracked`: what `change` makes has managedFields that are up to date already.
    """
    key = object_key(ctx.resource, ctx.namespace, ctx.name)
    while True:
        current = await registry.stored(ctx.resource).get(key)
        if current is None:
            raise NotFound.object(ctx.resource.group, ctx.resource.plural, ctx.name)
        obj = change(current.object)
        unconditional = _check_revision(ctx, obj, current)
        if not tracked:
            obj = managed.track(registry, ctx, obj, current.object)
        try:
            return await _attempt(registry, ctx, obj, current)
        except RevisionMismatch:
            if not unconditional:
                raise _conflict(ctx, MODIFIED) from None


def _check_revision(ctx: RequestContext, obj: Object, current: Version) -> bool:
    """Whether the object goes over any version. Raises Conflict, Invalid, Unknown."""
    metadata = metadata_of(obj)
    revision = object_revision(metadata.get("resourceVersion") or "")
    if revision and revision != current.revision:
        raise _conflict(ctx, MODIFIED)
    needed = not ctx.resource.strategy.unconditional_update and ctx.subresource != "scale"
    if not revision and needed:
        error = invalid("metadata.resourceVersion", 0, "must be specified for an update")
        raise Invalid.object(ctx.resource.group, ctx.resource.plural, ctx.name, (error,))
    metadata["resourceVersion"] = str(current.revision)
    return not revision


async def _attempt(registry: Registry, ctx: RequestContext, obj: Object,
                   current: Version) -> Version:
    old = current.object
    if not ctx.admitted:
        await registry.admission.admit("UPDATE", ctx, obj, old)
    dedup_owners(ctx, obj, admitted=True)
    allocation = _allocate(registry, ctx, obj, old)
    try:
        _prepare(ctx, obj, old)
        _validate(ctx, obj, old)
        if not ctx.admitted:
            await registry.admission.validate("UPDATE", ctx, obj, old)
        version = await _store(registry, ctx, obj, current)
    except BaseException:
        if allocation is not None:
            allocation.rollback()
        raise
    if allocation is not None:
        (allocation.rollback if ctx.dry_run else allocation.commit)()
    return version


def _allocate(registry: Registry, ctx: RequestContext, obj: Object,
              old: Object) -> Allocation | None:
    allocator = registry.allocators.get(ctx.resource.gvr)
    if allocator is None or ctx.subresource:
        return None
    allocation = allocator.begin(obj, old, dry_run=ctx.dry_run)
    if allocation.errors:
        allocation.rollback()
        raise Invalid.object(ctx.resource.group, ctx.resource.kind, ctx.name, allocation.errors)
    return allocation


def _prepare(ctx: RequestContext, obj: Object, old: Object) -> None:
    resource, strategy = ctx.resource, ctx.resource.strategy
    ensure_namespace(ctx, obj)
    keep_system_fields(obj, old)
    if ctx.subresource == "status":
        _keep_all_but_status(obj, old, _kept_metadata(strategy.resets["status"]))
        strategy.prepare_status_update(ctx, obj, old)
        return
    if resource.status and not ctx.subresource:
        set_or_drop(obj, "status", old.get("status"))
    strategy.prepare_update(ctx, obj, old)
    if strategy.has_generation and strategy.generation_changed(obj, old):
        metadata_of(obj)["generation"] = meta.generation(old) + 1


def _keep_all_but_status(obj: Object, old: Object, kept_metadata: Iterable[str]) -> None:
    """A write to `status` changes only the status, and of the metadata what the kind allows."""
    for field in {*obj, *old} - _TYPE_META:
        set_or_drop(obj, field, old.get(field))
    for field in kept_metadata:
        set_or_drop(metadata_of(obj), field, old["metadata"].get(field))


def _kept_metadata(resets: Sequence[str]) -> Iterator[str]:
    """The fields of the metadata that are among these paths (`metadata` is all of a client's)."""
    for path in resets:
        if path == "metadata":
            yield from _CLIENTS_METADATA
        elif path.startswith("metadata."):
            yield path.removeprefix("metadata.")


def _validate(ctx: RequestContext, obj: Object, old: Object) -> None:
    resource, strategy = ctx.resource, ctx.resource.strategy
    errors = validate_object_meta_update(obj, old, resource)
    errors += _kind_errors(ctx, obj, old)
    if errors:
        raise Invalid.object(resource.group, resource.kind, meta.name(obj), errors)
    for text in strategy.warnings(ctx, obj, old):
        ctx.warn(text)


def _kind_errors(ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
    strategy = ctx.resource.strategy
    if ctx.subresource == "status":
        return strategy.validate_status_update(ctx, obj, old)
    return strategy.validate_update(ctx, obj, old)


async def _store(registry: Registry, ctx: RequestContext, obj: Object,
                 current: Version) -> Version:
    if _deletes(ctx, obj, current.object):
        if not ctx.dry_run:
            await remove(registry, ctx, current)
        return Version(current.key, obj, current.revision, current.created)
    obj = managed.keep_times(obj, current.object)
    if _share(obj, current.object):
        return current
    if ctx.dry_run:
        return Version(current.key, obj, current.revision, current.created)
    registry.sharing.share(obj, current.object)
    return await registry.stored(ctx.resource).put(current.key, obj, expected=current.revision)


async def remove(registry: Registry, ctx: RequestContext, current: Version) -> Version:
    """Take an object out of the store; its last state. Raises RevisionMismatch."""
    change = await registry.stored(ctx.resource).delete(current.key, expected=current.revision)
    allocator = registry.allocators.get(ctx.resource.gvr)
    if allocator is not None:
        allocator.release(current.object)
    return change.gone()


def _deletes(ctx: RequestContext, obj: Object, old: Object) -> bool:
    """Whether this update takes the last thing away that kept a terminating object."""
    before = old["metadata"]
    if not before.get("deletionTimestamp") or meta.finalizers(obj):
        return False
    if before.get("deletionGracePeriodSeconds"):
        return False
    return ctx.resource.strategy.may_go(obj)


def _share(obj: Object, old: Object) -> bool:
    """Let `obj` hold the parts that did not change in common with `old`; whether all of them."""
    # The metadata itself stays private: the store sets its resourceVersion.
    same = _share_fields(obj["metadata"], old["metadata"])
    return _share_fields(obj, old, apart="metadata") and same


def _share_fields(new: Object, old: Object, *, apart: str = "") -> bool:
    same = len(new) == len(old)
    for field, value in new.items():
        if field == apart:
            continue
        before = old.get(field)
        if value is before:
            continue
        if value == before:
            new[field] = before
            continue
        same = False
        if isinstance(value, dict) and isinstance(before, dict):
            _share_fields(value, before)  # a bound Pod keeps its containers, volumes, ...
    return same


def _conflict(ctx: RequestContext, why: str) -> Conflict:
    return Conflict.object(ctx.resource.group, ctx.resource.plural, ctx.name, why)
