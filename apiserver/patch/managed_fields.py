"""Who manages which fields: `metadata.managedFields` and what writes do to it.

Models apimachinery/pkg/util/managedfields: the managers in their order (skip objects that are
not tracked, cap the number of updaters, time stamps, stripping of what nobody owns).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from apiserver.machinery.clock import rfc3339
from apiserver.machinery.json_bytes import exact
from apiserver.machinery.validation import go_quote
from apiserver.patch import fieldset
from apiserver.patch.fieldset import FieldSet
from apiserver.patch.memory import Memory
from apiserver.patch.typed import Comparison, ElementError, as_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from apiserver.machinery.types import Object
    from apiserver.schema.types import Struct

MAX_UPDATERS: Final = 10
OLD_UPDATES: Final = "ancient-changes"
BEFORE_FIRST_APPLY: Final = "before-first-apply"
_NAME_LIMIT: Final = 128
_STRIPPED: Final = fieldset.of(
    "apiVersion", "kind", "metadata", "metadata.name", "metadata.namespace",
    "metadata.creationTimestamp", "metadata.selfLink", "metadata.uid", "metadata.clusterName",
    "metadata.generation", "metadata.managedFields", "metadata.resourceVersion")


class Manager(NamedTuple):
    """What tells entries apart; of appliers the version does not count."""

    name: str
    operation: str
    api_version: str = ""
    subresource: str = ""

    def __str__(self) -> str:
        text = go_quote(self.name)
        if self.subresource:
            text += f" with subresource {go_quote(self.subresource)}"
        return f"{text} using {self.api_version}" if self.operation == "Update" else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one manager owns."""

    fields: FieldSet
    api_version: str
    time: str = ""

    def without(self, gone: FieldSet) -> Entry:
        """Less these paths; the entry itself when it has none of them."""
        fields = self.fields.difference(gone)
        return self if fields is self.fields else replace(self, fields=fields)


Managers = dict[Manager, Entry]


@dataclass(frozen=True, slots=True)
class View:
    """A kind in another of its versions."""

    type: Struct
    there: Callable[[Object], Object]
    back: Callable[[Object], Object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One write: who does it, in which version, to what part of the object, when."""

    manager: str
    api_version: str
    now: float
    subresource: str = ""
    reset: FieldSet = field(default_factory=FieldSet)
    """Fields that this endpoint resets, so that nobody comes to own them through it."""
    only: tuple[str, ...] = ()
    """All that can be owned through it, where it lets so little change that this is shorter."""

    view: Callable[[str], View | None] | None = None
    """The kind in the version of an entry, None for a version that there is not (any more).
    Without it all entries count as of this write's version."""
    schema_changes: bool = False
    """Whether what was granular may have become atomic since entries were written (CRDs)."""

    def ownable(self, fields: FieldSet) -> FieldSet:
        """What of these fields this endpoint does not reset."""
        if self.only:
            return fields.matching(self.only)
        return fields.recursive_difference(self.reset)

    def updater(self) -> Manager:
        """The entry of a create, update or patch."""
        return Manager(self.manager, "Update", self.api_version, self.subresource)

    def applier(self) -> Manager:
        """The entry of a server-side apply."""
        return Manager(self.manager, "Apply", "", self.subresource)


def manager_name(given: str, user_agent: str) -> str:
    """The field manager of a request: as given, or from the client's name."""
    if given:
        return given
    printable = "".join(char for char in user_agent.split("/")[0] if char.isprintable())
    while len(printable.encode()) > _NAME_LIMIT:
        printable = printable[:-1]
    return printable


class Differences:
    """What a write changes, in each version that some entry is in. Raises ElementError."""

    def __init__(self, type_: Struct, before: Object, after: Object, write: Write) -> None:
        self._write = write
        self._before, self._after = before, after
        own = _Difference.of(Comparison(type_, before, after), write)
        self.own = own
        self._known: dict[str, _Difference | None] = {write.api_version: own}

    def of(self, api_version: str) -> _Difference | None:
        """The difference in that version, None when there is no such version."""
        if self._write.view is None:
            return self.own
        if api_version not in self._known:
            view = self._write.view(api_version)
            self._known[api_version] = None if view is None else _Difference.of(Comparison(
                view.type, view.there(self._before), view.there(self._after)), self._write)
        return self._known[api_version]


@dataclass(frozen=True, slots=True)
class _Difference:
    """Fields that a write adds or changes, and those that it removes."""

    touched: FieldSet
    removed: FieldSet

    @classmethod
    def of(cls, compared: Comparison, write: Write) -> _Difference:
        """Without what the write cannot own."""
        return cls(write.ownable(compared.modified.union(compared.added)),
                   write.ownable(compared.removed))


def reconciled(type_: Struct, managers: Managers, write: Write) -> Managers:
    """Owners of parts of what has become atomic own the whole (reconcileWithSchemaWalker)."""
    if not write.schema_changes:
        return managers
    changed = {}
    for manager, entry in managers.items():
        own = type_
        if write.view is not None and entry.api_version != write.api_version:
            view = write.view(entry.api_version)
            own = view.type if view is not None else type_
        changed[manager] = replace(entry, fields=as_atomic(own, entry.fields))
    return changed


def track_update(type_: Struct, live: Object | None, new: Object, write: Write) -> Object:
    """`new` with managedFields after a create (live is None), update or patch by `write`."""
    entries = reconciled(type_, _live_or_new(live, new, write.subresource), write)
    before, after = without_managed(live or type_.zero()), without_managed(new)
    if live is None and not entries:
        return with_managed(after, _creator(type_, after, write))
    if entries or live is None or not live.get("metadata", {}).get("uid"):
        entries = updated(type_, before, after, entries, write)
    return with_managed(after, entries)


_CREATED: Final[Memory[tuple[Struct, bytes, bool], Managers]] = Memory(32)


def _creator(type_: Struct, new: Object, write: Write) -> Managers:
    """The manager of a new object.

    The Pods of a template are the same until they get their names, so what was found for the last
    few objects is remembered: it saves half of what tracking a create costs.
    """
    key = type_, orjson.dumps(new), bool(write.reset)
    known = _CREATED.get(key)
    if known is None:
        key = type_, exact(key[1]), key[2]
        known = _CREATED.put(key, updated(type_, type_.zero(), new, {}, write))
    return {write.updater(): replace(entry, api_version=write.api_version, time=rfc3339(write.now))
            for entry in known.values()}


def updated(type_: Struct, before: Object, after: Object, entries: Managers,
            write: Write) -> Managers:
    """The managers after an update; unchanged when the objects cannot be compared."""
    me = write.updater()
    try:
        differences = Differences(type_, before, after, write)
        touched = differences.own.touched
        own = touched.difference(differences.own.removed).difference(_STRIPPED)
        remaining = _remaining(entries, differences, me if own is touched else None)
    except ElementError:
        return entries
    managers = {manager: entry for manager, entry in remaining.items() if entry.fields}
    if own:
        previous = managers.get(me)
        fields = previous.fields.union(own) if previous else own
        managers[me] = Entry(fields=fields, api_version=write.api_version, time=rfc3339(write.now))
    return _capped(managers)


def _remaining(entries: Managers, differences: Differences, writer: Manager | None) -> Managers:
    """What the write leaves to whom; `writer` will own what it touches anyway."""
    left: Managers = {}
    for manager, entry in entries.items():
        its = differences.of(entry.api_version)
        if its is not None:
            kept = entry if manager == writer else entry.without(its.touched)
            left[manager] = kept.without(its.removed)
    return left


def stripped(fields: FieldSet) -> FieldSet:
    """Without what nobody can own."""
    return fields.difference(_STRIPPED)


def _capped(managers: Managers) -> Managers:
    """At most ten updaters: the oldest of a version are merged into `ancient-changes`."""
    if len(managers) <= MAX_UPDATERS:
        return managers
    updaters = sorted((manager for manager in managers if manager.operation == "Update"),
                      key=lambda manager: (managers[manager].time, manager))
    surplus = len(updaters) - MAX_UPDATERS
    first: dict[str, Manager] = {}
    result = dict(managers)
    for manager in updaters:
        if surplus <= 0:
            break
        version = manager.api_version
        if version not in first:
            first[version] = manager
            continue
        bucket = Manager(OLD_UPDATES, "Update", version)
        if bucket not in result:
            result[bucket] = result.pop(first[version])
        entry = result.pop(manager)
        result[bucket] = replace(entry, fields=entry.fields.union(result[bucket].fields))
        surplus -= 1
    return result


def decode_managers(managed_fields: Any) -> Managers:
    """The entries of metadata.managedFields. Raises ValueError for broken ones."""
    managers: Managers = {}
    for entry in managed_fields or ():
        known = _READ.get(id(entry))
        if known is None or known[0] is not entry:
            known = _READ.put(id(entry), (entry, *_decoded(entry)))
        managers[known[1]] = known[2]
    return managers


def _decoded(entry: Any) -> tuple[Manager, Entry]:
    operation = entry.get("operation", "")
    if operation not in ("Apply", "Update") or entry.get("fieldsType") != "FieldsV1":
        raise ValueError(f"bad managedFields entry {entry!r}")
    version = entry.get("apiVersion", "")
    if not version:
        raise ValueError("apiVersion must not be empty")
    manager = Manager(entry.get("manager", ""), operation, version if operation == "Update" else "",
                      entry.get("subresource", ""))
    return manager, Entry(fields=fieldset.decode(entry.get("fieldsV1") or {}), api_version=version,
                          time=entry.get("time") or "")


def encode_managers(managers: Mapping[Manager, Entry]) -> list[Object]:
    """metadata.managedFields, in Kubernetes' order: appliers first, then by time and name."""
    order = sorted(managers.items(), key=lambda item: (
        item[0].operation, item[1].time, item[0].name, item[1].api_version, item[0].subresource))
    entries = [_encoded(manager, entry) for manager, entry in order]
    key = tuple(map(id, entries))
    return _LISTS.get(key) or _LISTS.put(key, entries)


def _encoded(manager: Manager, entry: Entry) -> Object:
    fields = fieldset.encode(entry.fields)
    key = manager, entry.api_version, entry.time, id(fields)
    known = _ENTRIES.get(key)
    if known is None:
        known = _ENTRIES.put(key, _entry(manager, entry, fields))
        _READ.put(id(known), (known, manager, entry))
    return known


# Only memories: objects that the same managers wrote in one second have the same entries, and the
# next write knows an entry again without reading it.
_ENTRIES: Final[Memory[tuple[Manager, str, str, int], Object]] = Memory(512)
_LISTS: Final[Memory[tuple[int, ...], list[Object]]] = Memory(512)
_READ: Final[Memory[int, tuple[Object, Manager, Entry]]] = Memory(512)


def _entry(manager: Manager, entry: Entry, fields: Object) -> Object:
    out: Object = {"manager": manager.name, "operation": manager.operation,
                   "apiVersion": entry.api_version}
    if entry.time:
        out["time"] = entry.time
    out["fieldsType"] = "FieldsV1"
    out["fieldsV1"] = fields
    if manager.subresource:
        out["subresource"] = manager.subresource
    return out


def managers_of(obj: Object | None) -> Managers:
    """An object's managers; none when its entries are broken."""
    try:
        return decode_managers((obj or {}).get("metadata", {}).get("managedFields"))
    except (ValueError, AttributeError):
        return {}


def _live_or_new(live: Object | None, new: Object, subresource: str) -> Managers:
    """The managers to go on from: a client may set, reset (`[]`, `[{}]`) or forget them."""
    given = new.get("metadata", {}).get("managedFields")
    before = (live or {}).get("metadata", {}).get("managedFields")
    if subresource or given is None or given == before:  # what is stored is known already
        return managers_of(live)
    if given in ([], [{}]):
        return {}
    try:
        return decode_managers(given) or managers_of(live)
    except ValueError:
        return managers_of(live)


def without_managed(obj: Object) -> Object:
    """The object without metadata.managedFields."""
    metadata = obj.get("metadata")
    if not metadata or "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {key: value for key, value in metadata.items()
                                if key != "managedFields"}}


def with_managed(obj: Object, managers: Mapping[Manager, Entry]) -> Object:
    """The object with these managers."""
    if not managers:
        return without_managed(obj)
    metadata = {**obj.get("metadata", {}), "managedFields": encode_managers(managers)}
    return {**obj, "metadata": metadata}


def keep_times(new: Object, old: Object) -> Object:
    """`new`, but with the old time stamps when nothing else has changed: such a write is a no-op.

    Models IgnoreManagedFieldsTimestampsTransformer.
    """
    mine = new.get("metadata", {}).get("managedFields")
    theirs = old.get("metadata", {}).get("managedFields")
    if not mine or not theirs or without_managed(new) != without_managed(old):
        return new
    if _timeless(mine) != _timeless(theirs):
        return new
    return {**new, "metadata": {**new["metadata"], "managedFields": theirs}}


def _timeless(entries: list[Object]) -> list[Object]:
    plain = [{key: value for key, value in entry.items() if key != "time"} for entry in entries]
    return sorted(plain, key=lambda entry: (entry.get("operation", ""), entry.get("manager", ""),
                                            entry.get("apiVersion", ""),
                                            entry.get("subresource", "")))


