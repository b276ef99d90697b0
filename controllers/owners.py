"""Taking in and letting go of objects by label and ownerReference. Models pkg/controller/
controller_ref_manager.go.

An object that matches the selector and has no controller is adopted; one that is ours and no longer
matches is released; one that another controls is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.machinery.errors import ApiError, Invalid, NotFound
from apiserver.machinery.meta import (
    controller_ref,
    is_terminating,
    labels,
    name,
    namespace,
    new_controller_ref,
    uid,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from apiserver.machinery.gvk import GVR
    from apiserver.machinery.selectors import Selector
    from apiserver.machinery.types import Object
    from controllers.client import Client


class CannotAdopt(ApiError):
    """The owner is not, or no longer, one that may adopt."""


class RefManager:
    """Claims objects of one resource for one owner."""

    def __init__(self, client: Client, owner_resource: GVR, owner: Object,
                 selector: Selector) -> None:
        self._client = client
        self._owner_resource = owner_resource
        self._owner = owner
        self._selector = selector
        self._may_adopt = False

    async def claim(self, resource: GVR, objects: Iterable[Object],
                    matches: Callable[[Object], bool] = lambda obj: True) -> list[Object]:
        """Those of `objects` that are the owner's now; `matches` filters beside the selector.

        Raises the first ApiError, when the others have been tried.
        """
        claimed: list[Object] = []
        errors: list[ApiError] = []
        for obj in objects:
            try:
                kept = await self._claim_one(resource, obj, matches)
            except ApiError as error:
                errors.append(error)
                continue
            if kept is not None:
                claimed.append(kept)
        if errors:
            raise errors[0]
        return claimed

    async def _claim_one(self, resource: GVR, obj: Object,
                         matches: Callable[[Object], bool]) -> Object | None:
        """The object if it is the owner's afterwards."""
        ref = controller_ref(obj)
        if ref is not None and ref["uid"] != uid(self._owner):
            return None
        wanted = self._selector.matches(labels(obj)) and matches(obj)
        if ref is not None:
            if wanted:
                return obj
            await self._release(resource, obj)
            return None
        if not wanted or is_terminating(self._owner) or is_terminating(obj):
            return None
        return await self._adopt(resource, obj)

    async def _adopt(self, resource: GVR, obj: Object) -> Object | None:
        await self._check_may_adopt()
        patch = {"metadata": {"uid": uid(obj),
                              "ownerReferences": [new_controller_ref(self._owner)]}}
        try:
            return await self._client.patch(
                resource, name(obj), namespace(obj) or None, patch, type="strategic")
        except NotFound:
            return None

    async def _release(self, resource: GVR, obj: Object) -> None:
        if is_terminating(self._owner):
            return
        patch = {"metadata": {"uid": uid(obj),
                              "ownerReferences": [{"$patch": "delete", "uid": uid(self._owner)}]}}
        try:
            await self._client.patch(
                resource, name(obj), namespace(obj) or None, patch, type="strategic")
        except (NotFound, Invalid):
            return

    async def _check_may_adopt(self) -> None:
        """Ask the server, not the cache, whether the owner is still there and not being deleted."""
        if self._may_adopt:
            return
        owner = self._owner
        fresh = await self._client.get(self._owner_resource, name(owner), namespace(owner) or None)
        if uid(fresh) != uid(owner):
            raise CannotAdopt(f"original {owner['kind']} {namespace(owner)}/{name(owner)} is gone: "
                              f"got uid {uid(fresh)}, wanted {uid(owner)}")
        if is_terminating(fresh):
            raise CannotAdopt(f"{namespace(owner)}/{name(owner)} has just been deleted at "
                              f"{fresh['metadata']['deletionTimestamp']}")
        self._may_adopt = True
