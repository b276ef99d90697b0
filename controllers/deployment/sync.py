"""One sync of one Deployment: what every kind of sync shares. Models deployment/sync.go."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from apiserver.machinery import meta
from apiserver.machinery.errors import AlreadyExists, ApiError, NotFound
from apiserver.machinery.gvk import DEPLOYMENTS, REPLICASETS
from controllers import pods
from controllers.conditions import get_condition, with_condition
from controllers.deployment import replicasets, sizes
from controllers.deployment.status import (
    PAUSED,
    PROGRESSING,
    TIMED_OUT,
    calculate,
    has_deadline,
    progressing,
    rollout_status,
    seconds_to_deadline,
)
from controllers.events import NORMAL, WARNING

if TYPE_CHECKING:
    from apiserver.machinery.clock import Clock
    from apiserver.machinery.types import Object
    from controllers.client import Client
    from controllers.events import EventRecorder


class Sync:
    """A Deployment and its ReplicaSets while they are brought to the desired state.

    `deployment` and the sets are replaced by what the server answers, so that one sync can write
    several times.
    """

    def __init__(self, client: Client, clock: Clock, events: EventRecorder, deployment: Object,
                 sets: Iterable[Object]) -> None:
        self.deployment = deployment
        self._client = client
        self._clock = clock
        self._events = events
        self._sets = {meta.name(rs): rs for rs in sets}
        self.new: Object | None = None

    # The sets
    # --------------------------------------------------------------------------------------

    @property
    def sets(self) -> list[Object]:
        """All ReplicaSets, oldest first."""
        return replicasets.by_age(self._sets.values())

    @property
    def old(self) -> list[Object]:
        """All but the new one, oldest first."""
        current = meta.name(self.new) if self.new is not None else None
        return [rs for rs in self.sets if meta.name(rs) != current]

    async def find_new(self, *, create: bool) -> None:
        """Set `new`, with its revision and annotations in order; make it when there is none and
        `create` says so (`getAllReplicaSetsAndSyncRevision`)."""
        self.new = replicasets.find_new(self.deployment, self.sets)
        number = 1 + max((replicasets.revision(rs) for rs in self.old), default=0)
        if self.new is not None:
            await self._update_new(self.new, number)
        elif create:
            await self._create_new(number)

    async def _update_new(self, rs: Object, number: int) -> None:
        annotations = replicasets.new_annotations(self.deployment, meta.annotations(rs), number)
        least = pods.spec(self.deployment).get("minReadySeconds") or 0
        if (annotations != meta.annotations(rs)
                or (pods.spec(rs).get("minReadySeconds") or 0) != least):
            changed = meta.with_metadata(rs, annotations=annotations)
            spec = {k: v for k, v in rs["spec"].items() if k != "minReadySeconds"}
            changed["spec"] = {**spec, "minReadySeconds": least} if least else spec
            rs = await self._write_set(changed)
        self.new = rs
        message = f'Found new replica set "{meta.name(rs)}"'
        current = get_condition(pods.status(self.deployment).get("conditions"), PROGRESSING)
        wanted = None if current is not None else ("True", "FoundNewReplicaSet", message)
        await self._note(wanted, meta.annotations(rs).get(replicasets.REVISION))

    async def _create_new(self, number: int) -> None:
        fresh = replicasets.build(self.deployment, number)
        size = sizes.new_size(self.deployment, [*self.sets, fresh], fresh)
        fresh["spec"]["replicas"] = size
        created, exists = await self._create_set(fresh)
        self._sets[meta.name(created)] = created
        self.new = created
        if size > 0 and not exists:
            self._say_scaled(created, 0, size)
        message = f'Created new replica set "{meta.name(created)}"'
        wanted = None if exists else ("True", "NewReplicaSetCreated", message)
        await self._note(wanted, str(number))

    async def _create_set(self, fresh: Object) -> tuple[Object, bool]:
        """(the ReplicaSet, whether it existed). Raises ApiError, after saying why in the status."""
        place = meta.namespace(fresh)
        try:
            return await self._client.create(REPLICASETS, fresh, place), False
        except AlreadyExists:
            known = await self._client.get(REPLICASETS, meta.name(fresh), place)
            if (meta.is_controlled_by(known, self.deployment) and replicasets.same_template(
                    known["spec"]["template"], self.deployment["spec"]["template"])):
                return known, True
            count = pods.status(self.deployment).get("collisionCount") or 0
            await self._write_status({**pods.status(self.deployment), "collisionCount": count + 1})
            raise
        except ApiError as error:
            message = f'Failed to create new replica set "{meta.name(fresh)}": {error}'
            await self._note(("False", "ReplicaSetCreateError", message), None)
            self._events.event(self.deployment, WARNING, "ReplicaSetCreateError", message)
            raise

    async def scale(self, rs: Object, size: int) -> bool:
        """Give a ReplicaSet this many replicas, and note the Deployment's size on it; whether the
        number changed (`scaleReplicaSet`)."""
        before = sizes.replicas(rs)
        annotations = {**meta.annotations(rs), **replicasets.replica_annotations(self.deployment)}
        if before == size and annotations == meta.annotations(rs):
            return False
        changed = meta.with_metadata(rs, annotations=annotations)
        changed["spec"] = {**rs["spec"], "replicas": size}
        await self._write_set(changed)
        if before != size:
            self._say_scaled(rs, before, size)
        return before != size

    def _say_scaled(self, rs: Object, before: int, after: int) -> None:
        way = "up" if after > before else "down"
        self._events.event(
            self.deployment, NORMAL, "ScalingReplicaSet",
            f"Scaled {way} replica set {meta.name(rs)} from {before} to {after}")

    async def _write_set(self, rs: Object) -> Object:
        written = await self._client.update(REPLICASETS, rs)
        self._sets[meta.name(rs)] = written
        if self.new is not None and meta.name(self.new) == meta.name(rs):
            self.new = written
        return written

    async def clean_up(self) -> None:
        """Delete the oldest ReplicaSets beyond `revisionHistoryLimit` (`cleanupDeployment`)."""
        limit = pods.spec(self.deployment).get("revisionHistoryLimit")
        candidates = [rs for rs in self.old if not meta.is_terminating(rs)]
        if limit is None or len(candidates) <= limit:
            return
        candidates.sort(key=replicasets.revision)
        for rs in candidates[:len(candidates) - limit]:
            if _is_spent(rs):
                await self._delete_set(rs)

    async def _delete_set(self, rs: Object) -> None:
        try:
            await self._client.delete(REPLICASETS, meta.name(rs), meta.namespace(rs))
        except NotFound:
            return

    # The status ----------------------------------------------------------------------------------

    async def note_pause(self) -> None:
        """Say in the condition Progressing that the Deployment was paused or resumed."""
        current = get_condition(pods.status(self.deployment).get("conditions"), PROGRESSING)
        if not has_deadline(self.deployment) or (
                current is not None and current["reason"] == TIMED_OUT):
            return
        paused = bool(pods.spec(self.deployment).get("paused"))
        noted = current is not None and current["reason"] == PAUSED
        if paused and not noted:
            await self._note(("Unknown", PAUSED, "Deployment is paused"), None)
        elif noted and not paused:
            await self._note(("Unknown", "DeploymentResumed", "Deployment is resumed"), None)

    async def update_status(self) -> None:
        """Write counts and availability (`syncDeploymentStatus`)."""
        await self._write_status(
            calculate(self.deployment, self.sets, self.new, self._clock.now()))

    async def update_rollout_status(self) -> float | None:
        """Write counts and progress (`syncRolloutStatus`); seconds until the deadline is to be
        checked again."""
        now = self._clock.now()
        status = rollout_status(self.deployment, self.sets, self.new, now)
        await self._write_status(status)
        return seconds_to_deadline(self.deployment, status, now)

    async def _note(self, condition: tuple[str, str, str] | None, number: str | None) -> None:
        """Set the condition Progressing and the Deployment's revision, where they are not so
        yet."""
        status: dict[str, Any] = dict(pods.status(self.deployment))
        if condition is not None and has_deadline(self.deployment):
            status["conditions"] = with_condition(
                status.get("conditions"), progressing(*condition, self._clock.now()))
        changed = self.deployment
        if number is not None and meta.annotations(changed).get(replicasets.REVISION) != number:
            changed = meta.with_metadata(changed, annotations={
                **meta.annotations(changed), replicasets.REVISION: number})
        if changed is not self.deployment or status != pods.status(self.deployment):
            await self._send({**changed, "status": status})

    async def _write_status(self, status: Object) -> None:
        if status != pods.status(self.deployment):
            await self._send({**self.deployment, "status": status})

    async def _send(self, deployment: Object) -> None:
        self.deployment = await self._client.update(DEPLOYMENTS, deployment, subresource="status")


def _is_spent(rs: Object) -> bool:
    status = pods.status(rs)
    return not (status.get("replicas") or sizes.replicas(rs)
                or meta.generation(rs) > (status.get("observedGeneration") or 0))


PodsOf = Callable[[str], Iterable["Object"]]
"""The Pods of a ReplicaSet, by its uid."""
