"""Objects that a server makes of itself, at its start, in less time than requests would take.

Each is written into the store as the request of upstream's controller would have left it:
defaulted, with managedFields. What is there already stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery import meta
from apiserver.machinery.clock import rfc3339
from apiserver.storage.keys import object_key

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from apiserver.machinery.gvk import GVR
    from apiserver.machinery.types import JSON, Object
    from apiserver.registry.registry import Registry

_UNOWNED: Final = frozenset({"kind", "apiVersion", "status"})
_OWNED_METADATA: Final = ("annotations", "labels", "finalizers")


@dataclass(frozen=True, slots=True, eq=False)
class Default:
    """One object, but for what each cluster adds to its metadata (uid, times, owners)."""

    resource: GVR
    object: Object
    """Shared by the clusters of a process: never to be changed. A condition without a
    lastTransitionTime gets the time of its creation."""
    manager: str = "kube-apiserver"
    status_manager: str = ""
    """Who owns the status, where somebody does."""
    shared: bool = True
    """Whether other clusters of the process make the very same."""


async def ensure(registry: Registry, defaults: Iterable[Default], chance: random.Random) -> None:
    """Create every object that is missing, of the kinds that are served."""
    now = rfc3339(registry.clock.now())
    for default in defaults:
        resource = registry.catalog.find(*default.resource)
        if resource is None:
            continue
        metadata = default.object["metadata"]
        key = object_key(resource, metadata.get("namespace", ""), metadata["name"])
        if await registry.store.get(key) is None:
            obj = _born(default, now, chance, counted=resource.strategy.has_generation)
            await registry.store.put(key, obj, expected=0)


def _born(default: Default, now: str, chance: random.Random, *, counted: bool) -> Object:
    date = _dated if default.shared else _dated.__wrapped__
    owners, status = date(default, now)
    metadata = {**default.object["metadata"], "uid": meta.new_uid(chance),
                "creationTimestamp": now, "managedFields": owners}
    if counted:
        metadata["generation"] = 1
    return {**default.object, "metadata": metadata, **status}


@lru_cache(maxsize=512)
def _dated(default: Default, now: str) -> tuple[list[Object], Object]:
    """Owners and status as of a time; clusters on the virtual clock share their start."""
    obj = default.object
    owners = [_entry(default.manager, obj, now, _fields(obj))]
    status = obj.get("status")
    if not status:
        return owners, {}
    conditions = [{**each, "lastTransitionTime": now} for each in status["conditions"]]
    if default.status_manager:
        fields = {"f:conditions": {".": {}, **{_key(each): _condition_fields(each)
                                               for each in conditions}}}
        entry = _entry(default.status_manager, obj, now, {"f:status": fields})
        owners.append({**entry, "operation": "Apply", "subresource": "status"})
    return owners, {"status": {**status, "conditions": conditions}}


def _entry(manager: str, obj: Object, now: str, fields: Object) -> Object:
    return {"manager": manager, "operation": "Update", "apiVersion": obj["apiVersion"],
            "time": now, "fieldsType": "FieldsV1", "fieldsV1": fields}


def _fields(obj: Object) -> Object:
    """Who creates an object owns all that it says: maps by their keys, lists as a whole."""
    owned = {name: {".": {}, **_below(obj["metadata"][name])}
             for name in _OWNED_METADATA if obj["metadata"].get(name)}
    top: Object = {"f:metadata": {f"f:{name}": fields for name, fields in owned.items()}}
    if not owned:
        top = {}
    return {**top, **{f"f:{name}": _below(value) for name, value in obj.items()
                      if name not in _UNOWNED and name != "metadata"}}


def _below(value: JSON) -> dict[str, Any]:
    if isinstance(value, dict):
        return {f"f:{name}": _below(each) for name, each in value.items()}
    return {}


def _key(condition: Object) -> str:
    return f'k:{{"type":"{condition["type"]}"}}'


def _condition_fields(condition: Object) -> Object:
    return {".": {}, **{f"f:{name}": {} for name in condition}}
