"""Subresources with behaviour of their own, one file each; `status` and `scale` are the registry's.

Add one: a file with a `Subresource`, a line in `SUBRESOURCES`, its name in the kind's declaration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.machinery.errors import NotFound
from apiserver.subresources.binding import BINDING, BINDINGS
from apiserver.subresources.eviction import EVICTION
from apiserver.subresources.finalize import FINALIZE
from apiserver.subresources.log import LOG
from apiserver.subresources.proxy import PROXY
from apiserver.subresources.remote import ATTACH, EXEC, PORT_FORWARD
from apiserver.subresources.reviews import LOCAL_ACCESS, ME, RULES, SELF_ACCESS, SUBJECT_ACCESS
from apiserver.subresources.subresource import Subresource
from apiserver.subresources.token import TOKEN
from apiserver.subresources.token_review import TOKEN_REVIEW

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apiserver.resource import Resource

SUBRESOURCES: Final[Mapping[str, Subresource]] = {
    "approval": Subresource(name="approval", kind=None, parent=True),
    "attach": ATTACH,
    "binding": BINDING,
    "ephemeralcontainers": Subresource(name="ephemeralcontainers", kind=None, parent=True),
    "eviction": EVICTION,
    "exec": EXEC,
    "finalize": FINALIZE,
    "log": LOG,
    "portforward": PORT_FORWARD,
    "proxy": PROXY,
    "resize": Subresource(name="resize", kind=None, parent=True),
    "token": TOKEN,
}

CREATORS: Final[Mapping[tuple[str, str], Subresource]] = {
    ("", "bindings"): BINDINGS,
    **{("authorization.k8s.io", each.name): each
       for each in (LOCAL_ACCESS, RULES, SELF_ACCESS, SUBJECT_ACCESS)},
    **{("authentication.k8s.io", each.name): each for each in (ME, TOKEN_REVIEW)},
}
"""Resources that store nothing: what a POST to their collection does, by (group, plural)."""


def find_subresource(resource: Resource, name: str) -> Subresource:
    """The subresource of a kind. Raises NotFound as for a path that is not served."""
    subresource = SUBRESOURCES.get(name)
    if subresource is None or name not in resource.subresources:
        raise NotFound("the server could not find the requested resource", details={})
    return subresource
