"""Reading a store from code that cannot await."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


def instant(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never suspends, as none of a store in this process does.

    Raises RuntimeError for one that waits.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    coroutine.close()
    raise RuntimeError("a store in this process made somebody wait")
