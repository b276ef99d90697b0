"""Take the protection off volumes and claims that nothing uses, so that they can go.

Models pkg/controller/volume/{pvcprotection,pvprotection}: admission gives every claim and volume a
finalizer; a terminating claim loses it when no Pod that has a node uses it, a terminating volume
when it is bound to no claim.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.machinery import meta
from apiserver.machinery.errors import NotFound
from apiserver.machinery.gvk import GVR, PODS
from controllers import pods
from controllers.controller import Controller, ControllerContext, KeysOf, Result, own_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.machinery.types import Object
    from controllers.client import Client

CLAIMS: Final = GVR("", "v1", "persistentvolumeclaims")
VOLUMES: Final = GVR("", "v1", "persistentvolumes")
_BY_CLAIM: Final = "claim"


def _claims_of(pod: Object) -> tuple[str, ...]:
    """The keys of the claims that a Pod on a node uses until it has finished."""
    if not pods.spec(pod).get("nodeName") or pods.phase(pod) in pods.FINISHED:
        return ()
    place = meta.namespace(pod)
    names = [(volume.get("persistentVolumeClaim") or {}).get("claimName")
             or (f"{meta.name(pod)}-{volume['name']}" if "ephemeral" in volume else "")
             for volume in pods.spec(pod).get("volumes") or ()]
    return tuple(f"{place}/{name}" for name in names if name)


class ClaimProtection(Controller):
    """Keys are those of claims."""

    name: ClassVar[str] = "persistentvolumeclaim-protection-controller"
    _finalizer: Final = "kubernetes.io/pvc-protection"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._claims = ctx.informers.get(CLAIMS)
        self._pods = ctx.informers.get(PODS)
        self._pods.add_index(_BY_CLAIM, _claims_of)

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {CLAIMS: own_key, PODS: self._pod_changed}

    def _pod_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        """Claims that a Pod has stopped using."""
        before = _claims_of(old) if old is not None else ()
        after = _claims_of(new) if new is not None else ()
        return tuple(key for key in before if key not in after)

    async def reconcile(self, key: str) -> Result | None:
        claim = self._claims.get(key)
        used = any(True for _ in self._pods.by(_BY_CLAIM, key))
        if claim is not None and meta.is_terminating(claim) and not used:
            await release(self._client, CLAIMS, claim, self._finalizer)
        return None


class VolumeProtection(Controller):
    """Keys are those of volumes."""

    name: ClassVar[str] = "persistentvolume-protection-controller"
    _finalizer: Final = "kubernetes.io/pv-protection"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._volumes = ctx.informers.get(VOLUMES)

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {VOLUMES: own_key}

    async def reconcile(self, key: str) -> Result | None:
        volume = self._volumes.get(key)
        if volume is None or not meta.is_terminating(volume):
            return None
        if (volume.get("status") or {}).get("phase") != "Bound":
            await release(self._client, VOLUMES, volume, self._finalizer)
        return None


async def release(client: Client, resource: GVR, obj: Object, finalizer: str) -> None:
    """Take one finalizer off, if it is there. Raises Conflict."""
    finalizers = meta.finalizers(obj)
    if finalizer not in finalizers:
        return
    left = [each for each in finalizers if each != finalizer]
    try:
        await client.update(resource, meta.with_metadata(obj, finalizers=left))
    except NotFound:
        return
