"""A coroutine of the simulated world, run to its end from outside it, on the virtual clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from minikube_sim.clock import VirtualClock
from minikube_sim.process import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from minikube_sim.clock import RealClock

T = TypeVar("T")


def complete(coroutine: Coroutine[Any, Any, T], clock: VirtualClock | RealClock,
             advance: Callable[[float], object], name: str) -> T:
    """What it returns; time passes (`advance`, seconds) as it needs. Raises what it raises.

    `name` is what it is called when it waits for something that never comes.
    """
    assert isinstance(clock, VirtualClock), "a running server lets no time pass: ask its API"
    results: list[T] = []
    crashes: list[Exception] = []

    async def run() -> int:
        try:
            results.append(await coroutine)
        except Exception as crash:  # told to the caller below, out of the simulated process
            crashes.append(crash)
        return 0

    process = Process(run(), clock, lambda code: None)
    process.start()
    while not process.over:
        due = clock.next_due()
        assert due is not None, f"{name} waits for nothing"
        advance(due - clock.now())
    if crashes:
        raise crashes[0]
    return results[0]
