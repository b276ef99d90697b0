"""Which Pods of a ReplicaSet go first when there are too many. Models ActivePodsWithRanks of
pkg/controller/controller_utils.go.

In this order, the first difference decides: without a node; pending, then unknown, then running;
not ready; lower `controller.kubernetes.io/pod-deletion-cost`; on a node with more siblings; ready
for a shorter time (by powers of two, so that chance and not a second decides); more restarts;
younger.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import cmp_to_key
from typing import TYPE_CHECKING, Final, NamedTuple

from apiserver.machinery import meta
from apiserver.machinery.clock import parse_time
from apiserver.machinery.meta import metadata, uid
from controllers import pods

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apiserver.machinery.types import Object

DELETION_COST: Final = "controller.kubernetes.io/pod-deletion-cost"
_PHASES: Final = {"Pending": 0, "Unknown": 1, "Running": 2}


class _Rank(NamedTuple):
    """What is compared of a Pod."""

    coarse: tuple[bool, int, bool, int, int]
    ready: float
    restarts: tuple[int, int]
    created: float
    uid: str
    now: float


def deletion_order(active: list[Object], siblings: Iterable[Object], now: float) -> list[Object]:
    """The Pods, first to go first; `siblings` are those of all related ReplicaSets."""
    crowd = Counter(pods.spec(pod).get("nodeName", "") for pod in siblings if pods.is_active(pod))
    ranked = [(_rank(pod, crowd, now), pod) for pod in active]
    ranked.sort(key=lambda pair: _KEY(pair[0]))
    return [pod for _, pod in ranked]


def _rank(pod: Object, crowd: Counter[str], now: float) -> _Rank:
    node = pods.spec(pod).get("nodeName") or ""
    coarse = (bool(node), _PHASES.get(pods.phase(pod), 0), pods.is_ready(pod), _cost(pod),
              -crowd[node])
    restarts = (-pods.max_restarts(pod), -pods.max_restarts(pod, "initContainerStatuses"))
    created = metadata(pod).get("creationTimestamp")
    return _Rank(coarse, pods.ready_since(pod), restarts, parse_time(created) if created else 0.0,
                 uid(pod), now)


def _cost(pod: Object) -> int:
    """The annotation's value; what is no int32 counts as 0."""
    text = meta.annotations(pod).get(DELETION_COST, "")
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or (digits != "0" and digits.startswith("0")):
        return 0
    value = int(text)
    return value if -(2**31) <= value < 2**31 else 0


def _compare(a: _Rank, b: _Rank) -> int:
    if a.coarse != b.coarse:
        return -1 if a.coarse < b.coarse else 1
    both_ready = a.coarse[2]
    if both_ready and a.ready != b.ready:
        return _younger_first(a.ready, b.ready, a, b)
    if a.restarts != b.restarts:
        return -1 if a.restarts < b.restarts else 1
    if a.created != b.created:
        return _younger_first(a.created, b.created, a, b)
    return 0


def _younger_first(a_since: float, b_since: float, a: _Rank, b: _Rank) -> int:
    """By the logarithm of the age; the uid, which is random, decides between equals."""
    if not a_since or not b_since:
        return -1 if not a_since else 1
    difference = _magnitude(a.now - a_since) - _magnitude(b.now - b_since)
    if difference:
        return difference
    return (a.uid > b.uid) - (a.uid < b.uid)


def _magnitude(seconds: float) -> int:
    return int(math.log2(seconds * 1e9)) if seconds > 0 else -1


_KEY: Final = cmp_to_key(_compare)
