"""The store as the registry sees it: values, errors, and the protocol of its homes.

Models etcd's mvcc and apiserver/pkg/storage. Every write takes the next revision of the one global
counter; a value knows the revision that wrote it (its `metadata.resourceVersion`).

    revision   41        42           43           44
    key a    ──a@41───────────────────a@43──────────────────
    key b    ─────────────b@42────────────────────✝@44──────
                 ▲ compacted                       ▲ revision
    a read sees the newest version at or below its revision; behind `compacted` it is too old
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from apiserver.machinery.json_bytes import encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apiserver.machinery.types import Object


class RevisionMismatch(Exception):
    """The key is not at the expected revision; `current` is what it holds (None: nothing)."""

    def __init__(self, current: Version | None) -> None:
        super().__init__("the key is not at the expected revision")
        self.current = current


class Compacted(Exception):
    """The revision is older than the kept history."""

    def __init__(self, compacted: int) -> None:
        super().__init__(f"history begins at revision {compacted}")
        self.compacted = compacted


class FutureRevision(Exception):
    """The revision has not happened yet; `current` is the newest one."""

    def __init__(self, current: int) -> None:
        super().__init__(f"the newest revision is {current}")
        self.current = current


class Version:
    """What a key held from one revision on. Its value is shared: never change it."""

    __slots__ = ("_encoded", "cache", "created", "key", "previous", "revision", "value")

    def __init__(self, key: str, value: Object | None, revision: int, created: int,
                 encoded: bytes | None = None) -> None:
        self.key = key
        self.value = value
        """None: the key was deleted at this revision."""
        self.revision = revision
        self.created = created
        """The revision that created the key."""
        self.previous: Version | None = None
        """The version before, while it is still in the history."""
        self.cache: Any = None
        """For the store's readers: whatever they derive from the value once."""
        self._encoded = encoded

    @property
    def object(self) -> Object:
        """The value of a key that is not deleted."""
        assert self.value is not None, f"{self.key} is deleted at {self.revision}"
        return self.value

    def encode(self) -> bytes:
        """The value as JSON, made at most once."""
        if self._encoded is None:
            self._encoded = encoded(self.value)
        return self._encoded

    def __repr__(self) -> str:
        return f"Version({self.key}@{self.revision}{' deleted' if self.value is None else ''})"


class Change:
    """One write, as watches see it. Shared by all watchers, so what they derive is made once."""

    __slots__ = ("_gone", "cache", "previous", "version")

    def __init__(self, version: Version, previous: Version | None) -> None:
        self.version = version
        self.previous = previous
        """What the key held before; None when it was created."""
        self.cache: dict[Any, Any] = {}
        """For watchers: encoded events by their type and form."""
        self._gone: Version | None = None

    @property
    def revision(self) -> int:
        """When it happened."""
        return self.version.revision

    def gone(self) -> Version:
        """The state before, carrying this revision: what a DELETED event shows."""
        if self._gone is None:
            assert self.previous is not None, "nothing can go that was not there"
            before = self.previous.object
            metadata = {**before["metadata"], "resourceVersion": str(self.revision)}
            self._gone = Version(self.previous.key, {**before, "metadata": metadata},
                                 self.revision, self.previous.created)
        return self._gone


@dataclass(frozen=True, slots=True)
class Page:
    """A part of an ordered listing, all at one revision."""

    versions: Sequence[Version]
    revision: int
    remaining: int = 0
    """How many keys of the range come after this page."""


class StoreWatch(Protocol):
    """Changes below a prefix, in the order of their revisions."""

    def poll(self) -> Sequence[Change]:
        """What has arrived since the last poll."""

    def on_event(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever something has arrived."""

    def close(self) -> None:
        """End it; harmless twice."""

    @property
    def overflowed(self) -> bool:
        """Whether it was closed because nobody polled."""


class Store(Protocol):
    """Where objects live. In memory and on SQLite no method ever suspends but `wait_durable`."""

    @property
    def revision(self) -> int:
        """The newest revision."""

    @property
    def compacted(self) -> int:
        """The oldest revision that can be read, and after which watches can start."""

    async def get(self, key: str, revision: int = 0) -> Version | None:
        """What `key` holds, now or at a revision. Raises Compacted, FutureRevision."""

    async def list(self, prefix: str, *, revision: int = 0, start: str = "",
                   limit: int = 0) -> Page:
        """Keys below `prefix` (ends in '/') from `start` on, in order of their bytes.

        Raises Compacted, FutureRevision.
        """

    async def put(self, key: str, value: Object, *, expected: int) -> Version:
        """Write, if the key's newest revision is `expected` (0: it must not exist).

        Takes `value` over and sets its metadata.resourceVersion. Raises RevisionMismatch.
        """

    async def delete(self, key: str, *, expected: int) -> Change:
        """Delete, if the key's newest revision is `expected`. Raises RevisionMismatch."""

    def watch(self, prefix: str, revision: int, *, limit: int = 0) -> StoreWatch:
        """Changes after `revision`; overflows when `limit` of them wait. Raises Compacted."""

    def compact(self, revision: int) -> None:
        """Forget what was superseded at or before `revision`."""

    async def wait_durable(self, revision: int) -> None:
        """Return when all writes up to `revision` would survive a crash."""

    def close(self) -> None:
        """Write what is pending and let go of files and threads."""
