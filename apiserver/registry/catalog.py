"""Which kinds are served, by name in requests; changes when a CRD does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.machinery.errors import NotFound
from apiserver.machinery.gvk import GVR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from apiserver.resource import Resource
    from apiserver.schema.types import Type


class Catalog:
    """The served resources."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self._by_name = {resource.gvr: resource for resource in resources}
        self._types: dict[GVR, Type] = {}
        self.generation = 0
        """Rises with every change, so that what is derived (discovery, OpenAPI) can be cached."""

    def __iter__(self) -> Iterator[Resource]:
        return iter(tuple(self._by_name.values()))

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        """The resource of that name."""
        return self._by_name.get(GVR(group, version, plural))

    def resource(self, gvr: GVR) -> Resource:
        """The resource of that name. Raises NotFound as for a path that is not served."""
        resource = self._by_name.get(gvr)
        if resource is None:
            raise NotFound("the server could not find the requested resource", details={})
        return resource

    def add(self, resource: Resource, type_: Type) -> None:
        """Serve a further kind (a CRD's), whose objects are of a type of their own."""
        self._by_name[resource.gvr] = resource
        self._types[resource.gvr] = type_
        self.generation += 1

    def remove(self, gvr: GVR) -> None:
        """Stop serving a kind."""
        self._by_name.pop(gvr, None)
        self._types.pop(gvr, None)
        self.generation += 1

    def custom_type(self, resource: Resource) -> Type | None:
        """The type that came with `add`; None for built-in kinds."""
        return self._types.get(resource.gvr) if self._types else None

    def has_group(self, group: str) -> bool:
        """Whether a built-in kind has this group: unknown paths below it answer with a Status."""
        return any(name.group == group and not resource.custom
                   for name, resource in self._by_name.items())
