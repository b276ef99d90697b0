"""Programs as coroutines that a clock steps, without an event loop.

A simulated program waits only for `pause`: for a time, or for ever until it is interrupted. So the
same program runs under the virtual clock (deterministically, in the middle of a settle) and under
the real one. What it awaits of asyncio (an ASGI application's own work) goes to the running loop.
"""

from __future__ import annotations

import asyncio
import logging
import types
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from apiserver.machinery.clock import Clock, Timer

log = logging.getLogger(__name__)
T = TypeVar("T")

SIGINT: Final = 2
SIGKILL: Final = 9
SIGTERM: Final = 15


class Interrupted(Exception):
    """A signal that the program handles; uncaught it ends the process with 128 + signal."""

    def __init__(self, signal: int) -> None:
        super().__init__(f"signal {signal}")
        self.signal = signal


@dataclass(frozen=True, slots=True)
class Pause:
    """What a program yields while it waits: until a time, or (None) until it is interrupted."""

    until: float | None


@types.coroutine
def pause(until: float | None) -> Generator[Pause, None, None]:
    """Wait until a time of the cluster clock (None: for ever). Raises Interrupted."""
    yield Pause(until)


@types.coroutine
def give_way(clock: Clock) -> Generator[None, None, None]:
    """In a long loop: let others have their turn, where the clock says so."""
    if clock.turn_is_over():
        yield None


@dataclass(slots=True, eq=False)
class Process:
    """One running program; `ended` hears of its exit code exactly once."""

    coroutine: Coroutine[Any, Any, int]
    clock: Clock
    ended: Callable[[int], None]
    complain: Callable[[str], None] = lambda text: None
    """Where a crash of the program is told (its stderr)."""
    over: bool = False
    _timer: Timer | None = None
    _stepping: bool = False
    _pending: list[Interrupted] = field(default_factory=list)

    def start(self) -> None:
        """Run to the first wait."""
        self._step(None)

    def interrupt(self, signal: int) -> None:
        """Raise Interrupted where the program waits."""
        if self.over:
            return
        if self._stepping:
            self._pending.append(Interrupted(signal))
        else:
            self._step(Interrupted(signal))

    def kill(self) -> None:
        """End it at once, as SIGKILL does."""
        if self.over:
            return
        self._cancel_timer()
        if not self._stepping:
            self.coroutine.close()
        self._end(128 + SIGKILL)

    def _step(self, interruption: Interrupted | None) -> None:
        self._cancel_timer()
        if self.over:
            return
        self._stepping = True
        try:
            waits = (self.coroutine.send(None) if interruption is None
                     else self.coroutine.throw(interruption))
        except StopIteration as stop:
            self._end(int(stop.value or 0))
        except Interrupted as signal:
            self._end(128 + signal.signal)
        except Exception as error:  # a simulated program crashed: that is its exit, not ours
            log.debug("a simulated program crashed", exc_info=error)
            self.complain(f"{type(error).__name__}: {error}")
            self._end(1)
        else:
            self._stepping = False
            self._wait_for(waits)
        finally:
            self._stepping = False

    def _wait_for(self, waits: Any) -> None:
        if self._pending:
            self._step(self._pending.pop(0))
        elif isinstance(waits, Pause):
            if waits.until is not None:
                self._timer = self.clock.call_at(waits.until, self._wake)
        elif isinstance(waits, asyncio.Future):
            waits._asyncio_future_blocking = False
            waits.add_done_callback(lambda _: self._wake())
        elif waits is None:
            asyncio.get_running_loop().call_soon(self._wake)
        else:
            raise TypeError(f"a simulated program waits for {waits!r}")

    def _wake(self) -> None:
        self._timer = None
        self._step(None)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self, exit_code: int) -> None:
        if not self.over:
            self.over = True
            self.ended(exit_code)


async def finish(coroutine: Coroutine[Any, Any, T], clock: Clock) -> T:
    """Run a coroutine of programs (one that awaits `pause`) to its end.

    What takes no time needs no event loop. Cancelling kills it.
    """
    results: list[T] = []
    crash: list[Exception] = []
    waiter: list[asyncio.Future[None]] = []

    async def run() -> int:
        try:
            results.append(await coroutine)
        except Exception as error:
            crash.append(error)
        return 0

    def over(_: int) -> None:
        if waiter and not waiter[0].done():
            waiter[0].set_result(None)

    process = Process(run(), clock, over)
    process.start()
    if not process.over:
        waiter.append(asyncio.get_running_loop().create_future())
        try:
            await waiter[0]
        finally:
            process.kill()
    if crash:
        raise crash[0]
    return results[0]


@types.coroutine
def within(coroutine: Coroutine[Any, Any, T], deadline: float, clock: Clock,
           late: Callable[[], Exception]) -> Generator[Any, None, T]:
    """What a coroutine of programs returns; `late()` is raised in it when it is not over in time.

    What it does then may take as long as it likes.
    """
    raised: Exception | None = None
    told = False
    while True:
        try:
            waits = coroutine.send(None) if raised is None else coroutine.throw(raised)
        except StopIteration as stop:
            result: T = stop.value
            return result
        raised, over = None, False
        try:
            if told or waits is None:
                yield waits
            elif isinstance(waits, Pause):
                over = waits.until is None or waits.until > deadline
                yield Pause(deadline) if over else waits
            else:
                yield _first_of(waits, deadline, clock)
                over = not waits.done()
        except Exception as error:  # a signal, for the one inside
            raised = error
            continue
        if over:
            told, raised = True, late()


def _first_of(awaited: asyncio.Future[Any], deadline: float, clock: Clock) -> asyncio.Future[None]:
    """Done when the awaited is, or at the deadline."""
    awaited._asyncio_future_blocking = False
    either = asyncio.get_running_loop().create_future()

    def told(_: object = None) -> None:
        if not either.done():
            either.set_result(None)

    awaited.add_done_callback(told)
    timer = clock.call_at(deadline, told)
    either.add_done_callback(lambda _: timer.cancel())
    return either
