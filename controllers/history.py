"""Revisions of a template, kept as ControllerRevisions. Models pkg/controller/history."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from apiserver.machinery import meta
from apiserver.machinery.errors import AlreadyExists
from apiserver.machinery.gvk import CONTROLLERREVISIONS
from controllers.deployment.replicasets import fnv32a, safe_encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from apiserver.machinery.types import Object
    from controllers.client import Client

HASH_LABEL: Final = "controller-revision-hash"
DATA_HASH_LABEL: Final = "controller.kubernetes.io/hash"
_MAX_PREFIX: Final = 223


def template_data(owner: Object) -> Object:
    """What a revision keeps: a patch that replaces the template."""
    return {"spec": {"template": {**owner["spec"]["template"], "$patch": "replace"}}}


def data_hash(data: Object, collisions: int) -> str:
    """The hash of a revision, in letters that spell no words."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":")) + str(collisions)
    return safe_encode(str(fnv32a(text.encode())))


def number(revision: Object) -> int:
    """Its number."""
    return int(revision.get("revision") or 0)


def in_order(revisions: Iterable[Object]) -> list[Object]:
    """Oldest first."""
    return sorted(revisions, key=lambda one: (
        number(one), one["metadata"].get("creationTimestamp") or "", meta.name(one)))


@dataclass(frozen=True, slots=True)
class History:
    """The revisions of one owner."""

    client: Client
    owner: Object
    extra_label: str = ""
    """A further label that carries the hash (DaemonSets: controller-revision-hash)."""

    async def current(self, known: Sequence[Object], collisions: int) -> tuple[Object, int]:
        """(the revision of the owner's present template, the collision count), made if missing.

        An older revision of the same template becomes the newest.
        """
        data = template_data(self.owner)
        ordered = in_order(known)
        newest = max((number(one) for one in ordered), default=0)
        equal = [one for one in ordered if one.get("data") == data]
        if not equal:
            return await self._create(data, newest + 1, collisions)
        same = equal[-1]
        if number(same) == newest:
            return same, collisions
        renewed = {**same, "revision": newest + 1}
        return await self.client.update(CONTROLLERREVISIONS, renewed), collisions

    async def truncate(self, known: Sequence[Object], live: Iterable[str], limit: int) -> None:
        """Delete the oldest that nothing uses, beyond `limit`."""
        used = set(live)
        spare = [one for one in in_order(known) if meta.name(one) not in used]
        for one in spare[:max(0, len(spare) - limit)]:
            await self.client.delete(CONTROLLERREVISIONS, meta.name(one), meta.namespace(one))

    async def _create(self, data: Object, wanted: int, collisions: int) -> tuple[Object, int]:
        while True:
            revision = self._build(data, wanted, collisions)
            try:
                created = await self.client.create(
                    CONTROLLERREVISIONS, revision, meta.namespace(self.owner))
            except AlreadyExists:
                known = await self.client.get(
                    CONTROLLERREVISIONS, meta.name(revision), meta.namespace(self.owner))
                if known.get("data") == data:
                    return known, collisions
                collisions += 1
            else:
                return created, collisions

    def _build(self, data: Object, wanted: int, collisions: int) -> Object:
        digest = data_hash(data, collisions)
        labels: dict[str, Any] = dict(meta.labels(self.owner["spec"]["template"]))
        labels[self.extra_label or DATA_HASH_LABEL] = digest
        return {
            "apiVersion": "apps/v1", "kind": "ControllerRevision",
            "metadata": {"name": f"{meta.name(self.owner)[:_MAX_PREFIX]}-{digest}",
                         "namespace": meta.namespace(self.owner), "labels": labels,
                         "ownerReferences": [meta.new_controller_ref(self.owner)]},
            "data": data, "revision": wanted}
