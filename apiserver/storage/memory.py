"""The store in memory: the MVCC core that the durable homes build on. Models etcd's server/mvcc.

One SortedDict holds the newest version of every key (a deleted key's is a tombstone until it is
compacted); older versions hang behind it in a chain. The history is a deque of changes: compaction
pops from its left, and each popped change says which older version nobody can read any more.
"""

from __future__ import annotations

from collections import deque
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Final

from sortedcontainers import SortedDict  # type: ignore[import-untyped]

from apiserver.storage.detector import MutationDetector
from apiserver.storage.store import (
    Change,
    Compacted,
    FutureRevision,
    Page,
    RevisionMismatch,
    Version,
)
from apiserver.storage.watch import Watcher, Watchers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from apiserver.machinery.types import Object

FIRST_REVISION: Final = 2
"""The revision of an empty store; 1 is too old to read, as in any cluster that runs a while."""
HISTORY: Final = 10_000
"""How many changes are kept for watches and reads of the past, unless told otherwise."""


class MemoryStore:
    """Everything in this process, nothing on disk. Implements `storage.store.Store`."""

    def __init__(self, *, history: int = HISTORY, detect_mutations: bool = False) -> None:
        self._newest: SortedDict[str, Version] = SortedDict()
        self._history: deque[Change] = deque()
        self.history = history
        """How many changes are kept."""
        self._revision = FIRST_REVISION
        self._compacted = FIRST_REVISION
        self._watchers = Watchers()
        self._detector = MutationDetector() if detect_mutations else None

    @property
    def revision(self) -> int:
        """The newest revision."""
        return self._revision

    @property
    def compacted(self) -> int:
        """The oldest revision that can be read."""
        return self._compacted

    # --- reading ---------------------------------------------------------------------------------

    async def get(self, key: str, revision: int = 0) -> Version | None:
        """What `key` holds, now or at a revision. Raises Compacted, FutureRevision."""
        version: Version | None = self._newest.get(key)
        if revision and version is not None:
            self._check(revision)
            version = _at(version, revision)
        if version is None or version.value is None:
            return None
        if self._detector is not None:
            self._detector.check(version)
        return version

    async def list(self, prefix: str, *, revision: int = 0, start: str = "",
                   limit: int = 0) -> Page:
        """Live keys below `prefix` from `start` on. Raises Compacted, FutureRevision."""
        if revision:
            self._check(revision)
        live = self._live(start or prefix, prefix[:-1] + "0", revision)
        found = list(islice(live, limit)) if limit else list(live)
        remaining = sum(1 for _ in live) if limit and len(found) == limit else 0
        if self._detector is not None:
            for version in found:
                self._detector.check(version)
        return Page(found, revision or self._revision, remaining)

    def _live(self, start: str, end: str, revision: int) -> Iterator[Version]:
        newest = self._newest
        keys = newest.irange(start, end, inclusive=(True, False))
        if not revision or revision == self._revision:
            return (version for key in keys if (version := newest[key]).value is not None)
        past = (_at(newest[key], revision) for key in keys)
        return (version for version in past if version is not None and version.value is not None)

    def _check(self, revision: int) -> None:
        if revision > self._revision:
            raise FutureRevision(self._revision)
        if revision < self._compacted:
            raise Compacted(self._compacted)

    # --- writing ---------------------------------------------------------------------------------

    async def put(self, key: str, value: Object, *, expected: int) -> Version:
        """Write, if the key's newest revision is `expected`. Raises RevisionMismatch."""
        newest = self._expect(key, expected)
        revision = self._revision + 1
        value["metadata"]["resourceVersion"] = str(revision)
        live = newest is not None and newest.value is not None
        version = Version(key, value, revision, newest.created if live and newest else revision)
        self._write(version, newest)
        return version

    async def delete(self, key: str, *, expected: int) -> Change:
        """Delete, if the key's newest revision is `expected`. Raises RevisionMismatch."""
        newest = self._expect(key, expected)
        if newest is None or newest.value is None:
            raise RevisionMismatch(None)
        return self._write(Version(key, None, self._revision + 1, newest.created), newest)

    def _expect(self, key: str, expected: int) -> Version | None:
        newest: Version | None = self._newest.get(key)
        live = newest if newest is not None and newest.value is not None else None
        if (live.revision if live is not None else 0) != expected:
            raise RevisionMismatch(live)
        return newest

    def _write(self, version: Version, newest: Version | None) -> Change:
        change = self._apply(version, newest)
        self._persist(version)
        if len(self._history) > self.history:
            self.compact(self._history[0].revision)
        self._watchers.deliver(change)
        return change

    def _apply(self, version: Version, newest: Version | None) -> Change:
        """Make a version the newest of its key and note the change."""
        version.previous = newest
        self._newest[version.key] = version
        self._revision = version.revision
        before = newest if newest is not None and newest.value is not None else None
        change = Change(version, before)
        self._history.append(change)
        if self._detector is not None:
            self._detector.remember(version)
        return change

    def _persist(self, version: Version) -> None:
        """For durable homes: write a version behind this one's back."""

    def continue_from(self, other: MemoryStore) -> None:
        """Hold what `other` holds, with its history. This store is new; `other` has forgotten
        nothing and is not written to any more. The objects are shared."""
        for change in other._history:
            one = change.version
            self._apply(Version(one.key, one.value, one.revision, one.created, one.encode()),
                        self._newest.get(one.key))

    # --- watching and forgetting -----------------------------------------------------------------

    def watch(self, prefix: str, revision: int, *, limit: int = 0) -> Watcher:
        """Changes after `revision` below `prefix`, or of one key. Raises Compacted."""
        if revision < self._compacted:
            raise Compacted(self._compacted)
        newer = takewhile(lambda change: change.revision > revision, reversed(self._history))
        missed = [change for change in newer if _below(change.version.key, prefix)]
        return self._watchers.add(prefix, missed[::-1], limit)

    def compact(self, revision: int) -> None:
        """Forget what was superseded at or before `revision`."""
        revision = min(revision, self._revision)
        dead: list[Version] = []
        while self._history and self._history[0].revision <= revision:
            dead += self._retire(self._history.popleft().version)
        if revision > self._compacted:
            self._compacted = revision
            self._forget(dead)

    def _retire(self, version: Version) -> Sequence[Version]:
        """Cut off what came before `version`; drop a key whose newest version is a tombstone."""
        dead = [version.previous] if version.previous is not None else []
        version.previous = None
        if version.value is None and self._newest.get(version.key) is version:
            del self._newest[version.key]
            dead.append(version)
        if self._detector is not None:
            for old in dead:
                self._detector.forget(old)
        return dead

    def _forget(self, dead: Sequence[Version]) -> None:
        """For durable homes: versions that nobody can read any more."""

    async def wait_durable(self, revision: int) -> None:
        """Return at once: memory promises nothing."""

    def close(self) -> None:
        """Nothing to let go of."""


def _at(version: Version | None, revision: int) -> Version | None:
    """The newest version of a chain at or below `revision`."""
    while version is not None and version.revision > revision:
        version = version.previous
    return version


def _below(key: str, prefix: str) -> bool:
    return key.startswith(prefix) if prefix.endswith("/") else key == prefix
