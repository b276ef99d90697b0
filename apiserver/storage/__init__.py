"""A multi-version store as etcd has it: one global revision, ordered keys, a bounded history."""

from apiserver.storage.memory import MemoryStore
from apiserver.storage.sqlite import SqliteStore, StorageCorrupt, StorageFailed
from apiserver.storage.store import (
    Change,
    Compacted,
    FutureRevision,
    Page,
    RevisionMismatch,
    Store,
    StoreWatch,
    Version,
)

__all__ = [
    "Change",
    "Compacted",
    "FutureRevision",
    "MemoryStore",
    "Page",
    "RevisionMismatch",
    "SqliteStore",
    "StorageCorrupt",
    "StorageFailed",
    "Store",
    "StoreWatch",
    "Version",
]
