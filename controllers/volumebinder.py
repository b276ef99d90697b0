"""Binds claims to volumes. Models pkg/controller/volume/persistentvolume.

A volume and a claim point at each other: first the volume's claimRef, then the claim's volumeName,
each with its status. Volumes are not provisioned here: that is an external provisioner's work, as
upstream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from apiserver.machinery import meta
from apiserver.machinery.errors import NotFound
from apiserver.machinery.gvk import GVR, PERSISTENTVOLUMECLAIMS
from apiserver.machinery.quantity import Quantity, parse_quantity
from apiserver.machinery.selectors import from_label_selector
from controllers import pods
from controllers.controller import Controller, ControllerContext, KeysOf, Result
from controllers.events import NORMAL, WARNING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiserver.machinery.types import Object

VOLUMES: Final = GVR("", "v1", "persistentvolumes")
CLASSES: Final = GVR("storage.k8s.io", "v1", "storageclasses")
BIND_COMPLETED: Final = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER: Final = "pv.kubernetes.io/bound-by-controller"
_CLAIM: Final = "claim/"
_VOLUME: Final = "volume/"


class PersistentVolumeBinder(Controller):
    """Keys: `claim/NAMESPACE/NAME` and `volume/NAME`."""

    name: ClassVar[str] = "persistentvolume-binder-controller"

    def __init__(self, ctx: ControllerContext) -> None:
        self._client = ctx.client
        self._events = ctx.events.recorder("persistentvolume-controller")
        self._claims = ctx.informers.get(PERSISTENTVOLUMECLAIMS)
        self._volumes = ctx.informers.get(VOLUMES)
        self._classes = ctx.informers.get(CLASSES)

    def watches(self) -> Mapping[GVR, KeysOf]:
        return {PERSISTENTVOLUMECLAIMS: self._claim_changed, VOLUMES: self._volume_changed,
                CLASSES: lambda old, new: self._pending()}

    def _claim_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        claim = new if new is not None else old
        assert claim is not None
        volume = pods.spec(claim).get("volumeName")
        keys = [f"{_VOLUME}{volume}"] if volume else []
        return keys if new is None else [f"{_CLAIM}{meta.namespaced_name(new)}", *keys]

    def _volume_changed(self, old: Object | None, new: Object | None) -> Iterable[str]:
        volume = new if new is not None else old
        assert volume is not None
        ref = pods.spec(volume).get("claimRef")
        keys = [f"{_CLAIM}{ref['namespace']}/{ref['name']}"] if ref else []
        if old is None:
            keys += self._pending()
        return [*keys, f"{_VOLUME}{meta.name(volume)}"] if new is not None else keys

    def _pending(self) -> list[str]:
        """The claims that still look for a volume."""
        return [f"{_CLAIM}{meta.namespaced_name(claim)}" for claim in self._claims
                if BIND_COMPLETED not in meta.annotations(claim)]

    async def reconcile(self, key: str) -> Result | None:
        if key.startswith(_CLAIM):
            claim = self._claims.get(key.removeprefix(_CLAIM))
            if claim is not None:
                await self._sync_claim(claim)
        else:
            volume = self._volumes.get(key.removeprefix(_VOLUME))
            if volume is not None:
                await self._sync_volume(volume)
        return None

    # Claims --------------------------------------------------------------------------------------

    async def _sync_claim(self, claim: Object) -> None:
        wanted = pods.spec(claim).get("volumeName")
        if BIND_COMPLETED in meta.annotations(claim):
            if not wanted or self._volumes.get(wanted) is None:
                await self._lose(claim)
            return
        if wanted:
            volume = self._volumes.get(wanted)
            if volume is not None and _is_free_for(volume, claim):
                await self._bind(volume, claim)
            return
        volume = best_match(claim, self._volumes)
        if volume is None:
            self._say_why_not(claim)
        else:
            await self._bind(volume, claim)

    def _say_why_not(self, claim: Object) -> None:
        own = pods.spec(claim).get("storageClassName") or ""
        if not own:
            self._events.event(claim, NORMAL, "FailedBinding", "no persistent volumes available "
                               "for this claim and no storage class is set")
            return
        found = self._classes.get(own)
        if found is None:
            self._events.event(claim, WARNING, "ProvisioningFailed",
                               f'storageclass.storage.k8s.io "{own}" not found')
        elif found.get("volumeBindingMode") == "WaitForFirstConsumer":
            self._events.event(claim, NORMAL, "WaitForFirstConsumer",
                               "waiting for first consumer to be created before binding")
        elif found.get("provisioner") != "kubernetes.io/no-provisioner":
            self._events.event(
                claim, NORMAL, "ExternalProvisioning",
                "Waiting for a volume to be created either by the external provisioner "
                f"'{found.get('provisioner')}' or manually by the system administrator. If volume "
                "creation is delayed, please verify that the provisioner is running and correctly "
                "registered.")

    async def _lose(self, claim: Object) -> None:
        if pods.phase(claim) == "Lost":
            return
        await self._client.update(
            PERSISTENTVOLUMECLAIMS, {**claim, "status": {"phase": "Lost"}}, subresource="status")
        self._events.event(claim, WARNING, "ClaimLost", "Bound claim has lost its "
                           "PersistentVolume. Data on the volume is lost!")

    async def _bind(self, volume: Object, claim: Object) -> None:
        """Make the two point at each other, in an order in which any failure can be made good."""
        volume = await self._bind_volume(volume, claim)
        await self._set_phase(volume, "Bound")
        chosen = not pods.spec(claim).get("volumeName")
        marks = {BIND_COMPLETED: "yes", **({BOUND_BY_CONTROLLER: "yes"} if chosen else {})}
        changed = meta.with_metadata(claim, annotations={**meta.annotations(claim), **marks})
        changed["spec"] = {**claim["spec"], "volumeName": meta.name(volume)}
        claim = await self._client.update(PERSISTENTVOLUMECLAIMS, changed)
        status = {**pods.status(claim), "phase": "Bound",
                  "accessModes": pods.spec(volume).get("accessModes"),
                  "capacity": pods.spec(volume).get("capacity")}
        await self._client.update(
            PERSISTENTVOLUMECLAIMS, {**claim, "status": status}, subresource="status")

    async def _bind_volume(self, volume: Object, claim: Object) -> Object:
        ref = pods.spec(volume).get("claimRef")
        if ref and ref.get("uid") == meta.uid(claim):
            return volume
        fresh = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": meta.name(claim),
                 "namespace": meta.namespace(claim), "uid": meta.uid(claim),
                 "resourceVersion": meta.resource_version(claim)}
        mark = {} if ref else {BOUND_BY_CONTROLLER: "yes"}
        annotations = {**meta.annotations(volume), **mark}
        changed = meta.with_metadata(volume, annotations=annotations or None)
        changed["spec"] = {**volume["spec"], "claimRef": fresh}
        return await self._client.update(VOLUMES, changed)

    # Volumes -------------------------------------------------------------------------------------

    async def _sync_volume(self, volume: Object) -> None:
        ref = pods.spec(volume).get("claimRef")
        if not ref or not ref.get("uid"):
            await self._set_phase(volume, "Available")
            return
        claim = self._claims.get(f"{ref['namespace']}/{ref['name']}")
        if claim is None or meta.uid(claim) != ref["uid"]:
            await self._release(volume)
        elif pods.spec(claim).get("volumeName") == meta.name(volume):
            await self._set_phase(volume, "Bound")

    async def _release(self, volume: Object) -> None:
        await self._set_phase(volume, "Released")
        if pods.spec(volume).get("persistentVolumeReclaimPolicy") != "Delete":
            return
        try:
            await self._client.delete(VOLUMES, meta.name(volume))
        except NotFound:
            return

    async def _set_phase(self, volume: Object, phase: str) -> None:
        if pods.phase(volume) != phase:
            status = {**pods.status(volume), "phase": phase}
            await self._client.update(VOLUMES, {**volume, "status": status}, subresource="status")


def best_match(claim: Object, volumes: Iterable[Object]) -> Object | None:
    """The volume that is kept for the claim, else the smallest that will do."""
    fitting = [one for one in volumes if _is_free_for(one, claim) and _fits(one, claim)]
    return min(fitting, key=lambda one: (not pods.spec(one).get("claimRef"), _size(one).milli,
                                         meta.name(one)), default=None)


def _is_free_for(volume: Object, claim: Object) -> bool:
    """Bound to nobody, or meant for (or bound to) this very claim."""
    if meta.is_terminating(volume):
        return False
    ref = pods.spec(volume).get("claimRef")
    if not ref:
        return True
    named = (ref.get("namespace"), ref.get("name")) == (meta.namespace(claim), meta.name(claim))
    return named and ref.get("uid") in (None, "", meta.uid(claim))


def _fits(volume: Object, claim: Object) -> bool:
    wish, offer = pods.spec(claim), pods.spec(volume)
    asked = ((wish.get("resources") or {}).get("requests") or {}).get("storage", "0")
    return (set(wish.get("accessModes") or ()) <= set(offer.get("accessModes") or ())
            and (wish.get("storageClassName") or "") == (offer.get("storageClassName") or "")
            and wish.get("volumeMode", "Filesystem") == offer.get("volumeMode", "Filesystem")
            and (not wish.get("selector")
                 or from_label_selector(wish["selector"]).matches(meta.labels(volume)))
            and parse_quantity(str(asked)) <= _size(volume))


def _size(volume: Object) -> Quantity:
    return parse_quantity(str((pods.spec(volume).get("capacity") or {}).get("storage", "0")))
