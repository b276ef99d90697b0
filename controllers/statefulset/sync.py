"""One sync of a StatefulSet. Models statefulset/stateful_set_control.go.

In order: what is missing is made, lowest first; what is too much goes, highest first; what is of an
older revision is deleted, highest first, to be made anew. An ordered set does one thing at a time
and waits for every Pod before the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apiserver.machinery import meta
from apiserver.machinery.errors import AlreadyExists, ApiError, NotFound
from apiserver.machinery.gvk import PERSISTENTVOLUMECLAIMS, PODS
from controllers import pods
from controllers.events import NORMAL, WARNING
from controllers.statefulset import identity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apiserver.machinery.types import Object
    from controllers.client import Client
    from controllers.events import EventRecorder


class Sync:
    """A StatefulSet and its Pods while they are brought to the desired state."""

    def __init__(self, client: Client, events: EventRecorder, owner: Object,
                 revisions: tuple[Object, Object], owned: Sequence[Object]) -> None:
        self.owner = owner
        self.current, self.update = revisions
        self._client = client
        self._events = events
        self._ordered = identity.is_ordered(owner)
        self._deleted: set[str] = set()
        self._pods = {identity.ordinal_of(pod, owner): pod for pod in owned}

    @property
    def pods(self) -> list[Object]:
        """The Pods there are, by ordinal."""
        return [self._pods[number] for number in sorted(self._pods)]

    async def run(self, now: float) -> None:
        """Do what can be done now. Raises ApiError."""
        if await self._fill(now) and await self._condemn(now):
            await self._roll()

    async def _fill(self, now: float) -> bool:
        """Make the Pods that should be there; False when there is something to wait for."""
        for ordinal in identity.ordinals(self.owner):
            pod = self._pods.get(ordinal)
            if pod is not None and pods.phase(pod) in pods.FINISHED:
                if not meta.is_terminating(pod):
                    await self._recreate(pod)
                if self._ordered:
                    return False
            elif pod is None:
                await self._create(ordinal)
                if self._ordered:
                    return False
            elif self._ordered and not self._settled(pod, now):
                return False
        return True

    def _settled(self, pod: Object, now: float) -> bool:
        least = pods.spec(self.owner).get("minReadySeconds") or 0
        return identity.is_healthy(pod) and pods.is_available(pod, least, now)

    async def _condemn(self, now: float) -> bool:
        """Take away the Pods that should not be there, the highest first."""
        wanted = identity.ordinals(self.owner)
        condemned = sorted((one for one in self._pods if one not in wanted), reverse=True)
        unhealthy = next((one for one in sorted(self._pods)
                          if not identity.is_healthy(self._pods[one])), None)
        for ordinal in condemned:
            pod = self._pods[ordinal]
            if not meta.is_terminating(pod):
                if self._ordered and ordinal != unhealthy and not self._settled(pod, now):
                    return False
                await self._delete(pod)
            if self._ordered:
                return False
        return True

    async def _roll(self) -> None:
        """Delete the highest Pod of another revision, when all above it are healthy."""
        strategy = pods.spec(self.owner).get("updateStrategy") or {}
        if strategy.get("type", "RollingUpdate") != "RollingUpdate":
            return
        least = identity.first_ordinal(self.owner) + (identity.partition(self.owner) or 0)
        for ordinal in reversed(identity.ordinals(self.owner)):
            if ordinal < least:
                return
            pod = self._pods[ordinal]
            fresh = identity.revision_of(pod) == meta.name(self.update)
            if not fresh and not meta.is_terminating(pod):
                await self._delete(pod)
                return
            if not identity.is_healthy(pod):
                return

    # Writes --------------------------------------------------------------------------------------

    async def _create(self, ordinal: int) -> None:
        revision = self._revision_for(ordinal)
        template = {k: v for k, v in revision["data"]["spec"]["template"].items() if k != "$patch"}
        pod = identity.build_pod(self.owner, template, ordinal, meta.name(revision))
        subject = f"Pod {meta.name(pod)} in StatefulSet {meta.name(self.owner)}"
        try:
            await self._create_claims(ordinal, subject)
            self._pods[ordinal] = await self._client.create(PODS, pod, meta.namespace(pod))
        except ApiError as error:
            self._events.event(self.owner, WARNING, "FailedCreate",
                               f"create {subject} failed error: {error}")
            raise
        self._events.event(self.owner, NORMAL, "SuccessfulCreate", f"create {subject} successful")

    def _revision_for(self, ordinal: int) -> Object:
        """The current revision below the partition (or among the Pods that still have it)."""
        start, bound = identity.first_ordinal(self.owner), identity.partition(self.owner)
        if not bound:
            bound = pods.status(self.owner).get("currentReplicas") or 0
        return self.current if ordinal < start + bound else self.update

    async def _create_claims(self, ordinal: int, subject: str) -> None:
        for claim in identity.build_claims(self.owner, ordinal):
            try:
                await self._client.create(PERSISTENTVOLUMECLAIMS, claim, meta.namespace(claim))
            except AlreadyExists:
                continue
            self._events.event(self.owner, NORMAL, "SuccessfulCreate",
                               f"create Claim {meta.name(claim)} {subject} success")

    async def _recreate(self, pod: Object) -> None:
        self._events.event(
            self.owner, WARNING, "RecreatingFailedPod",
            f"StatefulSet {meta.namespaced_name(self.owner)} is recreating failed Pod "
            f"{meta.name(pod)}")
        await self._delete(pod)

    async def _delete(self, pod: Object) -> None:
        subject = f"Pod {meta.name(pod)} in StatefulSet {meta.name(self.owner)}"
        try:
            await self._client.delete(PODS, meta.name(pod), meta.namespace(pod))
        except NotFound:
            return
        except ApiError as error:
            self._events.event(self.owner, WARNING, "FailedDelete",
                               f"delete {subject} failed error: {error}")
            raise
        self._deleted.add(meta.uid(pod))
        self._events.event(self.owner, NORMAL, "SuccessfulDelete", f"delete {subject} successful")

    # Status --------------------------------------------------------------------------------------

    def status(self, collisions: int, now: float) -> Object:
        """The counts that the Pods call for (updateStatus and completeRollingUpdate)."""
        least = pods.spec(self.owner).get("minReadySeconds") or 0
        live = [pod for pod in self.pods
                if not meta.is_terminating(pod) and meta.uid(pod) not in self._deleted]
        current, update = meta.name(self.current), meta.name(self.update)
        counts = {
            "observedGeneration": meta.generation(self.owner),
            "readyReplicas": sum(identity.is_running_and_ready(pod) for pod in self.pods),
            "currentReplicas": sum(identity.revision_of(pod) == current for pod in live),
            "updatedReplicas": sum(identity.revision_of(pod) == update for pod in live),
        }
        status: dict[str, Any] = {
            "replicas": len(self._pods),
            "availableReplicas": sum(pods.is_available(pod, least, now) and
                                     pods.phase(pod) == "Running" for pod in self.pods),
            "currentRevision": current, "updateRevision": update, "collisionCount": collisions}
        wanted = identity.replicas(self.owner)
        done = (counts["updatedReplicas"], counts["readyReplicas"], status["replicas"])
        if done == (wanted, wanted, wanted):
            status["currentRevision"] = update
            counts["currentReplicas"] = counts["updatedReplicas"]
        return status | {name: count for name, count in counts.items() if count}
