"""The queue of keys. Models client-go/util/workqueue (dedup, delays, the default rate limiter).

An item waits at most once; one that is added while it is processed is queued again when it is
done, so that no two workers ever have the same item. Order is first in, first out over all
controllers: what arrives in bulk (ten thousand Pods) lets their owner's key wait, and be
reconciled once for all.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from apiserver.machinery.histogram import Histogram

if TYPE_CHECKING:
    from collections.abc import Callable

    from apiserver.machinery.clock import Clock, Timer

BASE_DELAY: Final = 0.005
"""Seconds before the first retry; doubles with every failure of the item."""
MAX_DELAY: Final = 1000.0
SMALL: Final = 100
"""Up to this many objects behind a key nothing is batched."""
BATCH_SECONDS: Final = 0.0001
"""How long a change waits for others, for each object behind the key."""
MAX_BATCH_SECONDS: Final = 1.0
SECONDS: Final = tuple(10.0 ** power for power in range(-6, 4))
"""Buckets of the durations of waiting and working."""
QPS: Final = 10.0
BURST: Final = 100


class Item(NamedTuple):
    """A unit of work: which controller, which key."""

    controller: str
    key: str


@dataclass(slots=True)
class RateLimiter:
    """How long a failed item waits. Models DefaultControllerRateLimiter: the later of the item's
    exponential back-off and a token bucket over all items."""

    clock: Clock
    failures: dict[Item, int] = field(default_factory=dict)
    _tokens: float = BURST
    _last: float = 0.0

    def when(self, item: Item) -> float:
        """Seconds until `item` may be tried again; counts a failure."""
        count = self.failures.get(item, 0)
        self.failures[item] = count + 1
        backoff = min(BASE_DELAY * 2.0 ** min(count, 60), MAX_DELAY)
        return max(backoff, self._reserve())

    def forget(self, item: Item) -> None:
        """The item succeeded: its next failure is its first."""
        self.failures.pop(item, None)

    def _reserve(self) -> float:
        now = self.clock.now()
        self._tokens = min(float(BURST), self._tokens + (now - self._last) * QPS)
        self._last = now
        self._tokens -= 1.0
        return max(0.0, -self._tokens / QPS)


class QueueCounts:
    """What went through one controller's part of the queue. Models workqueue's metrics."""

    __slots__ = ("adds", "retries", "waits", "work")

    def __init__(self) -> None:
        self.adds = 0
        self.retries = 0
        """How often something was to be added later (AddAfter)."""
        self.waits = Histogram(SECONDS)
        self.work = Histogram(SECONDS)


class QueueState(NamedTuple):
    """One controller's part of the queue, now."""

    counts: QueueCounts
    depth: int
    running: tuple[float, ...]
    """For how many seconds its items in work have been."""


class _Delayed(NamedTuple):
    when: float
    timer: Timer


class WorkQueue:
    """Items to do, each at most once, in order of arrival."""

    def __init__(self, clock: Clock) -> None:
        self.limiter = RateLimiter(clock)
        self.on_add: Callable[[], None] = lambda: None
        self._clock = clock
        self._ready: deque[Item] = deque()
        self._dirty: set[Item] = set()
        self._processing: set[Item] = set()
        self._delayed: dict[Item, _Delayed] = {}
        self._counts: dict[str, QueueCounts] = {}
        self._since: dict[Item, float] = {}
        """Since when items wait."""
        self._begun: dict[Item, float] = {}
        """Since when items are processed."""

    def __len__(self) -> int:
        return len(self._ready)

    def add(self, item: Item) -> None:
        """Queue an item, unless it waits already."""
        if item in self._dirty:
            return
        self._dirty.add(item)
        self.counts_of(item.controller).adds += 1
        self._since.setdefault(item, self._clock.now())
        if item not in self._processing:
            self._ready.append(item)
            self.on_add()

    def add_after(self, item: Item, seconds: float) -> None:
        """Queue an item when `seconds` have passed; of several times the earliest counts."""
        self.counts_of(item.controller).retries += 1
        if seconds <= 0:
            self.add(item)
            return
        when = self._clock.now() + seconds
        waiting = self._delayed.get(item)
        if waiting is not None:
            if waiting.when <= when:
                return
            waiting.timer.cancel()
        self._delayed[item] = _Delayed(when, self._clock.call_at(when, lambda: self._due(item)))

    def add_rate_limited(self, item: Item) -> None:
        """Queue a failed item after its back-off."""
        self.add_after(item, self.limiter.when(item))

    def pop(self) -> Item | None:
        """The next item, now being processed; None when nothing waits."""
        if not self._ready:
            return None
        item = self._ready.popleft()
        self._dirty.discard(item)
        self._processing.add(item)
        now = self._begun[item] = self._clock.now()
        self.counts_of(item.controller).waits.observe(now - self._since.pop(item, now))
        return item

    def done(self, item: Item) -> None:
        """The item is no longer processed; queue it again if it was added meanwhile."""
        self._processing.discard(item)
        now = self._clock.now()
        self.counts_of(item.controller).work.observe(now - self._begun.pop(item, now))
        if item in self._dirty:
            self._ready.append(item)
            self.on_add()

    def close(self) -> None:
        """Forget everything, timers too."""
        for waiting in self._delayed.values():
            waiting.timer.cancel()
        self._delayed.clear()
        self._ready.clear()
        self._dirty.clear()
        self._since.clear()

    def state(self) -> dict[str, QueueState]:
        """What each controller's part of the queue does, by its name."""
        now = self._clock.now()
        depths = Counter(item.controller for item in self._dirty)
        running: dict[str, list[float]] = {name: [] for name in self._counts}
        for item, begun in self._begun.items():
            running[item.controller].append(now - begun)
        return {name: QueueState(counts, depths[name], tuple(running[name]))
                for name, counts in self._counts.items()}

    def counts_of(self, controller: str) -> QueueCounts:
        """The counts of a controller, which are there (and 0) from its first mention on."""
        found = self._counts.get(controller)
        if found is None:
            found = self._counts[controller] = QueueCounts()
        return found

    def _due(self, item: Item) -> None:
        self._delayed.pop(item, None)
        self.add(item)


@dataclass(frozen=True, slots=True)
class ControllerQueue:
    """One controller's view of the queue: it adds keys of its own."""

    queue: WorkQueue
    controller: str

    def add(self, key: str) -> None:
        """Reconcile `key` soon."""
        self.queue.add(Item(self.controller, key))

    def add_after(self, key: str, seconds: float) -> None:
        """Reconcile `key` in `seconds`, or earlier if something else asks for it."""
        self.queue.add_after(Item(self.controller, key), seconds)

    def add_batched(self, key: str, size: int) -> None:
        """Reconcile `key`, which costs as much as `size` objects: at once if those are few, else
        with the changes of the next moment.

        A real controller manager is slowed down in the same way by its client's 20 requests a
        second (and --endpoint-updates-batch-period); otherwise a Service whose ten thousand Pods
        get ready one after the other would cost ten thousand times ten thousand.
        """
        delay = min(size * BATCH_SECONDS, MAX_BATCH_SECONDS) if size > SMALL else 0.0
        self.add_after(key, delay)
