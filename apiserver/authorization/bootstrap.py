"""Puts the default policy into the store. Models pkg/registry/rbac/rest (PostStartHook) and
component-helpers' reconciliation: what is missing is created; what an older cluster has gets the
permissions and subjects that it lacks, unless its annotation `autoupdate` says "false".
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from apiserver.authorization.policy import AUTO_UPDATE, GROUP, defaults
from apiserver.authorization.rules import uncovered
from apiserver.machinery import meta
from apiserver.machinery.clock import rfc3339
from apiserver.machinery.gvk import GVR
from apiserver.machinery.rbac import selectors_of
from apiserver.storage.keys import collection_prefix
from apiserver.storage.store import RevisionMismatch

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

    from apiserver.authorization.policy import Default
    from apiserver.machinery.types import Object
    from apiserver.registry.registry import Registry
    from apiserver.storage.store import Version

_MANAGER: Final = "kube-apiserver"
_AGGREGATOR: Final = "clusterrole-aggregation-controller"
_RESOURCES: Final = {kind: GVR(GROUP, "v1", f"{kind.lower()}s")
                     for kind in ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")}


async def ensure_policy(registry: Registry, chance: random.Random) -> None:
    """Create or complete every default role and binding."""
    now = rfc3339(registry.clock.now())
    prefixes = {kind: collection_prefix(registry.catalog.resource(gvr))
                for kind, gvr in _RESOURCES.items()}
    minor = registry.schema.minor
    for default, managed in zip(defaults(minor), _managed(now, minor), strict=True):
        place = f"{default.namespace}/" if default.namespace else ""
        key = f"{prefixes[default.kind]}{place}{default.name}"
        metadata = {**default.object["metadata"], "uid": meta.new_uid(chance),
                    "creationTimestamp": now, "managedFields": managed}
        try:
            await registry.store.put(key, {**default.object, "metadata": metadata}, expected=0)
        except RevisionMismatch as there:
            await _complete(registry, default, there.current)


@lru_cache(maxsize=4)
def _managed(now: str, minor: int) -> tuple[list[Object], ...]:
    """The managedFields of each default; clusters on the virtual clock share their start."""
    return tuple(list(_entries(default.object, now)) for default in defaults(minor))


def _entries(obj: Object, now: str) -> Iterator[Object]:
    """Who owns the fields: the API server, as if it had created the object by a request; the rules
    of an aggregated role are its controller's."""
    aggregated = bool(selectors_of(obj))
    metadata: dict[str, Any] = {
        f"f:{name}": {".": {}, **{f"f:{key}": {} for key in obj["metadata"][name]}}
        for name in ("annotations", "labels")}
    fields: dict[str, Any] = {"f:metadata": metadata}
    if "aggregationRule" in obj:
        fields["f:aggregationRule"] = {".": {}, "f:clusterRoleSelectors": {}}
    own = ("roleRef", "subjects") if aggregated else ("rules", "roleRef", "subjects")
    fields |= {f"f:{name}": {} for name in own if obj.get(name)}
    if aggregated:
        yield _entry(_AGGREGATOR, "Apply", now, {"f:rules": {}})
    yield _entry(_MANAGER, "Update", now, fields)


def _entry(manager: str, operation: str, now: str, fields: Object) -> Object:
    return {"manager": manager, "operation": operation, "apiVersion": f"{GROUP}/v1", "time": now,
            "fieldsType": "FieldsV1", "fieldsV1": fields}


async def _complete(registry: Registry, default: Default, current: Version | None) -> None:
    """Add what an object that is there already lacks."""
    assert current is not None, "what was not there would have been created"
    obj = current.object
    if selectors_of(default.object) or meta.annotations(obj).get(AUTO_UPDATE) == "false":
        return
    field = "subjects" if "Binding" in default.kind else "rules"
    missing = _missing(obj.get(field) or (), default.object.get(field) or (), field)
    if missing:
        changed = {**obj, "metadata": dict(obj["metadata"]),
                   field: [*(obj.get(field) or ()), *missing]}
        await registry.store.put(current.key, changed, expected=current.revision)


def _missing(held: Sequence[Object], wanted: Sequence[Object], field: str) -> list[Object]:
    if held == wanted:
        return []
    if field == "subjects":
        return [subject for subject in wanted if subject not in held]
    return [rule for rule in wanted if rule not in held and uncovered(held, [rule])]
