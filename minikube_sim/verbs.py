"""The methods of a Cluster that read and write objects, as kubectl does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from apiserver.machinery.errors import NotFound
from apiserver.machinery.gvk import GVK, parse_api_version
from controllers.drive import drive
from minikube_sim.part import Part

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apiserver.machinery.types import Object
    from apiserver.resource import Resource

_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _documents(manifest: Object | str) -> Iterable[Object]:
    if isinstance(manifest, dict):
        return [manifest]
    return [document for document in yaml.load_all(manifest, Loader=_YAML) if document]


class Verbs(Part):
    """Part of Cluster: objects."""

    def apply(self, *manifests: Object | str) -> list[Object]:
        """Apply objects (dicts, or YAML text with any number of documents) and settle.

        Server-side apply as the field manager `minikube-sim`. Raises ApiError.
        """
        objects = [obj for manifest in manifests for obj in _documents(manifest)]
        applied = [drive(self._apply(obj)) for obj in objects]
        self._cluster.settle()
        return applied

    def get(self, kind: str, name: str, namespace: str = "default") -> Object:
        """An object by kind, plural or short name: `get("svc", "web")`. Raises NotFound."""
        resource = self._resource(kind)
        place = namespace if resource.namespaced else None
        return drive(self._cluster.client.get(resource.gvr, name, place))

    def list(self, kind: str, namespace: str | None = None, selector: str = "") -> list[Object]:
        """The objects of a kind, of one namespace or all. Raises NotFound for an unknown kind."""
        answer = drive(self._cluster.client.list(self._resource(kind).gvr, namespace,
                                        label_selector=selector))
        items: list[Object] = answer["items"]
        return items

    def delete(self, kind: str, name: str, namespace: str = "default") -> None:
        """Delete an object and settle. Raises NotFound."""
        resource = self._resource(kind)
        place = namespace if resource.namespaced else None
        drive(self._cluster.client.delete(resource.gvr, name, place))
        self._cluster.settle()

    def scale(self, kind: str, name: str, replicas: int, namespace: str = "default") -> None:
        """Set the replicas of a workload and settle. Raises NotFound."""
        drive(self._cluster.client.patch(self._resource(kind).gvr, name, namespace,
                                {"spec": {"replicas": replicas}}, subresource="scale"))
        self._cluster.settle()

    async def _apply(self, obj: Object) -> Object:
        group, version = parse_api_version(obj["apiVersion"])
        resource = self._kind(GVK(group, version, obj["kind"]))
        meta = obj["metadata"]
        namespace = meta.get("namespace", "default") if resource.namespaced else None
        return await self._cluster.client.patch(
            resource.gvr, meta["name"], namespace, obj, type="apply",
            field_manager="minikube-sim", force=True)

    def _kind(self, gvk: GVK) -> Resource:
        for resource in self._cluster.registry.catalog:
            if resource.gvk == gvk:
                return resource
        raise NotFound(f"no matches for kind {gvk.kind!r} in version {gvk.api_version!r}")

    def _resource(self, name: str) -> Resource:
        wanted = name.lower()
        for resource in self._cluster.registry.catalog:
            names = (resource.plural, resource.kind.lower(), *resource.short_names)
            if wanted in names:
                return resource
        raise NotFound(f'the server doesn\'t have a resource type "{name}"')
