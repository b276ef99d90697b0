"""The durable home: the store in memory, and below it an append-only log in one SQLite file.

A write is applied at once and handed to a writer thread; the thread commits whatever has gathered
in one transaction (group commit, fsynced), then releases those who wait for it. Nothing may leave
the server before `wait_durable` has returned, so what a crash takes back nobody has seen.

    log(revision, key, created, value)    one row a write; value is NULL for a deletion
    meta(name, value)                     `compacted`, and the `revision` that must not be reused
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from apiserver.storage.memory import HISTORY, MemoryStore
from apiserver.storage.store import Version

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS log (
    revision INTEGER PRIMARY KEY, key TEXT NOT NULL, created INTEGER NOT NULL, value BLOB);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
_APPEND: Final = "INSERT INTO log (revision, key, created, value) VALUES (?, ?, ?, ?)"
_META: Final = "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)"


class StorageFailed(OSError):
    """The disk refused a read or write; nothing that came after it was acknowledged."""


class StorageCorrupt(StorageFailed):
    """What is in the file is not what was written there."""


@dataclass(frozen=True, slots=True)
class _Forget:
    """An order to the writer: drop these rows, the history now begins at `compacted`."""

    revisions: Sequence[int]
    compacted: int
    revision: int


_RETRY: Final = _Forget((), 0, 0)
"""An order to try once more what could not be written."""


class _Writer(threading.Thread):
    """Takes versions off a queue and commits them in groups.

    What the disk refuses is kept, told to who waits for it, and tried again with whatever comes
    next: a full disk that has room again needs no restart.
    """

    def __init__(self, path: Path, durable: int) -> None:
        super().__init__(name="sqlite-writer", daemon=True)
        self._path = path
        self._queue: queue.SimpleQueue[Version | _Forget | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._backlog: list[Version | _Forget] = []
        self._failure: BaseException | None = None
        self.durable = durable
        self.start()

    def put(self, item: Version | _Forget | None) -> None:
        self._queue.put(item)

    def run(self) -> None:
        connection = _open(self._path)
        try:
            while self._group(connection):
                pass
        finally:
            connection.close()

    def _group(self, connection: sqlite3.Connection) -> bool:
        """Commit one group; False when the queue was closed."""
        group = [self._queue.get()]
        while not self._queue.empty():
            group.append(self._queue.get())
        self._backlog += [item for item in group if item is not None and item is not _RETRY]
        try:
            self._commit(connection, self._backlog)
        except (sqlite3.Error, OSError) as error:
            self._failure = error
        else:
            self._failure = None
        self._release(max((item.revision for item in self._backlog if isinstance(item, Version)),
                          default=0))
        if self._failure is None:
            self._backlog.clear()
        return None not in group

    @staticmethod
    def _commit(connection: sqlite3.Connection, group: Sequence[Version | _Forget]) -> None:
        rows = [(v.revision, v.key, v.created, v.encode() if v.value is not None else None)
                for v in group if isinstance(v, Version)]
        with connection:
            connection.execute("BEGIN")
            connection.executemany(_APPEND, rows)
            for order in group:
                if isinstance(order, _Forget):
                    connection.executemany("DELETE FROM log WHERE revision = ?",
                                           [(revision,) for revision in order.revisions])
                    connection.execute(_META, ("compacted", order.compacted))
                    connection.execute(_META, ("revision", order.revision))

    def _release(self, revision: int) -> None:
        with self._lock:
            if self._failure is None:
                self.durable = max(self.durable, revision)
            done = [w for w in self._waiting if w[0] <= self.durable or self._failure]
            self._waiting = [w for w in self._waiting if w not in done]
        failure = self._failure
        for _, future in done:
            future.get_loop().call_soon_threadsafe(self._settle, future, failure)

    @staticmethod
    def _settle(future: asyncio.Future[None], failure: BaseException | None) -> None:
        if future.done():
            return
        if failure is not None:
            future.set_exception(StorageFailed(str(failure)))
        else:
            future.set_result(None)

    def wait(self, revision: int) -> asyncio.Future[None] | None:
        """A future that is done when `revision` is on disk; None when it is already."""
        with self._lock:
            if revision <= self.durable:
                return None
            future = asyncio.get_running_loop().create_future()
            self._waiting.append((revision, future))
        if self._failure is not None:
            self.put(_RETRY)
        return future


class SqliteStore(MemoryStore):
    """One SQLite file. Implements `storage.store.Store`; survives kill -9 at any moment.

    Raises StorageFailed when the file cannot be used.
    """

    def __init__(self, path: Path, *, history: int = HISTORY,
                 detect_mutations: bool = False) -> None:
        super().__init__(history=history, detect_mutations=detect_mutations)
        try:
            self._load(path)
        except (sqlite3.Error, ValueError) as error:
            raise _failure(error) from error
        self._writer = _Writer(path, self._revision)

    def _load(self, path: Path) -> None:
        """Read the log back; what lies behind its compaction makes no history."""
        connection = _open(path)
        try:
            connection.executescript(_SCHEMA)
            meta = dict(connection.execute("SELECT name, value FROM meta"))
            compacted = meta.get("compacted", self._compacted)
            rows = connection.execute(
                "SELECT revision, key, created, value FROM log ORDER BY revision")
            for revision, key, created, value in rows:
                self._replay(Version(key, orjson.loads(value) if value is not None else None,
                                     revision, created, value))
        finally:
            connection.close()
        self._revision = max(self._revision, meta.get("revision", 0))
        self._compacted = compacted
        while self._history and self._history[0].revision <= compacted:
            self._retire(self._history.popleft().version)

    def _replay(self, version: Version) -> None:
        self._apply(version, self._newest.get(version.key))

    def _persist(self, version: Version) -> None:
        self._writer.put(version)

    def _forget(self, dead: Sequence[Version]) -> None:
        self._writer.put(_Forget([v.revision for v in dead], self._compacted, self._revision))

    async def wait_durable(self, revision: int) -> None:
        """Return when all writes up to `revision` are on disk. Raises StorageFailed."""
        if revision > self._writer.durable:
            future = self._writer.wait(revision)
            if future is not None:
                await future

    def close(self) -> None:
        """Commit what is pending and close the file."""
        self._writer.put(None)
        self._writer.join()


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _failure(error: sqlite3.Error | ValueError) -> StorageFailed:
    """SQLite says what the file system did with OperationalError, of the content the others."""
    filesystem = isinstance(error, sqlite3.OperationalError)
    return StorageFailed(str(error)) if filesystem else StorageCorrupt(str(error))
