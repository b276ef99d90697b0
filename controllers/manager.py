"""Runs controllers over shared informers. Models cmd/kube-controller-manager and
controller-runtime's manager.

Two ways to run the same code:

* `settle()`: synchronous, for an in-process client. Take in all events, pop one key, reconcile it,
until
  nothing is left. The same calls give the same order, always.
* `await run()`: on an event loop, until cancelled; woken by watches and timers. With `workers` > 1
(for
  a client that really waits) several keys are in flight, never the same one twice.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from apiserver.machinery.errors import ApiError
from controllers.drive import breathe, drive
from controllers.workqueue import ControllerQueue, Item, WorkQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from apiserver.machinery.clock import Clock
    from apiserver.machinery.types import Object
    from controllers.controller import Controller, KeysOf, Result
    from controllers.events import EventBroadcaster
    from controllers.informer import Informer, Informers

log = logging.getLogger(__name__)

WATCH_RETRY: Final = 1.0
"""Seconds before a failed list or watch is tried again; doubles with each failure."""
MAX_WATCH_RETRY: Final = 30.0


class NotSettling(RuntimeError):
    """The controllers go on and on: two of them undo each other's work, or one its own."""


class Manager:
    """The controllers, their queue and their caches."""

    def __init__(self, clock: Clock, informers: Informers, events: EventBroadcaster, *,
                 strict: bool = False) -> None:
        self.queue = WorkQueue(clock)
        self.strict = strict
        """Let a bug in a controller stop everything (tests), rather than log it and retry the
        key."""
        self._clock = clock
        self._informers = informers
        self._events = events
        self._controllers: dict[str, Controller] = {}
        self._waiting: dict[str, list[Informer]] = {}
        """Controllers that have not started, with the caches that must be filled first."""
        self._held: dict[str, list[Item]] = {}
        self._dirty: dict[Informer, None] = dict.fromkeys(informers)
        self._failures: dict[Informer, int] = {}
        self._taking_in = False
        self._wake: Callable[[], None] = lambda: None
        informers.on_dirty = self._mark
        events.on_add = lambda: self._wake()

    @property
    def controllers(self) -> Mapping[str, Controller]:
        """Those that run, by name."""
        return self._controllers

    def add(self, controller: Controller, name: str = "") -> None:
        """Run a controller too; `name` tells several of one class apart (`kubelet-node-2`)."""
        name = name or controller.name
        if name in self._controllers:
            raise ValueError(f"there is a controller {name} already")
        self._controllers[name] = controller
        controller.queue = ControllerQueue(self.queue, name)
        self.queue.counts_of(name)
        self._waiting[name] = []
        for resource, keys_of in controller.watches().items():
            informer = self._informers.get(resource)
            self._waiting[name].append(informer)
            self._connect(name, informer, keys_of)

    def settle(self, limit: int = 1_000_000) -> int:
        """Run until nothing is left to do now; how many keys were reconciled.

        Raises NotSettling after `limit` keys.
        """
        return drive(self._settle(limit))

    async def run(self, workers: int = 1) -> None:
        """Run until cancelled."""
        event = asyncio.Event()
        self._wake = self.queue.on_add = event.set
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(workers):
                    tasks.create_task(self._work(event))
        finally:
            self.close()

    def close(self) -> None:
        """End all watches and timers."""
        self.queue.close()
        for informer in self._informers:
            informer.close()

    # ---------------------------------------------------------------------------------------------

    async def _settle(self, limit: int) -> int:
        for count in range(limit):
            if not await self._next():
                return count
        raise NotSettling(f"still at work after {limit} keys; next: {self.queue.pop()}")

    async def _work(self, event: asyncio.Event) -> None:
        while True:
            event.clear()
            while await self._next():
                await breathe()
            await event.wait()

    async def _next(self) -> bool:
        """Take in events, then reconcile one key; False when there is none."""
        if self._dirty and not self._taking_in:
            await self._take_in()
        if self._waiting:
            await self._start()
        item = self.queue.pop()
        if item is None:
            return await self._flush_event() or (bool(self._dirty) and not self._taking_in)
        try:
            await self._process(item)
        finally:
            self.queue.done(item)
        return True

    async def _flush_event(self) -> bool:
        """Write one recorded event, now that there is no other work."""
        if not self._events:
            return False
        await self._events.flush_one()
        return True

    async def _take_in(self) -> None:
        dirty, self._dirty = self._dirty, {}
        self._taking_in = True
        try:
            for informer in dirty:
                await self._step(informer)
        finally:
            self._taking_in = False
            self._wake()

    async def _step(self, informer: Informer) -> None:
        try:
            await informer.step()
        except ApiError as error:
            self._try_later(informer, error)
        else:
            self._failures.pop(informer, None)

    def _try_later(self, informer: Informer, error: ApiError) -> None:
        count = self._failures.get(informer, 0)
        self._failures[informer] = count + 1
        log.log(logging.DEBUG if count else logging.WARNING, "list or watch of %s failed: %s",
                informer.resource.group_resource, error)
        delay = min(WATCH_RETRY * 2.0 ** min(count, 10), MAX_WATCH_RETRY)
        self._clock.call_at(self._clock.now() + delay, lambda: self._mark(informer))

    async def _start(self) -> None:
        """Start the controllers whose caches are filled (WaitForCacheSync)."""
        for name, informers in list(self._waiting.items()):
            if all(informer.synced for informer in informers) and name in self._waiting:
                del self._waiting[name]
                await self._controllers[name].start()
                for item in self._held.pop(name, ()):
                    self.queue.add(item)

    async def _process(self, item: Item) -> None:
        controller = self._controllers[item.controller]
        if item.controller in self._waiting:
            self._held.setdefault(item.controller, []).append(item)
            return
        try:
            result = await controller.reconcile(item.key)
        except ApiError as error:
            log.info("%s %s: %s", item.controller, item.key, error)
            self._retry(item, controller)
        except Exception:
            if self.strict:
                raise
            log.exception("%s %s", item.controller, item.key)
            self._retry(item, controller)
        else:
            self._finish(item, result)

    def _finish(self, item: Item, result: Result | None) -> None:
        self.queue.limiter.forget(item)
        if result is not None and result.requeue_after is not None:
            self.queue.add_after(item, result.requeue_after)

    def _retry(self, item: Item, controller: Controller) -> None:
        failures = self.queue.limiter.failures.get(item, 0)
        if controller.max_retries is not None and failures >= controller.max_retries:
            self.queue.limiter.forget(item)
        else:
            self.queue.add_rate_limited(item)

    def _connect(self, name: str, informer: Informer, keys_of: KeysOf) -> None:
        add = self.queue.add

        def handle(old: Object | None, new: Object | None) -> None:
            for key in keys_of(old, new):
                add(Item(name, key))

        informer.add_handler(handle)

    def _mark(self, informer: Informer) -> None:
        self._dirty[informer] = None
        self._wake()
