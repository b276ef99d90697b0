"""How a rollout moves replicas. Models deployment/{rolling,recreate}.go and `scale` of sync.go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.machinery import meta
from controllers import pods
from controllers.deployment import replicasets, sizes
from controllers.deployment.status import is_complete

if TYPE_CHECKING:
    from apiserver.machinery.types import Object
    from controllers.deployment.sync import PodsOf, Sync


def is_scaling_event(sync: Sync) -> bool:
    """Whether the Deployment's size has changed since its ReplicaSets were last sized."""
    wanted = sizes.replicas(sync.deployment)
    noted = (sizes.annotated(rs, sizes.DESIRED) for rs in replicasets.active(sync.sets))
    return any(number is not None and number != wanted for number in noted)


# RollingUpdate -----------------------------------------------------------------------------------


async def roll(sync: Sync) -> None:
    """One step of a rolling update: the new ReplicaSet up, or else the old ones down."""
    await sync.find_new(create=True)
    if await _grow_new(sync) or await _shrink_old(sync):
        return
    if is_complete(sync.deployment, dict(pods.status(sync.deployment))):
        await sync.clean_up()


async def _grow_new(sync: Sync) -> bool:
    assert sync.new is not None
    wanted = sizes.replicas(sync.deployment)
    if sizes.replicas(sync.new) == wanted:
        return False
    if sizes.replicas(sync.new) > wanted:
        return await sync.scale(sync.new, wanted)
    size = sizes.new_size(sync.deployment, sync.sets, sync.new)
    return size != sizes.replicas(sync.new) and await sync.scale(sync.new, size)


async def _shrink_old(sync: Sync) -> bool:
    assert sync.new is not None
    if not sizes.wanted_total(sync.old):
        return False
    least = sizes.replicas(sync.deployment) - sizes.max_unavailable(sync.deployment)
    coming = sizes.replicas(sync.new) - sizes.available(sync.new)
    spare = sizes.wanted_total(sync.sets) - least - coming
    if spare <= 0:
        return False
    cleaned = await _clean_up_unhealthy(sync, spare)
    return await _scale_down_old(sync, least) + cleaned > 0


async def _clean_up_unhealthy(sync: Sync, most: int) -> int:
    """Take away replicas that are not available anyhow, the oldest ReplicaSets first."""
    total = 0
    for rs in replicasets.active(sync.old):
        unhealthy = sizes.replicas(rs) - sizes.available(rs)
        count = min(most - total, unhealthy)
        if count > 0:
            await sync.scale(rs, sizes.replicas(rs) - count)
            total += count
    return total


async def _scale_down_old(sync: Sync, least: int) -> int:
    """Take away available replicas while enough remain."""
    most, total = sizes.available_total(sync.sets) - least, 0
    for rs in replicasets.active(sync.old):
        count = min(most - total, sizes.replicas(rs))
        if count > 0:
            await sync.scale(rs, sizes.replicas(rs) - count)
            total += count
    return total


# Recreate ----------------------------------------------------------------------------------------


async def recreate(sync: Sync, pods_of: PodsOf) -> None:
    """One step of a Recreate rollout: all old Pods away, then the new ones."""
    await sync.find_new(create=False)
    old = replicasets.active(sync.old)
    for rs in old:
        await sync.scale(rs, 0)
    if old or _old_pods_run(sync, pods_of):
        return
    if sync.new is None:
        await sync.find_new(create=True)
    assert sync.new is not None
    if sizes.replicas(sync.new) != sizes.replicas(sync.deployment):
        await sync.scale(sync.new, sizes.replicas(sync.deployment))
    if is_complete(sync.deployment, dict(pods.status(sync.deployment))):
        await sync.clean_up()


def _old_pods_run(sync: Sync, pods_of: PodsOf) -> bool:
    if sizes.actual_total(sync.old) > 0:
        return True
    return any(pods.phase(pod) not in pods.FINISHED
               for rs in sync.old for pod in pods_of(meta.uid(rs)))


# Scaling -----------------------------------------------------------------------------------------


async def scale(sync: Sync) -> None:
    """Bring all ReplicaSets to the Deployment's size, in the middle of a rollout each by its
    share."""
    wanted = sizes.replicas(sync.deployment)
    only = _active_or_latest(sync)
    if only is not None:
        if sizes.replicas(only) != wanted:
            await sync.scale(only, wanted)
    elif sizes.is_saturated(sync.deployment, sync.new):
        for rs in replicasets.active(sync.old):
            await sync.scale(rs, 0)
    elif sizes.is_rolling(sync.deployment):
        await _scale_in_proportion(sync)


def _active_or_latest(sync: Sync) -> Object | None:
    """The only ReplicaSet with replicas, else the newest; None when several have some."""
    running = replicasets.active(sync.sets)
    if len(running) > 1:
        return None
    if running:
        return running[0]
    return sync.new if sync.new is not None else next(iter(reversed(sync.old)), None)


async def _scale_in_proportion(sync: Sync) -> None:
    running = replicasets.active(sync.sets)
    wanted = sizes.replicas(sync.deployment)
    allowed = wanted + sizes.max_surge(sync.deployment) if wanted > 0 else 0
    to_add = allowed - sizes.wanted_total(running)
    if to_add:
        running = replicasets.by_size(running, newer_first=to_add > 0)
    shares: list[int] = []
    for rs in running:
        shares.append(sizes.proportion(rs, sync.deployment, to_add, sum(shares)))
    if shares:
        shares[0] += to_add - sum(shares)
    for rs, share in zip(running, shares, strict=True):
        await sync.scale(rs, max(0, sizes.replicas(rs) + share))
