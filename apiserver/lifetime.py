"""How long a server's streams may last: until it ends, when it tells them all."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCOPE = "apiserver.lifetime"
"""Where the app puts it into an ASGI scope."""


class Lifetime:
    """Whom to tell when the server ends (upstream: the watch termination of graceful shutdown)."""

    def __init__(self) -> None:
        self._told: dict[object, Callable[[], object]] = {}
        self.over = False

    def on_end(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call `callback` at the end, at once if it has come; the result takes that back."""
        if self.over:
            callback()
        key = object()
        self._told[key] = callback
        return lambda: self._told.pop(key, None) and None

    @contextmanager
    def cancelling(self) -> Iterator[None]:
        """Cancel the running task at the end: a stream that can only be cut off."""
        task = asyncio.current_task() if _loop_runs() else None
        forget = self.on_end(task.cancel) if task is not None else lambda: None
        try:
            yield
        finally:
            forget()

    def end(self) -> None:
        """Tell everybody; harmless twice."""
        self.over = True
        for callback in list(self._told.values()):
            callback()


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
