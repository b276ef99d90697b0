"""Who hears of which write: watchers, found by the prefixes of a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from apiserver.storage.store import Change


class Watcher:
    """The changes below one prefix that wait to be polled."""

    __slots__ = ("_callback", "_close", "_limit", "_pending", "overflowed")

    def __init__(self, pending: list[Change], limit: int, close: Callable[[Watcher], None]) -> None:
        self._pending = pending
        self._limit = limit
        self._close = close
        self._callback: Callable[[], None] | None = None
        self.overflowed = False

    def poll(self) -> Sequence[Change]:
        """What has arrived since the last poll."""
        pending = self._pending
        if pending:
            self._pending = []
        return pending

    def on_event(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever something has arrived, also at once if something waits."""
        self._callback = callback
        if self._pending:
            callback()

    def close(self) -> None:
        """End it; harmless twice."""
        self._close(self)

    def deliver(self, change: Change) -> None:
        """Take a change in; beyond the limit give up (a slow watcher must list again)."""
        if self._limit and len(self._pending) >= self._limit:
            self.overflowed = True
            self._close(self)
        else:
            self._pending.append(change)
        if self._callback is not None:
            self._callback()


class Watchers:
    """All watchers of a store, by prefix: a write finds its own by the parts of its key."""

    def __init__(self) -> None:
        self._by_prefix: dict[str, dict[Watcher, None]] = {}

    def add(self, prefix: str, pending: list[Change], limit: int) -> Watcher:
        """A new watcher of `prefix` that starts with what it has missed."""
        watcher = Watcher(pending, limit, lambda closed: self._remove(prefix, closed))
        self._by_prefix.setdefault(prefix, {})[watcher] = None
        return watcher

    def deliver(self, change: Change) -> None:
        """Tell everybody who watches a prefix of the key."""
        for prefix in _prefixes(change.version.key):
            if watchers := self._by_prefix.get(prefix):
                for watcher in tuple(watchers):
                    watcher.deliver(change)

    def _remove(self, prefix: str, watcher: Watcher) -> None:
        watchers = self._by_prefix.get(prefix, {})
        watchers.pop(watcher, None)
        if not watchers:
            self._by_prefix.pop(prefix, None)


def _prefixes(key: str) -> Iterator[str]:
    """`/registry/`, `/registry/pods/`, ... and the key itself, by which one object is watched."""
    at = key.find("/", 1)
    while at != -1:
        yield key[: at + 1]
        at = key.find("/", at + 1)
    yield key
