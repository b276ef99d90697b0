"""Server-side apply. Models structured-merge-diff/merge.Updater and the field managers around it.

The applied configuration is merged over the live object, what the same manager applied before
and no more is removed, and fields that others own and that change are conflicts, unless forced.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from apiserver.machinery.clock import rfc3339
from apiserver.machinery.errors import BadRequest, Conflict, Unknown
from apiserver.machinery.gvk import GVK, parse_api_version
from apiserver.patch import typed, typed_errors
from apiserver.patch.fieldset import EMPTY, FieldSet, Path, path_text
from apiserver.patch.managed_fields import (
    BEFORE_FIRST_APPLY,
    Differences,
    Entry,
    Manager,
    Managers,
    View,
    Write,
    managers_of,
    reconciled,
    stripped,
    updated,
    with_managed,
    without_managed,
)
from apiserver.schema.scalars import whole_numbers
from apiserver.schema.state import describe
from apiserver.schema.yaml_body import parse_yaml

if TYPE_CHECKING:
    from apiserver.machinery.types import Object
    from apiserver.schema.types import Struct

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_KUBECTL: Final = "kubectl"
_Conflicts = dict[Manager, FieldSet]


class _ConflictsError(Exception):
    """Fields of other managers would change."""

    def __init__(self, conflicts: _Conflicts) -> None:
        super().__init__()
        self.conflicts = conflicts


@dataclass(frozen=True, slots=True)
class _Applied:
    """The outcome of one apply; `object` is None when nothing changed."""

    object: Object | None
    managers: Managers


def parse(body: bytes) -> Object:
    """The applied configuration, in JSON or YAML. Raises BadRequest."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = _parse_yaml(body)
    value = whole_numbers(value)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest(
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot "
            f"unmarshal {describe(value)} into Go value of type map[string]interface {{}}")
    return value


def _parse_yaml(body: bytes) -> Any:
    try:
        return parse_yaml(body)
    except ValueError as error:
        raise BadRequest(
            f"error decoding YAML: error converting YAML to JSON: {error}") from None


def apply(type_: Struct, kind: GVK, live: Object | None, config: Object, write: Write, *,
          force: bool = False) -> Object:
    """The object after the apply, managedFields included; the caller decodes and defaults it.

    `live` is None when the object does not exist yet. Raises BadRequest, Conflict and Unknown with
    Kubernetes' texts.
    """
    _check_kind(kind, config)
    current = without_managed(live if live is not None else type_.zero())
    managers = reconciled(type_, managers_of(live), write) or _before_first(type_, current, write)
    try:
        applied = _apply(type_, kind, current, config, managers, write, force)
    except _ConflictsError as error:
        if not _kubectl_may_force(type_, current, write, error.conflicts):
            raise _conflict(error.conflicts) from None
        applied = _apply(type_, kind, current, config, managers, write, True)
    return with_managed(_finished(current, config, applied, write), applied.managers)


def _finished(current: Object, config: Object, applied: _Applied, write: Write) -> Object:
    """The object to store; kubectl's annotation follows what kubectl applies."""
    result = current if applied.object is None else applied.object
    annotations = (result.get("metadata") or {}).get("annotations") or {}
    if write.manager != _KUBECTL or not annotations.get(LAST_APPLIED):
        return result
    text = json.dumps(_without_last_applied(config), separators=(",", ":"), sort_keys=True) + "\n"
    metadata = {**result["metadata"], "annotations": {**annotations, LAST_APPLIED: text}}
    return {**result, "metadata": metadata}


def _without_last_applied(config: Object) -> Object:
    metadata = config.get("metadata") or {}
    annotations = dict(metadata.get("annotations") or {})
    if LAST_APPLIED not in annotations:
        return config
    return {**config, "metadata": {**metadata, "annotations": {**annotations, LAST_APPLIED: ""}}}


def _check_kind(kind: GVK, config: Object) -> None:
    api_version, name = config.get("apiVersion") or "", config.get("kind") or ""
    given = GVK(*parse_api_version(str(api_version)), str(name))
    if given != kind:
        raise BadRequest(f"invalid object type: {_kind_text(given)}")
    metadata = config.get("metadata")
    if isinstance(metadata, dict) and metadata.get("managedFields") is not None:
        raise BadRequest("metadata.managedFields must be nil")


def _before_first(type_: Struct, current: Object, write: Write) -> Managers:
    """Who owned what before anything was tracked: one entry for all of it."""
    if not (current.get("metadata") or {}).get("uid"):
        return {}
    first = replace(write, manager=BEFORE_FIRST_APPLY, subresource=write.subresource)
    return updated(type_, type_.zero(), current, {}, first)


def _apply(type_: Struct, kind: GVK, current: Object, config: Object, managers: Managers,
           write: Write, force: bool) -> _Applied:
    errors = typed_errors.problems(type_, config)
    if errors:
        raise Unknown(f"failed to create typed patch object ({_subject(kind, config)}): "
                      f"{typed_errors.joined(errors)}")
    me = write.applier()
    last = managers.get(me)
    try:
        merged = typed.merge(type_, current, config)
        owned = write.ownable(typed.field_set(type_, config))
        entry = Entry(fields=owned, api_version=write.api_version, time=last.time if last else "")
        managers = {**managers, me: entry}
        new = _pruned(type_, merged, managers, last, write)
        managers = _checked(type_, current, new, managers, write, force)
    except typed.ElementError as error:
        raise Unknown(f"failed to create typed live object ({_subject(kind, current)}): "
                      f"{error}") from None
    changed = _without_nulls(new) != _without_nulls(current)
    return _Applied(new if changed else None, _stamped(managers, me, write, changed))


def _stamped(managers: Managers, me: Manager, write: Write, changed: bool) -> Managers:
    """The applier's entry without what nobody owns, and with the time when anything changed."""
    entry = managers.get(me)
    if entry is None:
        return managers
    fields = stripped(entry.fields)
    rest = {manager: other for manager, other in managers.items() if manager != me}
    if not fields:
        return rest
    time = rfc3339(write.now) if changed else entry.time
    return {**rest, me: replace(entry, fields=fields, time=time)}


def _pruned(type_: Struct, merged: Object, managers: Managers, last: Entry | None,
            write: Write) -> Object:
    """Without what this manager applied before, does not apply now, and nobody else owns."""
    if last is None or not last.fields:
        return merged
    first = _view(type_, last.api_version, write)
    if first is None:
        return merged
    owned: dict[str, FieldSet] = {last.api_version: EMPTY}
    for entry in managers.values():
        owned[entry.api_version] = owned.get(entry.api_version, EMPTY).union(entry.fields)
    there = first.there(merged)
    gone = typed.with_named(first.type, last.fields)
    left = first.back(typed.remove_items(first.type, there, gone) or {})
    for api_version, fields in owned.items():
        view = _view(type_, api_version, write)
        if view is not None:
            left = view.back(_with_owned(view.type, view.there(merged), view.there(left), fields))
    return first.back(_without_dangling(first.type, there, first.there(left), last.fields))


def _view(type_: Struct, api_version: str, write: Write) -> View | None:
    """The kind in that version; itself where it is the write's own, or nobody knows of others."""
    if write.view is None or api_version == write.api_version:
        return View(type_, _same, _same)
    return write.view(api_version)


def _same(obj: Object) -> Object:
    return obj


def _with_owned(type_: Struct, merged: Object, pruned: Object, owned: FieldSet) -> Object:
    """What was pruned, and what somebody owns of it after all (addBackOwnedItemsForVersion)."""
    every = typed.with_named(type_, typed.field_set(type_, merged))
    kept = typed.with_named(type_, typed.field_set(type_, pruned)).union(
        typed.with_named(type_, owned))
    return typed.remove_items(type_, merged, every.difference(kept)) or {}


def _without_dangling(type_: Struct, merged: Object, pruned: Object, last: FieldSet) -> Object:
    """Only what the manager had applied goes (addBackDanglingItems)."""
    every = typed.with_named(type_, typed.field_set(type_, merged))
    left = typed.with_named(type_, typed.field_set(type_, pruned))
    gone = every.difference(left).intersection(typed.with_named(type_, last))
    return typed.remove_items(type_, merged, gone) or {}


def _checked(type_: Struct, current: Object, new: Object, managers: Managers, write: Write,
             force: bool) -> Managers:
    """The other managers without the fields that go over to this one. Raises _ConflictsError."""
    differences, me = Differences(type_, current, new, write), write.applier()
    changes = {manager: differences.of(entry.api_version) for manager, entry in managers.items()}
    conflicts = {manager: both for manager, entry in managers.items()
                 if manager != me and (its := changes[manager]) is not None
                 and (both := entry.fields.intersection(its.touched))}
    if conflicts and not force:
        raise _ConflictsError(conflicts)
    rest = {}
    for manager, entry in managers.items():
        fields, its = entry.fields, changes[manager]
        if manager != me:
            fields = EMPTY if its is None else fields.difference(
                conflicts.get(manager, EMPTY)).difference(its.removed)
        if fields:
            rest[manager] = replace(entry, fields=fields)
    return rest


def _kubectl_may_force(type_: Struct, current: Object, write: Write, conflicts: _Conflicts) -> bool:
    """kubectl takes over what it applied from the client's side before (lastAppliedManager)."""
    annotations = (current.get("metadata") or {}).get("annotations") or {}
    if write.manager != _KUBECTL or not annotations.get(LAST_APPLIED):
        return False
    try:
        before = orjson.loads(annotations[LAST_APPLIED])
        difference = typed.Comparison(type_, before, current)
        allowed = typed.field_set(type_, before)
    except (ValueError, AttributeError):
        return False
    for changed in (difference.modified, difference.added, difference.removed):
        allowed = allowed.difference(changed)
    return not any(fields.difference(allowed) for fields in conflicts.values())


def _conflict(conflicts: _Conflicts) -> Conflict:
    """409 with one cause for each field (NewConflictError)."""
    by_manager: list[tuple[Manager, list[Path]]] = [
        (manager, list(conflicts[manager].paths())) for manager in sorted(conflicts)]
    causes = [{"reason": "FieldManagerConflict", "message": f"conflict with {manager}",
               "field": path_text(path)} for manager, paths in by_manager for path in paths]
    if len(causes) == 1:
        manager, paths = by_manager[0]
        message = f"Apply failed with 1 conflict: conflict with {manager}: {path_text(paths[0])}"
    else:
        lines = []
        for manager, paths in by_manager:
            lines.append(f"conflicts with {manager}:")
            lines.extend(f"- {path_text(path)}" for path in paths)
        message = f"Apply failed with {len(causes)} conflicts: " + "\n".join(lines)
    return Conflict(message, details={"causes": causes})


def _subject(kind: GVK, obj: Object) -> str:
    metadata = obj.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    namespace, name = (metadata.get(key) for key in ("namespace", "name"))
    shown = [text if isinstance(text, str) else "" for text in (namespace, name)]
    return f"{'/'.join(shown)}; {_kind_text(kind)}"


def _kind_text(kind: GVK) -> str:
    return f"{kind.group}/{kind.version}, Kind={kind.kind}"


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
