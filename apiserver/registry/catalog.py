"""Which kinds are served, by name in requests; changes when a CRD does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.machinery.errors import NotFound
from apiserver.machinery.gvk import GVR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from apiserver.machinery.types import JSON
    from apiserver.resource import Resource
    from apiserver.schema.schema import Decoded, Schema

    Decode = Callable[[JSON], Decoded]


class Catalog:
    """The served resources."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self._by_name = {resource.gvr: resource for resource in resources}
        self._decoders: dict[GVR, Decode] = {}
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

    def add(self, resource: Resource, decode: Decode) -> None:
        """Serve a further kind (a CRD's), whose bodies `decode` reads."""
        self._by_name[resource.gvr] = resource
        self._decoders[resource.gvr] = decode
        self.generation += 1

    def remove(self, gvr: GVR) -> None:
        """Stop serving a kind."""
        self._by_name.pop(gvr, None)
        self._decoders.pop(gvr, None)
        self.generation += 1

    def decode(self, schema: Schema, resource: Resource, body: JSON) -> Decoded:
        """Decode a body as the resource's kind. Raises DecodeError."""
        own = self._decoders.get(resource.gvr) if self._decoders else None
        return own(body) if own is not None else schema.decode(resource.gvk, body)
