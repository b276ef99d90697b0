"""Desired endpoints against existing slices. Models k8s.io/endpointslice/reconciler.go.

Slices that hold wanted endpoints keep them; what is new goes first into slices that change anyhow,
then into one that it fills best, and only then into new slices of at most `limit` endpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apiserver.machinery import meta
from apiserver.machinery.errors import ApiError, NotFound
from apiserver.machinery.gvk import ENDPOINTSLICES
from controllers.endpointslice.endpoints import Ports, port_key, port_objects
from controllers.serving import TRIGGER_TIME

if TYPE_CHECKING:
    from apiserver.machinery.types import Object
    from controllers.client import Client

Endpoints = dict[str, "Object"]
"""By what identifies an endpoint: its target's uid, else its addresses."""
Desired = Mapping[str, Mapping[Ports, Endpoints]]
"""By address type, by ports."""


def identity(endpoint: Object) -> str:
    """What makes two endpoints the same one."""
    target = endpoint.get("targetRef")
    return str(target["uid"]) if target and target.get("uid") else ",".join(endpoint["addresses"])


@dataclass(slots=True)
class Changes:
    """What is to be written."""

    create: list[Object] = field(default_factory=list)
    update: list[Object] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Template:
    """What all slices of an owner have in common."""

    owner: Object
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)

    def new(self, family: str, ports: Ports) -> Object:
        """An empty slice, not yet created; what is empty is null, as a Go client sends it."""
        metadata = {
            "generateName": f"{meta.name(self.owner)}-",
            "namespace": meta.namespace(self.owner),
            "labels": dict(self.labels),
            "ownerReferences": [meta.new_controller_ref(self.owner)],
        }
        if self.annotations:
            metadata["annotations"] = dict(self.annotations)
        return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata,
                "addressType": family, "endpoints": None, "ports": port_objects(ports) or None}

    def applied(self, current: Object, endpoints: list[Object] | None) -> Object:
        """An existing slice with these endpoints."""
        return {**meta.with_metadata(current, labels=dict(self.labels)), "endpoints": endpoints}

    def is_on(self, current: Object) -> bool:
        """Whether an existing slice has these labels."""
        return meta.labels(current) == self.labels


def plan(template: Template, desired: Desired, existing: Iterable[Object], limit: int,
         *, placeholder: bool) -> Changes:
    """The writes that bring the slices to what is desired."""
    changes = Changes()
    by_family: dict[str, list[Object]] = {family: [] for family in desired}
    for one in existing:
        mine = one["addressType"] in desired and _owned(one, template.owner)
        (by_family[one["addressType"]] if mine else changes.delete).append(one)
    for family, groups in desired.items():
        part = _plan_family(template, groups, by_family[family], limit, family)
        if placeholder:
            _add_placeholder(template, family, by_family[family], part)
        changes.create += part.create
        changes.update += part.update
        changes.delete += part.delete
    _reuse_deleted(template, changes)
    return changes


def _owned(one: Object, owner: Object) -> bool:
    return any(ref["uid"] == meta.uid(owner) for ref in meta.owner_references(one))


def _plan_family(template: Template, groups: Mapping[Ports, Endpoints], existing: list[Object],
                 limit: int, family: str) -> Changes:
    changes = Changes()
    by_ports: dict[Ports, list[Object]] = {}
    for one in existing:
        by_ports.setdefault(port_key(one.get("ports")), []).append(one)
    for ports, endpoints in groups.items():
        slices = by_ports.pop(tuple(sorted(ports)), [])
        _plan_ports(template, dict(endpoints), slices, changes,
                    lambda ports=ports: template.new(family, ports), limit)  # type: ignore[misc]
    for slices in by_ports.values():
        changes.delete += slices
    return changes


def _plan_ports(template: Template, wanted: Endpoints, slices: list[Object], changes: Changes,
                new: Callable[[], Object], limit: int) -> None:
    updated: list[tuple[Object, list[Object]]] = []
    unchanged: list[Object] = []
    for one in slices:
        kept, same = _keep(one.get("endpoints") or [], wanted)
        if not kept:
            changes.delete.append(one)
        elif same and template.is_on(one):
            unchanged.append(one)
        else:
            updated.append((one, kept))
    fresh = list(wanted.values())
    updated.sort(key=lambda pair: -len(pair[1]))
    for _, kept in updated:
        room = limit - len(kept)
        kept += fresh[:max(0, room)]
        del fresh[:max(0, room)]
    changes.update += [template.applied(one, kept) for one, kept in updated]
    while fresh:
        best = _best_fit(unchanged, len(fresh), limit) if len(fresh) < limit else None
        if best is None:
            changes.create.append({**new(), "endpoints": fresh[:limit]})
        else:
            unchanged.remove(best)
            changes.update.append(template.applied(best, [*best["endpoints"], *fresh]))
        del fresh[:limit]


def _keep(current: list[Object], wanted: Endpoints) -> tuple[list[Object], bool]:
    """(the endpoints that stay, in their wanted form; whether that is what the slice has).

    Takes them out of `wanted`.
    """
    kept = [fresh for one in current if (fresh := wanted.pop(identity(one), None)) is not None]
    return kept, kept == current


def _best_fit(slices: list[Object], count: int, limit: int) -> Object | None:
    """The slice that `count` more endpoints fill most."""
    fitting = [one for one in slices if len(one["endpoints"]) + count <= limit]
    return max(fitting, key=lambda one: len(one["endpoints"]), default=None)


def _add_placeholder(template: Template, family: str, existing: list[Object],
                     changes: Changes) -> None:
    """Where no slice would be, there is an empty one."""
    if changes.create or len(existing) != len(changes.delete):
        return
    if len(changes.delete) == 1 and _is_placeholder(changes.delete[0], template):
        changes.delete.clear()
    else:
        changes.create.append(template.new(family, ()))


def _is_placeholder(one: Object, template: Template) -> bool:
    return not one.get("endpoints") and not one.get("ports") and template.is_on(one)


def _reuse_deleted(template: Template, changes: Changes) -> None:
    """Rather than delete one slice and create another, change the one into the other."""
    for doomed in list(changes.delete):
        if not changes.create:
            return
        fresh = changes.create[-1]
        if doomed["addressType"] == fresh["addressType"] and _owned(doomed, template.owner):
            changes.create.pop()
            changes.delete.remove(doomed)
            changes.update.append({**template.applied(doomed, fresh["endpoints"]),
                                   "ports": fresh["ports"]})


class SliceWriter:
    """Writes changes, and remembers what it wrote until the cache has it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._written: dict[str, Object | None] = {}

    def is_own_echo(self, old: Object | None, new: Object | None) -> bool:
        """Whether a watch event only tells what was written here; then the cache has it."""
        obj = new if new is not None else old
        assert obj is not None
        key = meta.namespaced_name(obj)
        if key not in self._written:
            return False
        mine = self._written[key]
        if new is None or mine is None:
            if new is None:
                del self._written[key]
            return mine is None
        if int(meta.resource_version(new)) < int(meta.resource_version(mine)):
            return True
        del self._written[key]
        return meta.resource_version(new) == meta.resource_version(mine)

    def current(self, cached: Iterable[Object], owner: Object) -> list[Object]:
        """The slices of an owner: as cached, or as last written where the cache lags behind."""
        slices = {meta.namespaced_name(one): one for one in cached}
        for key, mine in self._written.items():
            if mine is None:
                slices.pop(key, None)
            elif _owned(mine, owner):
                slices[key] = mine
        return list(slices.values())

    async def write(self, changes: Changes, trigger: str | None) -> None:
        """Create, update, delete. Raises ApiError."""
        for one in changes.create:
            await self._create(_stamped(one, trigger))
        for one in changes.update:
            written = await self._client.update(ENDPOINTSLICES, _stamped(one, trigger))
            self._written[meta.namespaced_name(written)] = written
        for one in changes.delete:
            await self._delete(one)

    async def _create(self, one: Object) -> None:
        try:
            written = await self._client.create(ENDPOINTSLICES, one, meta.namespace(one))
        except ApiError as error:
            causes = (error.details or {}).get("causes") or ()
            if any(cause.get("reason") == "NamespaceTerminating" for cause in causes):
                return
            raise
        self._written[meta.namespaced_name(written)] = written

    async def _delete(self, one: Object) -> None:
        try:
            await self._client.delete(ENDPOINTSLICES, meta.name(one), meta.namespace(one))
        except NotFound:
            return
        self._written[meta.namespaced_name(one)] = None


def _stamped(one: Object, trigger: str | None) -> Object:
    annotations = {k: v for k, v in meta.annotations(one).items() if k != TRIGGER_TIME}
    if trigger:
        annotations[TRIGGER_TIME] = trigger
    return meta.with_metadata(one, annotations=annotations or None)
