"""How many replicas each ReplicaSet of a Deployment may have. Models deployment/util, pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from apiserver.machinery import meta
from controllers import pods

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from apiserver.machinery.types import JSON, Object

DESIRED: Final = "deployment.kubernetes.io/desired-replicas"
MAXIMUM: Final = "deployment.kubernetes.io/max-replicas"


def replicas(obj: Object) -> int:
    """`spec.replicas`, 1 when unset."""
    wanted = pods.spec(obj).get("replicas")
    return 1 if wanted is None else int(wanted)


def is_rolling(deployment: Object) -> bool:
    """Whether the strategy is RollingUpdate."""
    strategy = pods.spec(deployment).get("strategy") or {}
    return bool(strategy.get("type", "RollingUpdate") == "RollingUpdate")


def scaled(value: JSON, total: int, *, round_up: bool) -> int:
    """An int-or-percent of a total (`intstr.GetScaledValueFromIntOrPercent`)."""
    if isinstance(value, str):
        share = int(value.removesuffix("%")) * total / 100
        return math.ceil(share) if round_up else math.floor(share)
    return int(value or 0)


def fenceposts(deployment: Object) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) as numbers; never both 0 (`ResolveFenceposts`)."""
    rolling = (pods.spec(deployment).get("strategy") or {}).get("rollingUpdate") or {}
    total = replicas(deployment)
    surge = scaled(rolling.get("maxSurge"), total, round_up=True)
    unavailable = scaled(rolling.get("maxUnavailable"), total, round_up=False)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def max_surge(deployment: Object) -> int:
    """How many Pods there may be beyond the wanted number."""
    return fenceposts(deployment)[0] if is_rolling(deployment) else 0


def max_unavailable(deployment: Object) -> int:
    """How many of the wanted Pods may be missing."""
    if not is_rolling(deployment) or not replicas(deployment):
        return 0
    return min(fenceposts(deployment)[1], replicas(deployment))


def wanted_total(sets: Iterable[Object]) -> int:
    """The sum of `spec.replicas`."""
    return sum(replicas(rs) for rs in sets)


def actual_total(sets: Iterable[Object]) -> int:
    """The sum of `status.replicas`."""
    return sum(pods.status(rs).get("replicas") or 0 for rs in sets)


def available(rs: Object) -> int:
    """`status.availableReplicas`."""
    return pods.status(rs).get("availableReplicas") or 0


def available_total(sets: Iterable[Object]) -> int:
    """The sum of `status.availableReplicas`."""
    return sum(available(rs) for rs in sets)


def new_size(deployment: Object, sets: Sequence[Object], new: Object) -> int:
    """How many replicas the new ReplicaSet may have now (`NewRSNewReplicas`)."""
    if not is_rolling(deployment):
        return replicas(deployment)
    rolling = (pods.spec(deployment).get("strategy") or {}).get("rollingUpdate") or {}
    surge = scaled(rolling.get("maxSurge"), replicas(deployment), round_up=True)
    room = replicas(deployment) + surge - wanted_total(sets)
    if room <= 0:
        return replicas(new)
    return replicas(new) + min(room, replicas(deployment) - replicas(new))


def annotated(rs: Object, key: str) -> int | None:
    """A number kept in an annotation; None when it is missing or no number."""
    text = meta.annotations(rs).get(key, "")
    return int(text) if text.isascii() and text.isdigit() else None


def is_saturated(deployment: Object, rs: Object | None) -> bool:
    """Whether the ReplicaSet has all replicas, and they are available."""
    wanted = replicas(deployment)
    return rs is not None and replicas(rs) == annotated(rs, DESIRED) == available(rs) == wanted


def proportion(rs: Object, deployment: Object, to_add: int, added: int) -> int:
    """The share of a ReplicaSet in a scaling of all of them (`GetReplicaSetProportion`)."""
    if not replicas(rs) or not to_add or to_add == added:
        return 0
    fraction, allowed = _fraction(rs, deployment), to_add - added
    return min(fraction, allowed) if to_add > 0 else max(fraction, allowed)


def _fraction(rs: Object, deployment: Object) -> int:
    if not replicas(deployment):
        return -replicas(rs)
    before = annotated(rs, MAXIMUM) or pods.status(deployment).get("replicas") or 0
    if not before:
        return 0
    size = replicas(rs) * (replicas(deployment) + max_surge(deployment)) / before
    return int(size + 0.5) - replicas(rs)
