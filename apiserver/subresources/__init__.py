"""Subresources with behaviour of their own, one file each; `status` and `scale` are the registry's.

Add one: a file with a `Subresource`, a line in `SUBRESOURCES`, its name in the kind's declaration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.errors import NotFound
from apiserver.subresources.binding import BINDING
from apiserver.subresources.eviction import EVICTION
from apiserver.subresources.finalize import FINALIZE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.resource import Resource
    from apiserver.subresources.subresource import Subresource

SUBRESOURCES: Final[Mapping[str, Subresource]] = {
    "binding": BINDING,
    "eviction": EVICTION,
    "finalize": FINALIZE,
}


def find_subresource(resource: Resource, name: str) -> Subresource:
    """The subresource of a kind. Raises NotFound as for a path that is not served."""
    subresource = SUBRESOURCES.get(name)
    if subresource is None or name not in resource.subresources:
        raise NotFound("the server could not find the requested resource", details={})
    return subresource
