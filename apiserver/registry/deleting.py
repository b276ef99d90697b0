"""DELETE: at once, with grace, or when the finalizers are gone. Models store.go Delete and
registry/rest/delete.go BeforeDelete.

    preconditions ─> graceful?  ─yes─> mark with the grace; 0 s: go on, else it stays
                        │no
                     finalizers, also those of the propagation? ─yes─> mark, it stays
                        │no
                     remove it
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery import meta
from apiserver.machinery.clock import parse_time, rfc3339
from apiserver.machinery.errors import Conflict, Invalid, NotFound
from apiserver.machinery.validation import FieldError, invalid, not_supported
from apiserver.registry.listing import Listing, list_page
from apiserver.registry.metadata import FOREGROUND, ORPHAN
from apiserver.registry.updating import remove
from apiserver.storage.keys import object_key
from apiserver.storage.store import RevisionMismatch, Version

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.machinery.types import Object
    from apiserver.registry.options import DeleteOptions, ListOptions
    from apiserver.registry.registry import Registry

_PROPAGATIONS: Final = ("Foreground", "Background", "Orphan")


@dataclass(frozen=True, slots=True)
class Deleted:
    """What became of an object that was to be deleted."""

    version: Version
    """Its last state, or that in which it waits for its end."""
    gone: bool
    answer_object: bool
    """The client is answered with the object rather than a Status."""

    def status(self, ctx: RequestContext) -> Object:
        """The metav1.Status of a finished deletion."""
        details: dict[str, Any] = {"name": ctx.name}
        if ctx.resource.group:
            details["group"] = ctx.resource.group
        details["kind"] = ctx.resource.plural
        details["uid"] = meta.uid(self.version.object)
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
                "details": details}


async def delete(registry: Registry, ctx: RequestContext, options: DeleteOptions) -> Deleted:
    """Delete the object that `ctx` names, or begin to. Raises NotFound, Conflict, Invalid."""
    validate(options)
    key = object_key(ctx.resource, ctx.namespace, ctx.name)
    current = await registry.stored(ctx.resource).get(key)
    if current is None:
        raise NotFound.object(ctx.resource.group, ctx.resource.plural, ctx.name)
    if not ctx.admitted:
        await registry.admission.admit("DELETE", ctx, None, current.object)
        await registry.admission.validate("DELETE", ctx, None, current.object)
    while True:
        try:
            return await _attempt(registry, ctx, options, current)
        except RevisionMismatch as error:
            if error.current is None:
                raise NotFound.object(ctx.resource.group, ctx.resource.plural, ctx.name) from None
            current = error.current


def validate(options: DeleteOptions) -> None:
    """Raises Invalid (ValidateDeleteOptions)."""
    errors: list[FieldError] = []
    if options.propagation is not None and options.orphan_dependents is not None:
        errors.append(invalid("propagationPolicy", options.propagation,
                              "orphanDependents and deletionPropagation cannot be both set"))
    if options.propagation is not None and options.propagation not in _PROPAGATIONS:
        errors.append(not_supported("propagationPolicy", options.propagation,
                                    [*_PROPAGATIONS, "nil"]))
    if errors:
        raise Invalid.object("meta.k8s.io", "DeleteOptions", "", errors)


async def _attempt(registry: Registry, ctx: RequestContext, options: DeleteOptions,
                   current: Version) -> Deleted:
    old = current.object
    _check_preconditions(ctx, options, old)
    marking = _Marking(ctx, options, old)
    if marking.pending:
        return Deleted(current, False, ctx.resource.strategy.delete_returns_object)
    if marking.changed and not ctx.dry_run:
        current = await registry.stored(ctx.resource).put(
            current.key, marking.obj, expected=current.revision)
    elif marking.changed:
        current = Version(current.key, marking.obj, current.revision, current.created)
    if not marking.goes:
        return Deleted(current, False, True)
    if not ctx.dry_run:
        current = await remove(registry, ctx, current)
    return Deleted(current, True, ctx.resource.strategy.delete_returns_object)


def _check_preconditions(ctx: RequestContext, options: DeleteOptions, obj: Object) -> None:
    uid, revision = options.preconditions.get("uid"), options.preconditions.get("resourceVersion")
    if uid is not None and uid != meta.uid(obj):
        why = (f"the UID in the precondition ({uid}) does not match the UID in record"
               f" ({meta.uid(obj)}). The object might have been deleted and then recreated")
    elif revision is not None and revision != meta.resource_version(obj):
        why = (f"the ResourceVersion in the precondition ({revision}) does not match the"
               f" ResourceVersion in record ({meta.resource_version(obj)})."
               " The object might have been modified")
    else:
        return
    raise Conflict.object(ctx.resource.group, ctx.resource.kind, meta.name(obj), why)


class _Marking:
    """How a deletion request changes the object, and whether it goes."""

    def __init__(self, ctx: RequestContext, options: DeleteOptions, old: Object) -> None:
        self.metadata: dict[str, Any] = dict(old["metadata"])
        self.obj: Object = {**old, "metadata": self.metadata}
        self.pending = False
        """Its end is under way and this request changes nothing."""
        self._ctx = ctx
        self._options = options
        grace = self._grace(old)
        if not self.pending:
            finalizers = _finalizers(ctx, options, old)
            self._set_finalizers(finalizers)
            self.goes = self._mark(grace, bool(finalizers))
        self.changed = self.obj != old

    def _grace(self, old: Object) -> int | None:
        """The grace that now holds, None where the kind has none; may find `pending`."""
        wanted = self._options.grace_period_seconds
        wanted = 1 if wanted is not None and wanted < 0 else wanted
        if not meta.is_terminating(old):
            return self._ctx.resource.strategy.graceful_delete(self._ctx, old, wanted)
        left = old["metadata"].get("deletionGracePeriodSeconds")
        if not left:
            return None
        if wanted is None or wanted >= left:
            self.pending = True
            return None
        begun = parse_time(old["metadata"]["deletionTimestamp"]) - left
        self.metadata["deletionTimestamp"] = rfc3339(begun + wanted)
        return wanted

    def _mark(self, grace: int | None, finalizers: bool) -> bool:
        """Set deletionTimestamp and grace where the object stays for a while; whether it goes."""
        strategy = self._ctx.resource.strategy
        if grace is None and not finalizers and strategy.may_go(self.obj):
            return True
        first = not self.metadata.get("deletionTimestamp")
        if first:
            self.metadata["deletionTimestamp"] = rfc3339(self._ctx.now + (grace or 0))
            if self.metadata.get("generation"):
                self.metadata["generation"] += 1
        if strategy.shows_grace:
            self.metadata["deletionGracePeriodSeconds"] = grace or 0
        if first:
            strategy.mark_deleting(self.obj)
        return not grace and not finalizers and strategy.may_go(self.obj)

    def _set_finalizers(self, finalizers: list[str]) -> None:
        if finalizers != list(self.metadata.get("finalizers") or ()):
            self.metadata["finalizers"] = finalizers
        if not finalizers:
            self.metadata.pop("finalizers", None)


def _finalizers(ctx: RequestContext, options: DeleteOptions, old: Object) -> list[str]:
    """The finalizers, with those that the propagation asks for (deletionFinalizersFor...)."""
    present = list(meta.finalizers(old))
    policy = _propagation(ctx, options, present)
    finalizers = [each for each in present if each not in (ORPHAN, FOREGROUND)]
    if policy == "Orphan":
        finalizers.append(ORPHAN)
    elif policy == "Foreground":
        finalizers.append(FOREGROUND)
    return present if set(finalizers) == set(present) else finalizers


def _propagation(ctx: RequestContext, options: DeleteOptions, present: list[str]) -> str:
    """What becomes of dependents: as asked, else as a finalizer says, else the kind's default."""
    if options.orphan_dependents is not None:
        return "Orphan" if options.orphan_dependents else "Background"
    if options.propagation is not None:
        return options.propagation
    if ORPHAN in present:
        return "Orphan"
    if FOREGROUND in present:
        return "Foreground"
    return ctx.resource.strategy.default_propagation


async def delete_collection(registry: Registry, ctx: RequestContext, select: ListOptions,
                            options: DeleteOptions) -> Listing:
    """Delete all that match, each as `delete` does; what was listed. Raises ApiError."""
    validate(options)
    listing = await list_page(registry, ctx, select)
    for version in listing.versions:
        obj = version.object
        ctx.namespace, ctx.name = meta.namespace(obj), meta.name(obj)
        try:
            await delete(registry, ctx, options)
        except NotFound:
            continue
    return listing
