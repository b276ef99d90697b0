"""Coroutines without an event loop: how a deterministic settle runs code that never really waits.

With an in-process client no await suspends, so one `send(None)` runs a coroutine to its end. The
only thing that such code may yield is `breathe()`, which lets an event loop serve others where
there is one.
"""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator

T = TypeVar("T")


@types.coroutine
def breathe() -> Generator[None, None, None]:
    """Let other tasks run, where there are any: one turn of asyncio's loop, nothing in `drive`."""
    yield


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in this thread. Raises RuntimeError when it waits for
    something."""
    try:
        while True:
            waits_for = coroutine.send(None)
            if waits_for is not None:
                coroutine.close()
                raise RuntimeError(f"{coroutine!r} waits for {waits_for!r}: it needs an event loop")
    except StopIteration as stop:
        result: T = stop.value
        return result
