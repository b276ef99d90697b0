"""Places for the requests of one priority, and the queue before them.

A level has its nominal share of the server's places, and whatever others lend and do not use. What
finds none waits in a queue of bounded length and for a bounded time, first come, first served.
Models util/flowcontrol/{apf_controller,fairqueuing}, without the shuffle sharding of flows.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Final

from apiserver.limits import MOST_SECONDS, TooMany

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from types import TracebackType

    from apiserver.machinery.types import Object

PLACES: Final = 600
"""--max-requests-inflight + --max-mutating-requests-inflight"""
_WAIT: Final = MOST_SECONDS / 4


@dataclass(slots=True, eq=False)
class Level:
    """One priority level at work; as a context, one taken place."""

    name: str
    uid: str = ""
    exempt: bool = False
    nominal: int = 0
    lendable: int = 0
    longest_queue: int = 0
    """How many may wait; 0 refuses at once."""
    taken: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
    dispatched: Counter[str] = field(default_factory=Counter)
    """Requests that got in, by FlowSchema."""
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Requests that did not, by FlowSchema and reason."""

    def lends(self) -> int:
        """The places that others may use now."""
        return max(min(self.lendable, self.nominal - self.taken - len(self.waiting)), 0)

    def __enter__(self) -> None:
        self.taken += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.taken -= 1
        self._call_next()

    def _call_next(self) -> None:
        while self.waiting:
            next_one = self.waiting.popleft()
            if not next_one.done():
                next_one.set_result(None)
                return

    async def wait(self, schema: str, seconds: float = _WAIT) -> None:
        """Until it is one's turn. Raises TooMany."""
        if len(self.waiting) >= self.longest_queue:
            reason = "queue-full" if self.longest_queue else "concurrency-limit"
            self.rejected[schema, reason] += 1
            raise TooMany
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        try:
            async with asyncio.timeout(seconds):
                await turn
        except TimeoutError:
            self.rejected[schema, "time-out"] += 1
            raise TooMany from None
        finally:
            turn.cancel()


def configure(levels: dict[str, Level], objects: Mapping[str, Object]) -> None:
    """Bring the levels up to date with their objects; places that are taken stay taken."""
    for gone in set(levels) - set(objects):
        del levels[gone]
    total = sum(_shares(each["spec"]) for each in objects.values()) or 1
    for name, obj in objects.items():
        _set(levels.setdefault(name, Level(name)), obj, total)


def _set(level: Level, obj: Object, total: int) -> None:
    spec = obj["spec"]
    settings = spec.get("limited") or spec.get("exempt") or {}
    queuing = (settings.get("limitResponse") or {}).get("queuing") or {}
    level.uid, level.exempt = obj["metadata"]["uid"], spec["type"] == "Exempt"
    level.nominal = ceil(PLACES * _shares(spec) / total)
    level.lendable = round(level.nominal * (settings.get("lendablePercent") or 0) / 100)
    level.longest_queue = (queuing.get("queues") or 0) * (queuing.get("queueLengthLimit") or 0)


def _shares(spec: Object) -> int:
    settings = spec.get("limited") or spec.get("exempt") or {}
    return int(settings.get("nominalConcurrencyShares") or 0)


def has_room(level: Level, others: Collection[Level]) -> bool:
    """Whether a request gets in now."""
    if level.exempt or level.taken < level.nominal:
        return True
    borrowed = sum(max(each.taken - each.nominal, 0) for each in others if not each.exempt)
    return borrowed < sum(each.lends() for each in others if each is not level)
